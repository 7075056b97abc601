"""Passwords of mailboxes: a few digits, so what counts is how often one may guess.

Each try is counted before the password is looked at, so that neither a restart nor many calls at once gain
anything. The telephones of each extension are counted by themselves, everybody else together: whoever guesses
from outside keeps nobody out who calls from the inside. See ``docs/decisions/0015-mailbox-passwords.md``.
"""

from __future__ import annotations

import hmac
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.engine.sip_secrets import SecretSeal
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database
from tamas.store.voicemail_schema import mailbox_guesses, mailboxes

TRIES: Final = 3
"""Of one call; from this failure on further tries are refused for a while."""
FIRST_WAIT: Final = 60
"""Seconds after :data:`TRIES` failures; each further one doubles it."""
LONGEST_WAIT: Final = 3600

_g = mailbox_guesses.c


async def try_password(
    database: Database, seal: SecretSeal, mailbox_id: str, given: str, *, origin: str
) -> bool:
    """Whether a password is the mailbox's, and may be tried now.

    :param origin: number of the extension whose telephone it is; ``""``: a caller from outside.
    :raises tamas.engine.sip_secrets.SealError: the password cannot be opened.
    """
    async with database.write() as tx:
        sealed = await tx.scalar(
            select(mailboxes.c.password_sealed).where(mailboxes.c.id == mailbox_id).with_for_update()
        )
        if sealed is None or not await _count(database, tx, mailbox_id, origin):
            return False
    if not hmac.compare_digest(seal.open(sealed), given):
        return False
    async with database.write() as tx:
        await tx.execute(delete(mailbox_guesses).where(_g.mailbox_id == mailbox_id, _g.origin == origin))
    return True


async def _count(database: Database, tx: Connection, mailbox_id: str, origin: str) -> bool:
    """Count a try as failed for now; tells whether it may be made."""
    here = (_g.mailbox_id == mailbox_id, _g.origin == origin)
    known = await tx.row(select(_g.failures, _g.refused_until).where(*here))
    at = now()
    if known is not None and known["refused_until"] > at:
        return False
    failures = 1 if known is None else known["failures"] + 1
    wait = 0 if failures < TRIES else min(FIRST_WAIT << min(failures - TRIES, 16), LONGEST_WAIT)
    values = {"failures": failures, "refused_until": at + wait * MICROSECONDS}
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    await tx.execute(
        insert(mailbox_guesses)
        .values(mailbox_id=mailbox_id, origin=origin, **values)
        .on_conflict_do_update(index_elements=["mailbox_id", "origin"], set_=values)
    )
    return True


async def change_password(database: Database, seal: SecretSeal, mailbox_id: str, new: str) -> None:
    """Give a mailbox another password. :param new: digits."""
    async with database.write() as tx:
        await tx.execute(
            update(mailboxes)
            .where(mailboxes.c.id == mailbox_id)
            .values(password_sealed=seal.seal(new), updated_at=now())
        )
