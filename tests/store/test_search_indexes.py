"""Indexes for parts of numbers, on a PostgreSQL that allows them and on one that does not."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from tamas.store.database import open_database, postgresql_engine
from tamas.store.migrate import migrate
from tamas.store.search_indexes import PREFIX, create_search_indexes
from tamas.store_address import parse_address

_NAMES = text("SELECT indexname FROM pg_indexes WHERE indexname LIKE :beginning ORDER BY 1")


async def _indexes(url: str) -> list[str]:
    database = await open_database(url)
    try:
        async with database.read() as connection:
            rows = await connection.rows(_NAMES, {"beginning": f"{PREFIX}%"})
            return [row["indexname"] for row in rows]
    finally:
        await database.close()


async def test_they_are_made_and_may_be_made_again(postgresql_url: str) -> None:
    """A fresh store has them; one that lost its extension gets them back at the next start."""
    made = await _indexes(postgresql_url)
    assert f"{PREFIX}calls_src" in made
    database = await open_database(postgresql_url)
    async with database.write() as tx:
        await tx.execute(text("DROP EXTENSION pg_trgm CASCADE"))
    await database.close()
    assert await _indexes(postgresql_url) == []
    await migrate(postgresql_url)
    assert await _indexes(postgresql_url) == made


async def test_a_server_without_the_extension_is_told_of_and_used(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may not make the extension is served without the indexes, and told what that means."""

    def without_rights(connection: Connection) -> bool:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
        connection.execute(text("CREATE ROLE powerless"))
        connection.execute(text("SET LOCAL ROLE powerless"))
        return create_search_indexes(connection)

    engine = postgresql_engine(parse_address(postgresql_url))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(without_rights) is False
            assert (await connection.execute(text("SELECT 1"))).scalar() == 1, "the transaction goes on"
            await connection.rollback()
    finally:
        await engine.dispose()
    assert "pg_trgm" in caplog.text
