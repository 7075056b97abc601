"""Calls in progress, made from events: which channels belong together, who talks to whom, what happened.

A pure state machine: :meth:`CallBook.apply` takes events in the order of one manager connection, and
:attr:`CallBook.changed` says what became different. What was seen on Asterisk 22.10:

- Channels of a call share a linked id. When two calls become one (attended transfer, pickup) the oldest id
  remains, but no event says so: the next event of each channel just carries it. So calls are joined here when
  their channels meet in a bridge.
- Events about one channel may swap places within milliseconds (``Newstate`` before ``DialBegin``, ``Hangup``
  before ``DialEnd``), so none relies on another having come.
- Queues and call limits dial through Local channels, which stay in the call: two bridges with a Local channel
  between them are one talk.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tamas.engine.watch.channels import ChannelName, ChannelState, age, known, read_name, whole_number
from tamas.engine.watch.people import People
from tamas.engine.watch.view import CallState, CallView, Party, PartyState, PhoneState, Step, StepKind
from tamas.store.views import INCOMING_CONTEXT, OUTGOING_CONTEXT

ENDED_SECONDS: Final = 10
"""How long an ended call can still be asked for."""
MAX_STEPS: Final = 100
"""Steps that a story keeps; a queue that rings for hours makes many."""
MAX_LEGS: Final = 60
"""Ended legs that a call remembers."""
MAX_ENDED: Final = 2_000

_DIALED: Final = re.compile(r"(?:PJSIP|Local)/(?P<number>[^@/]+)(?:@(?P<endpoint>trunk-.+))?")
_MICROSECONDS: Final = 1_000_000
_NORMAL: Final = 16
_NO_ANSWER: Final = 19
_REFUSING: Final = frozenset({"BUSY", "CONGESTION", "CHANUNAVAIL", "NOANSWER"})
"""Ends of a dial (``DialEnd``) that are the called party's doing."""
_STATES: Final[Sequence[PhoneState]] = ("in_use", "hold", "ringing", "idle")
"""Of several calls at a phone the first of these is its state."""
_ORIGINATE_CAUSES: Final[Mapping[str, int]] = {"0": 3, "3": _NO_ANSWER, "5": 17, "8": 34}
"""``Reason`` of ``OriginateResponse`` (``AST_CONTROL_*`` of ``frame.h``) to Q.850."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Originated:
    """A call that the API asked for."""

    originated_call_id: str
    caller: str
    callee: str
    trunk_name: str


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """A channel."""

    uniqueid: str
    name: str
    is_: ChannelName
    call: Call
    state: int
    number: str
    """Caller id number: of an outside party, its number."""
    shown_name: str
    began_at: int
    calls_in: bool
    """Whether it called us; else we called it."""
    dialed: str = ""
    """Number beyond a trunk."""
    agent: str = ""
    """Agent for whom it rings."""
    bridge: str | None = None
    holds: bool = False
    """Whether its party put the other on hold."""
    rings: bool = False
    was_up: bool = False
    dial_status: str = ""
    gave_up: bool = False
    """Whether its party hung up, or refused."""
    ended: bool = False
    cause: int | None = None

    @property
    def up(self) -> bool:
        return self.state == ChannelState.UP and not self.ended

    @property
    def visible(self) -> bool:
        return not self.is_.hidden


@dataclass(slots=True)
class _Step:
    at: int
    what: StepKind
    who: Leg | str
    cause: int | None


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """Channels that belong together."""

    id: str
    started_at: int
    dialed: str = ""
    """What was dialed first."""
    originated: Originated | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    cause: int | None = None
    alive: dict[str, Leg] = field(default_factory=dict)
    legs: list[Leg] = field(default_factory=list)
    """Legs with somebody at their end, also those that have ended."""
    caller: Leg | None = None
    queue: str | None = None
    """The queue it came to last."""
    waits: bool = False
    """Whether it waits in that queue."""
    breaks_up: bool = False
    """Whether somebody left the talk and nothing new has begun."""
    steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=MAX_STEPS))
    frozen: bool = False
    """Whether it became part of another call, which has its channels now."""
    view: CallView | None = None
    """As last asked for; ``None``: it changed since."""


class CallBook:
    """All calls.

    :param people: names and numbers of parties.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._calls: dict[str, Call] = {}
        self._ended: dict[str, Call] = {}
        self._legs: dict[str, Leg] = {}
        self._bridges: dict[str, dict[str, Leg]] = {}
        self._pairs: dict[str, dict[str, Leg]] = {}
        self._joined: dict[str, str] = {}
        """Linked ids of calls that became part of another; until that one ends."""
        self._phones: dict[str, set[Leg]] = {}
        self._trunks: dict[str, set[Leg]] = {}
        self.changed: set[str] = set()
        """Calls that changed, by linked id; whoever reads clears it, as the following."""
        self.changed_phones: set[str] = set()
        self.changed_trunks: set[str] = set()
        self.unexplained: set[str] = set()
        """New calls that nobody called in for: the store may know who asked for them."""
        self._handlers: Mapping[str, Callable[[Mapping[str, str], int], None]] = {
            "Newchannel": self._on_new,
            "Newstate": self._on_state,
            "NewCallerid": self._on_caller_id,
            "Rename": self._on_rename,
            "DialBegin": self._on_dial_begin,
            "DialState": self._on_dial_state,
            "DialEnd": self._on_dial_end,
            "BridgeEnter": self._on_bridge_enter,
            "BridgeLeave": self._on_bridge_leave,
            "Hold": self._on_hold,
            "Unhold": self._on_unhold,
            "HangupRequest": self._on_hangup_request,
            "Hangup": self._on_hangup,
            "QueueCallerJoin": self._on_queue_join,
            "QueueCallerLeave": self._on_queue_leave,
            "AgentRingNoAnswer": self._on_agent_no_answer,
            "BlindTransfer": self._on_blind_transfer,
            "AttendedTransfer": self._on_attended_transfer,
            "Pickup": self._on_pickup,
            "OriginateResponse": self._on_originate_response,
        }

    # -- reading ---------------------------------------------------------------------------------------

    def calls(self) -> list[CallView]:
        """Calls in progress, oldest first."""
        shown = (self._view(call) for call in self._calls.values() if call.legs)
        return sorted(shown, key=lambda view: view.started_at)

    def call(self, linkedid: str) -> CallView | None:
        """A call in progress, or one that has just ended."""
        call = self._calls.get(linkedid) or self._ended.get(linkedid)
        return self._view(call) if call is not None and call.legs else None

    def phone_state(self, number: str) -> tuple[PhoneState, int]:
        """What an extension's phones do (``idle`` when nothing), and in how many calls."""
        legs = self._phones.get(number, ())
        states = [self._leg_state(leg) for leg in legs]
        return min(states, key=_STATES.index, default="idle"), len(legs)

    def trunk_calls(self, name: str) -> int:
        """Calls over a trunk."""
        return len(self._trunks.get(name, ()))

    def up_legs(self) -> list[Leg]:
        """Legs of extensions in a talk."""
        return [leg for leg in self._legs.values() if leg.up and leg.is_.kind == "extension" and leg.bridge]

    @property
    def linkedids(self) -> list[str]:
        """Calls in progress."""
        return list(self._calls)

    # -- writing ---------------------------------------------------------------------------------------

    def apply(self, event: Mapping[str, str], at: int) -> None:
        """Take in an event. Those that say nothing about calls are ignored.

        :param at: when it came, microseconds UTC.
        """
        handler = self._handlers.get(event.get("Event", ""))
        if handler is not None:
            handler(event, at)

    def restore(self, channels: Iterable[Mapping[str, str]], at: int) -> None:
        """Take the list of all channels (``CoreShowChannels``) for the truth.

        Calls that were known before keep their story; whatever is not in the list is gone without a word.
        """
        legs_before = self._legs
        self._calls, self._legs, self._bridges, self._pairs = {}, {}, {}, {}
        self._phones, self._trunks = {}, {}
        for channel in sorted(channels, key=lambda channel: age(channel.get("Uniqueid", ""))):
            uniqueid = channel.get("Uniqueid", "")
            leg = legs_before.pop(uniqueid, None)
            if leg is None:
                leg = self._make(channel, at, restored=True)
            else:
                leg.state = max(leg.state, whole_number(channel, "ChannelState") or 0)
                self._calls[leg.call.id] = leg.call
            if leg is not None:
                self._restore_leg(leg, channel)
        for leg in legs_before.values():
            leg.ended, leg.rings, leg.holds, leg.bridge = True, False, False, None
            leg.call.alive.pop(leg.uniqueid, None)
        self._joined = {old: new for old, new in self._joined.items() if new in self._calls}
        for bridge in list(self._bridges.values()):
            self._join_bridged(bridge, at)
        for call in self._calls.values():
            self._restore_call(call, at)
        self.changed.clear()
        self.changed_phones.clear()
        self.changed_trunks.clear()

    def restore_past(self, linkedid: str, *, began: Mapping[str, int], answered: Mapping[str, int]) -> None:
        """Add when the channels of a call began and were answered that was in progress before we looked.

        :param began: times by unique id; as ``answered``.
        """
        call = self._calls.get(linkedid)
        if call is None or not began:
            return
        call.started_at = min(began.values())
        for leg in call.legs:
            if leg.calls_in or leg.uniqueid not in began or self._has_step(leg):
                continue
            _insert(call, _Step(began[leg.uniqueid], "dialing", leg, None))
            if leg.uniqueid in answered:
                _insert(call, _Step(answered[leg.uniqueid], "answered", leg, None))
        times = [answered[leg.uniqueid] for leg in self._talking(call) if leg.uniqueid in answered]
        if times:
            call.answered_at = max(times)
        call.view = None

    def restore_hold(self, held: str) -> None:
        """Whoever talks to this leg holds it.

        :param held: its unique id.
        """
        leg = self._legs.get(held)
        if leg is None:
            return
        for other in self._connected(leg):
            if other is not leg and other.visible:
                other.holds = True
        leg.call.view = None

    def explain(self, linkedid: str, originated: Originated) -> None:
        """Somebody asked for this call through the API."""
        call = self._calls.get(linkedid) or self._ended.get(linkedid)
        if call is not None:
            call.originated = originated
            self._touch(call)

    def renamed(self, numbers: Iterable[str]) -> None:
        """Other people have these numbers now."""
        numbers = set(numbers)
        for call in (*self._calls.values(), *self._ended.values()):
            involved = {call.dialed}
            for leg in call.legs:
                involved.update((leg.is_.endpoint, leg.agent))
            if call.originated is not None:
                involved.update((call.originated.caller, call.originated.callee))
            if not involved.isdisjoint(numbers):
                self._touch(call)

    def forget(self, at: int) -> None:
        """Drop calls that ended some time ago."""
        for linkedid, call in list(self._ended.items()):
            is_fresh = call.ended_at is not None and at - call.ended_at < ENDED_SECONDS * _MICROSECONDS
            if is_fresh and len(self._ended) <= MAX_ENDED:
                break
            del self._ended[linkedid]

    # -- channels --------------------------------------------------------------------------------------

    def _on_new(self, event: Mapping[str, str], at: int) -> None:
        if event.get("Uniqueid", "") in self._legs:
            return
        leg = self._make(event, at, restored=False)
        if leg is None:
            return
        self._place(leg)
        call = leg.call
        call.breaks_up = False
        if leg.calls_in and not call.steps:
            self._step(call, at, "dialing", call.dialed)
        elif leg.visible and not leg.calls_in:
            self._dialing(leg, at)
        self._touch(call)

    def _make(self, event: Mapping[str, str], at: int, *, restored: bool) -> Leg | None:
        """A leg for a channel that is seen for the first time; ``None`` for what is no part of a call.

        :param restored: it was there before we looked.
        """
        name, uniqueid = event.get("Channel", ""), event.get("Uniqueid", "")
        is_ = read_name(name)
        if is_ is None or not uniqueid:
            return None
        state = whole_number(event, "ChannelState") or 0
        calls_in = state == ChannelState.RING or (restored and _ran_by_caller(event))
        call = self._call_of(event.get("Linkedid") or uniqueid, uniqueid, at)
        leg = Leg(
            uniqueid=uniqueid,
            name=name,
            is_=is_,
            call=call,
            state=state,
            number=known(event.get("CallerIDNum", "")),
            shown_name=known(event.get("CallerIDName", "")),
            began_at=_began(uniqueid, at),
            calls_in=calls_in and not is_.hidden,
        )
        if leg.visible:
            call.legs.append(leg)
            _drop_oldest(call)
            if call.caller is None:
                call.caller = leg
                call.dialed = event.get("Exten", "") if leg.calls_in else ""
        return leg

    def _place(self, leg: Leg) -> None:
        """Put a leg where it is looked for."""
        self._legs[leg.uniqueid] = leg
        leg.call.alive[leg.uniqueid] = leg
        if leg.is_.hidden:
            self._pairs.setdefault(leg.is_.pair, {})[leg.uniqueid] = leg
            return
        self._places(leg).setdefault(leg.is_.endpoint, set()).add(leg)
        if leg.is_.kind == "extension":
            self._people.ask_again(leg.is_.endpoint)

    def _places(self, leg: Leg) -> dict[str, set[Leg]]:
        return self._phones if leg.is_.kind == "extension" else self._trunks

    def _restore_leg(self, leg: Leg, channel: Mapping[str, str]) -> None:
        self._place(leg)
        leg.rings = leg.state == ChannelState.RINGING
        leg.was_up = leg.was_up or leg.up
        leg.bridge = None
        call = leg.call
        bridge = channel.get("BridgeId", "")
        if bridge:
            self._enter(leg, bridge)
        if leg.visible and channel.get("Application") == "Queue":
            call.queue = channel.get("ApplicationData", "").partition(",")[0]
            call.waits = not bridge
        if leg is call.caller and not call.steps:
            self._step(call, call.started_at, "dialing", call.dialed if leg.calls_in else leg)

    def _restore_call(self, call: Call, at: int) -> None:
        call.view = None
        for leg in call.legs:
            agents = [other.is_.agent for other in self._connected(leg) if other.is_.agent]
            if agents and leg.is_.kind == "extension" and not leg.calls_in:
                leg.agent = agents[0]
        if call.caller is not None and call.caller.ended:
            self._replace_caller(call)
        if call.answered_at is None and len(self._talking(call)) > 1:
            call.answered_at = at

    def _call_of(self, linkedid: str, uniqueid: str, at: int) -> Call:
        """The call of a linked id, new when it is the first channel."""
        linkedid = self._joined.get(linkedid, linkedid)
        call = self._calls.get(linkedid)
        if call is None:
            call = self._calls[linkedid] = Call(id=linkedid, started_at=_began(uniqueid, at))
            self.unexplained.add(linkedid)
        return call

    def _on_state(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        state = whole_number(event, "ChannelState")
        if leg is None or state is None or state <= leg.state:
            return
        leg.state = state
        if state == ChannelState.RINGING:
            self._rings(leg, at)
        elif state == ChannelState.UP:
            leg.was_up = True
            if leg.visible and not leg.calls_in:
                self._step(leg.call, at, "answered", leg)
        self._touch(leg.call)

    def _on_caller_id(self, event: Mapping[str, str], _at: int) -> None:
        leg = self._leg(event)
        if leg is not None and leg.calls_in:
            leg.number = known(event.get("CallerIDNum", ""))
            leg.shown_name = known(event.get("CallerIDName", ""))
            self._touch(leg.call)

    def _on_rename(self, event: Mapping[str, str], _at: int) -> None:
        leg = self._leg(event)
        if leg is not None:
            leg.name = event.get("Newname", leg.name)

    def _on_hangup_request(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        if leg is None or leg.gave_up:
            return
        leg.gave_up = True
        if leg.visible and (leg.was_up or leg.calls_in):
            self._step(leg.call, at, "hung_up", leg, whole_number(event, "Cause") or None)
        self._touch(leg.call)

    def _on_hangup(self, event: Mapping[str, str], at: int) -> None:
        leg = self._legs.pop(event.get("Uniqueid", ""), None)
        if leg is None:
            return
        call = leg.call
        self._leave(leg)
        leg.ended = True
        leg.rings = leg.holds = False
        leg.cause = whole_number(event, "Cause") or None
        call.alive.pop(leg.uniqueid, None)
        if leg.is_.hidden:
            pair = self._pairs.get(leg.is_.pair, {})
            pair.pop(leg.uniqueid, None)
            if not pair:
                self._pairs.pop(leg.is_.pair, None)
        else:
            self._end_leg(leg, at)
        self._touch(call)
        if not call.alive:
            self._end(call, at)

    def _end_leg(self, leg: Leg, at: int) -> None:
        call, places = leg.call, self._places(leg)
        legs = places.get(leg.is_.endpoint, set())
        legs.discard(leg)
        if not legs:
            places.pop(leg.is_.endpoint, None)
        self._touch_leg(leg)
        if leg.was_up:
            call.breaks_up = True
        elif not leg.calls_in:
            if leg.dial_status == "NOANSWER" and leg.cause is None:
                leg.cause = _NO_ANSWER
            # Of an originate that nobody answered in time no DialEnd comes.
            if leg.gave_up or leg.dial_status in _REFUSING or leg.cause == _NO_ANSWER:
                self._step(call, at, "refused", leg, leg.cause)
        if leg is call.caller:
            self._replace_caller(call)

    def _replace_caller(self, call: Call) -> None:
        """After a transfer by the caller the call goes on between others."""
        up = [leg for leg in call.legs if leg.up]
        others = [leg for leg in call.legs if not leg.ended]
        if up and len(others) > 1:
            call.caller = up[0]

    def _end(self, call: Call, at: int) -> None:
        self._calls.pop(call.id, None)
        self.unexplained.discard(call.id)
        for linkedid in [old for old, new in self._joined.items() if new == call.id]:
            del self._joined[linkedid]
        if not call.legs:
            return
        call.ended_at = at
        call.waits = False
        call.cause = call.cause or _cause(call)
        self._step(call, at, "ended", call.caller or "", call.cause)
        self._ended.pop(call.id, None)
        self._ended[call.id] = call
        self._touch(call)

    # -- dialing ---------------------------------------------------------------------------------------

    def _on_dial_begin(self, event: Mapping[str, str], at: int) -> None:
        leg = self._legs.get(event.get("DestUniqueid", ""))
        if leg is None:
            return
        dialer = self._legs.get(event.get("Uniqueid", ""))
        if leg.is_.kind == "trunk":
            leg.dialed = event.get("DialString", "").rpartition("@")[0]
        if dialer is not None and dialer.is_.agent:
            leg.agent = dialer.is_.agent
            self._people.ask_again(leg.agent)
        if leg.visible:
            self._dialing(leg, at)
        self._touch(leg.call)

    def _dialing(self, leg: Leg, at: int) -> None:
        """Note that a leg is called, once, whichever event says so first."""
        if not self._has_step(leg):
            self._step(leg.call, at, "dialing", leg)

    def _on_dial_state(self, event: Mapping[str, str], at: int) -> None:
        leg = self._legs.get(event.get("DestUniqueid", ""))
        # With early media (183) a network lets the caller hear it ring, and may never say so.
        if leg is not None and event.get("DialStatus") in ("RINGING", "PROGRESS"):
            self._rings(leg, at)
            self._touch(leg.call)

    def _rings(self, leg: Leg, at: int) -> None:
        if leg.rings or leg.state == ChannelState.UP:
            return
        leg.rings = True
        if leg.visible:
            self._dialing(leg, at)
            self._step(leg.call, at, "ringing", leg)

    def _on_dial_end(self, event: Mapping[str, str], _at: int) -> None:
        leg = self._legs.get(event.get("DestUniqueid", ""))
        if leg is not None:
            leg.dial_status = event.get("DialStatus", "")

    def _on_originate_response(self, event: Mapping[str, str], at: int) -> None:
        """Show an originate whose first party could not even be called: it has no channel."""
        linkedid = event.get("Uniqueid", "")
        if event.get("Response") == "Success" or not linkedid or self.call(linkedid) is not None:
            return
        is_ = _read_dial_string(event.get("Channel", ""))
        if is_ is None:
            return
        call = Call(id=linkedid, started_at=_began(linkedid, at))
        call.cause = _ORIGINATE_CAUSES.get(event.get("Reason", ""))
        leg = Leg(
            uniqueid=linkedid,
            name="",
            is_=is_,
            call=call,
            state=ChannelState.DOWN,
            number=known(event.get("CallerIDNum", "")),
            shown_name="",
            began_at=call.started_at,
            calls_in=False,
            ended=True,
            cause=call.cause,
        )
        call.legs.append(leg)
        call.caller = leg
        self._step(call, at, "dialing", leg)
        self._step(call, at, "refused", leg, call.cause)
        self._end(call, at)
        self.unexplained.add(linkedid)

    # -- talks -----------------------------------------------------------------------------------------

    def _on_bridge_enter(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        bridge = event.get("BridgeUniqueid", "")
        if leg is None or not bridge:
            return
        if leg.bridge not in (None, bridge):
            self._leave(leg)
        self._enter(leg, bridge)
        leg.holds = False
        if event.get("BridgeType") == "basic" and event.get("BridgeTechnology") != "holding_bridge":
            self._join_bridged(self._bridges[bridge], at)
        call = leg.call
        if len(self._talking(call)) > 1:
            call.breaks_up = False
            if call.answered_at is None:
                call.answered_at = at
        self._touch(call)

    def _on_bridge_leave(self, event: Mapping[str, str], _at: int) -> None:
        leg = self._leg(event)
        if leg is not None and leg.bridge == event.get("BridgeUniqueid"):
            self._leave(leg)
            self._touch(leg.call)

    def _enter(self, leg: Leg, bridge: str) -> None:
        leg.bridge = bridge
        self._bridges.setdefault(bridge, {})[leg.uniqueid] = leg

    def _leave(self, leg: Leg) -> None:
        if leg.bridge is None:
            return
        legs = self._bridges.get(leg.bridge, {})
        legs.pop(leg.uniqueid, None)
        if not legs:
            self._bridges.pop(leg.bridge, None)
        leg.bridge = None
        if leg.was_up and leg.visible:
            leg.call.breaks_up = True

    def _on_hold(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        if leg is not None and not leg.holds:
            leg.holds = True
            self._step(leg.call, at, "hold", leg)
            self._touch(leg.call)

    def _on_unhold(self, event: Mapping[str, str], at: int) -> None:
        # Also sent where nobody held, at each transfer.
        leg = self._leg(event)
        if leg is not None and leg.holds:
            leg.holds = False
            self._step(leg.call, at, "unhold", leg)
            self._touch(leg.call)

    def _on_blind_transfer(self, event: Mapping[str, str], at: int) -> None:
        leg = self._legs.get(event.get("TransfererUniqueid", ""))
        if leg is not None and event.get("Result") == "Success":
            self._step(leg.call, at, "transferred", leg)
            self._touch(leg.call)

    def _on_attended_transfer(self, event: Mapping[str, str], at: int) -> None:
        leg = self._legs.get(event.get("OrigTransfererUniqueid", ""))
        second = self._legs.get(event.get("SecondTransfererUniqueid", ""))
        if leg is None or event.get("Result") != "Success":
            return
        if second is not None:
            self._join(leg.call, second.call, at)
        self._step(leg.call, at, "transferred", leg)
        self._touch(leg.call)

    def _on_pickup(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        target = self._legs.get(event.get("TargetUniqueid", ""))
        if leg is None or target is None:
            return
        # What the other dialed was the pickup itself, and is no part of this call's story.
        leg.call.steps.clear()
        self._join(leg.call, target.call, at)
        self._step(leg.call, at, "answered", leg)
        self._touch(leg.call)

    def _join_bridged(self, legs: Mapping[str, Leg], at: int) -> None:
        """Channels in one bridge are one call."""
        calls = {leg.call.id: leg.call for leg in legs.values()}
        if len(calls) > 1:
            first, *others = calls.values()
            for other in others:
                first = self._join(first, other, at)

    def _join(self, one: Call, other: Call, at: int) -> Call:
        """Make two calls one; the younger ends."""
        if one is other:
            return one
        stays, goes = sorted((one, other), key=lambda call: age(call.id))
        steps = list(goes.steps)
        self._calls.pop(goes.id, None)
        self.unexplained.discard(goes.id)
        if goes.legs:
            goes.cause, goes.ended_at = _NORMAL, at
            self._step(goes, at, "ended", goes.caller or "", _NORMAL)
            self._touch(goes)
            self._view(goes)
            self._ended[goes.id] = goes
        goes.frozen = True
        for old, new in self._joined.items():
            if new == goes.id:
                self._joined[old] = stays.id
        self._joined[goes.id] = stays.id
        for leg in (*goes.alive.values(), *goes.legs):
            leg.call = stays
        stays.alive.update(goes.alive)
        stays.legs.extend(goes.legs)
        stays.caller = stays.caller or goes.caller
        goes.alive = {}
        stays.originated = stays.originated or goes.originated
        stays.queue = stays.queue or goes.queue
        stays.answered_at = min(
            (at for at in (stays.answered_at, goes.answered_at) if at is not None), default=None
        )
        for step in steps:
            _insert(stays, step)
        self._touch(stays)
        return stays

    # -- queues ----------------------------------------------------------------------------------------

    def _on_queue_join(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        if leg is not None:
            leg.call.queue = event.get("Queue", "")
            leg.call.waits = True
            leg.call.breaks_up = False
            self._step(leg.call, at, "queue_joined", leg.call.queue)
            self._touch(leg.call)

    def _on_queue_leave(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        if leg is not None and leg.call.waits:
            leg.call.waits = False
            self._step(leg.call, at, "queue_left", event.get("Queue", ""))
            self._touch(leg.call)

    def _on_agent_no_answer(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        if leg is None:
            return
        agent = event.get("MemberName", "")
        rung = [each for each in leg.call.legs if each.agent == agent]
        if rung and not rung[-1].dial_status:
            self._step(leg.call, at, "refused", rung[-1], _NO_ANSWER)
            self._touch(leg.call)

    # -- what a call looks like ------------------------------------------------------------------------

    def _view(self, call: Call) -> CallView:
        if call.view is not None:
            return call.view
        caller = _speaker(call)
        callee = self._callee(call, caller)
        originated = call.originated
        call.view = CallView(
            id=call.id,
            originated_call_id=originated.originated_call_id if originated is not None else None,
            started_at=call.started_at,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
            state=self._state(call, caller),
            cause=call.cause if call.ended_at is not None else None,
            caller=self._party(caller),
            callee=self._called(call) if callee is None else self._party(callee),
            queue=call.queue,
            story=self._story(call),
        )
        return call.view

    def _story(self, call: Call) -> tuple[Step, ...]:
        story: list[Step] = []
        for step in call.steps:
            party = self._number(step.who)
            # What the caller dialed, and the leg that it led to, are one step when they have one number.
            if step.what == "dialing" and story and story[-1].what == "dialing" and story[-1].party == party:
                continue
            story.append(Step(at=step.at, what=step.what, party=party, cause=step.cause))
        return tuple(story)

    def _state(self, call: Call, caller: Leg) -> CallState:
        if call.ended_at is not None:
            return "ended"
        talking = self._talking(call)
        if len(talking) > 1:
            return "hold" if any(leg.holds for leg in talking) else "talking"
        if call.waits:
            return "queue"
        waiting = [leg for leg in call.legs if not leg.ended and not leg.calls_in and not leg.was_up]
        if any(leg.rings for leg in waiting):
            return "ringing"
        if waiting or not caller.was_up:
            return "dialing"
        if call.answered_at is not None and call.breaks_up:
            return "talking"
        if call.originated is not None and call.answered_at is None:
            return "dialing"
        return "menu"

    def _callee(self, call: Call, caller: Leg) -> Leg | None:
        """The leg that the caller talks to, or whoever is nearest to that."""
        connected = self._connected(caller)

        def rank(leg: Leg) -> tuple[int, int]:
            if leg.ended:
                return (1 if leg.was_up else 0), leg.began_at
            level = 5 if leg in connected else 4 if leg.up else 3 if leg.rings else 2
            return level, -leg.began_at

        others = [
            leg
            for leg in call.legs
            if leg is not caller and (leg.is_ != caller.is_ or leg.was_up or leg.calls_in)
        ]
        return max(others, key=rank, default=None)

    def _called(self, call: Call) -> Party | None:
        """The other party of a call that has none yet."""
        originated = call.originated
        number = call.dialed if originated is None else originated.callee
        if not number or call.queue is not None:
            return None
        person = self._people.with_number(number)
        return Party(
            number=number,
            name=person.name,
            kind="extension" if person.is_extension else "other",
            trunk=None,
            state="dialing" if call.ended_at is None else "ended",
        )

    def _party(self, leg: Leg) -> Party:
        return Party(
            number=self._number(leg),
            name=self._name(leg),
            kind=leg.is_.kind,
            trunk=leg.is_.endpoint if leg.is_.kind == "trunk" else None,
            state="ended" if leg.call.ended_at is not None else _party_state(leg),
        )

    def _number(self, who: Leg | str) -> str:
        if isinstance(who, str):
            return who
        if who.is_.kind == "extension":
            return who.agent or self._people.at_phone(who.is_.endpoint).number
        originated = who.call.originated
        if originated is not None and not who.calls_in and originated.trunk_name == who.is_.endpoint:
            first = next((leg for leg in who.call.legs if leg.visible), None)
            if first is who:
                return originated.caller
        return who.dialed or who.number

    def _name(self, leg: Leg) -> str:
        if leg.agent:
            return self._people.with_number(leg.agent).name
        if leg.is_.kind == "extension":
            return self._people.at_phone(leg.is_.endpoint).name
        return leg.shown_name if leg.calls_in else ""

    def _leg_state(self, leg: Leg) -> PhoneState:
        if leg.up:
            held = leg.bridge is not None and any(other.holds for other in self._connected(leg))
            return "hold" if held else "in_use"
        if leg.calls_in:
            return "in_use"
        return "ringing" if leg.rings else "idle"

    def _talking(self, call: Call) -> list[Leg]:
        """The people of a call's talk; fewer than two: there is none."""
        for leg in call.legs:
            if leg.up and leg.bridge is not None:
                connected = [other for other in self._connected(leg) if other.visible and other.up]
                if len(connected) > 1:
                    return connected
        return []

    def _connected(self, leg: Leg) -> set[Leg]:
        """Everybody whom a leg's party can hear, itself included: bridges, and Local channels between."""
        if leg.bridge is None:
            return {leg}
        found: set[Leg] = set()
        bridges = [leg.bridge]
        seen = set(bridges)
        while bridges:
            for each in self._bridges.get(bridges.pop(), {}).values():
                found.add(each)
                if not each.is_.hidden:
                    continue
                for half in self._pairs.get(each.is_.pair, {}).values():
                    if half.bridge is not None and half.bridge not in seen:
                        seen.add(half.bridge)
                        bridges.append(half.bridge)
        return found

    # -- small things ----------------------------------------------------------------------------------

    def _leg(self, event: Mapping[str, str]) -> Leg | None:
        return self._legs.get(event.get("Uniqueid", ""))

    def _step(self, call: Call, at: int, what: StepKind, who: Leg | str, cause: int | None = None) -> None:
        call.steps.append(_Step(at, what, who, cause))

    @staticmethod
    def _has_step(leg: Leg) -> bool:
        return any(step.who is leg for step in leg.call.steps)

    def _touch(self, call: Call) -> None:
        """Note that a call changed, and with it whoever is in it."""
        if call.frozen or not call.legs:
            return
        call.view = None
        self.changed.add(call.id)
        for leg in call.alive.values():
            if leg.visible:
                self._touch_leg(leg)

    def _touch_leg(self, leg: Leg) -> None:
        (self.changed_phones if leg.is_.kind == "extension" else self.changed_trunks).add(leg.is_.endpoint)


def _party_state(leg: Leg) -> PartyState:
    if leg.ended:
        return "ended"
    if leg.up:
        return "hold" if leg.holds else "up"
    return "ringing" if leg.rings else "dialing"


def _speaker(call: Call) -> Leg:
    """The caller; of an extension with several phones the one that answered."""
    caller = call.caller or call.legs[0]
    if caller.was_up or caller.calls_in:
        return caller
    return next((leg for leg in call.legs if leg.was_up and leg.is_ == caller.is_), caller)


def _cause(call: Call) -> int | None:
    """Why a call ended: as whoever hung up first said, else as the caller was told."""
    if call.answered_at is not None:
        first = next((step for step in call.steps if step.what == "hung_up"), None)
        if first is not None and isinstance(first.who, Leg) and first.who.cause is not None:
            return first.who.cause
        return _NORMAL
    return _speaker(call).cause


def _began(uniqueid: str, at: int) -> int:
    """When a channel began, as far as its unique id tells: not before that second."""
    seconds = age(uniqueid)[0]
    return at if at - seconds * _MICROSECONDS < 2 * _MICROSECONDS else seconds * _MICROSECONDS


def _insert(call: Call, step: _Step) -> None:
    """Put a step where its time belongs."""
    steps = sorted((*call.steps, step), key=lambda each: each.at)
    call.steps.clear()
    call.steps.extend(steps)


def _drop_oldest(call: Call) -> None:
    """Forget the oldest leg that has ended when a call remembers many."""
    if len(call.legs) > MAX_LEGS:
        oldest = next((leg for leg in call.legs if leg.ended and leg is not call.caller), None)
        if oldest is not None:
            call.legs.remove(oldest)


def _read_dial_string(text: str) -> ChannelName | None:
    """Who was to be called: ``PJSIP/201``, ``PJSIP/0912@trunk-NAME`` or ``Local/201@CONTEXT/n``."""
    match = _DIALED.match(text)
    if match is None:
        return None
    return read_name(f"PJSIP/{match['endpoint'] or match['number']}-00000000")


def _ran_by_caller(channel: Mapping[str, str]) -> bool:
    """Whether a channel in the list of all walks the dialplan because its party dialed."""
    return channel.get("Context") in (OUTGOING_CONTEXT, INCOMING_CONTEXT) and channel.get(
        "Application"
    ) not in ("", "AppDial")
