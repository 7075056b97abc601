"""Live events: from what the watch of the engine sees to the outbox.

The watch tells of each change at once; what is worth an event is gathered here and written within
milliseconds, in the order in which it happened, together with marks of what was told
(:mod:`tamas.events.marks`). After a restart of ours, or of Asterisk, or a lost connection the new picture is
compared with the marks: so what changed meanwhile is told, and nothing else.

A contact of which a new Asterisk does not know yet whether it answers counts as reachable; that alone is no
news of an extension or trunk that was unavailable, see ``sure``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from sqlalchemy import select

from tamas.engine.watch.incidents import CameIn, Incident, Transferred, WentOut
from tamas.engine.watch.state import EngineState, Touched
from tamas.engine.watch.view import PhoneState
from tamas.engine.watch.view import TrunkState as SeenTrunkState
from tamas.engine.watch.watcher import EngineWatch
from tamas.events.marks import Mark, mark, marks_of, unmark
from tamas.events.of_calls import incoming_call, outgoing_call, transfer
from tamas.events.of_extensions import UNAVAILABLE, ExtensionState, new_state
from tamas.events.of_trunks import TrunkState, trunk_new_state
from tamas.events.outbox import Event, emit
from tamas.store.clock import now
from tamas.store.database import STORE_ERRORS, Connection, Database
from tamas.store.portions import portions
from tamas.store.schema import extensions, originates, trunks
from tamas.store.trouble import StoreTrouble
from tamas.store.views import trunk_endpoint

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 40.0
"""After so long Asterisk has pinged everybody; it begins within half a minute."""
BATCH: Final = 200
"""What is written in one transaction."""
MAX_WAITING: Final = 50_000
"""What is kept while the store is away; the oldest is dropped beyond."""
RETRY_SECONDS: Final = 0.5
WATCHED: Final = "engine"
"""Name of the mark that is there while the engine is watched, through our restarts."""
DEMAND_SECONDS: Final = 1.0
"""How often it is asked whether anybody wants live events."""

_PHONE_STATES: Final[Mapping[PhoneState, ExtensionState]] = {
    "idle": "Idle",
    "ringing": "Ringing",
    "in_use": "InUse",
    "hold": "InUse",
    "unavailable": "Unavailable",
}
_TRUNK_STATES: Final[Mapping[SeenTrunkState, TrunkState]] = {
    "ok": "Ok",
    "unavailable": "Unavailable",
    "deactivated": "Deactivate",
}
_IN_CALL: Final = frozenset({"Ringing", "InUse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """What an extension does."""

    number: str
    state: ExtensionState
    call: str = ""
    """Linked id; the following, too, are of the call in which it is."""
    participant: str = ""
    direction: Literal["in", "out"] | None = None
    queue: str | None = None
    dials: bool = False
    first_party: bool = False
    sure: bool = True
    """Whether somebody knows that it can be reached."""
    was: str = ""
    """Call in which it was until now."""

    @property
    def mark(self) -> Mark:
        """What is noted when this is told."""
        return Mark(f"{self.state} dialing" if self.dials else self.state, self.call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """What a trunk is."""

    name: str
    state: TrunkState
    at: int
    """When that was seen, microseconds."""
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything, after a time in which nobody looked."""

    phones: Mapping[str, Phone]
    """Those that are not unavailable."""
    trunks: Sequence[Trunk]
    channels: Sequence[CameIn | WentOut]
    """Of trunks, in calls in progress."""
    patient: bool
    """Whether there is time to become sure."""


class LiveEvents:
    """A :class:`~tamas.engine.watch.watcher.Follower`. Hold :meth:`run` in a task."""

    def __init__(self, database: Database, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._database = database
        self._settle_seconds = settle_seconds
        self._waiting: deque[Phone | Trunk | Incident | Picture] = deque()
        self._news = asyncio.Event()
        self._seen: dict[str, Phone] = {}
        """Extensions as they were last put into the line."""
        self._state: EngineState | None = None
        self._settling: asyncio.TimerHandle | None = None

    # -- following -------------------------------------------------------------------------------------

    def found(self, state: EngineState) -> None:
        self._state = state
        self._seen.clear()
        self._put(_picture(state, patient=True))
        self._settle_later()

    def pinged(self, state: EngineState) -> None:
        self._put(_picture(state, patient=True))

    def told(self, state: EngineState, touched: Touched, incidents: Sequence[Incident]) -> None:
        for incident in incidents:
            self._put(incident)
        for number in touched.phones:
            phone = _phone(state, number)
            seen = self._seen.get(number)
            if seen is None:
                self._seen[number] = phone
                self._put(phone)
            elif seen.mark != phone.mark:
                self._seen[number] = phone
                self._put(replace(phone, was=seen.call))
        at = now()
        for name in touched.trunks:
            self._put(_trunk(state, name, at))

    def all_told(self, linkedids: Collection[str]) -> bool:
        """Whether nothing of these calls is going to be told any more."""
        state = self._state
        if state is None or not state.ready:
            return True
        if any(state.book.goes_on(linkedid) for linkedid in linkedids):
            return False
        return not any(_is_of(item, linkedids) for item in self._waiting)

    def _put(self, item: Phone | Trunk | Incident | Picture) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
        self._waiting.append(item)
        self._news.set()

    def _settle_later(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(self._settle_seconds, self._settle)

    def _settle(self) -> None:
        self._settling = None
        if self._state is not None and self._state.ready:
            self._put(_picture(self._state, patient=False))

    # -- writing ---------------------------------------------------------------------------------------

    async def run(self, watch: EngineWatch, wanted: Callable[[], Awaitable[bool]]) -> None:
        """Watch and write while somebody wants live events, until cancelled.

        :param wanted: whether somebody does; raises one of ``STORE_ERRORS``.
        """
        while True:
            if await self._is_wanted(wanted, otherwise=False):
                await self._follow(watch, wanted)
            await asyncio.sleep(DEMAND_SECONDS)

    async def _follow(self, watch: EngineWatch, wanted: Callable[[], Awaitable[bool]]) -> None:
        writing = asyncio.create_task(self._write_on(), name="live-events-writing")
        try:
            with watch.following(self):
                while not writing.done() and await self._is_wanted(wanted, otherwise=True):
                    await asyncio.wait({writing}, timeout=DEMAND_SECONDS)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            if self._settling is not None:
                self._settling.cancel()
                self._settling = None
            self._state = None
            self._waiting.clear()
        if not writing.cancelled():
            writing.result()
        with contextlib.suppress(*STORE_ERRORS):  # then the next picture is compared with old marks
            async with self._database.write() as tx:
                await unmark(tx, "watch", [WATCHED])

    async def _is_wanted(self, wanted: Callable[[], Awaitable[bool]], *, otherwise: bool) -> bool:
        """:param otherwise: what is assumed while the store is away."""
        try:
            return await wanted()
        except STORE_ERRORS:
            return otherwise

    async def _write_on(self) -> None:
        trouble = StoreTrouble(log, "live events have to wait for the store")
        while True:
            await self._news.wait()
            with trouble.told():
                await self.write()
            if trouble.present:
                await asyncio.sleep(RETRY_SECONDS)

    async def write(self) -> None:
        """Write what waits."""
        while self._waiting:
            batch = self._next()
            async with self._database.write() as tx:
                writing = _Writing(tx, self._database)
                await writing.write(batch)
                if writing.held:
                    tx.after_commit.append(self._hold)
            for item in batch:
                if self._waiting and self._waiting[0] is item:  # else there were too many
                    self._waiting.popleft()
        self._news.clear()

    def _next(self) -> list[Phone | Trunk | Incident | Picture]:
        """What is written next: a picture alone, or what stands before one."""
        batch: list[Phone | Trunk | Incident | Picture] = []
        for item in self._waiting:
            if isinstance(item, Picture):
                return batch or [item]
            batch.append(item)
            if len(batch) == BATCH:
                break
        return batch

    def _hold(self) -> None:
        if self._settling is None:
            self._settle_later()


class _Writing:
    """One transaction."""

    def __init__(self, tx: Connection, database: Database) -> None:
        self._tx = tx
        self._dialect = database.dialect
        self._events: list[Event] = []
        self._phones: dict[str, Mark] = {}
        self._trunks: dict[str, Mark] = {}
        self._channels: dict[str, Mark] = {}
        self._types: dict[str, str] = {}
        """Types of the trunks that there are, by name."""
        self.held = False
        """Whether something is kept until it is sure."""

    async def write(self, batch: Sequence[Phone | Trunk | Incident | Picture]) -> None:
        """Write events and marks of what is new in a batch."""
        if len(batch) == 1 and isinstance(batch[0], Picture):
            await self._compare(batch[0])
            return
        phones = {item.number for item in batch if isinstance(item, Phone)}
        names = {item.name for item in batch if isinstance(item, Trunk)}
        known = await self._existing(phones)
        await self._read_trunks(names)
        marks = await marks_of(self._tx, "extension", known)
        channels = {item.channel for item in batch if isinstance(item, CameIn | WentOut)}
        self._channels = await marks_of(self._tx, "channel", channels)
        came: dict[str, Mark] = {}
        for item in batch:
            match item:
                case Phone() if item.number in known:
                    await self._phone(item, marks)
                case Trunk():
                    self._trunk(item, patient=True)
                case CameIn() | WentOut():
                    await self._channel(item, came)
                case Transferred():
                    self._events.append(
                        transfer(
                            call=item.call,
                            transferer=item.transferer,
                            transferred_from=item.transferred_from,
                            transferred_to=item.transferred_to,
                        )
                    )
        await self._finish(came)

    async def _compare(self, picture: Picture) -> None:
        """Write what is different from what was told. What nobody wanted to know until now is only noted."""
        watched = bool(await marks_of(self._tx, "watch"))
        patient = picture.patient and watched
        marks = await marks_of(self._tx, "extension")
        numbers = {*picture.phones, *(number for number, each in marks.items() if each.state != UNAVAILABLE)}
        known = await self._existing(numbers)
        await unmark(self._tx, "extension", [number for number in marks if number in numbers - known])
        await self._read_trunks({trunk.name for trunk in picture.trunks})
        self._channels = await marks_of(self._tx, "channel")
        came: dict[str, Mark] = {}
        for channel in picture.channels:
            await self._channel(channel, came)
        for number in sorted(known):
            phone = picture.phones.get(number) or Phone(number=number, state=UNAVAILABLE)
            if patient and not phone.sure and marks.get(number, _NEW).state == UNAVAILABLE:
                self.held = True
                continue
            await self._phone(phone, marks)
        for trunk in picture.trunks:
            self._trunk(trunk, patient=patient)
        if not watched:
            self._events.clear()
            await mark(self._tx, self._dialect, "watch", {WATCHED: Mark(state="", call="")})
        live = {channel.channel for channel in picture.channels}
        await unmark(self._tx, "channel", [name for name in self._channels if name not in live])
        await self._finish(came)

    async def _finish(self, came: Mapping[str, Mark]) -> None:
        await mark(self._tx, self._dialect, "extension", self._phones)
        await mark(self._tx, self._dialect, "trunk", self._trunks)
        await mark(self._tx, self._dialect, "channel", came)
        await emit(self._tx, self._events)

    # -- one thing -------------------------------------------------------------------------------------

    async def _phone(self, phone: Phone, marks: Mapping[str, Mark]) -> None:
        before = self._phones.get(phone.number) or marks.get(phone.number, _NEW)
        if before == phone.mark:
            return
        self._phones[phone.number] = phone.mark
        if not phone.call:
            was_in_call = before.state.partition(" ")[0] in _IN_CALL
            self._events.append(new_state(phone.number, phone.state, call=before.call if was_in_call else ""))
            return
        participant = phone.participant
        if not participant and phone.first_party:
            participant = (await self._originated(phone.call))[1]
        self._events.append(
            new_state(
                phone.number,
                phone.state,
                call=phone.call,
                participant=participant,
                direction=phone.direction,
                queue=phone.queue,
                dials=phone.dials,
            )
        )

    def _trunk(self, trunk: Trunk, *, patient: bool) -> None:
        kind, before = self._types.get(trunk.name), self._trunks.get(trunk.name)
        if kind is None:
            return
        if before is not None:
            if before.state == trunk.state:
                return
            if patient and not trunk.sure and before.state == "Unavailable":
                self.held = True
                return
            self._events.append(trunk_new_state(trunk.name, kind, trunk.state, since=trunk.at, at=now()))
        self._trunks[trunk.name] = Mark(trunk.state, "")

    async def _channel(self, incident: CameIn | WentOut, came: dict[str, Mark]) -> None:
        if incident.channel in self._channels or incident.channel in came:
            return
        came[incident.channel] = Mark("", incident.call)
        if isinstance(incident, CameIn):
            event = incoming_call(call=incident.call, number=incident.number, trunk=incident.trunk)
        else:
            event = outgoing_call(
                call=incident.call,
                number=incident.number,
                trunk=incident.trunk,
                originated_call_id=(await self._originated(incident.call))[0],
            )
        self._events.append(event)

    # -- the store -------------------------------------------------------------------------------------

    async def _originated(self, call: str) -> tuple[str | None, str]:
        """Id and second party of an originate; ``None`` and empty for other calls."""
        columns = originates.c.originated_call_id, originates.c.callee
        row = await self._tx.row(select(*columns).where(originates.c.uniqueid == call))
        return (None, "") if row is None else (str(row["originated_call_id"]), str(row["callee"]))

    async def _existing(self, numbers: Iterable[str]) -> set[str]:
        """Those numbers that are extensions."""
        found: set[str] = set()
        for some in portions(numbers):
            rows = await self._tx.rows(select(extensions.c.number).where(extensions.c.number.in_(some)))
            found.update(str(row["number"]) for row in rows)
        return found

    async def _read_trunks(self, names: Iterable[str]) -> None:
        wanted = list(names)
        for some in portions(wanted):
            columns = trunks.c.name, trunks.c.trunk_type
            for row in await self._tx.rows(select(*columns).where(trunks.c.name.in_(some))):
                self._types[str(row["name"])] = str(row["trunk_type"])
        self._trunks = await marks_of(self._tx, "trunk", wanted)


_NEW: Final = Mark(UNAVAILABLE, "")


def _is_of(item: Phone | Trunk | Incident | Picture, linkedids: Collection[str]) -> bool:
    """Whether something that waits may be of one of these calls."""
    match item:
        case Phone():
            return item.call in linkedids or item.was in linkedids
        case Trunk():
            return False
        case Picture():
            return True
        case _:
            return item.call in linkedids


def _picture(state: EngineState, *, patient: bool) -> Picture:
    at = now()
    phones = (_phone(state, number) for number in state.phones)
    return Picture(
        phones={phone.number: phone for phone in phones if phone.state != UNAVAILABLE},
        trunks=[_trunk(state, name, at) for name in state.trunks],
        channels=state.book.over_trunks(),
        patient=patient,
    )


def _phone(state: EngineState, number: str) -> Phone:
    seen = _PHONE_STATES[state.phone(number).state]
    call = state.phone_call(number)
    if call is None or seen not in _IN_CALL:
        on_break = seen == "Idle" and state.on_break(number)
        sure = state.contacts.reach(number) != "unknown"
        return Phone(number=number, state="Pause" if on_break else seen, sure=sure)
    return Phone(
        number=number,
        state=seen,
        call=call.call,
        participant=call.participant,
        direction=call.direction,
        queue=call.queue,
        dials=call.dials,
        first_party=call.first_party,
    )


def _trunk(state: EngineState, name: str, at: int) -> Trunk:
    trunk = state.trunk(name)
    reach = state.contacts.reach(trunk_endpoint(name))
    sure = reach != "unknown" or trunk.state != "ok" or trunk.registration == "registered"
    return Trunk(name=name, state=_TRUNK_STATES[trunk.state], at=at, sure=sure)
