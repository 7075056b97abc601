"""Delivering events: one process of all that share the store does it, with a lane for each receiver.

See ``docs/decisions/0024-outbox.md``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from tamas.events.clock import Clock
from tamas.events.fan_out import LOT, fan_out
from tamas.events.lane import Lane, Owed, Tools
from tamas.events.ledger import Ledger
from tamas.events.receivers import Receiver, list_receivers, switch_off
from tamas.events.retention import expire, prune
from tamas.events.signals import WRITTEN
from tamas.outgoing.web import WebConnections
from tamas.store.changes import Changes
from tamas.store.database import STORE_ERRORS, Database, HotQuery
from tamas.store.events_schema import PENDING, event_deliveries, event_receivers
from tamas.store.leases import HeldLease
from tamas.store.runtime_settings import load_runtime_settings

log = logging.getLogger(__name__)

LEASE: Final = "events.delivery"
LEASE_SECONDS: Final = 6.0
POLL_SECONDS: Final = 0.1
"""How often the outbox is looked at: what other processes put there wakes nobody."""
NUDGE_SECONDS: Final = 2.0
"""How often it is asked whether something is owed that nobody offered: a replay."""
CARE_SECONDS: Final = 60.0
AWAY_SECONDS: Final = 1.0
"""After which a store that was away, or a lease that another holds, is tried again."""
PROVEN_TOGETHER: Final = 400
UNPROVEN_TOGETHER: Final = 40

_DUE = HotQuery(
    select(event_receivers.c.id).where(
        select(event_deliveries.c.position)
        .where(
            event_deliveries.c.receiver_id == event_receivers.c.id,
            event_deliveries.c.state == PENDING,
            event_deliveries.c.next_at <= bindparam("at"),
        )
        .exists()
    )
)


class Delivery:
    """Run :meth:`run` beside everything else; cancelling it closes all lanes."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        open_secret: Callable[[str], str],
        *,
        clock: Clock | None = None,
        holder: str | None = None,
    ) -> None:
        """:param open_secret: opens what is sealed."""
        self._database = database
        self._changes = changes
        self._clock = clock or Clock()
        self._lease = HeldLease(database, LEASE, seconds=LEASE_SECONDS, holder=holder)
        self._ledger = Ledger(database)
        self._connections = WebConnections()
        self._tools = Tools(
            database=database,
            ledger=self._ledger,
            connections=self._connections,
            clock=self._clock,
            open_secret=open_secret,
            proven=asyncio.Semaphore(PROVEN_TOGETHER),
            unproven=asyncio.Semaphore(UNPROVEN_TOGETHER),
            gone=self._gone,
        )
        self._wake = asyncio.Event()
        self._generation: int | None = None
        self._receivers: list[Receiver] = []
        self._lanes: dict[str, tuple[Lane, asyncio.Task[None]]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._nudged_at = 0
        self._cared_at = 0

    async def run(self) -> None:
        """Deliver until cancelled."""
        writing = asyncio.create_task(self._ledger.run(), name="events-ledger")
        try:
            with WRITTEN.calling(self._wake.set):
                while True:
                    await self._clock.wait(self._wake, await self._turn())
        finally:
            await self._close_lanes()
            try:
                async with asyncio.timeout(AWAY_SECONDS):
                    await self._ledger.settled()
                    await self._lease.release()
            except TimeoutError:
                log.warning("what became of the last events is not written down; some may be sent again")
            for task in (writing, *self._beside):
                task.cancel()
            await asyncio.gather(writing, *self._beside, return_exceptions=True)
            self._connections.close()

    async def _turn(self) -> float:
        """Do what there is to do; tells for how many seconds there is nothing."""
        self._wake.clear()
        try:
            if not await self._lease.hold():
                await self._close_lanes()
                return AWAY_SECONDS
            await self._look_at_receivers()
            at = self._clock.now()
            told = await fan_out(self._database, [one for one in self._receivers if one.enabled], at)
            for event, key, ids in told:
                for receiver_id in ids:
                    self._lanes[receiver_id][0].offer(Owed(event, key, 0, at))
            await self._nudge(at)
            self._care(at)
        except STORE_ERRORS as error:
            log.warning("events cannot be delivered: %s", error)
            return AWAY_SECONDS
        return 0 if len(told) == LOT else POLL_SECONDS

    async def _look_at_receivers(self) -> None:
        """Open, change and close lanes as the settings say."""
        generation = await self._changes.generation()
        if generation == self._generation:
            return
        runtime = await load_runtime_settings(self._database)
        async with self._database.read() as connection:
            receivers = await list_receivers(connection)
        zone: tzinfo = UTC if runtime["timezone"] == "UTC" else ZoneInfo(runtime["timezone"])
        everywhere = bool(runtime["events.allow_internal"])
        wanted = {one.id: one for one in receivers if one.enabled}
        for gone in self._lanes.keys() - wanted.keys():
            self._do_beside(_close(*self._lanes.pop(gone)))
        for receiver_id, receiver in wanted.items():
            internal = everywhere or receiver.allow_internal
            if receiver_id in self._lanes:
                self._lanes[receiver_id][0].change(receiver, internal=internal, zone=zone)
            else:
                lane = Lane(self._tools, receiver, internal=internal, zone=zone)
                running = asyncio.create_task(lane.run(), name=f"events-to-{receiver.name}")
                self._lanes[receiver_id] = lane, running
        self._receivers, self._generation = receivers, generation

    async def _nudge(self, at: int) -> None:
        if abs(at - self._nudged_at) < NUDGE_SECONDS * 1e6:
            return
        self._nudged_at = at
        for (receiver_id,) in await self._database.hot(_DUE, at):
            if receiver_id in self._lanes:
                self._lanes[receiver_id][0].nudge()

    def _care(self, at: int) -> None:
        if abs(at - self._cared_at) < CARE_SECONDS * 1e6 or self._beside:
            return
        self._cared_at = at
        self._do_beside(self._clean(at))

    async def _clean(self, at: int) -> None:
        try:
            runtime = await load_runtime_settings(self._database)
            await expire(self._database, at)
            await prune(self._database, at, days=runtime["events.days"], rows=runtime["events.rows"])
        except STORE_ERRORS as error:
            log.warning("old events cannot be removed now: %s", error)

    def _gone(self, receiver_id: str) -> None:
        lane = self._lanes.get(receiver_id)
        if lane is not None:
            log.warning("receiver %s answered 410 Gone and is switched off", lane[0].receiver.name)
            self._do_beside(self._switch_off(receiver_id))

    async def _switch_off(self, receiver_id: str) -> None:
        try:
            await switch_off(self._database, self._changes, receiver_id, "it answered 410 Gone")
        except STORE_ERRORS as error:
            log.warning("a receiver that is gone cannot be switched off now: %s", error)
        self._wake.set()

    def _do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _close_lanes(self) -> None:
        lanes = list(self._lanes.values())
        self._lanes.clear()
        self._generation = None
        await asyncio.gather(*(_close(*lane) for lane in lanes), return_exceptions=True)


async def _close(lane: Lane, running: asyncio.Task[None]) -> None:
    await lane.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
