"""The steps of a call, from its applications and from what the flow states."""

from __future__ import annotations

import json
from typing import Any

import pytest

from records import _samples
from tamas.records import route as module
from tamas.records.build import build_record
from tamas.records.facts import microseconds
from tamas.store.schema import cdr, cel

Steps = list[dict[str, Any]]


def _route(name: str, *stated: tuple[int, str], **changes: Any) -> Steps:
    """Steps of a sample to which the flow states more: after which row, and what."""
    sample = _samples.load(name)
    rows = _samples.numbered(cel, sample.cel)
    pattern = next(row for row in rows if row["eventtype"] == "TAMAS")
    for number, (after, text) in enumerate(stated):
        moment = rows[after]["eventtime"]
        rows.append(
            {**pattern, "id": 900 + number, "eventtime": moment, "extra": json.dumps({"extra": text})}
        )
    arguments = {"cdr": _samples.numbered(cdr, sample.cdr), "originate": None, **changes}
    route = build_record(cuid=sample.cuid, cel=rows, **arguments).call.route
    assert route is not None
    steps: Steps = json.loads(route)
    return steps


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("answered", ["OutgoingRoute", "Extension 102"]),
        ("outgoing", ["OutgoingRoute", "Trunk carrier1"]),
        ("incoming", ["IncomingRoute", "Extension 102"]),
        ("ivr_only", ["OutgoingRoute"]),
        ("blind_transfer", ["OutgoingRoute", "Extension 102", "Extension 103"]),
        ("queue_second_round", ["OutgoingRoute", "Queue 506"]),
        ("two_queues_two_transfers", ["OutgoingRoute", "Queue 500", "Queue 501", "Extension 104"]),
    ],
)
def test_each_step_in_order(name: str, steps: list[str]) -> None:
    """Whom the call was brought to, one after the other; how a queue rings its agents is no step."""
    found = _route(name)
    assert [step["name"] for step in found] == steps
    assert all(step["duration"] >= 0 for step in found)
    ends = [step["at"] for step in found]
    assert ends == sorted(ends)


def test_what_the_flow_states_is_a_step() -> None:
    """A mailbox after the queue: it lasts until the call is over, under the name it was given."""
    sample = _samples.load("queue_timeout")
    over = next(row for row in reversed(sample.cel) if row["eventtype"] == "CHAN_END")
    after = next(
        number for number, row in enumerate(sample.cel) if "queue_status" in (row.get("extra") or "")
    )
    steps = _route("queue_timeout", (after, "step=VoiceMail&name=Box+400"))
    assert [(step["type"], step["name"]) for step in steps[1:]] == [
        ("Queue", "Queue 503"),
        ("VoiceMail", "Box 400"),
    ]
    assert steps[-1]["at"] == microseconds(over["eventtime"])


def test_a_stated_step_ends_where_the_next_begins() -> None:
    """An announcement without a name, then the queue."""
    sample = _samples.load("queue_timeout")
    begins = next(row for row in sample.cel if row["eventtype"] == "APP_START")
    steps = _route("queue_timeout", (2, "step=Announcement"))
    assert [(step["type"], step["name"]) for step in steps[1:]] == [
        ("Announcement", "Announcement"),
        ("Queue", "Queue 503"),
    ]
    assert steps[1]["at"] == microseconds(begins["eventtime"])


def test_a_call_in_circles_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace keeps its first steps."""
    monkeypatch.setattr(module, "MAX_STEPS", 2)
    assert [step["name"] for step in _route("blind_transfer")] == ["OutgoingRoute", "Extension 102"]
