"""Secrets that callers type on their keypads, and how often they may guess.

A keypad has twelve keys, so a secret is typed as it would be spelled on one (ITU-T E.161): letters of either
case by the key they stand on (``abc`` is 2, ``pqrs`` is 7), every other sign as ``*``; ``#`` ends it. That
leaves fewer secrets than letters would, so guesses are counted over all calls, not only within one:
:func:`tamas.store.guesses.count_guess`, by what is guessed at and by whose telephone it is.

What is typed and what is expected stay in this process: they are no arguments of any application.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from tamas.dialplan.store_wait import in_time
from tamas.engine.sip_secrets import SealError
from tamas.store.database import Database
from tamas.store.dialplan_schema import secret_guesses
from tamas.store.guesses import TRIES, count_guess
from tamas.store.runtime_settings import SEALED
from tamas.store.schema import extensions

if TYPE_CHECKING:
    from tamas.dialplan.call import Call

log = logging.getLogger(__name__)

MAX_TYPED: Final = 64
TYPING_SECONDS: Final = 8.0
PROMPT: Final = "builtin:vm-password"
WRONG: Final = "builtin:vm-incorrect"

_KEYS: Final = {
    letter: key
    for key, letters in (
        ("2", "abc"),
        ("3", "def"),
        ("4", "ghi"),
        ("5", "jkl"),
        ("6", "mno"),
        ("7", "pqrs"),
        ("8", "tuv"),
        ("9", "wxyz"),
    )
    for letter in letters
}


def keypad(secret: str) -> str:
    """A secret as it is typed: digits and ``*``."""
    return "".join(_KEYS.get(sign, sign if sign in "0123456789" else "*") for sign in secret.lower())


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


async def ask_own_secret(call: Call, agent: str, phone: str) -> bool:
    """:func:`ask_secret` for the secret of an agent's own extension, else of the phone they sit at.

    Nobody is right where neither is an extension.
    """
    for number in dict.fromkeys((agent, phone)):
        sealed = await extension_secret(call, number)
        if sealed:
            return await ask_sealed(call, subject=f"extension:{number}", sealed=sealed)
    return False


async def ask_sealed(call: Call, *, subject: str, sealed: bytes | str) -> bool:
    """:func:`ask_secret` for a sealed one; nobody is right when it cannot be opened, which is logged.

    :param sealed: bytes as of ``SecretSeal.seal``, or text as of ``SecretSeal.seal_text``.
    """
    seal = call.services.seal
    try:
        secret = seal.open_text(sealed) if isinstance(sealed, str) else seal.open(sealed)
    except SealError as error:
        log.error("the secret of %s cannot be checked: %s", subject, error)  # noqa: TRY400
        secret = ""
    return await ask_secret(call, subject=subject, secret=secret)


async def ask_node_secret(call: Call, secret: str) -> bool:
    """:func:`ask_secret` for one that stands in the plan, plain or sealed, at the call's node."""
    subject = f"node:{call.node.id}"[:80]
    if secret.startswith(SEALED):
        return await ask_sealed(call, subject=subject, sealed=secret)
    return await ask_secret(call, subject=subject, secret=secret)


async def ask_secret(call: Call, *, subject: str, secret: str) -> bool:
    """Ask the caller for a secret, some times; tells whether it was given. The channel is answered.

    :param subject: whose secret it is, under which guesses are counted: ``extension:201``, ``code:ID``,
        ``node:ID``.
    :param secret: as it was set, not as it is typed; ``""``: nothing is right.
    :raises StoreUnreachable: the store does not answer.
    """
    database = call.services.database
    origin = call.caller.phone if call.caller is not None else ""
    said: tuple[str, ...] = (PROMPT,)
    for _ in range(TRIES):
        typed = await call.collect(*said, timeout=TYPING_SECONDS, max_digits=MAX_TYPED)
        if typed and await is_secret(database, secret, typed, subject=subject, origin=origin):
            return True
        said = (WRONG, PROMPT)
    await call.play(WRONG)
    return False


async def is_secret(database: Database, secret: str, typed: str, *, subject: str, origin: str) -> bool:
    """Whether this is the secret, and may be tried now. :raises StoreUnreachable: the store does not answer.

    :param origin: extension whose telephone it is; ``""``: a caller from outside.
    """
    return await in_time(_try(database, secret, typed, subject=subject, origin=origin))


async def _try(database: Database, secret: str, typed: str, *, subject: str, origin: str) -> bool:
    async with database.write() as tx:
        allowed = await count_guess(database, tx, secret_guesses, subject=subject, origin=origin)
    if not allowed or not secret or not hmac.compare_digest(keypad(secret), typed):
        return False
    async with database.write() as tx:
        await tx.execute(
            delete(secret_guesses).where(
                secret_guesses.c.subject == subject, secret_guesses.c.origin == origin
            )
        )
    return True
