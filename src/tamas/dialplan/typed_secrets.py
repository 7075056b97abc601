"""Secrets that a caller types: compared with a sealed copy, and guessed at only so often."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from tamas.dialplan.store_wait import in_time
from tamas.store.dialplan_schema import secret_guesses
from tamas.store.guesses import TRIES, count_guess
from tamas.store.schema import extensions

if TYPE_CHECKING:
    from tamas.dialplan.call import Call

MAX_DIGITS: Final = 32
TYPING_SECONDS: Final = 8.0

_g = secret_guesses.c


async def extension_secret(call: Call, number: str) -> bytes | None:
    """The sealed secret of an extension; ``None`` when there is no such extension.

    :raises StoreUnreachable: the store does not answer.
    """

    async def read() -> bytes | None:
        async with call.services.database.read() as connection:
            sealed: bytes | None = await connection.scalar(
                select(extensions.c.secret_sealed).where(extensions.c.number == number)
            )
            return sealed

    return await in_time(read())


async def try_secret(call: Call, typed: str, *, subject: str, sealed: bytes) -> bool:
    """Whether a typed secret is right, and may be tried now.

    Tries from the phones of each extension are counted by themselves, all from outside together.

    :param subject: whose secret it is: ``extension:201``, ``code:ID``.
    :raises tamas.engine.sip_secrets.SealError: the sealed copy cannot be opened.
    :raises StoreUnreachable: the store does not answer.
    """
    origin = call.caller.phone if call.caller is not None else ""
    if not await in_time(_count(call, subject, origin)):
        return False
    if not hmac.compare_digest(call.services.seal.open(sealed).encode(), typed.encode()):
        return False
    await in_time(_forget(call, subject, origin))
    return True


async def ask_secret(call: Call, *, subject: str, sealed: bytes) -> bool:
    """Ask the caller for a secret, some times; tells whether it was given. The channel is answered."""
    for _ in range(TRIES):
        typed = await call.prompts.number("vm-password", seconds=TYPING_SECONDS, max_digits=MAX_DIGITS)
        if typed and await try_secret(call, typed, subject=subject, sealed=sealed):
            return True
        await call.prompts.play("vm-incorrect")
    return False


async def _count(call: Call, subject: str, origin: str) -> bool:
    database = call.services.database
    async with database.write() as tx:
        return await count_guess(database, tx, secret_guesses, subject=subject, origin=origin)


async def _forget(call: Call, subject: str, origin: str) -> None:
    async with call.services.database.write() as tx:
        await tx.execute(delete(secret_guesses).where(_g.subject == subject, _g.origin == origin))
