"""Opening the store and talking to it: one interface over SQLite and PostgreSQL.

SQLite is called synchronously in the event loop, because an indexed statement costs microseconds and a
thread hop costs more; statements that may be long go through :meth:`Database.long_read`. PostgreSQL goes
through asyncpg. Statements are SQLAlchemy Core in both cases.

Every write is one transaction (:meth:`Database.write`): on SQLite ``BEGIN IMMEDIATE`` on the single writer
connection of this process, so a transaction never fails half way for want of the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import asyncpg
from sqlalchemy import URL, CursorResult, Executable, create_engine, event, func, select
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tamas.errors import TamasError
from tamas.store_address import parse_address, ssl_mode, without_ssl_mode

log = logging.getLogger(__name__)

Dialect = Literal["sqlite", "postgresql"]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Row = Mapping[str, Any]
T = TypeVar("T")

SQLITE_READ_WAIT = 0.05
"""Seconds that a read may wait, blocking the event loop; in WAL mode it hardly ever has to."""
SQLITE_BUSY_STEP = 0.005
"""Seconds between tries for SQLite's write lock; the try itself does not wait."""
SQLITE_CHECKPOINT_SECONDS = 0.5
SQLITE_CACHE_KIB = 16 * 1024
"""Of the writer; many rows under an index in random order are slow with SQLite's own 2 MB."""
SQLITE_BUSY_LIMIT = 10.0
"""Seconds after which a write gives up waiting for the lock, and for the writes of this process before it."""
POSTGRESQL_POOL = 8
"""Connections per process for requests; hot reads have as many of their own."""
POSTGRESQL_LONG_POOL = 2
"""Connections that are kept for long reads; when these are taken, up to POSTGRESQL_POOL more are opened."""
CONNECT_SECONDS = 5.0
"""After which a PostgreSQL server that does not let us in counts as away."""
HOT_SECONDS = 5.0
"""After which a hot read that is not answered fails."""
STATEMENT_SECONDS = 15.0
"""After which any other statement that is not answered fails; the pool is waited for as long."""
LONG_READ_SECONDS = 600.0
DROP_SECONDS = 1.0
"""For taking leave of a server that did not answer."""


_HOT_DIALECTS: Mapping[Dialect, Callable[[], Any]] = {
    "sqlite": lambda: sqlite.dialect(paramstyle="qmark"),
    "postgresql": lambda: postgresql.asyncpg.dialect(),  # type: ignore[no-untyped-call]
}


class StoreError(TamasError):
    """The store cannot do what was asked; the cause is chained."""


class StoreBusyError(StoreError):
    """The write lock was not free in time; nothing was written."""


STORE_ERRORS: Final = (StoreError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What a store that is lost or in trouble raises; while connecting, asyncpg's own errors come unwrapped."""


class Connection:
    """A place to run statements: inside a transaction, or each on its own for reads."""

    def __init__(self, run: Callable[[Executable, Any], Any], *, asynchronous: bool) -> None:
        self._run = run
        self._asynchronous = asynchronous
        self.after_commit: list[Callable[[], None]] = []
        """Called once the transaction is committed, never when it is rolled back."""

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Run one statement. :raises sqlalchemy.exc.IntegrityError: a constraint refused it."""
        result = self._run(statement, parameters)
        if self._asynchronous:
            result = await result
        return result  # type: ignore[no-any-return]

    async def rows(self, statement: Executable, parameters: Parameters | None = None) -> list[Row]:
        """All rows, as mappings from column name to value."""
        return list((await self.execute(statement, parameters)).mappings())  # type: ignore[arg-type]

    async def row(self, statement: Executable, parameters: Parameters | None = None) -> Row | None:
        """The first row, or ``None``."""
        return (await self.execute(statement, parameters)).mappings().first()  # type: ignore[return-value]

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or ``None``."""
        return (await self.execute(statement, parameters)).scalar()


Joining = Callable[[Connection], Awaitable[None]]
"""Work that joins a transaction somebody else begins."""

_joining: ContextVar[tuple[Joining, ...]] = ContextVar("joining", default=())


@contextlib.contextmanager
def joining(work: Joining) -> Iterator[None]:
    """Have ``work`` done inside each transaction that this block commits, as its last part.

    So a change and the note that somebody made it are there both or not at all, without whoever makes the
    change knowing of the note.
    """
    token = _joining.set((*_joining.get(), work))
    try:
        yield
    finally:
        _joining.reset(token)


async def _join(connection: Connection) -> None:
    for work in _joining.get():
        await work(connection)


class HotQuery:
    """A statement compiled once and handed to the driver as text, for the few reads that every request makes.

    Rows come back as plain tuples in column order, without SQLAlchemy's type processing: use it only on
    columns whose driver type is already right (text, integer).
    """

    def __init__(self, statement: Executable) -> None:
        self._statement: Any = statement
        self._compiled: dict[Dialect, tuple[str, tuple[str, ...]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
        """The text for a dialect and the names of its parameters by position."""
        known = self._compiled.get(dialect)
        if known is None:
            target = _HOT_DIALECTS[dialect]()
            compiled: Any = self._statement.compile(dialect=target)
            known = str(compiled), tuple(compiled.positiontup or ())
            self._compiled[dialect] = known
        return known


class Database(ABC):
    """The store of one process. Make it with :func:`open_database`."""

    dialect: Dialect
    url: URL

    @abstractmethod
    def read(self) -> AbstractAsyncContextManager[Connection]:
        """Statements that only read; each sees what is committed when it runs."""

    @abstractmethod
    def write(self) -> AbstractAsyncContextManager[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Keep it to milliseconds: Asterisk waits for the same lock on SQLite.

        :raises StoreBusyError: the lock was not free within :data:`SQLITE_BUSY_LIMIT`.
        """

    @abstractmethod
    async def hot(self, query: HotQuery, *values: Any) -> Sequence[Sequence[Any]]:
        """Rows of a hot query, its parameters given by position."""

    @abstractmethod
    async def long_read(self, work: Callable[[SyncConnection], T]) -> T:
        """Run a reading function that may take long, off the event loop, in one snapshot."""

    async def keep_checkpointing(self) -> None:
        """Move what was committed to where it stays, apart from the event loop; until cancelled, once.

        For the process that writes most. By itself SQLite does it within the commit that fills its log, which
        then waits for the disk, and the event loop with it. PostgreSQL has a process for that.
        """
        await asyncio.Event().wait()

    @abstractmethod
    async def close(self) -> None:
        """Release every connection."""


class SqliteDatabase(Database):
    """SQLite in WAL mode: one reader and one writer connection in the loop's thread."""

    dialect: Dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        self.url = url
        self.path = Path(url.database or "")
        self._engine = _sqlite_engine(url)
        self._writing = asyncio.Lock()
        self._reader = self._engine.connect()
        self._writer = self._engine.connect()
        self._writer.exec_driver_sql("PRAGMA busy_timeout=0")  # waiting is done without blocking the loop
        self._writer.exec_driver_sql(f"PRAGMA cache_size=-{SQLITE_CACHE_KIB}")
        raw = self._reader.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - pysqlite's driver connection is one
        self.raw_reader = raw

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        yield Connection(self._reader.execute, asynchronous=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        deadline = time.monotonic() + SQLITE_BUSY_LIMIT
        await self._take_turn()
        try:
            await self._begin(deadline)
            connection = Connection(self._writer.execute, asynchronous=False)
            try:
                yield connection
                await _join(connection)
            except BaseException:
                self._writer.exec_driver_sql("ROLLBACK")
                raise
            self._writer.exec_driver_sql("COMMIT")
        finally:
            self._writing.release()
        for call in connection.after_commit:
            call()

    async def _take_turn(self) -> None:
        """Wait for the writes of this process that came before."""
        if not self._writing.locked():
            await self._writing.acquire()  # at once
            return
        try:
            async with asyncio.timeout(SQLITE_BUSY_LIMIT):
                await self._writing.acquire()
        except TimeoutError as error:
            raise StoreBusyError("the writes before this one did not end in time") from error

    async def _begin(self, deadline: float) -> None:
        while True:
            try:
                self._writer.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if "locked" not in str(error.orig) and "busy" not in str(error.orig):
                    raise
                if time.monotonic() > deadline:
                    raise StoreBusyError("the database stayed locked by another process") from error
                await asyncio.sleep(SQLITE_BUSY_STEP)
            else:
                return

    async def hot(self, query: HotQuery, *values: Any) -> Sequence[Sequence[Any]]:
        try:
            return self.raw_reader.execute(query.compiled("sqlite")[0], values).fetchall()
        except sqlite3.OperationalError as error:
            raise StoreError(str(error)) from error

    async def long_read(self, work: Callable[[SyncConnection], T]) -> T:
        def run() -> T:
            engine = _sqlite_engine(self.url)
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql("BEGIN")
                    return work(connection)
            finally:
                engine.dispose()

        return await asyncio.to_thread(run)

    async def keep_checkpointing(self) -> None:
        self._writer.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        complained = False
        while True:
            await asyncio.sleep(SQLITE_CHECKPOINT_SECONDS)
            try:
                await asyncio.to_thread(self._checkpoint)
            except sqlite3.Error as error:
                if not complained:
                    log.warning("the log of the database cannot be moved into it: %s", error)
                complained = True
            else:
                complained = False

    def _checkpoint(self) -> None:
        # A connection of its own, because whoever is cancelled does not wait for the thread.
        with contextlib.closing(sqlite3.connect(self.path, timeout=0)) as apart:
            # Passive: it waits for nobody and holds nobody up.
            apart.execute("PRAGMA wal_checkpoint(PASSIVE)")

    async def close(self) -> None:
        self._reader.close()
        self._writer.close()
        self._engine.dispose()


def _sqlite_engine(url: URL) -> Any:
    engine = create_engine(
        url,
        hide_parameters=True,  # secrets are among them, and errors are logged
        isolation_level="AUTOCOMMIT",  # transactions are begun by hand, as BEGIN IMMEDIATE
        connect_args={"check_same_thread": False, "timeout": SQLITE_READ_WAIT},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")

    return engine


class PostgresqlDatabase(Database):
    """PostgreSQL through asyncpg: a pool for statements and transactions, another for hot reads."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: URL, hot_pool: asyncpg.Pool) -> None:
        self.url = url
        self._hot_pool = hot_pool
        self._engine = postgresql_engine(
            url,
            statement_seconds=STATEMENT_SECONDS,
            pool_size=POSTGRESQL_POOL,
            max_overflow=POSTGRESQL_POOL,
            pool_timeout=STATEMENT_SECONDS,
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._long = postgresql_engine(
            url,
            statement_seconds=LONG_READ_SECONDS,
            pool_size=POSTGRESQL_LONG_POOL,
            max_overflow=POSTGRESQL_POOL,
            pool_timeout=STATEMENT_SECONDS,
        )
        event.listen(self._long.sync_engine, "checkout", _refuse_closed)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        async with self._reading.connect() as raw, _dropped_when_silent(raw):
            yield Connection(raw.execute, asynchronous=True)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        async with self._engine.connect() as raw:
            connection = Connection(raw.execute, asynchronous=True)
            # Twice: before the rollback, and when the commit itself is not answered.
            async with _dropped_when_silent(raw), raw.begin(), _dropped_when_silent(raw):
                yield connection
                await _join(connection)
        for call in connection.after_commit:
            call()

    async def hot(self, query: HotQuery, *values: Any) -> Sequence[Sequence[Any]]:
        connection = await self._hot_pool.acquire(timeout=HOT_SECONDS)
        try:
            text = query.compiled("postgresql")[0]
            return await connection.fetch(text, *values, timeout=HOT_SECONDS)  # type: ignore[no-any-return]
        finally:
            with contextlib.suppress(TimeoutError):  # the connection is dropped then
                await self._hot_pool.release(connection, timeout=DROP_SECONDS)

    async def long_read(self, work: Callable[[SyncConnection], T]) -> T:
        snapshot = self._long.execution_options(isolation_level="REPEATABLE READ")
        async with snapshot.connect() as connection, _dropped_when_silent(connection):
            return await connection.run_sync(work)

    async def notify(self, transaction: Connection, channel: str, payload: str) -> None:
        """Send a notification when ``transaction`` commits."""
        await transaction.execute(select(func.pg_notify(channel, payload)))

    async def raw_connection(self) -> asyncpg.Connection:
        """A connection of asyncpg's own, outside the pools, for LISTEN."""
        return await connect(self.url)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(DROP_SECONDS):
                await self._hot_pool.close()
        except TimeoutError:
            self._hot_pool.terminate()
        await self._engine.dispose()
        await self._long.dispose()


async def open_database(url: str) -> Database:
    """Open the store at a ``TAMAS_DATABASE_URL``. The schema must be there (:mod:`tamas.store.migrate`).

    :raises StoreError: it cannot be reached or opened.
    :raises tamas.store_address.StoreAddressError: the URL cannot be used.
    """
    parsed = parse_address(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            return SqliteDatabase(parsed)
        pool = await asyncpg.create_pool(
            _driver_url(parsed),
            ssl=ssl_mode(parsed),
            min_size=1,
            max_size=POSTGRESQL_POOL,
            reset=_keep_connection,
            timeout=CONNECT_SECONDS,
        )
        return PostgresqlDatabase(parsed, pool)
    except STORE_ERRORS as error:
        raise StoreError(f"cannot open {shown(parsed)}: {str(error) or 'no answer'}") from error


async def connect(url: URL) -> asyncpg.Connection:
    """A connection of asyncpg's own to the PostgreSQL server of a URL."""
    return await asyncpg.connect(_driver_url(url), ssl=ssl_mode(url), timeout=CONNECT_SECONDS)


def postgresql_engine(url: URL, *, statement_seconds: float | None = None, **options: Any) -> AsyncEngine:
    """SQLAlchemy's engine for a PostgreSQL URL.

    :param statement_seconds: after which a statement that is not answered fails; ``None``: never.
    """
    engine = create_async_engine(
        without_ssl_mode(url),
        hide_parameters=True,  # secrets are among them, and errors are logged
        connect_args={
            "ssl": ssl_mode(url),
            "timeout": CONNECT_SECONDS,
            "command_timeout": statement_seconds,
        },
        **options,
    )
    event.listen(engine.sync_engine, "handle_error", _hide_row)
    return engine


def shown(url: URL) -> str:
    """The URL for people, without its password."""
    return url.render_as_string(hide_password=True)


def _driver_url(url: URL) -> str:
    """The URL as asyncpg itself wants it, password included."""
    return without_ssl_mode(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _hide_row(context: ExceptionContext) -> None:
    """Take the row out of what PostgreSQL says of a constraint it fails: errors are logged."""
    shown_by_driver = context.original_exception.__cause__
    detail = getattr(shown_by_driver, "detail", None)
    if not detail:
        return
    shown_by_driver.detail = None  # type: ignore[union-attr]
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            error.args = tuple(
                one.replace(detail, "(hidden)") if isinstance(one, str) else one for one in error.args
            )


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server closed while nobody used it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def _dropped_when_silent(connection: AsyncConnection) -> AsyncIterator[None]:
    """Give a connection up whose server did not answer: a rollback on it would wait for the answer too."""
    try:
        yield
    except (TimeoutError, asyncio.CancelledError):
        if not connection.invalidated:
            await connection.invalidate()
        raise


async def _keep_connection(_connection: asyncpg.Connection) -> None:
    """Hot reads leave nothing behind on a connection, so giving it back costs no round trip."""


__all__ = [
    "STORE_ERRORS",
    "Connection",
    "Database",
    "HotQuery",
    "IntegrityError",
    "StoreBusyError",
    "StoreError",
    "joining",
    "open_database",
]
