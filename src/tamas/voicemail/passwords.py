"""Passwords of mailboxes: a few digits, so what counts is how often one may guess.

Each try is counted before the password is looked at, so that neither a restart nor many calls at once gain
anything. The telephones of each extension are counted by themselves, everybody else together: whoever guesses
from outside keeps nobody out who calls from the inside. See ``docs/decisions/0015-mailbox-passwords.md``.
"""

from __future__ import annotations

import hmac

from sqlalchemy import delete, select, update

from tamas.engine.sip_secrets import SecretSeal
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.guesses import count_guess
from tamas.store.voicemail_schema import mailbox_guesses, mailboxes

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
        if sealed is None or not await count_guess(
            database, tx, mailbox_guesses, mailbox_id=mailbox_id, origin=origin
        ):
            return False
    if not hmac.compare_digest(seal.open(sealed), given):
        return False
    async with database.write() as tx:
        await tx.execute(delete(mailbox_guesses).where(_g.mailbox_id == mailbox_id, _g.origin == origin))
    return True


async def change_password(database: Database, seal: SecretSeal, mailbox_id: str, new: str) -> None:
    """Give a mailbox another password. :param new: digits."""
    async with database.write() as tx:
        await tx.execute(
            update(mailboxes)
            .where(mailboxes.c.id == mailbox_id)
            .values(password_sealed=seal.seal(new), updated_at=now())
        )
