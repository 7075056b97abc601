"""The search for lost calls: open attempts that no channel belongs to, and of which no record will tell.

They are what a process leaves that dies between its commit and Asterisk's hearing of the call, or an engine
that dies with calls. Never closed are attempts whose channel lives; those that CEL tells of are closed by
its rows (:mod:`tamas.records`), and here only when these did not come.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from sqlalchemy import select

from tamas.autodialer.results import lose
from tamas.engine.ami import AmiError
from tamas.engine.engine import EngineNotReady
from tamas.engine.link import EngineAccess
from tamas.store.autodialer_schema import dial_attempts
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Database
from tamas.store.schema import cel

log = logging.getLogger(__name__)

SEARCH_SECONDS: Final = 5.0
YOUNG_SECONDS: Final = 12.0
"""An attempt may be on its way to Asterisk so long, see :data:`tamas.autodialer.placing.STALE_SECONDS`."""
INCOMPLETE_SECONDS: Final = 60.0
"""How long rows of CEL may stay behind the end of their channel, however busy the records are."""
LIST_SECONDS: Final = 10.0

_a = dial_attempts.c
_told = select(cel.c.id).where(cel.c.uniqueid == _a.uniqueid).correlate(dial_attempts).exists()
_OPEN = select(_a.uniqueid, _a.started_at, _told.label("told")).where(_a.ended_at.is_(None))


class Search:
    """Finds lost calls, looking twice before it says so."""

    def __init__(self, database: Database, engine: EngineAccess) -> None:
        self._database = database
        self._engine = engine
        self._missing: Mapping[str, int] = {}
        """Attempts without a channel, and since when."""

    async def step(self, at: int) -> int:
        """Look once; returns how many attempts were closed.

        :param at: microseconds; now.
        """
        async with self._database.read() as connection:
            rows = await connection.rows(_OPEN.where(_a.started_at < at - int(YOUNG_SECONDS * MICROSECONDS)))
        if not rows:
            self._missing = {}
            return 0
        try:
            channels = await self._engine.ami.list_action("CoreShowChannels", {}, timeout=LIST_SECONDS)
        except (AmiError, EngineNotReady):  # Asterisk does not say, so nothing is known
            self._missing = {}
            return 0
        alive = {channel.get("Uniqueid", "") for channel in channels}
        alive |= {channel.get("Linkedid", "") for channel in channels}
        before = self._missing
        self._missing = {
            row["uniqueid"]: before.get(row["uniqueid"], at) for row in rows if row["uniqueid"] not in alive
        }
        told = {row["uniqueid"] for row in rows if row["told"]}
        twice = self._missing.keys() & before.keys()
        lost = await lose(self._database, twice - told, "the call did not come about")
        late = int(INCOMPLETE_SECONDS * MICROSECONDS)
        overdue = [name for name in twice & told if at - self._missing[name] > late]
        lost += await lose(
            self._database, overdue, "the call ended and left no record", whatever_cel_says=True
        )
        if lost:
            log.warning("%d calls of campaigns are lost", lost)
        return lost


async def lose_all(database: Database, *, before: int, reason: str) -> int:
    """Close the open attempts of an engine that is no more, but for those that CEL tells of.

    :param before: microseconds; only those begun earlier.
    """
    async with database.read() as connection:
        rows = await connection.rows(_OPEN.where(_a.started_at < before, ~_told))
    return await lose(database, [row["uniqueid"] for row in rows], reason)
