"""The database fixtures themselves."""

from __future__ import annotations

from sqlalchemy import select

from tamas.store.database import Database
from tamas.store.schema import change_generation


async def test_a_store_is_migrated_and_fresh(database: Database) -> None:
    """The first of two tests that write: it finds the state that a migration leaves."""
    await _is_untouched_then_touch(database)


async def test_another_store_is_fresh_too(database: Database) -> None:
    """The second of two tests that write: it sees nothing of the first."""
    await _is_untouched_then_touch(database)


async def _is_untouched_then_touch(database: Database) -> None:
    async with database.read() as connection:
        before = await connection.rows(select(change_generation))
    assert [row["value"] for row in before] == [1] or [row["value"] for row in before] == [0]
    async with database.write() as transaction:
        await transaction.execute(change_generation.update().values(value=99))
    async with database.read() as connection:
        assert await connection.scalar(select(change_generation.c.value)) == 99
