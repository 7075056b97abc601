"""The lane of one receiver: what it is owed, in order per call, with its own rests. It delays no other lane.

Three kinds of failure, because a receiver that is away says nothing of the event, and one that refuses an
event says nothing of the others:

- it did not answer: the lane rests, longer each time, and tries one event after each rest; the events
  themselves stay due, so that they all go at once when it is back;
- it has trouble (5xx): the event is put off, and when several kinds of events fail the lane rests shortly;
- it refuses this event (3xx, 4xx): the event is put off, later ones of its call are held behind it for a
  while, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

import httpcore
import httpx
from sqlalchemy import func, select

from tamas.errors import TamasError
from tamas.events.clock import Clock
from tamas.events.ledger import Ledger
from tamas.events.receivers import Receiver
from tamas.events.rendering import Told, request_for
from tamas.events.sending import MAX_ERROR, Outcome, send
from tamas.outgoing.backoff import BackOff
from tamas.outgoing.web import WebConnections
from tamas.store.clock import MICROSECONDS
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.events_schema import PENDING, event_deliveries, events

log = logging.getLogger(__name__)

TOGETHER: Final = 8
"""Requests to one receiver at the same time, once it has answered one."""
WINDOW: Final = 200
"""Events of a lane in memory."""
GIVE_UP_SECONDS: Final = 3 * 86_400
"""After which an event that was not taken is given up."""
HELD_TRIES: Final = 4
"""Refusals, about a quarter of an hour, for which later events of the same call wait behind one."""
TROUBLED: Final = 5
"""Answers of trouble in a row after which a lane rests."""
AWAY: Final = BackOff(first=0.4, factor=2, cap=120)
"""Rests while a receiver does not answer, seconds."""
TROUBLE: Final = BackOff(first=1, factor=2, cap=10)
"""Rests while it has trouble."""
PUT_OFF: Final = BackOff(first=5, factor=5, cap=8 * 3600)
"""How long an event that was refused is put off: 5 s, 25 s, 2 min, 10 min, 52 min, 4 h, 8 h …"""
STORE_SECONDS: Final = 1.0
"""After which a store that was away is asked again."""
FAREWELL_SECONDS: Final = 2.0
"""How long requests that are under way may end when the lane closes."""


@dataclass(slots=True)
class Owed:
    """An event that a receiver is to get."""

    event: Told
    key: str
    tries: int
    owed_at: int


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What all lanes share."""

    database: Database
    ledger: Ledger
    connections: WebConnections
    clock: Clock
    open_secret: Callable[[str], str]
    """Opens what is sealed."""
    proven: asyncio.Semaphore
    """Places for requests to receivers that answer."""
    unproven: asyncio.Semaphore
    """Places for those that have not, lest they take all."""
    gone: Callable[[str], None]
    """Told the id of a receiver that wants nothing any more."""
    draw: Callable[[], float] = random.random


class Lane:
    """Run :meth:`run`; end with :meth:`close`."""

    def __init__(self, tools: Tools, receiver: Receiver, *, internal: bool, zone: tzinfo) -> None:
        """
        :param internal: whether the receiver may be at an address that is not of the public internet.
        :param zone: of the settings.
        """
        self._tools = tools
        self._ready: deque[Owed] = deque()
        self._behind: dict[str, deque[Owed]] = {}
        """Keys that are ready or under way, and what comes after."""
        self._known: set[int] = set()
        """Positions in memory, and those whose outcome is not written yet."""
        self._holding: dict[str, int] = {}
        """Keys that wait behind a refused event, and until when."""
        self._unsettled: set[str] = set()
        """Those of which the store does not know yet."""
        self._highest = 0
        self._more = True
        """Whether the store may have due events that are not in memory; nothing new goes past them."""
        self._asked = False
        """Whether that was said again since it began to be read."""
        self._due_at: int | None = None
        """When the next event that was put off is due."""
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._changes = 0
        """Counts changes: connections made before one are not used after it."""
        self._closing_idle: set[asyncio.Task[None]] = set()
        self.change(receiver, internal=internal, zone=zone)

    def change(self, receiver: Receiver, *, internal: bool, zone: tzinfo) -> None:
        """Go on with changed settings; what is under way ends as it began."""
        self.receiver = receiver
        self._internal = internal
        self._zone = zone if receiver.local_time else UTC
        self._silent = 0
        """Tries in a row that got no answer."""
        self._trouble = 0
        """Answers of trouble in a row, and the kinds of events that got them."""
        self._troubled: set[str] = set()
        self._proven = False
        self._rest_until = 0
        self._rests = 0
        """Counts rests: tries that were under way when one began say nothing new."""
        self._changes += 1
        self._let_go()
        self._wake.set()

    def offer(self, owed: Owed) -> None:
        """Take an event that has just been written to the store for this receiver."""
        position = owed.event.position
        if position <= self._highest or position in self._known:
            return
        if self._more or len(self._known) >= WINDOW:
            self._more = self._asked = True
            self._wake.set()
            return
        self._highest = position
        self._admit(owed)
        self._wake.set()

    def nudge(self) -> None:
        """The store has something due that nobody offered."""
        if not self._known:
            self._more = self._asked = True
            self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled or closed."""
        clock = self._tools.clock
        while not self._closing:
            self._wake.clear()
            pause: float | None
            try:
                await self._refill()
            except STORE_ERRORS as error:
                log.warning("events of receiver %s cannot be read yet: %s", self.receiver.name, error)
                pause = STORE_SECONDS
            else:
                pause = self._start()
            await clock.wait(self._wake, pause)

    async def close(self) -> None:
        """Start nothing more, wait a little for what is under way, let go of connections."""
        self._closing = True
        self._wake.set()
        if self._running:
            await asyncio.wait(self._running, timeout=FAREWELL_SECONDS)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._let_go()
        await asyncio.gather(*self._closing_idle, return_exceptions=True)

    # -- what is owed ------------------------------------------------------------------------------------

    async def _refill(self) -> None:
        """Read what is due when memory has room for it."""
        at = self._tools.clock.now()
        if self._due_at is not None and self._due_at <= at:
            self._more = True
        if not self._more or len(self._known) > WINDOW // 2:
            return
        known = frozenset(self._known)
        over = {key for key, until in self._holding.items() if until <= at} - self._unsettled
        room = WINDOW - len(known)
        deliveries = event_deliveries
        pending = deliveries.c.receiver_id == self.receiver.id, deliveries.c.state == PENDING
        due = (
            select(
                deliveries.c.position,
                deliveries.c.order_key,
                deliveries.c.tries,
                deliveries.c.owed_at,
                events.c.name,
                events.c.created_at,
                events.c.fields,
            )
            .join(events, events.c.position == deliveries.c.position)
            .where(*pending, deliveries.c.next_at <= at)
            .order_by(deliveries.c.position)
            .limit(room + len(known))
        )
        later = select(func.min(deliveries.c.next_at)).where(*pending, deliveries.c.next_at > at)
        self._asked, self._due_at = False, None
        async with self._tools.database.read() as connection:
            rows = await connection.rows(due)
            next_at = await connection.scalar(later)
        if next_at is not None:
            self._due(next_at)
        for key in over:
            self._holding.pop(key, None)
        self._more = self._asked or len(rows) == room + len(known)
        for row in rows:
            position = row["position"]
            self._highest = max(self._highest, position)
            if position not in known and position not in self._known:
                event = Told(
                    position=position,
                    name=row["name"],
                    created_at=row["created_at"],
                    fields=row["fields"],
                )
                self._admit(Owed(event, row["order_key"], row["tries"], row["owed_at"]))

    def _admit(self, owed: Owed) -> None:
        until = self._holding.get(owed.key)
        if until is not None and owed.key:
            self._tools.ledger.held(self.receiver.id, owed.key, after=owed.event.position - 1, until=until)
            self._due(until)
            return
        self._known.add(owed.event.position)
        if not owed.key:
            self._ready.append(owed)
        elif owed.key in self._behind:
            self._behind[owed.key].append(owed)
        else:
            self._behind[owed.key] = deque()
            self._ready.append(owed)

    def _due(self, at: int) -> None:
        self._due_at = at if self._due_at is None else min(self._due_at, at)

    # -- sending -----------------------------------------------------------------------------------------

    def _start(self) -> float | None:
        """Start what may be started; tells for how many seconds nothing is to be done."""
        at = self._tools.clock.now()
        resting = self._rest_until - at
        while self._ready and resting <= 0 and len(self._running) < (TOGETHER if self._proven else 1):
            owed = self._next()
            task = asyncio.create_task(self._deliver(owed), name=f"event-to-{self.receiver.name}")
            self._running.add(task)
            task.add_done_callback(self._ended)
        times = [] if self._due_at is None else [self._due_at - at]
        if self._ready and resting > 0:
            times.append(resting)
        return max(min(times), 0) / MICROSECONDS + 0.001 if times else None

    def _next(self) -> Owed:
        """The next event; while there is trouble one of a kind that has none, if there is one."""
        if self._troubled:
            for owed in self._ready:
                if owed.event.name not in self._troubled:
                    self._ready.remove(owed)
                    return owed
        return self._ready.popleft()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a delivery failed unexpectedly", exc_info=task.exception())
        self._wake.set()

    async def _deliver(self, owed: Owed) -> None:
        tools = self._tools
        places = tools.proven if self._proven else tools.unproven
        rests = self._rests
        async with places:
            at = tools.clock.now()
            outcome = await self._try(owed.event, at)
        tools.ledger.tried(
            self.receiver.id,
            owed.event.position,
            at=at,
            status=outcome.status,
            ms=outcome.ms,
            error=outcome.error,
        )
        match outcome.verdict:
            case "delivered":
                self._delivered(owed)
            case "unreachable":
                self._ready.appendleft(owed)
                if rests == self._rests:
                    self._rest(AWAY, self._silent)
                    self._silent += 1
            case "gone":
                self._ready.appendleft(owed)
                self._rest_until = at + GIVE_UP_SECONDS * MICROSECONDS
                tools.gone(self.receiver.id)
            case _:
                self._refused(owed, outcome, told_before=rests != self._rests)

    async def _try(self, event: Told, at: int) -> Outcome:
        receiver = self.receiver
        try:
            request = request_for(
                event,
                receiver,
                zone=self._zone,
                password=self._opened(receiver.password),
                secret=self._opened(receiver.secret),
                at=at // MICROSECONDS,
            )
        except TamasError as error:  # a seal that cannot be opened, a secret that is none
            return Outcome(verdict="unreachable", status=None, ms=0, error=str(error)[:MAX_ERROR])
        changes = self._changes
        connection = await self._connection(httpx.URL(receiver.address))
        try:
            return await send(connection, request, seconds=receiver.timeout_ms / 1000)
        finally:
            if connection.is_idle() and changes == self._changes and not self._closing:
                self._idle.append(connection)
            elif not connection.is_closed():
                await connection.aclose()

    async def _connection(self, url: httpx.URL) -> httpcore.AsyncHTTPConnection:
        """The connection that was used last, if it can be used again."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return await self._tools.connections.connection(url, internal=self._internal)

    def _let_go(self) -> None:
        """Close connections that nobody uses."""
        for connection in self._idle:
            task = asyncio.create_task(connection.aclose())
            self._closing_idle.add(task)
            task.add_done_callback(self._closing_idle.discard)
        self._idle.clear()

    def _opened(self, sealed: str) -> str:
        return self._tools.open_secret(sealed) if sealed else ""

    # -- what came of it ---------------------------------------------------------------------------------

    def _delivered(self, owed: Owed) -> None:
        self._answers()
        self._tools.ledger.delivered(self.receiver.id, owed.event.position)
        self._forget(owed)
        self._advance(owed.key)

    def _refused(self, owed: Owed, outcome: Outcome, *, told_before: bool) -> None:
        at = self._tools.clock.now()
        tries = owed.tries + 1
        until = at + round(PUT_OFF.delay(tries - 1, self._tools.draw()) * MICROSECONDS)
        dead = until > owed.owed_at + GIVE_UP_SECONDS * MICROSECONDS
        position = owed.event.position
        self._tools.ledger.put_off(
            self.receiver.id,
            position,
            tries=tries,
            next_at=until,
            dead=dead,
            reason=outcome.error or "",
        )
        self._forget(owed, until=None if dead else until)
        if owed.key and tries <= HELD_TRIES and not dead:
            self._hold(owed.key, after=position, until=until)
        else:
            self._advance(owed.key)
        if outcome.verdict == "trouble":
            self._has_trouble(owed.event.name, told_before=told_before)
        else:
            self._answers()

    def _answers(self) -> None:
        """The receiver is in order."""
        self._silent = self._trouble = 0
        self._troubled.clear()
        self._proven = True
        self._rest_until = 0

    def _has_trouble(self, name: str, *, told_before: bool) -> None:
        self._silent = 0
        self._trouble += 1
        self._troubled.add(name)
        several = len(self._troubled) > 1 or len(self.receiver.events) == 1
        if self._trouble >= TROUBLED and several and not told_before:
            self._rest(TROUBLE, self._trouble - TROUBLED)

    def _hold(self, key: str, *, after: int, until: int) -> None:
        """Have what comes behind an event wait as long as it does."""
        self._holding[key] = until
        self._unsettled.add(key)
        self._tools.ledger.held(self.receiver.id, key, after=after, until=until)
        self._tools.ledger.when_written(lambda: self._unsettled.discard(key))
        for owed in self._behind.pop(key):
            self._forget(owed, until=until)

    def _advance(self, key: str) -> None:
        """Let the next event of a key go."""
        if not key:
            return
        behind = self._behind[key]
        if behind:
            self._ready.append(behind.popleft())
        else:
            del self._behind[key]

    def _forget(self, owed: Owed, *, until: int | None = None) -> None:
        """Leave an event to the store, once what became of it stands there.

        :param until: when it is due again.
        """
        position = owed.event.position

        def written() -> None:
            self._known.discard(position)
            if until is not None:
                self._due(until)  # only now does the store say so too
            if self._more or until is not None:
                self._wake.set()

        self._tools.ledger.when_written(written)

    def _rest(self, rests: BackOff, before: int) -> None:
        """Rest; ``before`` is how often in a row it did already."""
        self._proven = False
        pause = rests.delay(before, self._tools.draw())
        self._rest_until = self._tools.clock.now() + round(pause * MICROSECONDS)
        self._rests += 1
