"""What a call looks like to people: two parties, a state, and a story told in numbers they know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tamas.engine.watch.legs import Call, Leg
from tamas.engine.watch.people import People
from tamas.engine.watch.talks import Talks
from tamas.engine.watch.view import CallState, CallView, Party, PartyState, PhoneCallView, PhoneState, Step

_STATES: Final[Sequence[PhoneState]] = ("in_use", "hold", "ringing", "idle")
"""Of several calls at a phone the first of these is its state."""


class Portraits:
    """Makes views of calls and phones."""

    def __init__(self, people: People, talks: Talks) -> None:
        self._people = people
        self._talks = talks

    def phone_state(self, legs: Sequence[Leg]) -> PhoneState:
        """What an extension's phones do in these calls."""
        return min((self._leg_state(leg) for leg in legs), key=_STATES.index, default="idle")

    def phone_call(self, legs: Sequence[Leg]) -> PhoneCallView:
        """What an extension's phones do in the one of these calls that occupies them most.

        :param legs: at least one; of equals the oldest counts.
        """
        leg = min(legs, key=lambda leg: (_STATES.index(self._leg_state(leg)), leg.began_at, leg.uniqueid))
        call = leg.call
        first = _is_first_party(leg)
        return PhoneCallView(
            call=call.id,
            direction="out" if leg.calls_in or first else "in",
            participant=self._participant(leg, first=first),
            queue=call.queue,
            dials=self._dials(leg, first=first),
            first_party=first,
        )

    def _participant(self, leg: Leg, *, first: bool) -> str:
        call = leg.call
        others = [each for each in self._talks.connected(leg) if each is not leg and each.visible and each.up]
        if others:
            return self.number(max(others, key=lambda each: each.began_at))
        if first:
            return "" if call.originated is None else call.originated.callee
        return leg.dialed if leg.calls_in else self.number(call.speaker)

    def _dials(self, leg: Leg, *, first: bool) -> bool:
        if leg.calls_in:
            return not leg.up
        return first and leg.up and leg.call.answered_at is None and leg.call.queue is None

    def call(self, call: Call) -> CallView:
        """A call, which must have legs; made once for each change of it."""
        if call.view is None:
            call.view = self._draw(call)
        return call.view

    def _draw(self, call: Call) -> CallView:
        caller = call.speaker
        callee = self._callee(call, caller)
        originated = call.originated
        return CallView(
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

    def _story(self, call: Call) -> tuple[Step, ...]:
        story: list[Step] = []
        for step in call.steps:
            party = self.number(step.who)
            # What the caller dialed, and the leg that it led to, are one step when they have one number.
            if step.what == "dialing" and story and story[-1].what == "dialing" and story[-1].party == party:
                continue
            story.append(Step(at=step.at, what=step.what, party=party, cause=step.cause))
        return tuple(story)

    def _state(self, call: Call, caller: Leg) -> CallState:
        if call.ended_at is not None:
            return "ended"
        talking = self._talks.talking(call)
        if talking:
            return "hold" if any(leg.holds for leg in talking) else "talking"
        if call.waits:
            return "queue"
        called = [leg for leg in call.legs if not (leg.ended or leg.calls_in or leg is caller)]
        rung = [*called, caller] if not caller.calls_in else called
        if any(leg.rings and not leg.was_up for leg in rung):
            return "ringing"
        if call.answered_at is not None and call.breaks_up:
            return "talking"  # the moment between two talks, or before the end
        if any(leg.was_up for leg in called):
            return "ringing"  # the moment between an answer and the talk
        if called or not caller.was_up:
            return "dialing"
        if call.originated is not None and call.answered_at is None:
            return "dialing"  # the moment before the second party is called
        return "menu"

    def _callee(self, call: Call, caller: Leg) -> Leg | None:
        """The leg that the caller talks to, or whoever is nearest to that."""
        connected = self._talks.connected(caller)

        def rank(leg: Leg) -> tuple[int, int]:
            if leg.ended:
                return (1 if leg.was_up else 0), leg.began_at
            level = 5 if leg in connected else 4 if leg.up else 3 if leg.rings else 2
            return level, -leg.began_at

        others = [
            leg
            for leg in call.legs
            # The caller's other phones rang too, and are nobody else.
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
            number=self.number(leg),
            name=self._name(leg),
            kind=leg.is_.kind,
            trunk=leg.is_.endpoint if leg.is_.kind == "trunk" else None,
            state="ended" if leg.call.ended_at is not None else _party_state(leg),
        )

    def number(self, who: Leg | str) -> str:
        """The number by which people know a party: of an agent the agent's."""
        if isinstance(who, str):
            return who
        if who.is_.kind == "extension":
            return who.agent or self._people.at_phone(who.is_.endpoint).number
        originated = who.call.originated
        if originated is not None and who is who.call.legs[0] and not who.calls_in:
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
            held = leg.bridge is not None and any(other.holds for other in self._talks.connected(leg))
            return "hold" if held else "in_use"
        if leg.calls_in:
            return "in_use"
        return "ringing" if leg.rings else "idle"


def _is_first_party(leg: Leg) -> bool:
    """Whether a call began by ringing this leg's phones."""
    first = leg.call.legs[0]
    return not leg.calls_in and not first.calls_in and leg.is_ == first.is_


def _party_state(leg: Leg) -> PartyState:
    if leg.ended:
        return "ended"
    if leg.up:
        return "hold" if leg.holds else "up"
    return "ringing" if leg.rings else "dialing"
