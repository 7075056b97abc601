"""A PostgreSQL server that falls silent, or was restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import insert, make_url, select

from support.stalling_proxy import StallingProxy, stalling_proxy
from tamas.store import database as database_module
from tamas.store.database import STORE_ERRORS, Database, HotQuery, StoreError, open_database
from tamas.store.schema import change_generation, dialable_numbers

HOT = HotQuery(select(change_generation.c.value))
ROW = {"number": "101", "kind": "extension", "owner_id": "0" * 24}


async def hot(database: Database) -> None:
    await database.hot(HOT)


async def read(database: Database) -> None:
    async with database.read() as connection:
        await connection.rows(select(change_generation.c.value))


async def write(database: Database) -> None:
    async with database.write() as tx:
        await tx.execute(insert(dialable_numbers).values(ROW))


async def long_read(database: Database) -> None:
    await database.long_read(lambda connection: connection.execute(select(change_generation.c.value)).all())


WAYS = pytest.mark.parametrize("way", [hot, read, write, long_read])


@pytest.fixture
async def proxy(postgresql_url: str) -> AsyncIterator[StallingProxy]:
    """A proxy in front of the server of ``postgresql_url``."""
    async with stalling_proxy(make_url(postgresql_url).port or 0) as running:
        yield running


def through(proxy: StallingProxy, url: str) -> str:
    return make_url(url).set(port=proxy.port).render_as_string(hide_password=False)


@WAYS
async def test_a_silent_server_is_an_error_in_time(
    postgresql_url: str,
    proxy: StallingProxy,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[Database], Awaitable[None]],
) -> None:
    """Whoever asks is told within the limit, each time, and is served as soon as the server speaks again."""
    for limit in ("CONNECT_SECONDS", "HOT_SECONDS", "STATEMENT_SECONDS", "LONG_READ_SECONDS", "DROP_SECONDS"):
        monkeypatch.setattr(database_module, limit, 0.3)
    database = await open_database(through(proxy, postgresql_url))
    await hot(database)
    await read(database)
    proxy.fall_silent()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(STORE_ERRORS):
            async with asyncio.timeout(8):
                await way(database)
        assert time.monotonic() - began < 6
    proxy.speak()
    monkeypatch.undo()  # a busy machine takes longer than those limits
    await way(database)
    await database.close()


async def test_a_server_that_does_not_let_us_in(
    postgresql_url: str, proxy: StallingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening the store ends within the limit too, and says why."""
    monkeypatch.setattr(database_module, "CONNECT_SECONDS", 0.3)
    proxy.fall_silent()
    with pytest.raises(StoreError, match="no answer"):
        async with asyncio.timeout(8):
            await open_database(through(proxy, postgresql_url))


@WAYS
async def test_a_restart_of_the_server_costs_nobody_a_request(
    postgresql_url: str, way: Callable[[Database], Awaitable[None]]
) -> None:
    """The server closed every connection while nobody used them: the next requests are served at once."""
    database = await open_database(postgresql_url)
    await asyncio.gather(*(read(database) for _ in range(4)), *(hot(database) for _ in range(4)))
    admin = await asyncpg.connect(postgresql_url.replace("+asyncpg", ""))
    cut = await admin.fetchval(
        "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert cut >= 2
    await admin.close()
    await way(database)
    for other in (hot, read):
        await other(database)
    await database.close()
