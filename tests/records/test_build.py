"""What call rows are made of the rows that a real Asterisk wrote."""

from __future__ import annotations

from typing import Any

import pytest

from records import _samples
from tamas.records.build import CallRow, build_record
from tamas.records.facts import microseconds, time_text
from tamas.store.schema import calls, cdr, cel

ORIGINATE = {
    "originated_call_id": "orig.call.1.2",
    "caller": "101",
    "callee": "102",
    "trunk_name": "",
    "context": "main_routing",
    "created_at": 0,
    "fax_id": None,
}

QUEUED = {"type": "local", "src": "101", "src_name": "Phone 101", "did": ""}
LOCAL = {"type": "local", "src": "101", "src_name": "Phone 101", "dst": "102", "did": ""}
API = {"type": "local", "src": "101", "dst": "102", "originated_call_id": "orig.call.1.2"}

EXPECTED: dict[str, dict[str, Any]] = {
    "answered": {
        **LOCAL,
        "disposition": "ANSWERED",
        "reason": None,
        "record": None,
        "hangup_cause": 16,
        "hangup": "caller",
    },
    "answered_recorded": {**LOCAL, "disposition": "ANSWERED", "hangup": "callee"},
    "no_answer": {**LOCAL, "disposition": "NO ANSWER", "reason": "nobody answered", "hangup": None},
    "no_answer_recorded": {**LOCAL, "disposition": "NO ANSWER", "record": None},
    "busy": {
        **LOCAL,
        "disposition": "BUSY",
        "reason": "the line is busy",
        "hangup_cause": 17,
        "hangup": "callee",
    },
    "rejected": {**LOCAL, "disposition": "NO ANSWER", "reason": "the call was rejected", "hangup_cause": 21},
    "unavailable": {**LOCAL, "disposition": "NO ANSWER", "hangup_cause": 19},
    "cancelled": {
        **LOCAL,
        "disposition": "NO ANSWER",
        "reason": "the caller hung up before anybody answered",
    },
    "unknown_number": {
        **LOCAL,
        "dst": "109",
        "disposition": "FAILED",
        "reason": "the destination is unknown or has no phone registered",
        "hangup_cause": 3,
    },
    "outgoing": {
        **LOCAL,
        "type": "outgoing",
        "dst": "9121",
        "disposition": "ANSWERED",
        "entry_point": None,
        "outgoing_point": "carrier1",
    },
    "outgoing_congested": {
        "type": "outgoing",
        "disposition": "FAILED",
        "outgoing_point": "carrier1",
        "hangup_cause": 34,
    },
    "incoming": {
        "type": "incoming",
        "src": "09120000000",
        "dst": "102",
        "did": "02100",
        "disposition": "ANSWERED",
        "entry_point": "carrier1",
        "outgoing_point": None,
    },
    "ivr_only": {**LOCAL, "dst": "600", "disposition": "NO ANSWER", "reason": "nobody took the call"},
    "definite_answer": {**LOCAL, "dst": "601", "disposition": "ANSWERED"},
    "queue_answered": {**LOCAL, "dst": "500", "disposition": "ANSWERED", "queue": "500", "agent": "201"},
    "queue_abandoned": {
        **LOCAL,
        "dst": "500",
        "disposition": "NO ANSWER",
        "queue": "500",
        "agent": None,
        "reason": "the caller hung up while waiting in queue 500",
    },
    "queue_agent_hangs_up": {**QUEUED, "dst": "505", "disposition": "ANSWERED", "agent": "201"},
    "queue_timeout": {
        **QUEUED,
        "dst": "503",
        "disposition": "NO ANSWER",
        "reason": "nobody in queue 503 answered",
        "hangup": None,
    },
    "queue_busy_agent": {**QUEUED, "dst": "503", "disposition": "NO ANSWER", "agent": None, "hangup": None},
    "queue_empty": {**QUEUED, "dst": "504", "queue": "504", "disposition": "NO ANSWER", "hangup": None},
    "queue_ringall": {**QUEUED, "dst": "502", "disposition": "ANSWERED", "agent": "202", "hangup": "caller"},
    "queue_second_round": {**QUEUED, "dst": "506", "disposition": "ANSWERED", "agent": "201"},
    "queue_pickup": {**QUEUED, "dst": "500", "disposition": "ANSWERED", "agent": "104", "hangup": "callee"},
    "queue_attended_transfer": {**QUEUED, "dst": "500", "agent": "201", "hangup": "caller"},
    "queue_left_in_silence": {**QUEUED, "dst": "507", "disposition": "NO ANSWER", "hangup": "caller"},
    "two_queues_two_transfers": {
        **QUEUED,
        "dst": "104",
        "queue": "501",
        "agent": "202",
        "disposition": "ANSWERED",
        "hangup": "callee",
    },
    "blind_transfer": {**LOCAL, "dst": "103", "disposition": "ANSWERED"},
    "attended_transfer": {**LOCAL, "disposition": "ANSWERED"},
    "pickup": {**LOCAL, "disposition": "ANSWERED"},
    "originate_answered": {**API, "disposition": "ANSWERED"},
    "originate_second_busy": {**API, "disposition": "BUSY", "reason": "the line is busy"},
    "originate_first_busy": {**API, "disposition": "BUSY", "reason": "first party 101: the line is busy"},
    "originate_first_rejects": {
        **API,
        "disposition": "NO ANSWER",
        "reason": "first party 101: the call was rejected",
    },
    "originate_first_silent": {
        **API,
        "disposition": "NO ANSWER",
        "reason": "first party 101: nobody answered",
    },
}


def _built(name: str, **changes: Any) -> CallRow:
    sample = _samples.load(name)
    arguments: dict[str, Any] = {
        "cuid": sample.cuid,
        "cel": _samples.numbered(cel, sample.cel),
        "cdr": _samples.numbered(cdr, sample.cdr),
        "originate": None if sample.originate is None else {**ORIGINATE, "uniqueid": sample.originate},
    }
    return build_record(**{**arguments, **changes}).call


@pytest.mark.parametrize("name", EXPECTED)
def test_each_captured_call_gives_its_row(name: str) -> None:
    """A call that really happened is told as it was."""
    row = _built(name).values()
    assert {key: row[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert row["cuid"] == _samples.load(name).cuid


def test_every_sample_is_expected() -> None:
    """No captured call is forgotten; those without a channel leave no CEL."""
    silent = {name for name in _samples.NAMES if not _samples.load(name).cel}
    assert set(_samples.NAMES) - silent == EXPECTED.keys()
    assert silent == {"originate_first_unknown", "originate_first_unregistered"}


@pytest.mark.parametrize("name", EXPECTED)
def test_times_add_up(name: str) -> None:
    """Waiting and talking fill the call but for the moments of its end, and talking needs an answer."""
    row = _built(name)
    assert 0 <= row.ended_at - (row.started_at + row.wait + row.billsec) < 100_000
    assert (row.answered_at is not None) == (row.disposition == "ANSWERED") == (row.billsec > 0)


def test_wait_of_an_originate_lasts_until_the_second_party() -> None:
    """The first leg's answer is no answer: it took 0.2 s, the second party another 0.2 s."""
    row = _built("originate_answered")
    assert 400_000 < row.wait < 600_000
    assert 300_000 < row.billsec < 500_000


def test_wait_in_a_queue_lasts_until_the_agent() -> None:
    """The queue answers at once; the wait ends when the agent is connected, through two Local channels."""
    row = _built("queue_answered")
    assert row.wait > 700_000


def test_an_originate_without_a_second_party_is_not_answered() -> None:
    """The first party answered and talked to a menu only."""
    sample = _samples.load("ivr_only")
    row = build_record(
        cuid=sample.cuid,
        cel=_samples.numbered(cel, sample.cel),
        cdr=[],
        originate={**ORIGINATE, "uniqueid": sample.cuid},
    ).call
    assert row.disposition == "NO ANSWER"
    assert row.billsec == 0


def test_without_facts_the_channels_tell() -> None:
    """The flow died before it said anything: type, numbers and trunks come from the channels."""
    for name, wanted in (
        ("incoming", ("incoming", "09120000000", "02100", "carrier1", None)),
        ("outgoing", ("outgoing", "101", "9121", None, "carrier1")),
        ("answered", ("local", "101", "102", None, None)),
    ):
        rows = [row for row in _samples.load(name).cel if row["eventtype"] != "TAMAS"]
        row = _built(name, cel=_samples.numbered(cel, rows))
        assert (row.type, row.src, row.dst, row.entry_point, row.outgoing_point) == wanted
        assert row.disposition == "ANSWERED"


def test_queue_and_agent_without_facts() -> None:
    """Queue and agent are read from the Queue application and the agent's Local channel."""
    rows = [row for row in _samples.load("queue_answered").cel if row["eventtype"] != "TAMAS"]
    row = _built("queue_answered", cel=_samples.numbered(cel, rows))
    assert (row.queue, row.agent, row.disposition) == ("500", "201", "ANSWERED")


@pytest.mark.parametrize(
    ("name", "disposition"),
    [("unknown_number", "FAILED"), ("busy", "BUSY"), ("queue_abandoned", "NO ANSWER")],
)
def test_a_plain_reason_of_the_flow_wins(name: str, disposition: str) -> None:
    """The flow says why nobody was connected; who was rung says what kind of end that is."""
    sample = _samples.load(name)
    for row in sample.cel:
        if row["eventtype"] == "TAMAS":
            row["extra"] = '{"extra":"type=outgoing&dst=00989&failed=as+the+flow+says"}'
    call = _built(name, cel=_samples.numbered(cel, sample.cel))
    assert (call.disposition, call.reason, call.dst) == (disposition, "as the flow says", "00989")


def test_parked_beside_each_other_is_not_connected() -> None:
    """Two parties in a holding bridge hear music, not each other."""
    sample = _samples.load("answered")
    for row in sample.cel:
        if row.get("extra"):
            row["extra"] = row["extra"].replace("simple_bridge", "holding_bridge")
    assert _built("answered", cel=_samples.numbered(cel, sample.cel)).disposition == "NO ANSWER"


def test_a_broken_fact_changes_nothing_else() -> None:
    """A user event whose JSON was cut off is no fact, and the call is still told."""
    sample = _samples.load("answered")
    for row in sample.cel:
        if row["eventtype"] == "TAMAS":
            row["extra"] = '{"extra":"type=lo'
    assert _built("answered", cel=_samples.numbered(cel, sample.cel)).disposition == "ANSWERED"


def test_a_call_cut_off_in_talk_counts_until_the_engine_ended() -> None:
    """The engine was killed in mid-talk: what was talked counts, and the row says why it ended."""
    rows = [
        row
        for row in _samples.load("answered").cel
        if row["eventtype"] in ("CHAN_START", "ANSWER", "BRIDGE_ENTER")
    ]
    whole = _built("answered")
    assert whole.answered_at is not None
    end = whole.answered_at + 5_000_000
    row = _built("answered", cel=_samples.numbered(cel, rows), ended_at=end, end_reason="engine stopped")
    assert (row.disposition, row.billsec, row.reason) == ("ANSWERED", 5_000_000, "engine stopped")


def test_a_call_cut_off_while_ringing_failed() -> None:
    """The engine was killed while the phone rang."""
    rows = _samples.load("cancelled").cel[:4]
    row = _built("cancelled", cel=_samples.numbered(cel, rows), cdr=[], end_reason="engine stopped")
    assert (row.disposition, row.reason, row.billsec) == ("FAILED", "engine stopped", 0)


def test_when_every_cel_row_was_lost_the_cdr_tells() -> None:
    """Asterisk could not write CEL for a while; whole seconds are better than no call."""
    row = _built("outgoing", cel=[])
    assert (row.type, row.src, row.dst, row.disposition) == ("outgoing", "101", "9121", "ANSWERED")
    assert row.outgoing_point == "carrier1"
    with pytest.raises(ValueError, match="neither CEL nor CDR"):
        _built("outgoing", cel=[], cdr=[])


def test_over_long_names_are_cut_to_their_columns() -> None:
    """A caller may send any name; PostgreSQL refuses what does not fit."""
    sample = _samples.load("answered")
    for row in sample.cel:
        row["cid_name"] = "x" * 200
    values = _built("answered", cel=_samples.numbered(cel, sample.cel)).values()
    assert values["src_name"] == "x" * 80
    assert values.keys() == set(calls.columns.keys()) - {"id", "amended_at"}


def test_music_behind_a_talk_is_not_talk() -> None:
    """A caller who was left waiting behind the talk, while nobody routed, talked no longer for that."""
    sample = _samples.load("answered")
    parted = max(row["eventtime"] for row in sample.cel if row["eventtype"] == "BRIDGE_EXIT")
    for row in sample.cel:
        if row["eventtime"] > parted:
            row["eventtime"] = time_text(microseconds(row["eventtime"]) + 20_000_000)
    before, after = _built("answered"), _built("answered", cel=_samples.numbered(cel, sample.cel))
    assert after.billsec == before.billsec
    assert after.ended_at == before.ended_at + 20_000_000
