"""The pace of campaigns: what runs in a process that dials.

Nothing that matters is kept here: several processes may dial the same campaigns, and each may die anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import select, text

from tamas.autodialer.agent_limit import limit_of
from tamas.autodialer.campaigns import purge_removed
from tamas.autodialer.expansion import Expander
from tamas.autodialer.lifecycle import complete_campaigns
from tamas.autodialer.placing import place
from tamas.autodialer.reach import LOOK_SECONDS, Reach
from tamas.autodialer.searching import SEARCH_SECONDS, Search
from tamas.autodialer.taking import CampaignLimit, Rules, take
from tamas.engine.ami import AmiError
from tamas.engine.engine import EngineNotReady
from tamas.engine.link import EngineAccess
from tamas.store.autodialer_schema import campaigns, trunk_managers
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, HotQuery, Row
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.schema import trunks
from tamas.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0
"""The longest that a campaign waits for somebody to look at it."""
COMPLETE_SECONDS: Final = 0.3
"""How often it is asked whether a campaign is over; seldom, so that free lines do not wait for the answer."""
PURGE_SECONDS: Final = 60.0
BREATH_SECONDS: Final = 0.015
MIN_REST_SECONDS: Final = 0.005

_c = campaigns.c
_LIVE = (
    select(
        _c.serial,
        _c.id,
        _c.trunk_manager_id,
        _c.agent_queue,
        _c.agent_factor,
        _c.max_abandoned,
        trunks.c.name.label("trunk"),
    )
    # Without manager or trunk it cannot dial, but it still ends.
    .outerjoin(trunk_managers, trunk_managers.c.id == _c.trunk_manager_id)
    .outerjoin(trunks, trunks.c.id == trunk_managers.c.trunk_id)
    .where(_c.status.in_(("waiting", "running")), _c.removed_at.is_(None))
    .order_by(_c.serial)
)

_ANY_LIVE = HotQuery(
    select(
        select(_c.serial).where(text("status IN ('waiting', 'running')"), _c.removed_at.is_(None)).exists()
    )
)


class Pacer:
    """Dials what may be dialed. Hold :meth:`run` in a task."""

    def __init__(self, database: Database, engine: EngineAccess, *, clock: Callable[[], int] = now) -> None:
        """:param clock: microseconds UTC; decides what is due, and nothing else."""
        self._database = database
        self._engine = engine
        self._clock = clock
        self._woken = asyncio.Event()
        self._reach = Reach()
        self._search = Search(database, engine)
        self.expander = Expander(database, clock=clock)
        self._runtime: Mapping[str, Any] = {}
        self._due: dict[str, float] = {}
        """When, of ``time.monotonic()``, something is done again."""

    def wake(self) -> None:
        """Lines are free, or a campaign changed: look now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        """Dial until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(self._dial, "campaigns"), name="campaigns")
            tasks.create_task(self._keep(self._expand, "numbers"), name="campaign-numbers")

    async def step(self) -> float:
        """Dial what is due now; returns for how many seconds there will be nothing to do."""
        at = self._clock()
        live: Sequence[Row] = ()
        ((anything,),) = await self._database.hot(_ANY_LIVE)
        if anything:
            async with self._database.read() as connection:
                live = await connection.rows(_LIVE)
        if self._is_due("search", SEARCH_SECONDS) and self._engine.ready:
            await self._search.step(at)
        if self._is_due("purge", PURGE_SECONDS):
            await purge_removed(self._database)
        if not live:
            return TICK_SECONDS
        if self._is_due("complete", COMPLETE_SECONDS):
            await complete_campaigns(self._database, at)
        live = [row for row in live if row["trunk"] is not None]
        if not live or not self._engine.ready:
            return TICK_SECONDS
        if self._is_due("settings", TICK_SECONDS):
            self._runtime = await load_runtime_settings(self._database)
        runtime = self._runtime
        try:
            if self._is_due("reach", LOOK_SECONDS):
                await self._reach.look(self._engine.ami, [row["trunk"] for row in live])
            limits = await self._limits(live, at)
        except (AmiError, EngineNotReady):  # it went away in this moment
            return TICK_SECONDS
        rules = Rules.of(runtime, unreachable=self._reach.unreachable, limits=limits)
        rest = TICK_SECONDS
        for manager_id in dict.fromkeys(row["trunk_manager_id"] for row in live):
            rest = min(rest, await self._dial_with(manager_id, rules, runtime))
        return rest

    async def _dial_with(self, manager_id: str, rules: Rules, runtime: Mapping[str, Any]) -> float:
        at = self._clock()
        taken = await take(self._database, manager_id, rules, at)
        if taken.orders:
            await place(self._database, self._engine, taken.orders, runtime, taken_at=time.monotonic())
        if taken.again:
            return 0.0
        if taken.next_at is not None:
            return max((taken.next_at - self._clock()) / MICROSECONDS, MIN_REST_SECONDS)
        return TICK_SECONDS

    async def _limits(self, live: Sequence[Row], at: int) -> Mapping[int, CampaignLimit]:
        capped = [row for row in live if row["agent_queue"] or row["max_abandoned"] is not None]
        if not capped:
            return {}
        ami = self._engine.ami
        channels = await ami.list_action("CoreShowChannels")
        limits = {}
        async with self._database.read() as connection:
            for row in capped:
                limit = await limit_of(connection, ami, channels, row, at)
                if limit is not None:
                    limits[row["serial"]] = limit
        return limits

    def _is_due(self, what: str, seconds: float) -> bool:
        at = time.monotonic()
        if at < self._due.get(what, 0.0):
            return False
        self._due[what] = at + seconds
        return True

    async def _dial(self) -> None:
        self._woken.clear()
        rest = await self.step()
        if rest <= 0:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._woken.wait()
                # Lines become free in heaps, and a transaction takes as long for one as for a few.
                await asyncio.sleep(BREATH_SECONDS)

    async def _expand(self) -> None:
        seconds = await self.expander.step()
        # As long again for those who waited for the database.
        await asyncio.sleep(seconds or TICK_SECONDS)

    async def _keep(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        trouble = StoreTrouble(log, f"{what} have to wait for the store")
        while True:
            try:
                with trouble.told():
                    await work()
            except Exception:
                # A defect of ours. It is no reason to take the whole process down, and every call with it.
                log.exception("campaigns: this went wrong, and is tried again")
                await asyncio.sleep(TICK_SECONDS)
            else:
                if trouble.present:
                    await asyncio.sleep(TICK_SECONDS)
