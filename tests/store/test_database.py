"""Transactions and reads on both databases."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from support.waiting import eventually
from tamas.store import database as database_module
from tamas.store.database import (
    STORE_ERRORS,
    Database,
    HotQuery,
    SqliteDatabase,
    StoreBusyError,
    StoreError,
    open_database,
)
from tamas.store.schema import dialable_numbers

ROW = {"number": "101", "kind": "extension", "owner_id": "0" * 24}
COUNT = select(func.count()).select_from(dialable_numbers)


async def count(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(COUNT))


async def test_a_write_is_seen_once_it_is_committed(database: Database) -> None:
    """Readers see nothing of a transaction before its end, and everything after."""
    async with database.write() as tx:
        await tx.execute(insert(dialable_numbers).values(ROW))
        assert await count(database) == 0
    assert await count(database) == 1


async def test_a_failing_block_changes_nothing(database: Database) -> None:
    """An exception inside the block rolls everything back and runs no after-commit call."""
    called: list[str] = []

    async def fail() -> None:
        async with database.write() as tx:
            tx.after_commit.append(lambda: called.append("committed"))
            await tx.execute(insert(dialable_numbers).values(ROW))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await count(database) == 0
    assert called == []


async def test_of_two_equal_keys_written_at_once_one_wins(database: Database) -> None:
    """Concurrent transactions with the same primary key: one commits, the other is refused."""

    async def add() -> bool:
        try:
            async with database.write() as tx:
                await tx.execute(insert(dialable_numbers).values(ROW))
        except IntegrityError:
            return False
        return True

    assert sorted(await asyncio.gather(*(add() for _ in range(8)))) == [False] * 7 + [True]
    assert await count(database) == 1


async def test_a_hot_query_gives_plain_rows(database: Database) -> None:
    """The statement is compiled for the driver; parameters go by position."""
    async with database.write() as tx:
        await tx.execute(insert(dialable_numbers).values(ROW))
    statement = select(dialable_numbers.c.kind, dialable_numbers.c.owner_id)
    query = HotQuery(statement.where(dialable_numbers.c.number == "x"))
    rows = await database.hot(query, "101")
    assert [tuple(row) for row in rows] == [("extension", "0" * 24)]
    assert await database.hot(query, "102") == []


async def test_trouble_of_a_hot_query_is_that_of_the_store(database: Database) -> None:
    """What fails below SQLAlchemy is met by background work as any other trouble."""
    with pytest.raises(STORE_ERRORS):
        await database.hot(HotQuery(text("SELECT 1 FROM no_such_table")))


async def test_a_long_read_sees_one_moment(database: Database) -> None:
    """A long read runs beside the loop and does not see what is committed meanwhile."""
    async with database.write() as tx:
        await tx.execute(insert(dialable_numbers).values(ROW))
    loop = asyncio.get_running_loop()

    async def empty() -> None:
        async with database.write() as tx:
            await tx.execute(delete(dialable_numbers))

    first = await database.long_read(lambda connection: connection.execute(COUNT).scalar_one())
    await empty()
    second = await database.long_read(lambda connection: connection.execute(COUNT).scalar_one())
    assert (first, second) == (1, 0)
    assert loop.is_running()


async def test_a_locked_sqlite_store_delays_a_write_without_stopping_the_loop(sqlite_url: str) -> None:
    """While another process holds the lock the loop keeps turning, and the write succeeds afterwards."""
    database = await open_database(sqlite_url)
    assert isinstance(database, SqliteDatabase)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.005)

    turning = asyncio.create_task(turn())

    async def add() -> None:
        async with database.write() as tx:
            await tx.execute(insert(dialable_numbers).values(ROW))

    adding = asyncio.create_task(add())
    before = turns
    await asyncio.sleep(0.5)
    assert not adding.done()
    assert turns - before >= 50, "each turn takes 5 ms, and a try for the lock next to nothing"
    other.execute("COMMIT")
    await asyncio.wait_for(adding, 5)
    turning.cancel()
    other.close()
    assert await count(database) == 1
    await database.close()


async def test_sqlites_log_is_moved_into_the_store_apart(sqlite_url: str) -> None:
    """What is committed reaches the file itself, though no commit takes the time for it."""
    database = await open_database(sqlite_url)
    assert isinstance(database, SqliteDatabase)
    keeping = asyncio.create_task(database.keep_checkpointing())
    try:
        await asyncio.sleep(0)
        before = database.path.stat().st_size
        async with database.write() as tx:
            assert await tx.scalar(text("PRAGMA wal_autocheckpoint")) == 0
            await tx.execute(text("CREATE TABLE big (x TEXT)"))
            await tx.execute(text("INSERT INTO big VALUES (:x)"), {"x": "x" * 8_000_000})
        assert database.path.stat().st_size == before
        await eventually(lambda: database.path.stat().st_size > before + 8_000_000, what="the store itself")
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await database.close()


async def test_a_write_gives_up_when_the_lock_never_comes(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the limit the caller is told, and nothing was written."""
    monkeypatch.setattr(database_module, "SQLITE_BUSY_LIMIT", 0.2)
    database = await open_database(sqlite_url)
    assert isinstance(database, SqliteDatabase)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError):
        async with database.write():
            pytest.fail("the lock was held by another connection")
    other.close()
    assert await count(database) == 0
    await database.close()


async def test_waiting_for_writes_of_the_same_process_counts(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many writes wait for the lock one after the other: each gives up at its own limit, not at their sum."""
    monkeypatch.setattr(database_module, "SQLITE_BUSY_LIMIT", 0.3)
    database = await open_database(sqlite_url)
    assert isinstance(database, SqliteDatabase)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def add() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(StoreBusyError):
            async with database.write():
                pytest.fail("the lock was held by another connection")
        return asyncio.get_running_loop().time() - began

    assert max(await asyncio.gather(*(add() for _ in range(5)))) < 0.6
    other.execute("ROLLBACK")
    other.close()
    async with database.write() as tx:
        await tx.execute(insert(dialable_numbers).values(ROW))
    await database.close()


async def test_an_unreachable_server_is_named_without_its_password() -> None:
    """The error says where, not with which password."""
    with pytest.raises(StoreError) as caught:
        await open_database("postgresql+asyncpg://tamas:s3cret@127.0.0.1:1/tamas")
    assert "127.0.0.1:1" in str(caught.value)
    assert "s3cret" not in str(caught.value)
