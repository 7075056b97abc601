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
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tamas.engine.watch.channels import ChannelName, ChannelState, age, known, read_name, whole_number
from tamas.engine.watch.incidents import CameIn, Incident, Transferred, WentOut
from tamas.engine.watch.legs import Call, CallStep, Leg, Originated
from tamas.engine.watch.people import People
from tamas.engine.watch.portrait import Portraits
from tamas.engine.watch.talks import Talks
from tamas.engine.watch.view import CallView, PhoneCallView, PhoneState, StepKind
from tamas.store.views import INCOMING_CONTEXT, OUTGOING_CONTEXT

ENDED_SECONDS: Final = 10
"""How long an ended call can still be asked for."""
MAX_ENDED: Final = 2_000

_DIALED: Final = re.compile(r"(?:PJSIP|Local)/(?P<number>[^@/]+)(?:@(?P<endpoint>trunk-.+))?")
_MICROSECONDS: Final = 1_000_000
_NORMAL: Final = 16
_NO_ANSWER: Final = 19
_REFUSING: Final = frozenset({"BUSY", "CONGESTION", "CHANUNAVAIL", "NOANSWER"})
"""Ends of a dial (``DialEnd``) that are the called party's doing."""
_ORIGINATE_CAUSES: Final[Mapping[str, int]] = {"0": 3, "3": _NO_ANSWER, "5": 17, "8": 34}
"""``Reason`` of ``OriginateResponse`` (``AST_CONTROL_*`` of ``frame.h``) to Q.850."""


class CallBook:
    """All calls.

    :param people: names and numbers of parties.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._calls: dict[str, Call] = {}
        self._ended: dict[str, Call] = {}
        self._legs: dict[str, Leg] = {}
        self._talks = Talks()
        self._portraits = Portraits(people, self._talks)
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
        self.incidents: list[Incident] = []
        """What happened, oldest first; whoever reads clears it."""
        self._handlers: Mapping[str, Callable[[Mapping[str, str], int], None]] = {
            "Newchannel": self._on_new,
            "Newstate": self._on_state,
            "NewCallerid": self._on_caller_id,
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
        shown = (self._portraits.call(call) for call in self._calls.values() if call.legs)
        return sorted(shown, key=lambda view: view.started_at)

    def call(self, linkedid: str) -> CallView | None:
        """A call in progress, or one that has just ended."""
        call = self._calls.get(linkedid) or self._ended.get(linkedid)
        return self._portraits.call(call) if call is not None and call.legs else None

    def phone_state(self, number: str) -> tuple[PhoneState, int]:
        """What an extension's phones do (``idle`` when nothing), and in how many calls."""
        legs = list(self._phones.get(number, ()))
        return self._portraits.phone_state(legs), len(legs)

    def phone_call(self, number: str) -> PhoneCallView | None:
        """The call that occupies an extension's phones most; ``None`` when they are in none."""
        legs = self._phones.get(number)
        return self._portraits.phone_call(list(legs)) if legs else None

    @property
    def phones(self) -> list[str]:
        """Extensions whose phones are in calls."""
        return list(self._phones)

    def over_trunks(self) -> list[CameIn | WentOut]:
        """The channels of trunks in calls in progress, as they came or went."""
        legs = sorted(
            (leg for legs in self._trunks.values() for leg in legs), key=lambda leg: age(leg.uniqueid)
        )
        return [_came_in(leg) if leg.calls_in else _went_out(leg) for leg in legs]

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

    def goes_on(self, linkedid: str) -> bool:
        """Whether a call is in progress."""
        return linkedid in self._calls or linkedid in self._joined

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
        self._calls, self._legs, self._phones, self._trunks = {}, {}, {}, {}
        self._talks.clear()
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
        for bridge in self._talks.bridges:
            self._join_bridged(bridge, at)
        for call in self._calls.values():
            self._restore_call(call, at)
        self.changed.clear()
        self.changed_phones.clear()
        self.changed_trunks.clear()
        self.incidents.clear()

    def restore_past(self, linkedid: str, *, began: Mapping[str, int], answered: Mapping[str, int]) -> None:
        """Add when the channels of a call began and were answered that was in progress before we looked.

        :param began: times by unique id; as ``answered``.
        """
        call = self._calls.get(linkedid)
        if call is None or not began:
            return
        call.started_at = min(began.values())
        for leg in call.legs:
            if leg.calls_in or leg.uniqueid not in began or leg.has_step:
                continue
            call.insert(CallStep(began[leg.uniqueid], "dialing", leg))
            if leg.uniqueid in answered:
                call.insert(CallStep(answered[leg.uniqueid], "answered", leg))
        times = [answered[leg.uniqueid] for leg in self._talks.talking(call) if leg.uniqueid in answered]
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
        for other in self._talks.connected(leg):
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
        self._replace_caller(call)
        if leg.calls_in and not call.steps:
            self._step(call, at, "dialing", call.dialed)
        elif leg.visible and not leg.calls_in:
            self._dialing(leg, at)
        if leg.calls_in and leg.is_.kind == "trunk":
            self.incidents.append(_came_in(leg))
        self._touch(call)

    def _make(self, event: Mapping[str, str], at: int, *, restored: bool) -> Leg | None:
        """A leg for a channel that is seen for the first time; ``None`` for what is no part of a call.

        :param restored: it was there before we looked.
        """
        uniqueid = event.get("Uniqueid", "")
        is_ = read_name(event.get("Channel", ""))
        if is_ is None or not uniqueid:
            return None
        state = whole_number(event, "ChannelState") or 0
        calls_in = state == ChannelState.RING or (restored and _ran_by_caller(event))
        call = self._call_of(event.get("Linkedid") or uniqueid, uniqueid, at)
        leg = Leg(
            uniqueid=uniqueid,
            is_=is_,
            call=call,
            state=state,
            number=known(event.get("CallerIDNum", "")),
            shown_name=known(event.get("CallerIDName", "")),
            began_at=_began(uniqueid, at),
            calls_in=calls_in and not is_.hidden,
        )
        if leg.calls_in and is_.kind == "extension":
            leg.dialed = event.get("Exten", "")
        if uniqueid == call.id and not leg.calls_in:
            self.unexplained.add(call.id)
        if leg.visible:
            call.add(leg)
            if call.caller is None:
                call.caller = leg
                call.dialed = event.get("Exten", "") if leg.calls_in else ""
        return leg

    def _place(self, leg: Leg) -> None:
        """Put a leg where it is looked for."""
        self._legs[leg.uniqueid] = leg
        leg.call.alive[leg.uniqueid] = leg
        if leg.is_.hidden:
            self._talks.add_half(leg)
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
            self._talks.enter(leg, bridge)
        if leg.visible and channel.get("Application") == "Queue":
            call.queue = channel.get("ApplicationData", "").partition(",")[0]
            call.waits = not bridge
        if leg is call.caller and not call.steps:
            self._step(call, call.started_at, "dialing", call.dialed if leg.calls_in else leg)

    def _restore_call(self, call: Call, at: int) -> None:
        call.view = None
        for leg in call.legs:
            agents = [other.is_.agent for other in self._talks.connected(leg) if other.is_.agent]
            if agents and leg.is_.kind == "extension" and not leg.calls_in:
                leg.agent = agents[0]
        self._replace_caller(call)
        if call.answered_at is None and self._talks.talking(call):
            call.answered_at = at

    def _call_of(self, linkedid: str, uniqueid: str, at: int) -> Call:
        """The call of a linked id, new when it is the first channel."""
        linkedid = self._joined.get(linkedid, linkedid)
        call = self._calls.get(linkedid)
        if call is None:
            call = self._calls[linkedid] = Call(id=linkedid, started_at=_began(uniqueid, at))
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
            self._talks.remove_half(leg)
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
        self._replace_caller(call)

    def _replace_caller(self, call: Call) -> None:
        """After a transfer by the caller the call goes on between others."""
        if call.caller is None or not call.caller.ended:
            return
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
        if leg.is_.kind == "trunk" and not leg.dialed:
            leg.dialed = event.get("DialString", "").rpartition("@")[0]
            self.incidents.append(_went_out(leg))
        if dialer is not None and dialer.is_.agent:
            leg.agent = dialer.is_.agent
            self._people.ask_again(leg.agent)
        if leg.visible:
            self._dialing(leg, at)
        self._touch(leg.call)

    def _dialing(self, leg: Leg, at: int) -> None:
        """Note that a leg is called, once, whichever event says so first."""
        if not leg.has_step:
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
        self._talks.enter(leg, bridge)
        leg.holds = False
        if event.get("BridgeType") == "basic" and event.get("BridgeTechnology") != "holding_bridge":
            self._join_bridged(self._talks.bridge(bridge), at)
        call = leg.call
        if self._talks.talking(call):
            call.breaks_up = False
            if call.answered_at is None:
                call.answered_at = at
        self._touch(call)

    def _on_bridge_leave(self, event: Mapping[str, str], _at: int) -> None:
        leg = self._leg(event)
        if leg is not None and leg.bridge == event.get("BridgeUniqueid"):
            self._leave(leg)
            self._touch(leg.call)

    def _leave(self, leg: Leg) -> None:
        if leg.bridge is not None and leg.was_up and leg.visible:
            leg.call.breaks_up = True
        self._talks.leave(leg)

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
            moved = self._legs.get(event.get("TransfereeUniqueid", ""))
            if moved is None or moved.is_.hidden:
                moved = next(iter(self._people_with(leg, moved)), None)
            self._note_transfer(leg, self._shown(moved), event.get("Extension", ""))
            self._transferred(leg, at)

    def _on_attended_transfer(self, event: Mapping[str, str], at: int) -> None:
        leg = self._legs.get(event.get("OrigTransfererUniqueid", ""))
        second = self._legs.get(event.get("SecondTransfererUniqueid", ""))
        if leg is None or event.get("Result") != "Success":
            return
        if second is not None:
            self._join(leg.call, second.call, at)
        moved = self._legs.get(event.get("TransfereeUniqueid", ""))
        target = self._legs.get(event.get("TransferTargetUniqueid", ""))
        talk = self._people_with(leg, second, moved, target)
        if moved is None or moved.is_.hidden:
            moved = next((each for each in talk if each is not target), None)
        if target is None or target.is_.hidden:
            target = next((each for each in reversed(talk) if each is not moved), None)
        dialed = second.dialed if second is not None and second is not leg else ""
        to = dialed or self._shown(target) or event.get("TransferTargetExten", "")
        self._note_transfer(leg, self._shown(moved), to)
        self._transferred(leg, at)

    def _people_with(self, leg: Leg, *more: Leg | None) -> list[Leg]:
        """Whom somebody who transfers talks to, the oldest first.

        :param leg: theirs; for a queue a Local channel, behind which is the agent's phone.
        :param more: further channels of that talk.
        """
        channels = [each for each in (leg, *more) if each is not None]
        halves = {half for channel in channels for half in self._talks.halves(channel)}
        # The transferred channel may have left its bridge already.
        people = {each for channel in (*channels, *halves) for each in self._talks.connected(channel)}
        own = {leg, more[0] if more else None}
        others = [
            each
            for each in people
            if each.visible and each not in own and not (leg.is_.agent and each.agent == leg.is_.agent)
        ]
        return sorted(others, key=lambda each: age(each.uniqueid))

    def _note_transfer(self, leg: Leg, moved: str, to: str) -> None:
        if any(step.who is leg and step.what == "transferred" for step in leg.call.steps):
            return  # the event came twice
        extension = leg.is_.kind == "extension"
        self.incidents.append(
            Transferred(
                call=leg.call.id,
                transferer=leg.is_.endpoint if extension else leg.is_.agent or self._shown(leg),
                transferred_from=moved,
                transferred_to=to,
            )
        )

    def _shown(self, leg: Leg | None) -> str:
        return "" if leg is None else self._portraits.number(leg)

    def _transferred(self, leg: Leg, at: int) -> None:
        if not any(step.who is leg and step.what == "transferred" for step in leg.call.steps):
            self._step(leg.call, at, "transferred", leg)
            self._touch(leg.call)

    def _on_pickup(self, event: Mapping[str, str], at: int) -> None:
        leg = self._leg(event)
        target = self._legs.get(event.get("TargetUniqueid", ""))
        if leg is None or target is None or leg.call is target.call:
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
            self._portraits.call(goes)
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
            stays.insert(step)
        self._touch(stays)
        return stays

    # -- queues ----------------------------------------------------------------------------------------

    def _on_queue_join(self, event: Mapping[str, str], at: int) -> None:
        leg, queue = self._leg(event), event.get("Queue", "")
        if leg is None or (leg.call.waits and leg.call.queue == queue):
            return
        call = leg.call
        call.queue, call.waits, call.breaks_up = queue, True, False
        self._step(call, at, "queue_joined", queue)
        self._touch(call)

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

    # -- small things ----------------------------------------------------------------------------------

    def _leg(self, event: Mapping[str, str]) -> Leg | None:
        return self._legs.get(event.get("Uniqueid", ""))

    def _step(self, call: Call, at: int, what: StepKind, who: Leg | str, cause: int | None = None) -> None:
        call.steps.append(CallStep(at, what, who, cause))

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


def _came_in(leg: Leg) -> CameIn:
    return CameIn(call=leg.call.id, channel=leg.uniqueid, number=leg.number, trunk=leg.is_.endpoint)


def _went_out(leg: Leg) -> WentOut:
    return WentOut(
        call=leg.call.id, channel=leg.uniqueid, number=leg.dialed or leg.number, trunk=leg.is_.endpoint
    )


def _cause(call: Call) -> int | None:
    """Why a call ended: as whoever hung up first said, else as the caller was told."""
    if call.answered_at is not None:
        first = next((step for step in call.steps if step.what == "hung_up"), None)
        if first is not None and isinstance(first.who, Leg) and first.who.cause is not None:
            return first.who.cause
        return _NORMAL
    return call.speaker.cause


def _began(uniqueid: str, at: int) -> int:
    """When a channel began, as far as its unique id tells: not before that second."""
    seconds = age(uniqueid)[0]
    return at if at - seconds * _MICROSECONDS < 2 * _MICROSECONDS else seconds * _MICROSECONDS


def _read_dial_string(text: str) -> ChannelName | None:
    """Who was to be called: ``PJSIP/201``, ``PJSIP/0912@trunk-NAME`` or ``Local/201@CONTEXT/n``."""
    match = _DIALED.match(text)
    if match is None:
        return None
    return read_name(f"PJSIP/{match['endpoint'] or match['number']}-00000000")


_CALLED_OUT: Final = ("", "AppDial", "AppDial2")
"""What Asterisk says of a channel that is rung: yet nothing, by Dial or Queue, by an originate."""


def _ran_by_caller(channel: Mapping[str, str]) -> bool:
    """Whether a channel in the list of all walks the dialplan because its party dialed."""
    return (
        channel.get("Context") in (OUTGOING_CONTEXT, INCOMING_CONTEXT)
        and channel.get("Application") not in _CALLED_OUT
    )
