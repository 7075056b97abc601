"""New rows of the API log, noticed by looking at the table while somebody watches: any process writes it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from tamas.console.api_logs import ApiLogRow, api_log_row
from tamas.sa.api_log import LogEntry
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.schema import api_log

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
LOOK_BACK: Final = 200
"""Ids are given in another order than rows are committed: so many before the last are looked at again."""
MAX_UNREAD: Final = 500
"""Rows that a follower may leave unread; then it is told to read the table anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNews:
    """What a follower is told."""

    fresh: bool
    """The table is to be read anew; then there are no rows here."""
    last_id: int
    rows: Sequence[ApiLogRow] = ()


class LogSubscription:
    """Somebody who follows the log. The first news are fresh."""

    def __init__(self) -> None:
        self._rows: deque[ApiLogRow] = deque()
        self._fresh = True
        self._last_id: int | None = None
        self._news = asyncio.Event()

    async def next(self) -> LogNews:
        """Wait for news."""
        await self._news.wait()
        self._news.clear()
        fresh, self._fresh = self._fresh, False
        rows, self._rows = self._rows, deque()
        return LogNews(fresh=fresh, last_id=self._last_id or 0, rows=() if fresh else tuple(rows))

    def wake(self) -> None:
        """Let :meth:`next` return although there is nothing new, once it has begun."""
        if self._last_id is not None:
            self._news.set()

    def begin(self, last_id: int) -> None:
        """Say where it begins, or begins anew because more came than anybody wants to be told row by row."""
        self._last_id = last_id
        self._fresh = True
        self._rows.clear()
        self._news.set()

    def tell(self, rows: Sequence[ApiLogRow]) -> None:
        """Hand rows over, the latest last."""
        self._last_id = max(self._last_id or 0, rows[-1].id)
        self._rows.extend(rows)
        if self._fresh or len(self._rows) > MAX_UNREAD:
            self.begin(self._last_id)
        self._news.set()


class LogFollower:
    """Follows the API log for everybody in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: set[LogSubscription] = set()
        self._seen: set[int] = set()
        self._last_id: int | None = None
        self._running: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[LogSubscription]:
        """Be told of new rows while the block lasts."""
        subscription = LogSubscription()
        self._subscriptions.add(subscription)
        if self._last_id is not None:
            subscription.begin(self._last_id)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="api-log-follower")
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def close(self) -> None:
        """Stop following."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            complained = False
            while self._subscriptions:
                try:
                    await self._look()
                except STORE_ERRORS as error:
                    if not complained:
                        log.warning("the API log cannot be followed for now: %s", error)
                    complained = True
                else:
                    complained = False
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._running, self._last_id = None, None
            self._seen.clear()

    async def _look(self) -> None:
        if self._last_id is None:
            await self._begin()
            return
        new = await self._ids() - self._seen
        if len(new) > MAX_UNREAD:
            await self._begin()
            return
        if not new:
            return
        statement = select(api_log).where(api_log.c.id.in_(new)).order_by(api_log.c.id)
        async with self._database.read() as connection:
            rows = [api_log_row(LogEntry(**row)) for row in await connection.rows(statement)]
        self._last_id = max(self._last_id, *new)
        self._seen = {number for number in self._seen | new if number > self._last_id - LOOK_BACK}
        for subscription in self._subscriptions if rows else ():
            subscription.tell(rows)

    async def _begin(self) -> None:
        """Begin at the end of the log."""
        async with self._database.read() as connection:
            self._last_id = await connection.scalar(select(func.max(api_log.c.id))) or 0
        self._seen = await self._ids()
        for subscription in self._subscriptions:
            subscription.begin(self._last_id)

    async def _ids(self) -> set[int]:
        after = max(0, (self._last_id or 0) - LOOK_BACK)
        statement = select(api_log.c.id).where(api_log.c.id > after).order_by(api_log.c.id)
        async with self._database.read() as connection:
            rows = await connection.rows(statement.limit(LOOK_BACK + MAX_UNREAD + 1))
        return {row["id"] for row in rows}
