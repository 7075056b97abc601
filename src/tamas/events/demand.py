"""Whether anybody wants live events: watching the engine costs each call something.

Receivers say so by their settings. Who follows the stream says so by following, and for as long as events are
kept afterwards, because who comes back reads on from where it stopped.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, select

from tamas.events.catalogue import EVENTS
from tamas.events.marks import Mark, mark
from tamas.events.receivers import list_receivers
from tamas.store.changes import Changes
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, HotQuery
from tamas.store.event_marks_schema import event_marks
from tamas.store.runtime_settings import load_runtime_settings

LIVE: Final = frozenset(name for name, each in EVENTS.items() if each.kind == "live")
DAY: Final = 24 * 3600 * MICROSECONDS

_LISTENED = HotQuery(select(func.max(event_marks.c.at)).where(event_marks.c.kind == bindparam("kind")))


async def note_listener(database: Database) -> None:
    """Write down that somebody follows the stream now."""
    async with database.write() as tx:
        await mark(tx, database.dialect, "listener", {"stream": Mark(state="", call="")})


class Demand:
    """Asks the store, cheaply."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._generation: int | None = None
        self._receivers = False
        self._days = 0

    async def live(self) -> bool:
        """Whether live events are wanted now.

        Raises one of :data:`~tamas.store.database.STORE_ERRORS` when the store is away.
        """
        generation = await self._changes.generation()
        if generation != self._generation:
            runtime = await load_runtime_settings(self._database)
            async with self._database.read() as connection:
                receivers = await list_receivers(connection)
            self._receivers = any(one.enabled and one.events & LIVE for one in receivers)
            self._days = int(runtime["events.days"])
            self._generation = generation
        if self._receivers:
            return True
        ((listened_at,),) = await self._database.hot(_LISTENED, "listener")
        return listened_at is not None and listened_at > now() - max(self._days, 1) * DAY
