"""The message lights of phones: lit while a mailbox has messages that nobody has heard.

Asterisk's own voicemail module never talks to callers here, but it tells phones: for a mailbox it counts the
files ``msg*.txt`` in its spool folder whenever a phone subscribes or registers, and on ``VoicemailRefresh``.
So the folder gets one empty file for each new message, and the module is asked to look. Which mailboxes
changed is written down with the change (``message_lights``), so that neither a killed process nor an engine
that is away leaves a light wrong for longer than until both are back.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tamas.engine.ami import AmiActionFailed, AmiError
from tamas.engine.engine import EngineNotReady
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineAccess
from tamas.store.clock import now
from tamas.store.database import STORE_ERRORS, Connection, Database, HotQuery, Row
from tamas.store.views import MAILBOX_CONTEXT
from tamas.store.voicemail_schema import mailboxes, message_lights, voicemail_messages

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
"""How often it is looked for changes."""
RETRY_SECONDS: Final = 5.0
MAX_SHOWN: Final = 500
"""Phones show no larger numbers."""
AT_ONCE: Final = 200
"""Mailboxes that are looked at in one go."""

_UNKNOWN_ACTION: Final = "unknown command"

_m = voicemail_messages.c
_CHANGED = HotQuery(select(select(message_lights.c.number).exists()))
"""Whether any light has to be looked at."""


async def light_changed(database: Database, tx: Connection, number: str) -> None:
    """Note inside a transaction that the number of new messages in a mailbox changes with it.

    :param number: of the mailbox, or the one it had.
    """
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    at = now()
    await tx.execute(
        insert(message_lights)
        .values(number=number, changed_at=at)
        .on_conflict_do_update(index_elements=["number"], set_={"changed_at": at})
    )


class MessageLights:
    """Keeps the lights of all phones right. One per engine."""

    def __init__(self, database: Database, layout: EngineLayout, engine: EngineAccess) -> None:
        self._database = database
        self._spool = layout.spool / "voicemail" / MAILBOX_CONTEXT
        self._engine = engine
        self._lightless = False
        """Whether this Asterisk came without the module."""

    async def run(self) -> None:
        """Tell phones of each change, until cancelled; at first of every mailbox."""
        begun = False
        while True:
            try:
                if self._engine.ready:
                    if not begun:
                        await self._note_all()
                        begun = True
                    await self._tell()
            except (*STORE_ERRORS, AmiError, EngineNotReady) as error:
                log.warning("message lights have to wait: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(LOOK_SECONDS)

    async def _note_all(self) -> None:
        """Have every mailbox looked at whose folder does not show what the store says."""
        async with self._database.read() as connection:
            rows = await connection.rows(
                select(mailboxes.c.number, func.count(_m.id).label("new"))
                .join(voicemail_messages, and_(_m.mailbox_id == mailboxes.c.id, _unheard()))
                .group_by(mailboxes.c.number)
            )
        right = {str(row["number"]): int(row["new"]) for row in rows}
        shown = await asyncio.to_thread(_all_shown, self._spool)
        wrong = {
            number
            for number in right.keys() | shown.keys()
            if min(right.get(number, 0), MAX_SHOWN) != shown.get(number, 0)
        }
        if wrong:
            async with self._database.write() as tx:
                for number in sorted(wrong):
                    await light_changed(self._database, tx, number)

    async def _tell(self) -> None:
        ((changed,),) = await self._database.hot(_CHANGED)
        if not changed:
            return
        for row in await self._due():
            number = str(row["number"])
            await asyncio.to_thread(_show, self._spool / number / "INBOX", min(int(row["new"]), MAX_SHOWN))
            await self._refresh(number)
            async with self._database.write() as tx:
                await tx.execute(
                    delete(message_lights).where(
                        message_lights.c.number == number,
                        message_lights.c.changed_at == row["changed_at"],
                    )
                )

    async def _due(self) -> list[Row]:
        """Mailboxes that changed, and how many new messages each has."""
        new = (
            select(func.count())
            .select_from(voicemail_messages.join(mailboxes, mailboxes.c.id == _m.mailbox_id))
            .where(mailboxes.c.number == message_lights.c.number, _unheard())
            .correlate(message_lights)
            .scalar_subquery()
        )
        async with self._database.read() as connection:
            return await connection.rows(
                select(message_lights.c.number, message_lights.c.changed_at, new.label("new"))
                .order_by(message_lights.c.changed_at)
                .limit(AT_ONCE)
            )

    async def _refresh(self, number: str) -> None:
        """Make Asterisk count the messages of a mailbox and tell whoever wants to know."""
        try:
            await self._engine.ami.action("VoicemailRefresh", {"Context": MAILBOX_CONTEXT, "Mailbox": number})
        except AmiActionFailed as error:
            if _UNKNOWN_ACTION not in error.message:
                raise
            if not self._lightless:
                log.warning("phones show no message lights: this Asterisk has no app_voicemail")
            self._lightless = True


def _unheard() -> ColumnElement[bool]:
    return and_(_m.heard_at.is_(None), _m.state == "stored")


def _show(folder: Path, new: int) -> None:
    """Let a mailbox's folder hold as many markers as there are new messages. Blocks."""
    wanted = {f"msg{position:04}.txt" for position in range(new)}
    there = {marker.name for marker in folder.glob("msg*.txt")} if folder.is_dir() else set()
    for name in there - wanted:
        (folder / name).unlink(missing_ok=True)
    if new:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in wanted - there:
        (folder / name).touch(mode=0o600)


def _all_shown(spool: Path) -> dict[str, int]:
    """How many new messages the folders show, by number of the mailbox. Blocks."""
    return {
        folder.parent.name: len(list(folder.glob("msg*.txt")))
        for folder in (spool.glob("*/INBOX") if spool.is_dir() else ())
    }
