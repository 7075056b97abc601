"""What was just told, for those who listen: read once per process, however many they are.

A listener has no queue of its own: it has a position, and reads on from there at its own pace, from memory or
from the store. One that has been at the end and then falls too far behind is told what it missed and goes on
at the end; positions have no gaps, so what was missed can be counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, literal_column, select

from tamas.events.demand import Listening
from tamas.events.rendering import Told
from tamas.events.signals import POSITIONED
from tamas.store.database import STORE_ERRORS, Database, HotQuery
from tamas.store.events_schema import events

log = logging.getLogger(__name__)

REMEMBERED: Final = 2000
"""Events in memory."""
MAX_BEHIND: Final = 1000
"""By how many events a listener may fall behind once it was at the end."""
LOT: Final = 200
"""Events that a listener gets at a time."""
POLL_SECONDS: Final = 0.05
AWAY_SECONDS: Final = 1.0

_AFTER = HotQuery(
    select(events.c.position, events.c.name, events.c.created_at, events.c.fields)
    .where(events.c.position > bindparam("after"))
    .order_by(events.c.position)
    .limit(literal_column(str(LOT)))
    .offset(literal_column("0"))  # SQLite's own would be a parameter
)


@dataclass(frozen=True, kw_only=True)
class Missed:
    """Events that a listener does not get any more."""

    count: int
    first: int
    """Position, as ``last``."""
    last: int


class EventTail:
    """Follows the outbox while anybody listens. Belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: deque[Told] = deque(maxlen=REMEMBERED)
        self._last = 0
        self._news = asyncio.Event()
        self._listening = 0
        self._beginning = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._noted = Listening(database)

    @property
    def listening(self) -> int:
        """How many listen."""
        return self._listening

    @asynccontextmanager
    async def listen(self, after: int | None) -> AsyncIterator[Listener]:
        """Listen within the block.

        :param after: position of the last event that is known already; ``None``: from now on.
        """
        self._listening += 1
        try:
            await self._noted.note()
            async with self._beginning:
                if self._following is None:
                    self._recent.clear()
                    self._last = await self._newest()
                    self._following = asyncio.create_task(self._follow(), name="event-tail")
            yield Listener(self, self._last if after is None else after)
        finally:
            self._listening -= 1
            if not self._listening and self._following is not None:
                self._following.cancel()
                self._following = None

    async def _newest(self) -> int:
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.max(events.c.position))) or 0)

    async def _follow(self) -> None:
        wake = asyncio.Event()
        with POSITIONED.calling(wake.set):
            while True:
                wake.clear()
                pause = POLL_SECONDS
                try:
                    await self._noted.note()
                    fresh = await self.read(self._last)
                except STORE_ERRORS as error:
                    log.warning("events cannot be read for those who listen: %s", error)
                    pause, fresh = AWAY_SECONDS, []
                if fresh:
                    self._recent.extend(fresh)
                    self._last = fresh[-1].position
                    self._news.set()
                    self._news = asyncio.Event()
                    pause = 0
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await wake.wait()

    async def read(self, after: int) -> list[Told]:
        """The next events in the store."""
        return [
            Told(position=position, name=name, created_at=created_at, fields=fields)
            for position, name, created_at, fields in await self._database.hot(_AFTER, after)
        ]

    async def next(self, listener: Listener) -> list[Told | Missed]:
        """What comes next for a listener; waits for it."""
        while listener.position >= self._last:
            listener.live = True
            await self._news.wait()
        missed: list[Told | Missed] = []
        if listener.live and self._last - listener.position > MAX_BEHIND:
            missed.append(_missed(listener.position, self._last - LOT))
            listener.position = self._last - LOT
        recent = self._recent
        if recent and recent[0].position <= listener.position + 1:
            skipped = listener.position + 1 - recent[0].position
            found = [recent[index] for index in range(skipped, min(skipped + LOT, len(recent)))]
        else:
            found = await self.read(listener.position)
        if found and found[0].position > listener.position + 1:
            missed.append(_missed(listener.position, found[0].position - 1))
        elif not found:
            missed.append(_missed(listener.position, self._last))
        listener.position = found[-1].position if found else self._last
        return [*missed, *found]


class Listener:
    """One who listens."""

    def __init__(self, tail: EventTail, after: int) -> None:
        self._tail = tail
        self.position = after
        """Of the last event it was given."""
        self.live = False
        """Whether it has been at the end."""

    async def next(self) -> list[Any]:
        """The next events (:class:`~tamas.events.rendering.Told`), and what was missed (:class:`Missed`)."""
        return list(await self._tail.next(self))


def _missed(after: int, last: int) -> Missed:
    return Missed(count=last - after, first=after + 1, last=last)
