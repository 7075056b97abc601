"""``/reports/queue/*``, ``/reports/queue_details/*``, ``/reports/quick/info``, ``/reports/poll/search``."""

from __future__ import annotations

import pytest

from conformance.catalogue import shape
from sa.reports.conftest import Reports

VISITS = [
    ("queue_answered", "500", "201", "ANSWERED"),
    ("queue_pickup", "500", "104", "PICKUP"),
    ("queue_timeout", "503", "201", "MISSED"),
    ("queue_left_in_silence", "507", "", "ABANDONED"),
    ("queue_ringall", "502", "202", "ANSWERED"),
    ("queue_agent_hangs_up", "505", "201", "ANSWERED"),
    ("two_queues_two_transfers", "500", "201", "ANSWERED"),
    ("two_queues_two_transfers", "501", "202", "ANSWERED"),
]
"""Call, queue, who took it or was rung last, what became of it; oldest first."""


async def test_one_row_for_each_visit_newest_first(reports: Reports) -> None:
    """A call that was in two queues has two rows, one that was in none has none."""
    rows = await reports.rows("reports/queue/search")
    found = zip(reports.names(rows), rows, strict=True)
    assert [(name, row["qnum"], row["dst"], row["disposition"]) for name, row in found] == VISITS[::-1]
    for row in rows:
        assert row[row["disposition"]] == 1
        assert row["dst_name"] == row["dst"], "no extension of ours has these numbers"
        assert row["duration"] - (row["wait"] + row["billsec"]) in (0, 1)


async def test_the_form_of_a_visit(reports: Reports) -> None:
    """Keys are the catalogue's in its order; what did not happen is left out; no ringing is null."""
    rows = {row["qnum"]: row for row in await reports.rows("reports/queue/search")}
    sample = [key for key in shape("queue_stat_row") if key != "MISSED"]
    assert [key for key in rows["505"] if key != "ANSWERED"] == sample
    missed = rows["503"]
    assert list(missed) == [key for key in shape("queue_stat_row") if key not in ("answeredtime", "hangup")]
    assert (missed["queue_status"], missed["agent_wait"]) == ("TIMEOUT", 2)
    assert rows["507"]["ringtime"] is None
    assert rows["507"]["endtime"]["$date"]["$numberLong"].isdigit()


@pytest.mark.parametrize(
    ("like", "conditions", "expected"),
    [
        (False, {"qnum": "500"}, {"queue_answered", "queue_pickup", "two_queues_two_transfers"}),
        (True, {"qnum": "50", "to": "20"}, {name for name, _, agent, _ in VISITS if agent.startswith("20")}),
        (False, {"to": "104"}, {"queue_pickup"}),
        (False, {"from": "102"}, set()),
        (False, {"from": "101", "qnum": "507"}, {"queue_left_in_silence"}),
    ],
)
async def test_conditions_on_visits(
    reports: Reports, like: bool, conditions: dict[str, str], expected: set[str]
) -> None:
    """By caller, agent and queue."""
    rows = await reports.rows("reports/queue/search", like=like, **conditions)
    assert set(reports.names(rows)) == expected


async def test_one_row_for_each_time_an_agent_was_rung(reports: Reports) -> None:
    """Both agents of a queue that rings all have a row; a visit is found by its queue_id."""
    rows = await reports.rows("reports/queue_details/search", queue="502")
    assert {(row["dst"], row["disposition"], row["tries"]) for row in rows} == {
        ("201", "NO ANSWER", 1),
        ("202", "ANSWERED", 1),
    }
    (visit,) = await reports.rows("reports/queue/search", qnum="502")
    same = await reports.rows("reports/queue_details/search", queue_id=visit["queue_id"])
    assert sorted(row["_id"] for row in same) == sorted(row["_id"] for row in rows)
    sample = [key for key in shape("queue_detail_row") if key not in ("record", "NO ANSWER")]
    for row in rows:
        assert [key for key in row if key != row["disposition"]] == sample
        assert row[row["disposition"]] == 1
        assert row["channel"].startswith(f"Local/{row['dst']}@simotel-local-agents-")
        assert row["dstchannel"].startswith("SIP/10")
        assert (row["type"], row["dcontext"]) == ("queue_report", "simotel-local-agents")


async def test_the_attempts_of_one_call(reports: Reports) -> None:
    """Quick info lists them oldest first, without the columns that only the search adds; else it is empty."""
    rows = await reports.api.done("reports/quick/info", {"cuid": reports.cuids["two_queues_two_transfers"]})
    assert [(row["qnum"], row["dst"]) for row in rows] == [("500", "201"), ("501", "202")]
    added = {"billsec_hhmmss", "wait_hhmmss", "duration_hhmmss", "dst_name"}
    assert not added & rows[0].keys()
    assert await reports.api.done("reports/quick/info", {"cuid": reports.cuids["answered"]}) == []
    assert await reports.api.done("reports/quick/info", {"cuid": "no such call"}) == []


@pytest.mark.parametrize("report", ["queue", "queue_details"])
async def test_walking_by_id_meets_each_row_once(reports: Reports, report: str) -> None:
    """The feed has every row of the search; its ``endtime`` is a text."""
    rows = await reports.feed(f"reports/{report}/ordered/id")
    found = await reports.rows(f"reports/{report}/search")
    assert [row["_id"] for row in rows] == sorted(row["_id"] for row in found)
    by_id = {row["_id"]: row for row in found}
    for row in rows:
        assert isinstance(row["endtime"], str)
        assert row | {"endtime": 0} == by_id[row["_id"]] | {"endtime": 0}


async def test_answers_of_surveys(reports: Reports) -> None:
    """Two answers of one caller, found by label, queue and agent, newest first."""
    rows = await reports.rows("reports/poll/search")
    assert [(row["point"], row["label"], row["dst"], row["qnum"], row["src"]) for row in rows] == [
        (3, "a second one", "201", "505", "101"),
        (5, "sale", "201", "505", "101"),
    ]
    assert list(rows[0]) == list(shape("poll_row"))
    for conditions, points in (
        ({"label": "sale"}, [5]),
        ({"label": "SALE", "like": "yes"}, [5]),
        ({"queue": "505"}, [3, 5]),
        ({"queue": "500"}, []),
        ({"to": "201"}, [3, 5]),
        ({"cuid": reports.cuids["queue_agent_hangs_up"]}, [3, 5]),
    ):
        like = conditions.pop("like", "") == "yes"
        found = await reports.rows("reports/poll/search", like=like, **conditions)
        assert [row["point"] for row in found] == points
