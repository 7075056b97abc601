"""Watching the engine: a manager connection of its own, for as long as somebody looks.

The connection makes one snapshot and follows events from then on; when it breaks, everything is unknown
until the next snapshot. Nobody is told of differences between two snapshots: subscribers get the new one as a
whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from tamas.engine.ami import AmiActionFailed, AmiClient, AmiDisconnected, AmiError, AmiMessage
from tamas.engine.engine import EngineNotReady
from tamas.engine.link import EngineAccess
from tamas.engine.watch.incidents import Incident
from tamas.engine.watch.legs import Leg
from tamas.engine.watch.people import read_people
from tamas.engine.watch.rows import Marks, read_contacts, read_marks, read_originated, read_past
from tamas.engine.watch.state import EngineState, Touched
from tamas.engine.watch.view import CallView, EngineView, PhoneView, QueueView, TrunkView
from tamas.outgoing.backoff import BackOff
from tamas.store.clock import now
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.views import trunk_endpoint

log = logging.getLogger(__name__)

EVENT_MASK: Final = "system,call,agent"
"""Contacts and registrations; channels, dials and bridges; queues."""
LINGER_SECONDS: Final = 60.0
"""How long we go on watching after the last look."""
FIRST_LOOK_SECONDS: Final = 3.0
"""How long whoever looks first waits for the snapshot; then they see an engine that is not ready."""
POLL_SECONDS: Final = 1.0
"""How often the marks of rows are compared, and whether another Asterisk is there."""
PHONES_SECONDS: Final = 5.0
"""How often those of phones are: a row that goes is seldom, a registration tells of itself."""
ABSENT_POLL_SECONDS: Final = 0.1
"""The latter while there is none."""
GATHER_SECONDS: Final = 0.1
"""How long changes are gathered before a subscriber gets them."""
REGISTRATIONS_SECONDS: Final = 10.0
"""How often registrations are read: Asterisk does not tell when a registrar stops answering."""
LIST_SECONDS: Final = 30.0
"""For a list that may hold ten thousand phones."""
AT_ONCE: Final = 50
"""Questions that wait for their answers at the same time."""
MAX_CHANGED_CALLS: Final = 1_000
"""A subscriber who left so many changed calls unread gets a new snapshot instead."""
_NOTHING: Final = ("No Contacts found", "No registrations found", "Unable to retrieve endpoint")
"""How PJSIP answers in place of an empty list."""
RECONNECTS: Final = BackOff(first=0.05, factor=2.0, cap=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became different since a subscriber was last told."""

    ready: bool
    """Whether the engine can be seen."""
    fresh: bool
    """Everything may be different: read the view anew. The others are empty then."""
    calls: tuple[CallView, ...] = ()
    phones: Mapping[str, PhoneView] = field(default_factory=dict)
    trunks: Mapping[str, TrunkView] = field(default_factory=dict)
    queues: Mapping[str, QueueView] = field(default_factory=dict)


class Subscription:
    """Somebody who is told of changes. What one does not fetch in time adds up to less, never to more."""

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._touched = Touched()
        self._fresh = True
        self._news = asyncio.Event()
        self._news.set()

    async def next(self) -> Changes:
        """Wait for changes, gather them for a moment, and return them. The first ones are a snapshot."""
        await self._news.wait()
        if not self._fresh:
            await asyncio.sleep(GATHER_SECONDS)
        self._news.clear()
        touched, self._touched = self._touched, Touched()
        fresh, self._fresh = self._fresh, False
        state = self._state
        calls = [state.call(linkedid) for linkedid in touched.calls]
        if fresh or None in calls:
            # A call that ended so long ago that nobody knows of it any more must not stay on a screen.
            return Changes(ready=state.ready, fresh=True)
        return Changes(
            ready=state.ready,
            fresh=False,
            calls=tuple(sorted((call for call in calls if call), key=lambda call: call.started_at)),
            phones={number: state.phone(number) for number in touched.phones},
            trunks={name: state.trunk(name) for name in touched.trunks},
            queues={number: state.queue(number) for number in touched.queues},
        )

    def wake(self) -> None:
        """Let :meth:`next` return although nothing became different."""
        self._news.set()

    def tell(self, touched: Touched | None) -> None:
        """Note what became different; ``None``: everything."""
        if touched is None:
            self._fresh = True
            self._touched = Touched()
        elif not self._fresh:
            self._touched.add(touched)
            if len(self._touched.calls) > MAX_CHANGED_CALLS:
                self.tell(None)
        self._news.set()


class Follower(Protocol):
    """Who is told of each change at once, before the next event is looked at. Methods return at once."""

    def found(self, state: EngineState) -> None:
        """A snapshot is complete: all may be different, and nobody knows what happened before it."""

    def pinged(self, state: EngineState) -> None:
        """It is known by now which phones answered their last ping."""

    def told(self, state: EngineState, touched: Touched, incidents: Sequence[Incident]) -> None:
        """Something became different, or happened."""


class EngineWatch:
    """The state of the engine in this process. Costs nothing while nobody looks or follows."""

    def __init__(
        self, engine: EngineAccess, database: Database, *, linger_seconds: float = LINGER_SECONDS
    ) -> None:
        self._engine = engine
        self._database = database
        self._linger = linger_seconds
        self._state = EngineState()
        self._subscriptions: set[Subscription] = set()
        self._followers: list[Follower] = []
        self._touched = Touched()
        """What followers were told and subscribers were not yet."""
        self._last_look = 0.0
        self._running: asyncio.Task[None] | None = None
        self._client: AmiClient | None = None
        self._held_back: list[tuple[AmiMessage, int]] | None = None
        """Events that come during a snapshot; they are applied after it."""
        self._marks: Marks | None = None
        self._changed_endpoints: set[str] = set()
        """Endpoints whose rows changed at the last poll."""
        self._registrations_due = self._phones_due = 0.0
        """When these are to be read again, in the event loop's time."""
        self._telling = self._explaining = False
        self._settled = asyncio.Event()
        """Whether the first snapshot is there."""
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._complained = False

    @property
    def watching(self) -> bool:
        """Whether there is a connection, or one is being tried."""
        return self._running is not None

    async def look(self) -> EngineView:
        """The engine as it is now; the view stays current for :data:`LINGER_SECONDS` and more looks."""
        self._use()
        if not self._settled.is_set() and self._engine.ready:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK_SECONDS):
                    await self._settled.wait()
        return self._state

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Be told of changes while the block lasts."""
        subscription = Subscription(self._state)
        self._subscriptions.add(subscription)
        self._use()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self._last_look = asyncio.get_running_loop().time()

    @contextlib.contextmanager
    def following(self, follower: Follower) -> Iterator[None]:
        """Tell somebody of each change while the block lasts; begins with the next snapshot."""
        self._followers.append(follower)
        self._use()
        try:
            yield
        finally:
            self._followers.remove(follower)
            self._last_look = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Stop watching for good."""
        self._closed = True
        tasks = [task for task in (self._running, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running = None
        self._settled.set()  # whoever waits for a snapshot need not wait on

    # -- the connection --------------------------------------------------------------------------------

    def _use(self) -> None:
        self._last_look = asyncio.get_running_loop().time()
        if self._running is None and not self._closed:
            self._running = asyncio.create_task(self._run(), name="engine-watch")

    @property
    def _wanted(self) -> bool:
        silent = asyncio.get_running_loop().time() - self._last_look
        return bool(self._subscriptions or self._followers) or silent < self._linger

    async def _run(self) -> None:
        """Keep a connection to whatever Asterisk there is until nobody looks any more."""
        source: AmiClient | None = None
        reading: asyncio.Task[None] | None = None
        try:
            while self._wanted:
                current = self._current()
                if current is not source:
                    await self._drop(reading)
                    source, reading = current, self._connect(current)
                try:
                    await self._poll()
                except Exception:
                    # A fault there must not leave every screen as it is; the next poll compares anew.
                    log.exception("comparing the engine with the store failed")
                await self._pause()
        finally:
            self._running = None  # the next look begins anew, whatever is left to be closed here
            await self._drop(reading)

    async def _pause(self) -> None:
        """Wait for the next poll; not less than a moment, however often somebody wakes us."""
        await asyncio.sleep(ABSENT_POLL_SECONDS)
        if self._state.ready:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS - ABSENT_POLL_SECONDS):
                    await self._wake.wait()
        self._wake.clear()

    def _current(self) -> AmiClient | None:
        try:
            return self._engine.ami
        except EngineNotReady:
            return None

    def _connect(self, source: AmiClient | None) -> asyncio.Task[None] | None:
        if source is None:
            return None
        # What comes late from a connection that was given up must not touch the picture of the next.
        client = source.beside(
            on_event=lambda event: self._on_event(event) if self._client is client else None,
            on_connect=lambda: self._take_snapshot(client),
            on_disconnect=lambda: self._lose() if self._client is client else None,
            event_mask=EVENT_MASK,
            backoff=RECONNECTS,
        )
        self._client = client
        return asyncio.create_task(client.run(), name="engine-watch-ami")

    async def _drop(self, reading: asyncio.Task[None] | None) -> None:
        """Give the connection up; nothing is known from this moment on."""
        client, self._client = self._client, None
        self._lose()
        if client is not None:
            await client.close()
        if reading is not None:
            await asyncio.gather(reading, return_exceptions=True)

    def _lose(self) -> None:
        was_ready = self._state.ready
        self._settled.clear()
        self._held_back = None
        self._marks = None
        self._state.lost()
        self._touched.clear()
        if was_ready:
            self._tell(None)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="engine-watch-work")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the snapshot ----------------------------------------------------------------------------------

    async def _take_snapshot(self, client: AmiClient) -> None:
        """Read everything anew. :raises AmiError: the connection ended, or the store cannot be asked."""
        try:
            with self._holding_back():
                await self._read_all(client)
            await self._explain()
        except STORE_ERRORS as error:
            self._complain("the state of the engine has to wait for the store: %s", error)
            raise AmiDisconnected("the store cannot be asked") from error
        except AmiActionFailed as error:
            self._complain("the state of the engine cannot be read: %s", error)
            raise
        self._complained = False
        self._state.found()
        self._touched.clear()
        for follower in self._followers:
            follower.found(self._state)
        self._settled.set()
        self._tell(None)
        self._start(self._read_pings(client))

    def _complain(self, text: str, error: Exception) -> None:
        """Log what keeps us from a snapshot, once and not at each try."""
        if not self._complained:
            log.warning(text, error)
        self._complained = True

    @contextlib.contextmanager
    def _holding_back(self) -> Iterator[None]:
        """Apply events that come during the block after it: a list that is read in it may be older."""
        mine: list[tuple[AmiMessage, int]] = []
        self._held_back = mine
        try:
            yield
        finally:
            if self._held_back is mine:  # else the connection was lost, and what it told with it
                self._held_back = None
                for event, at in mine:
                    self._apply(event, at)

    async def _read_all(self, client: AmiClient) -> None:
        state = self._state
        marks = await read_marks(self._database)
        state.set_trunks({name: bool(mark[0]) for name, mark in marks.trunks.items()})
        state.contacts.restore(await read_contacts(self._database))
        await self._read_endpoints(client, (*map(trunk_endpoint, marks.trunks), *marks.fixed_phones))
        await self._read_registrations(client)
        state.queues.restore(await _listed(client, "QueueStatus"), now())
        state.book.restore(await _listed(client, "CoreShowChannels"), now())
        await self._read_holds(client)
        for linkedid, past in (await read_past(self._database, state.book.linkedids)).items():
            state.book.restore_past(linkedid, began=past.began, answered=past.answered)
        self._marks = marks

    async def _read_endpoints(self, client: AmiClient, endpoints: Iterable[str]) -> None:
        """Read the contacts of endpoints with fixed addresses; their rows are not in the store."""

        async def read(endpoint: str) -> None:
            details = await _listed(client, "PJSIPShowEndpoint", Endpoint=endpoint)
            self._state.contacts.restore_fixed(endpoint, details)

        names = list(endpoints)
        for start in range(0, len(names), AT_ONCE):
            await asyncio.gather(*(read(name) for name in names[start : start + AT_ONCE]))

    async def _read_pings(self, client: AmiClient) -> None:
        """Find out which phones did not answer their last ping.

        With ten thousand phones Asterisk works some seconds on that list, and sends no events meanwhile on
        the connection that asked.
        """
        contacts = self._state.contacts
        contacts.before_pings()
        try:
            async with client.apart() as own:
                found = await _listed(own, "PJSIPShowContacts")
        except AmiError as error:
            log.debug("which phones do not answer is not known: %s", error)
            found = []
        if self._client is client and self._state.ready:
            contacts.take_pings(found)
            self._tell_changes()
            for follower in self._followers:
                follower.pinged(self._state)

    async def _read_registrations(self, client: AmiClient) -> None:
        self._state.set_registrations(await _listed(client, "PJSIPShowRegistrationsOutbound"))
        self._registrations_due = asyncio.get_running_loop().time() + REGISTRATIONS_SECONDS

    async def _read_queues(self, client: AmiClient, changed: Collection[str]) -> None:
        """Read queues whose members changed, and then the others of those agents."""

        async def read(numbers: Iterable[str]) -> None:
            for number in numbers:
                status = await _listed(client, "QueueStatus", Queue=number)
                self._state.queues.restore_one(number, status, now())

        await read(changed)
        await read(self._state.queues.sharing(changed) - set(changed))

    async def _read_holds(self, client: AmiClient) -> None:
        """Find out who is on hold: the list of channels does not say it, device states do."""

        async def read(leg: Leg) -> None:
            device = f"DEVICE_STATE(PJSIP/{leg.is_.endpoint})"
            answer = await client.action("Getvar", {"Variable": device}, timeout=LIST_SECONDS)
            if answer.get("Value") == "ONHOLD":
                self._state.book.restore_hold(leg.uniqueid)

        legs = self._state.book.up_legs()
        for start in range(0, len(legs), AT_ONCE):
            await asyncio.gather(*(read(leg) for leg in legs[start : start + AT_ONCE]))

    # -- following -------------------------------------------------------------------------------------

    def _on_event(self, event: AmiMessage) -> None:
        if self._held_back is not None:
            self._held_back.append((event, now()))
            return
        if event.event in ("Registry", "Reload"):
            self._registrations_due = 0.0
            self._wake.set()
        self._apply(event, now())
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell_changes)

    def _apply(self, event: AmiMessage, at: int) -> None:
        self._state.apply(event, at)
        self._gather()

    def _gather(self) -> None:
        """Tell followers what became different, and keep it for subscribers."""
        touched, incidents = self._state.take_touched(), self._state.take_incidents()
        if not self._state.ready or not (touched or incidents):
            return
        for follower in self._followers:
            follower.told(self._state, touched, incidents)
        self._touched.add(touched)

    def _tell_changes(self) -> None:
        self._telling = False
        book = self._state.book
        if (book.unexplained or self._state.people.wanted) and not self._explaining:
            self._explaining = True
            self._start(self._explain_later())
        self._gather()
        if self._touched:
            touched, self._touched = self._touched, Touched()
            self._tell(touched)

    def _tell(self, touched: Touched | None) -> None:
        for subscription in self._subscriptions:
            subscription.tell(touched)

    async def _explain_later(self) -> None:
        try:
            while self._state.book.unexplained or self._state.people.wanted:
                await self._explain()
                self._tell_changes()
        except STORE_ERRORS as error:
            log.warning("names of parties have to wait for the store: %s", error)
        finally:
            self._explaining = False

    async def _explain(self) -> None:
        """Ask the store about people and calls that came up."""
        book, people = self._state.book, self._state.people
        book.calls()  # asks for everybody who is in one
        linkedids, book.unexplained = book.unexplained, set()
        for linkedid, originated in (await read_originated(self._database, linkedids)).items():
            book.explain(linkedid, originated)
            book.call(linkedid)  # asks for who was to be called
        book.renamed(people.learn(await read_people(self._database, list(people.wanted))))

    async def _poll(self) -> None:
        """Compare what nobody tells us of."""
        self._state.book.forget(now())
        client, before = self._client, self._marks
        if client is None or before is None or not self._state.ready:
            return
        try:
            due = asyncio.get_running_loop().time() > self._phones_due
            marks = await read_marks(self._database, phones_as=None if due else before)
            if due:
                self._phones_due = asyncio.get_running_loop().time() + PHONES_SECONDS
                if marks.registrations != self._state.contacts.registrations:
                    self._state.contacts.correct(await read_contacts(self._database))
            await self._read_changed(client, before, marks)
            self._marks = marks
        except STORE_ERRORS as error:
            log.warning("changes of trunks and queues have to wait for the store: %s", error)
        except AmiError as error:
            log.debug("changes of trunks and queues have to wait for the engine: %s", error)
        self._tell_changes()

    async def _read_changed(self, client: AmiClient, before: Marks, marks: Marks) -> None:
        self._state.set_trunks({name: bool(mark[0]) for name, mark in marks.trunks.items()})
        trunks = _different(before.trunks, marks.trunks)
        changed = {trunk_endpoint(name) for name in trunks}
        changed.update(_different(before.fixed_phones, marks.fixed_phones))
        members = set(_different(before.members, marks.members))
        # Who came and went between two looks left all rows as they were.
        members |= self._state.queues.crowded({queue: count for queue, (count, *_) in marks.members.items()})
        # Once more at the next poll: who changed a row tells Asterisk only after that.
        endpoints, self._changed_endpoints = changed | self._changed_endpoints, changed
        if endpoints or members:
            with self._holding_back():
                await self._read_endpoints(client, endpoints)
                await self._read_queues(client, members)
        if endpoints or asyncio.get_running_loop().time() > self._registrations_due:
            await self._read_registrations(client)


async def _listed(client: AmiClient, action: str, **fields: str) -> list[AmiMessage]:
    """Events of a list action; none for what PJSIP has nothing of, or does not know (any more)."""
    try:
        return await client.list_action(action, fields, timeout=LIST_SECONDS)
    except AmiActionFailed as error:
        if not error.message.startswith(_NOTHING):
            raise
        return []


def _different(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
