"""Problems of late: what our own log said at warning or above, kept where every worker can show it.

Asterisk's warnings come through our log and so are among them. Only the message goes in, never what an
exception carries besides, and equal messages are one problem that is counted.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal

from sqlalchemy import case, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.schema import problems

Level = Literal["warning", "error"]

OWN_LOGGERS: Final = "tamas"
KEPT: Final = 200
"""Problems that are stored, the latest; and those that may wait to be."""
KEPT_DAYS: Final = 30
GATHER_SECONDS: Final = 1.0
"""How long problems gather before they are written together."""
RETRY_SECONDS: Final = 10.0
"""Until a store that would not take them is asked again."""
CLOSE_SECONDS: Final = 2.0
MAX_TEXT: Final = 500
MAX_SOURCE: Final = 64
_REQUEST_ID: Final = re.compile(r"\b[0-9a-f]{16,}\b")
"""Would make a problem of its own of each request that meets the same one."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What the log said, once or often. Times in microseconds since the epoch, UTC."""

    source: str
    """Name of the logger."""
    level: Level
    text: str
    first_at: int
    last_at: int
    count: int


async def latest_problems(database: Database, *, limit: int) -> list[Problem]:
    """Problems of any worker, the latest first."""
    columns = problems.c
    shown = select(*(columns[field.name] for field in fields(Problem)))
    statement = shown.order_by(columns.last_at.desc(), columns.id.desc()).limit(limit)
    async with database.read() as connection:
        return [Problem(**row) for row in await connection.rows(statement)]


@asynccontextmanager
async def collected_problems(database: Database) -> AsyncIterator[None]:
    """Store what this process logs while the block runs.

    What the store does not take waits, and is bounded; nothing is logged about that, which would be a problem
    of its own.
    """
    collector = _Collector(asyncio.get_running_loop())
    logger = logging.getLogger(OWN_LOGGERS)
    writer = asyncio.create_task(_write_on(database, collector), name="problems")
    logger.addHandler(collector)
    try:
        yield
    finally:
        logger.removeHandler(collector)
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        await _write_last(database, collector)


class _Collector(logging.Handler):
    """Keeps problems until they are written; records may come from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.WARNING)
        self._loop = loop
        self._guard = threading.Lock()
        self._waiting: dict[tuple[str, str], Problem] = {}
        self.some = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of the log."""
        try:
            problem = _problem(record)
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not break whoever wrote it
            self.handleError(record)
            return
        if self._add(problem):
            self._loop.call_soon_threadsafe(self.some.set)

    def take(self) -> list[Problem]:
        """Problems that wait; they do so no more."""
        with self._guard:
            taken, self._waiting = self._waiting, {}
        return list(taken.values())

    def give_back(self, taken: Sequence[Problem]) -> None:
        """Let problems wait again that were not written."""
        for problem in taken:
            self._add(problem)

    def _add(self, problem: Problem) -> bool:
        key = problem.source, problem.text
        with self._guard:
            known = self._waiting.get(key)
            if known is None and len(self._waiting) >= KEPT:
                return False
            self._waiting[key] = problem if known is None else _together(known, problem)
        return True


def _problem(record: logging.LogRecord) -> Problem:
    at = int(record.created * MICROSECONDS)
    first_line = record.getMessage().strip().partition("\n")[0]
    return Problem(
        source=record.name[:MAX_SOURCE],
        level="error" if record.levelno >= logging.ERROR else "warning",
        text=_UNPRINTABLE.sub(" ", _REQUEST_ID.sub("…", first_line))[:MAX_TEXT],
        first_at=at,
        last_at=at,
        count=1,
    )


def _together(one: Problem, other: Problem) -> Problem:
    return Problem(
        source=one.source,
        level="error" if "error" in (one.level, other.level) else "warning",
        text=one.text,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        count=one.count + other.count,
    )


async def _write_on(database: Database, collector: _Collector) -> None:
    while True:
        await collector.some.wait()
        await asyncio.sleep(GATHER_SECONDS)
        collector.some.clear()
        if not await _written(database, collector):
            await asyncio.sleep(RETRY_SECONDS)
            collector.some.set()


async def _write_last(database: Database, collector: _Collector) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await _written(database, collector)
    except TimeoutError:
        return  # a store that is away keeps nobody from stopping


async def _written(database: Database, collector: _Collector) -> bool:
    """Write what waits. :returns: whether the store took it."""
    taken = collector.take()
    if not taken:
        return True
    try:
        await _store(database, taken)
    except STORE_ERRORS:
        collector.give_back(taken)
        return False
    except asyncio.CancelledError:
        collector.give_back(taken)
        raise
    return True


async def _store(database: Database, found: Sequence[Problem]) -> None:
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    columns = problems.c
    surplus = select(columns.id).order_by(columns.last_at.desc(), columns.id.desc()).limit(KEPT)
    async with database.write() as tx:
        # In one order, so that workers that write the same problems do not wait for each other in a circle.
        for problem in sorted(found, key=lambda one: (one.source, one.text)):
            new = insert(problems).values(**asdict(problem))
            excluded = new.excluded
            await tx.execute(
                new.on_conflict_do_update(
                    index_elements=["source", "text"],
                    set_={
                        "level": case((excluded.level == "error", "error"), else_=columns.level),
                        "last_at": case(
                            (excluded.last_at > columns.last_at, excluded.last_at), else_=columns.last_at
                        ),
                        "count": columns["count"] + excluded["count"],
                    },
                )
            )
        too_old = columns.last_at < now() - KEPT_DAYS * 86_400 * MICROSECONDS
        await tx.execute(delete(problems).where(or_(columns.id.not_in(surplus), too_old)))
