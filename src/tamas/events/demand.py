"""Whether anybody wants live events: watching the engine costs each call something.

Receivers say so by their settings. Who follows the stream says so by following, and for as long as events are
kept afterwards, because who comes back reads on from where it stopped.
"""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import bindparam, func, select

from tamas.events.catalogue import EVENTS
from tamas.events.marks import Mark, mark
from tamas.events.receivers import list_receivers
from tamas.store.changes import Changes
from tamas.store.clock import DAY, now
from tamas.store.database import Database, HotQuery
from tamas.store.event_marks_schema import event_marks
from tamas.store.runtime_settings import load_runtime_settings

NOTE_SECONDS: Final = 3600.0
"""How often it is written down that somebody listens."""
LIVE: Final = frozenset(name for name, each in EVENTS.items() if each.kind == "live")

_LISTENED = HotQuery(select(func.max(event_marks.c.at)).where(event_marks.c.kind == bindparam("kind")))


class Listening:
    """Lets those who tell events know that somebody listens, or asks for what they begin with."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._again_at = 0.0

    async def note(self) -> None:
        """Write it down, unless that was done a while ago; call it as often as you like."""
        if time.monotonic() < self._again_at:
            return
        async with self._database.write() as tx:
            await mark(tx, self._database.dialect, "listener", {"stream": Mark(state="", call="")})
        self._again_at = time.monotonic() + NOTE_SECONDS


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
