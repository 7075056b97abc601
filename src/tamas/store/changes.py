"""Noticing that accounts or settings changed, at a cost every request can bear (architecture rule 8).

One number, the generation, is bumped inside each transaction that changes them. Caches of accounts and
settings remember the generation they were read at and are dropped when it moved.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import asyncpg
from sqlalchemy import select, update

from tamas.store.database import Connection, Database, HotQuery, PostgresqlDatabase, SqliteDatabase
from tamas.store.schema import change_generation

log = logging.getLogger(__name__)

CHANNEL = "tamas_changes"
"""PostgreSQL notification channel; the payload is the new generation."""
RECONNECT_SECONDS = 1.0
CHECK_SECONDS = 2.0
"""How often the listening connection is tried: nothing else tells of a server that vanished silently."""
ANSWER_SECONDS = 2.0
"""How long it has to answer."""

_GENERATION = HotQuery(select(change_generation.c.value))


class Changes:
    """The generation as this process knows it.

    SQLite: ``PRAGMA data_version`` tells for a few microseconds whether anybody committed since the last
    look. PostgreSQL: LISTEN tells; while the listener is down every look goes to the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._data_version: int | None = None
        self._generation: int | None = None
        self._epoch = 0
        """Counts the reasons to look again: an answer that was under way meanwhile may be older than they."""
        self._listening = False
        self._listener: asyncio.Task[None] | None = None
        self.on_return: Callable[[], None] | None = None
        """Called when the database is back after it was lost (PostgreSQL)."""

    async def generation(self) -> int:
        """The current generation."""
        database = self._database
        if isinstance(database, SqliteDatabase):
            version = database.raw_reader.execute("PRAGMA data_version").fetchone()[0]
            if version != self._data_version:
                self._data_version = version
                self._forget()
        if self._generation is not None and (self._listening or isinstance(database, SqliteDatabase)):
            return self._generation
        epoch = self._epoch
        rows = await database.hot(_GENERATION)
        generation = int(rows[0][0])
        if epoch == self._epoch:
            self._generation = generation
        return generation

    async def bump(self, transaction: Connection) -> None:
        """Make everybody look again once ``transaction`` is committed."""
        value = await transaction.scalar(
            update(change_generation)
            .values(value=change_generation.c.value + 1)
            .returning(change_generation.c.value)
        )
        if isinstance(self._database, PostgresqlDatabase):
            await self._database.notify(transaction, CHANNEL, str(value))
        transaction.after_commit.append(self._forget)

    def _forget(self) -> None:
        self._generation = None
        self._epoch += 1

    async def start(self) -> None:
        """Begin listening (PostgreSQL); nothing to do on SQLite."""
        if isinstance(self._database, PostgresqlDatabase):
            self._listener = asyncio.create_task(self._listen(self._database), name="store-changes")

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    async def _listen(self, database: PostgresqlDatabase) -> None:
        lost = False
        while True:
            try:
                await self._listen_once(database, lost=lost)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("change listener lost its connection: %s", str(error) or "no answer")
            lost = True
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self, database: PostgresqlDatabase, *, lost: bool) -> None:
        connection = await database.raw_connection()
        gone = asyncio.Event()
        forget: Callable[..., None] = lambda *_: self._forget()  # noqa: E731
        connection.add_termination_listener(lambda _: gone.set())
        try:
            await connection.add_listener(CHANNEL, forget)
            self._forget()
            self._listening = True
            if lost and self.on_return is not None:
                self.on_return()
            while not await _within(CHECK_SECONDS, gone):
                await connection.fetchval("SELECT 1", timeout=ANSWER_SECONDS)
        finally:
            self._listening = False
            self._forget()
            await connection.close(timeout=ANSWER_SECONDS)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether an event came in that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
