"""Passwords of mailboxes, and guessing at them, on both stores."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select, update

from tamas.engine.sip_secrets import SealError, SecretSeal
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.guesses import FIRST_WAIT, LONGEST_WAIT, TRIES
from tamas.store.ids import new_id
from tamas.store.voicemail_schema import mailbox_guesses, mailboxes
from tamas.voicemail.passwords import change_password, try_password

SEAL = SecretSeal(bytes(32))
RIGHT, WRONG = "4711", "0000"


@pytest.fixture
async def mailbox(database: Database) -> str:
    """A mailbox; gives its id."""
    identity = new_id()
    row = {"id": identity, "name": "Box", "number": "400", "password_sealed": SEAL.seal(RIGHT)}
    async with database.write() as tx:
        await tx.execute(insert(mailboxes).values(**row, created_at=1, updated_at=1))
    return identity


async def tried(database: Database, mailbox: str, given: str, *, origin: str = "") -> bool:
    return await try_password(database, SEAL, mailbox, given, origin=origin)


async def waits(database: Database, *, origin: str = "") -> int:
    """Seconds for which tries from somewhere are refused."""
    async with database.read() as connection:
        until = await connection.scalar(
            select(mailbox_guesses.c.refused_until).where(mailbox_guesses.c.origin == origin)
        )
    return round((int(until) - now()) / 1_000_000)


async def let_pass(database: Database) -> None:
    """Let the wait be over."""
    async with database.write() as tx:
        await tx.execute(update(mailbox_guesses).values(refused_until=now() - 1))


async def test_right_and_wrong(database: Database, mailbox: str) -> None:
    """The right one opens, whatever was typed before; another mailbox's or none does not."""
    assert not await tried(database, mailbox, WRONG)
    assert not await tried(database, mailbox, "")
    assert await tried(database, mailbox, RIGHT)
    assert not await tried(database, new_id(), RIGHT)


async def test_guessing(database: Database, mailbox: str) -> None:
    """After some failures the right one is refused too, longer each time; each origin by itself."""
    for _ in range(TRIES):
        assert not await tried(database, mailbox, WRONG)
    assert not await tried(database, mailbox, RIGHT), "it is refused unseen"
    assert FIRST_WAIT - 5 <= await waits(database) <= FIRST_WAIT
    assert await tried(database, mailbox, RIGHT, origin="201"), "a phone inside is not kept out"
    for expected in (2 * FIRST_WAIT, 4 * FIRST_WAIT):
        await let_pass(database)
        assert not await tried(database, mailbox, WRONG)
        assert expected - 5 <= await waits(database) <= expected
    async with database.write() as tx:
        await tx.execute(update(mailbox_guesses).values(failures=10_000, refused_until=0))
    assert not await tried(database, mailbox, WRONG)
    assert await waits(database) <= LONGEST_WAIT
    await let_pass(database)
    assert await tried(database, mailbox, RIGHT)
    assert not await tried(database, mailbox, WRONG)
    assert await tried(database, mailbox, RIGHT), "the count began anew"


async def test_many_calls_at_once_gain_nothing(database: Database, mailbox: str) -> None:
    """Twenty calls guess at the same moment: no more of them are looked at than of one call."""
    answers = await asyncio.gather(*(tried(database, mailbox, str(guess)) for guess in range(20)))
    assert not any(answers)
    async with database.read() as connection:
        assert await connection.scalar(select(mailbox_guesses.c.failures)) == TRIES


async def test_a_new_password(database: Database, mailbox: str) -> None:
    """The old one is none any more; what lies in the store does not show it."""
    await change_password(database, SEAL, mailbox, "0815")
    assert not await tried(database, mailbox, RIGHT)
    assert await tried(database, mailbox, "0815")
    with pytest.raises(SealError):
        await try_password(database, SecretSeal(b"x" * 32), mailbox, "0815", origin="")
