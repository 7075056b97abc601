"""Calls made from events that a real Asterisk told (``capture_watch.py`` records them)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tamas.engine.watch.calls import ENDED_SECONDS, CallBook
from tamas.engine.watch.legs import MAX_STEPS, Originated
from tamas.engine.watch.people import Entry, People
from tamas.engine.watch.view import CallView, Party

DATA = Path(__file__).with_name("data") / "watch"
BEGAN = 1_795_600_000_000_000
PEOPLE = {
    **{number: Entry(f"Phone {number}", "", "") for number in ("201", "202", "204")},
    "203": Entry("Phone 203", "501", "Agent 501"),
    "206": Entry("Phone 206", "", ""),
    "501": Entry("Agent 501", "", ""),
}
ORIGINATED = Originated(originated_call_id="orig.call.1", caller="201", callee="202", trunk_name="")

Event = Mapping[str, str]


def sample(name: str) -> list[tuple[int, Event]]:
    """A recording: times in microseconds since the epoch, and events."""
    told = json.loads((DATA / f"{name}.json").read_text())["events"]
    return [(BEGAN + at * 1000, event) for at, event in told]


class Told:
    """What a book said about calls while events came."""

    def __init__(self, book: CallBook) -> None:
        self.book = book
        self.views: dict[str, list[CallView]] = {}
        """Every view of each call, without repetitions; oldest call first."""

    def take(self, events: list[tuple[int, Event]], seen: Callable[[], object] = lambda: None) -> Told:
        for at, event in events:
            self.book.apply(event, at)
            changed, self.book.changed = self.book.changed, set()
            for linkedid in changed:
                view = self.book.call(linkedid)
                assert view is not None, f"{linkedid} changed, and nobody knows it"
                views = self.views.setdefault(linkedid, [])
                if not views or views[-1] != view:
                    views.append(view)
            seen()
        return self

    @property
    def states(self) -> list[list[str]]:
        """The states of each call, without repetitions."""
        return [_squeezed([view.state for view in views]) for views in self.views.values()]

    def last(self, number: int = 0) -> CallView:
        """The last view of a call."""
        return list(self.views.values())[number][-1]


def _squeezed(words: list[str]) -> list[str]:
    return words[:1] + [after for before, after in pairwise(words) if after != before]


def played(name: str, **people: Entry) -> Told:
    return Told(CallBook(People({**PEOPLE, **people}))).take(sample(name))


def story(call: CallView) -> list[str]:
    return [f"{step.what} {step.party}" for step in call.story]


def who(party: Party | None) -> str:
    assert party is not None
    return f"{party.number} {party.name}".strip()


def test_a_call_between_extensions() -> None:
    """Each state once; both parties by number and name; who hung up."""
    told = played("answered")
    assert told.states == [["dialing", "ringing", "talking", "ended"]]
    call = told.last()
    assert (who(call.caller), who(call.callee)) == ("201 Phone 201", "202 Phone 202")
    assert story(call) == ["dialing 202", "ringing 202", "answered 202", "hung_up 202", "ended 201"]
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert BEGAN <= call.started_at < call.answered_at < call.ended_at
    assert call.cause == 16


@pytest.mark.parametrize(
    ("name", "steps", "cause"),
    [
        ("busy", ["dialing 202", "ringing 202", "refused 202", "ended 201"], 17),
        ("cancelled", ["dialing 202", "ringing 202", "hung_up 201", "ended 201"], 127),
    ],
)
def test_a_call_that_nobody_takes(name: str, steps: list[str], cause: int) -> None:
    """Refused by the callee, or given up by the caller."""
    told = played(name)
    assert told.states == [["dialing", "ringing", "dialing", "ended"]]  # it might have been forwarded
    call = told.last()
    assert story(call) == steps
    assert (call.cause, call.answered_at) == (cause, None)
    assert (call.callee and call.callee.state) == "ended"


def test_a_call_over_a_trunk() -> None:
    """The outside party is the dialed number and the trunk's name."""
    call = played("outgoing").last()
    assert call.callee == Party(number="09121234567", name="", kind="trunk", trunk="carrier", state="ended")
    assert story(call)[:3] == ["dialing 09121234567", "ringing 09121234567", "answered 09121234567"]


def test_hold() -> None:
    """Who holds is told, and both phones are on hold."""
    told = played("held")
    assert told.states == [["dialing", "ringing", "talking", "hold", "talking", "ended"]]
    on_hold = next(view for views in told.views.values() for view in views if view.state == "hold")
    assert (on_hold.caller.state, on_hold.callee and on_hold.callee.state) == ("up", "hold")
    assert story(told.last())[3:5] == ["hold 202", "unhold 202"]


@pytest.mark.parametrize(
    ("name", "states", "end"),
    [
        ("originated", ["ringing", "talking"], ["hung_up 201", "ended 201"]),
        ("originated_several_phones", ["ringing", "talking"], ["hung_up 201", "ended 201"]),
        ("originated_second_refuses", ["ringing"], ["refused 202", "ended 201"]),
        ("originated_unanswered", ["ringing"], ["refused 201", "ended 201"]),
    ],
)
def test_originated_calls(name: str, states: list[str], end: list[str]) -> None:
    """What the API asked for: its first party is the caller, whatever channels Asterisk makes for it."""
    told = Told(CallBook(People(PEOPLE)))

    def explained() -> None:
        for linkedid in told.book.unexplained:
            told.book.explain(linkedid, ORIGINATED)
        told.book.unexplained = set()

    told.take(sample(name), explained)
    (seen,) = told.states
    assert _squeezed([state for state in seen if state != "dialing"]) == [*states, "ended"]
    call = told.last()
    assert call.originated_call_id == "orig.call.1"
    assert (call.caller.number, call.callee and call.callee.number) == ("201", "202")
    assert story(call)[-2:] == end
    assert story(call)[:2] == ["dialing 201", "ringing 201"]


def test_an_originate_that_reaches_nobody_is_a_call() -> None:
    """There is never a channel, only Asterisk's answer; the channel it makes for its failure is no call."""
    told = played("originated_unreachable")
    assert told.states == [["ended"]]
    (linkedid,) = told.book.unexplained
    told.book.explain(linkedid, Originated(originated_call_id="o", caller="206", callee="202", trunk_name=""))
    call = told.book.call(linkedid)
    assert call is not None
    assert (who(call.caller), who(call.callee)) == ("206 Phone 206", "202 Phone 202")
    assert (story(call), call.cause) == (["dialing 206", "refused 206", "ended 206"], 3)
    assert told.book.calls() == []


def test_a_queue() -> None:
    """The agent rings through a Local channel that nobody sees; both bridges are one talk."""
    told = played("queued")
    assert told.states == [["dialing", "menu", "queue", "ringing", "talking", "ended"]]
    call = told.last()
    assert (who(call.caller), who(call.callee)) == ("0211 Somebody", "501 Agent 501")
    assert (call.queue, call.caller.trunk) == ("900", "carrier")
    assert story(call) == [
        "dialing 900",
        "queue_joined 900",
        "dialing 501",
        "ringing 501",
        "answered 501",
        "queue_left 900",
        "hung_up 0211",
        "ended 0211",
    ]


def test_callers_who_leave_a_queue() -> None:
    """They are calls of their own, and end as such."""
    told = played("queue_abandoned")
    assert [story(views[-1])[-3:] for views in told.views.values()] == [
        ["hung_up 201", "queue_left 900", "ended 201"],
        ["hung_up 202", "queue_left 900", "ended 202"],
    ]


@pytest.mark.parametrize(
    ("name", "parties"), [("blind_by_callee", ("201", "203")), ("blind_by_caller", ("202", "203"))]
)
def test_a_blind_transfer(name: str, parties: tuple[str, str]) -> None:
    """The call goes on between those who are left, under its id, and is never seen to end meanwhile."""
    told = played(name, **{"203": Entry("Phone 203", "", "")})
    (states,) = told.states
    rough = _squeezed([state for state in states if state != "dialing"])
    assert rough == ["ringing", "talking", "ringing", "talking", "ended"]
    call = told.last()
    assert (call.caller.number, call.callee and call.callee.number) == parties
    transferer = "202" if name == "blind_by_callee" else "201"
    assert f"transferred {transferer}" in story(call)


def test_an_attended_transfer() -> None:
    """The consultation ends as a call of its own; its channels and its story go on in the older call."""
    told = played("attended", **{"203": Entry("Phone 203", "", "")})
    assert told.states == [
        ["dialing", "ringing", "talking", "ended"],
        ["dialing", "ringing", "talking", "ended"],
    ]
    call, consultation = told.last(0), told.last(1)
    assert (call.caller.number, call.callee and call.callee.number) == ("201", "203")
    assert story(call)[3:7] == ["dialing 203", "ringing 203", "answered 203", "transferred 202"]
    assert story(consultation) == ["dialing 203", "ringing 203", "answered 203", "ended 202"]
    assert consultation.ended_at is not None
    assert call.ended_at is not None
    assert consultation.ended_at < call.ended_at


def test_an_attended_transfer_by_code() -> None:
    """Asterisk consults through a Local channel and optimises it away; the callee becomes the third."""
    told = played("attended_by_code", **{"203": Entry("Phone 203", "", "")})
    (states,) = told.states
    assert states[-2:] == ["talking", "ended"]
    call = told.last()
    assert (call.caller.number, call.callee and call.callee.number) == ("201", "203")
    assert "transferred 202" in story(call)


def test_a_pickup() -> None:
    """Whoever took the call is the callee; what they dialed for it is no call that goes on."""
    told = played("picked_up", **{"203": Entry("Phone 203", "", "")})
    call = told.last(0)
    assert (call.caller.number, call.callee and call.callee.number) == ("201", "203")
    assert story(call) == ["dialing 202", "ringing 202", "answered 203", "hung_up 203", "ended 201"]
    assert [views[-1].state for views in told.views.values()] == ["ended", "ended"]


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.json")))
def test_nothing_is_left_behind(name: str) -> None:
    """After the end of every call no channel is remembered, and ended calls are forgotten in time."""
    told = played(name)
    book = told.book
    assert book.calls() == []
    assert [book.phone_state(number) for number in PEOPLE] == [("idle", 0)] * len(PEOPLE)
    left = (book._legs, book._phones, book._trunks, book._joined, book._talks._bridges, book._talks._pairs)
    assert left == ({},) * len(left)
    book.forget(sample(name)[-1][0] + (ENDED_SECONDS + 1) * 1_000_000)
    assert all(book.call(linkedid) is None for linkedid in told.views)


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.json")))
def test_events_that_come_twice_change_nothing(name: str) -> None:
    """After a snapshot events may tell what the snapshot knew already."""
    once = played(name)
    twice = Told(CallBook(People(PEOPLE))).take([each for each in sample(name) for _ in range(2)])
    assert [story(once.last(number)) for number in range(len(once.views))] == [
        story(twice.last(number)) for number in range(len(twice.views))
    ]


CHANNELS: list[Event] = [
    {
        "Channel": "PJSIP/202-00000001",
        "ChannelState": "6",
        "CallerIDNum": "202",
        "Context": "tamas-outgoing",
        "Exten": "",
        "Uniqueid": "1795600000.1",
        "Linkedid": "1795600000.0",
        "Application": "AppDial",
        "BridgeId": "b",
    },
    {
        "Channel": "PJSIP/201-00000000",
        "ChannelState": "6",
        "CallerIDNum": "201",
        "Context": "tamas-outgoing",
        "Exten": "202",
        "Uniqueid": "1795600000.0",
        "Linkedid": "1795600000.0",
        "Application": "Dial",
        "BridgeId": "b",
    },
]


def test_a_call_that_was_there_before_we_looked() -> None:
    """Parties and state from the list of channels, times from what the store knows of its past."""
    book = CallBook(People(PEOPLE))
    book.restore(CHANNELS, BEGAN + 60_000_000)
    book.restore_past(
        "1795600000.0",
        began={"1795600000.0": BEGAN + 1, "1795600000.1": BEGAN + 2},
        answered={"1795600000.0": BEGAN + 9, "1795600000.1": BEGAN + 8},
    )
    (call,) = book.calls()
    assert (call.state, call.caller.number, call.callee and call.callee.number) == ("talking", "201", "202")
    assert (call.started_at, call.answered_at) == (BEGAN + 1, BEGAN + 9)
    assert story(call) == ["dialing 202", "answered 202"]
    book.restore_hold("1795600000.0")
    assert book.calls()[0].state == "hold"
    assert book.phone_state("201") == ("hold", 1)


def test_a_first_party_that_rang_before_we_looked() -> None:
    """Of a call that the API asked for: its phone has dialed nothing, so the store is asked whom it will."""
    book = CallBook(People(PEOPLE))
    rung = {**CHANNELS[1], "ChannelState": "5", "Exten": "s", "Application": "AppDial2", "BridgeId": ""}
    book.restore([rung], BEGAN + 60_000_000)
    assert book.unexplained == {"1795600000.0"}
    book.explain("1795600000.0", ORIGINATED)
    (call,) = book.calls()
    assert (call.originated_call_id, call.state) == ("orig.call.1", "ringing")
    assert (call.caller.number, call.callee and call.callee.number) == ("201", "202")


def test_a_snapshot_keeps_what_was_known_and_drops_what_is_gone() -> None:
    """After a lost connection a call has its story still; one that ended unseen is gone without a word."""
    events = sample("held")
    book = CallBook(People(PEOPLE))
    on_hold = next(index for index, (_, event) in enumerate(events) if event["Event"] == "Hold")
    told = Told(book).take(events[: on_hold + 1])
    (before,) = book.calls()
    alive = {event["Uniqueid"]: event for _, event in events if event["Event"] == "Newstate"}
    channels = [{**event, "BridgeId": "b"} for event in alive.values()]
    book.restore(channels, events[on_hold][0])
    (after,) = book.calls()
    assert (story(after), after.answered_at) == (story(before), before.answered_at)
    assert not book.changed
    book.restore([], events[on_hold][0] + 1)
    assert book.calls() == []
    assert (book.changed, book.call(next(iter(told.views)))) == (set(), None)
    assert book.phone_state("201") == ("idle", 0)


def test_a_long_story_is_bounded() -> None:
    """A queue may ring an agent for hours; memory does not grow with it."""
    events = sample("held")
    book = CallBook(People(PEOPLE))
    talking = next(index for index, (_, event) in enumerate(events) if event["Event"] == "Hold")
    told = Told(book).take(events[:talking])
    hold = events[talking][1]
    for number in range(5 * MAX_STEPS):
        book.apply({**hold, "Event": "Hold" if number % 2 == 0 else "Unhold"}, BEGAN + number)
    call = book.call(next(iter(told.views)))
    assert call is not None
    assert len(call.story) == MAX_STEPS


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.json")))
def test_odd_events_do_no_harm(name: str) -> None:
    """Whatever is missing from an event, what follows is taken in."""
    events = sample(name)
    book = CallBook(People(PEOPLE))
    for at, event in events:
        for header in event:
            broken: dict[str, Any] = {key: value for key, value in event.items() if key != header}
            book.apply(broken, at)
        book.apply(event, at)
    book.calls()
    book.restore([], events[-1][0])
    assert book.calls() == []
