"""Sending the mails that were written down with messages, one after the other.

A mail that is being tried is claimed for a while, so that a killed process neither loses it nor lets two send
it at once; a mail may come twice, never not at all. What cannot be sent is tried again after waits that
double, and given up in the end: its row then says why, and so does our log.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sqlalchemy import bindparam, delete, select, text, update

from tamas.engine.layout import EngineLayout
from tamas.engine.sip_secrets import SealError, SecretSeal
from tamas.events.outbox import emit
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Connection, Database, HotQuery, Row
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.voicemail_schema import mailboxes, voicemail_mails, voicemail_messages
from tamas.voicemail.events import mail_finished
from tamas.voicemail.files import message_file
from tamas.voicemail.mail import MailRefused, compose, mail_server, send
from tamas.voicemail.messages import forget_message, remove_files

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
CLAIM_SECONDS: Final = 300
"""Longer than the mail server may take for one mail."""
FIRST_WAIT: Final = 30
"""Seconds after the first failure; each further one doubles it."""
LONGEST_WAIT: Final = 3600
MAX_TRIES: Final = 12
"""The last one comes some seven hours after the first."""
KEEP_SECONDS: Final = 30 * 86_400
"""How long the row of a mail stays after its end."""

DISABLED: Final = "SMTP is disabled"
"""SA catalogue, event ``VoiceMailEmail``."""
GONE: Final = "The message was deleted before"

_v = voicemail_mails.c
_DUE = HotQuery(select(select(_v.id).where(text("state = 'waiting'"), _v.due_at <= bindparam("at")).exists()))
_OLD = HotQuery(select(select(_v.id).where(_v.finished_at < bindparam("before")).exists()))


class MailDelivery:
    """Sends mails. Several may run on one store."""

    def __init__(self, database: Database, layout: EngineLayout, seal: SecretSeal) -> None:
        self._database = database
        self._directory = layout.voicemail
        self._seal = seal

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            try:
                if not await self.send_next():
                    await self._forget_old()
                    await asyncio.sleep(LOOK_SECONDS)
            except STORE_ERRORS as error:
                log.warning("mails about messages have to wait: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def send_next(self) -> bool:
        """Try the mail that waits longest, if one is due; tells whether there was one."""
        mail = await self._claim()
        if mail is None:
            return False
        try:
            refusal = await self._try(mail)
        except MailRefused as error:
            await self._give_up(mail, str(error))
        except (OSError, SealError) as error:
            await self._put_off(mail, str(error) or type(error).__name__)
        else:
            if refusal:
                await self._give_up(mail, refusal)
            else:
                await self._sent(mail)
        return True

    async def _claim(self) -> Row | None:
        ((any_due,),) = await self._database.hot(_DUE, now())
        if not any_due:
            return None
        async with self._database.write() as tx:
            due = (
                select(_v.id)
                .where(_v.state == "waiting", _v.due_at <= now())
                .order_by(_v.due_at, _v.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            return await tx.row(
                update(voicemail_mails)
                .where(_v.id == due.scalar_subquery())
                .values(tries=_v.tries + 1, due_at=now() + CLAIM_SECONDS * MICROSECONDS)
                .returning(*voicemail_mails.c)
            )

    async def _try(self, mail: Row) -> str | None:
        """Send a mail; gives the reason why it need not be tried again, when there is one.

        :raises MailRefused: the server will not take it.
        :raises OSError: it did not work out.
        :raises SealError: the password of the mail server cannot be opened.
        """
        async with self._database.read() as connection:
            message = await connection.row(
                select(voicemail_messages).where(voicemail_messages.c.id == mail["message_id"])
            )
            mailbox = await connection.row(select(mailboxes).where(mailboxes.c.id == mail["mailbox_id"]))
        if message is None or mailbox is None:
            return GONE
        runtime = await load_runtime_settings(self._database)
        server = mail_server(runtime, self._seal)
        if server is None:
            return DISABLED
        attachment = message_file(self._directory, message["filename"]) if mail["attach"] else None

        def work() -> None:
            written = compose(
                message,
                mailbox,
                runtime,
                sender=server.sender,
                receiver=mail["receiver"],
                attachment=attachment,
            )
            send(server, written)

        await asyncio.to_thread(work)
        return None

    async def _sent(self, mail: Row) -> None:
        names: list[str] = []
        async with self._database.write() as tx:
            await self._finish(tx, mail, state="sent", error=None)
            if mail["delete_after"]:
                names = await forget_message(self._database, tx, mail["message_id"])
        await asyncio.to_thread(remove_files, self._directory, names)

    async def _give_up(self, mail: Row, reason: str) -> None:
        log.warning("no mail to %s about a message: %s", mail["receiver"], reason)
        async with self._database.write() as tx:
            await self._finish(tx, mail, state="failed", error=reason)

    async def _put_off(self, mail: Row, reason: str) -> None:
        if mail["tries"] >= MAX_TRIES:
            await self._give_up(mail, reason)
            return
        wait = min(FIRST_WAIT << (mail["tries"] - 1), LONGEST_WAIT)
        log.warning("a mail to %s is tried again in %d s: %s", mail["receiver"], wait, reason)
        async with self._database.write() as tx:
            await tx.execute(
                update(voicemail_mails)
                .where(_v.id == mail["id"])
                .values(due_at=now() + wait * MICROSECONDS, error=reason)
            )

    async def _finish(self, tx: Connection, mail: Row, *, state: str, error: str | None) -> None:
        this = _v.id == mail["id"], _v.state == "waiting"
        done = await tx.execute(
            update(voicemail_mails).where(*this).values(finished_at=now(), state=state, error=error)
        )
        if done.rowcount:
            of = select(voicemail_messages.c.number).where(voicemail_messages.c.id == mail["message_id"])
            now_of = select(mailboxes.c.number).where(mailboxes.c.id == mail["mailbox_id"])
            number = await tx.scalar(of) or await tx.scalar(now_of) or ""
            await emit(tx, [mail_finished(mail, number, error)])

    async def _forget_old(self) -> None:
        limit = now() - KEEP_SECONDS * MICROSECONDS
        ((any_old,),) = await self._database.hot(_OLD, limit)
        if any_old:
            async with self._database.write() as tx:
                await tx.execute(delete(voicemail_mails).where(_v.finished_at < limit))
