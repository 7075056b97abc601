"""Visits to queues and attempts at agents, from calls that really happened."""

from __future__ import annotations

from typing import Any

import pytest

from records import _samples
from tamas.records.build import CallRecord, build_record
from tamas.records.facts import microseconds, time_text
from tamas.store.schema import cdr, cel, queue_log

Attempt = tuple[str, str, int]
"""Agent, disposition, which try."""

EXPECTED: dict[str, list[tuple[dict[str, Any], list[Attempt]]]] = {
    "queue_answered": [
        (
            {"queue": "500", "agent": "201", "disposition": "ANSWERED", "hangup": "caller"},
            [("201", "ANSWERED", 1)],
        )
    ],
    "queue_abandoned": [
        (
            # The phone rang, so the agents missed it though it was the caller who gave up.
            {
                "queue": "500",
                "agent": "201",
                "disposition": "MISSED",
                "hangup": "caller",
                "queue_status": None,
            },
            [("201", "NO ANSWER", 1)],
        )
    ],
    "queue_agent_hangs_up": [
        (
            {"queue": "505", "disposition": "ANSWERED", "hangup": "agent", "queue_status": "CONTINUE"},
            [("201", "ANSWERED", 1)],
        )
    ],
    "queue_timeout": [
        (
            {
                "queue": "503",
                "agent": "201",
                "disposition": "MISSED",
                "queue_status": "TIMEOUT",
                "hangup": None,
            },
            [("201", "NO ANSWER", 1)],
        )
    ],
    "queue_busy_agent": [
        (
            {
                "queue": "503",
                "agent": "",
                "disposition": "ABANDONED",
                "queue_status": "TIMEOUT",
                "agent_wait": 0,
            },
            [("201", "BUSY", 1), ("201", "BUSY", 2)],
        )
    ],
    "queue_empty": [
        ({"queue": "504", "agent": "", "disposition": "ABANDONED", "queue_status": "JOINEMPTY"}, []),
    ],
    "queue_left_in_silence": [
        (
            {"queue": "507", "agent": "", "disposition": "ABANDONED", "hangup": "caller", "ringing_at": None},
            [],
        ),
    ],
    "queue_ringall": [
        (
            {"queue": "502", "agent": "202", "disposition": "ANSWERED", "hangup": "caller"},
            [("201", "NO ANSWER", 1), ("202", "ANSWERED", 1)],
        )
    ],
    "queue_second_round": [
        (
            {"queue": "506", "agent": "201", "disposition": "ANSWERED"},
            [("201", "NO ANSWER", 1), ("202", "NO ANSWER", 1), ("201", "ANSWERED", 2)],
        )
    ],
    "queue_pickup": [
        (
            {"queue": "500", "agent": "104", "disposition": "PICKUP", "hangup": "agent"},
            [("201", "NO ANSWER", 1)],
        )
    ],
    "queue_attended_transfer": [
        (
            {"queue": "500", "agent": "201", "disposition": "ANSWERED", "hangup": "agent"},
            [("201", "ANSWERED", 1)],
        )
    ],
    "two_queues_two_transfers": [
        (
            {"queue": "500", "agent": "201", "disposition": "ANSWERED", "hangup": "agent"},
            [("201", "ANSWERED", 1)],
        ),
        (
            {"queue": "501", "agent": "202", "disposition": "ANSWERED", "hangup": "agent"},
            [("202", "ANSWERED", 1)],
        ),
    ],
}
QUIET = sorted(set(_samples.NAMES) - EXPECTED.keys())


def _record(name: str, **changes: Any) -> CallRecord:
    sample = _samples.load(name)
    rows = {
        "cel": _samples.numbered(cel, sample.cel),
        "cdr": _samples.numbered(cdr, sample.cdr),
        "queue_log": _samples.numbered(queue_log, sample.queue_log),
    }
    return build_record(cuid=sample.cuid, originate=None, **{**rows, **changes})


@pytest.mark.parametrize("name", EXPECTED)
def test_each_captured_call_gives_its_visits(name: str) -> None:
    """A call in queues is told as the supervisor would tell it, attempt by attempt."""
    visits = _record(name).visits
    found = [
        (
            {key: visit.values()[key] for key in wanted},
            [(each.agent, each.disposition, each.tries) for each in visit.attempts],
        )
        for visit, (wanted, _) in zip(visits, EXPECTED[name], strict=True)
    ]
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_times_add_up(name: str) -> None:
    """Waiting and talking fill a visit; attempts lie inside it, and the answered one talks as long."""
    record = _record(name)
    for visit in record.visits:
        assert visit.wait + visit.billsec == visit.ended_at - visit.started_at
        assert 0 <= visit.agent_wait <= visit.wait
        assert (visit.billsec > 0) == (visit.answered_at is not None)
        assert (visit.ringing_at is None) == (visit.disposition == "ABANDONED")
        for attempt in visit.attempts:
            assert attempt.wait + attempt.billsec == attempt.ended_at - attempt.started_at
            assert visit.started_at <= attempt.started_at <= attempt.ended_at
            assert (attempt.billsec > 0) == (attempt.disposition == "ANSWERED")
            assert attempt.queue_id == visit.queue_id
            assert attempt.cuid == visit.cuid == record.call.cuid
    for before, after in zip(record.visits, record.visits[1:], strict=False):
        assert before.ended_at <= after.started_at, "one who is sent on is in one queue at a time"


def test_an_attempt_shows_what_was_dialed_in_asterisks_words() -> None:
    """The channels are those of this attempt, also when the agent sent the caller on through them."""
    (first, second) = (visit.attempts[0] for visit in _record("two_queues_two_transfers").visits)
    for attempt, agent, phone in ((first, "201", "102"), (second, "202", "103")):
        words = attempt.words
        assert words.channel.startswith(f"Local/{agent}@simotel-local-agents-")
        assert words.channel.endswith(";2")
        assert words.dstchannel.startswith(f"PJSIP/{phone}-")
        assert (words.lastapp, words.lastdata) == ("Dial", f"PJSIP/{phone},30")
        assert (words.dcontext, words.clid) == ("simotel-local-agents", '"Phone 101" <101>')
        assert words.sequence


def test_without_the_flows_word_the_queue_log_says_how_it_ended() -> None:
    """The flow died while the caller waited: what it would have stated is read from the queue log."""
    rows = [
        row
        for row in _samples.numbered(cel, _samples.load("queue_timeout").cel)
        if "queue_status" not in (row["extra"] or "")
    ]
    (visit,) = _record("queue_timeout", cel=rows).visits
    assert visit.queue_status == "TIMEOUT"
    (visit,) = _record("queue_timeout", cel=rows, queue_log=[]).visits
    assert visit.queue_status is None


def test_without_a_cdr_nothing_but_its_own_words_is_missing() -> None:
    """Every CDR was lost: the visit is the same, and the caller id is put together from CEL."""
    with_cdr, without = _record("queue_ringall").visits[0], _record("queue_ringall", cdr=[]).visits[0]
    lacking = {"sequence", "accountcode"}
    assert with_cdr.values() == without.values()
    for one, other in zip(with_cdr.attempts, without.attempts, strict=True):
        differing = {key for key, value in one.values().items() if other.values()[key] != value}
        assert differing <= lacking | {"clid"}
        assert other.words.clid.endswith("<101>")


@pytest.mark.parametrize("name", [name for name in QUIET if _samples.load(name).cel])
def test_other_calls_have_no_visits(name: str) -> None:
    """A call that was in no queue leaves nothing in the reports of queues."""
    assert _record(name).visits == ()


def test_answers_in_a_survey_belong_to_the_agent_before_it() -> None:
    """Two questions after the talk with agent 201 of queue 505: two answers, in order."""
    record = _record("queue_agent_hangs_up")
    shown = [(each.point, each.label, each.dst, each.queue, each.src, each.position) for each in record.polls]
    assert shown == [(5, "sale", "201", "505", "101", 1), (3, "a second one", "201", "505", "101", 2)]
    assert all(record.visits[0].ended_at <= each.answered_at for each in record.polls)


def test_a_survey_without_an_agent_belongs_to_the_number_that_was_called() -> None:
    """The same answers in a call that was in no queue; what is no number is no answer."""
    rows = _samples.numbered(cel, _samples.load("definite_answer").cel)
    stated = next(row for row in rows if row["eventtype"] == "TAMAS")
    answers = [
        {**stated, "id": 900 + number, "extra": f'{{"extra":"{text}"}}'}
        for number, text in enumerate(("poll=4", "poll=four&label=x", "poll=9999999999"))
    ]
    record = _record("definite_answer", cel=[*rows, *answers])
    assert [(each.point, each.label, each.dst, each.queue) for each in record.polls] == [(4, "", "601", "")]


@pytest.mark.timeout(20)
def test_a_caller_who_waits_for_hours() -> None:
    """One agent's phone rings in vain 1,500 times before the talk: told in order, and soon."""
    times = 1_500
    sample = _samples.load("queue_second_round")
    names = sorted({row["channame"] for row in sample.cel})
    near = next(name for name in names if name.startswith("Local/201")).rpartition(";")[0]
    phone = next(name for name in names if name.startswith("PJSIP/102"))
    vain = [
        row for row in sample.cel if row["channame"].rpartition(";")[0] == near or row["channame"] == phone
    ]
    begin = next(number for number, row in enumerate(sample.cel) if row["eventtype"] == "APP_START") + 1

    def later(row: dict[str, Any], rounds: int) -> dict[str, Any]:
        return {**row, "eventtime": time_text(microseconds(row["eventtime"]) + rounds * 2_000_000)}

    def renamed(row: dict[str, Any], round_: int) -> dict[str, Any]:
        name = row["channame"].replace(near, f"{near}{round_:05}").replace(phone, f"{phone}{round_:05}")
        return later(row, round_) | {"channame": name, "uniqueid": f"{row['uniqueid']}{round_:05}"}

    rows = [
        *sample.cel[:begin],
        *(renamed(row, round_) for round_ in range(times) for row in vain),
        *(later(row, times) for row in sample.cel[begin:] if row not in vain),
    ]
    (visit,) = _record("queue_second_round", cel=_samples.numbered(cel, rows)).visits
    tries = [attempt.tries for attempt in visit.attempts if attempt.agent == "201"]
    assert tries == list(range(1, times + 2))
    assert (visit.disposition, visit.agent) == ("ANSWERED", "201")
