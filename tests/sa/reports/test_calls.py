"""``/reports/quick/search`` and ``/reports/cdr/*``."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.catalogue import shape
from sa.reports.conftest import CALLS, EVER, Reports

DONE = "Requested operation is done successfully"


def by_name(reports: Reports, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return dict(zip(reports.names(rows), rows, strict=True))


async def test_one_row_for_each_call_newest_first(reports: Reports) -> None:
    """Each call is there once, in the order of its begin, whatever number of legs it had."""
    rows = await reports.rows("reports/quick/search")
    assert reports.names(rows) == list(reversed(CALLS))


async def test_a_row_has_what_its_call_had(reports: Reports) -> None:
    """Keys are the catalogue's in its order, without those that the call has nothing to say for."""
    rows = by_name(reports, await reports.rows("reports/cdr/search"))
    answered = rows["answered"]
    lacking = {"did", "entry_point", "outgoing_point", "originated_call_id", "details", "record"}
    assert list(answered) == [key for key in shape("cdr_row") if key not in lacking]
    assert (answered["ANSWERED"], answered["local"], answered["hangup"]) == (1, 1, "caller")
    assert answered["clid"] == '"Phone 101" <101>'
    assert (answered["channel"][:8], answered["dstchannel"][:8]) == ("SIP/101-", "SIP/102-")
    assert (answered["lastapp"], answered["lastdata"]) == ("Dial", "SIP/102,30")
    assert answered["uniqueid"] == answered["cuid"]
    assert answered["start"] == answered["starttime"] <= answered["answer"] <= answered["endtime"]
    assert [step["type"] for step in answered["route"]] == ["OutgoingRoute", "Extension"]
    busy = rows["busy"]
    assert (busy["BUSY"], busy["answer"], busy["billsec"]) == (1, "", 0)
    came = rows["incoming"]
    assert (came["type"], came["incoming"], came["did"], came["entry_point"]) == (
        "incoming",
        1,
        "02100",
        "carrier1",
    )
    assert came["channel"].startswith("SIP/carrier1-"), "a trunk's name as clients know it"
    went = rows["outgoing"]
    assert (went["outgoing_point"], went["lastdata"]) == ("carrier1", "SIP/carrier1/9121,30")
    assert went["route"][-1]["name"] == "Trunk carrier1"


async def test_who_was_reached_on_the_way(reports: Reports) -> None:
    """Two queues and two transfers: three people talked to the caller; the route names each stop."""
    row = by_name(reports, await reports.rows("reports/quick/search"))["two_queues_two_transfers"]
    legs = [(leg["exten"], leg["status"], leg["comment"]) for leg in row["details"]]
    assert legs == [("201", "ANSWERED", None), ("202", "ANSWERED", None), ("104", "ANSWERED", None)]
    assert [step["name"] for step in row["route"]] == [
        "OutgoingRoute",
        "Queue 500",
        "Queue 501",
        "Extension 104",
    ]
    assert all(isinstance(step["duration"], float) for step in row["route"])
    assert (row["dst"], row["hangup"], row["disposition"]) == ("104", "callee", "ANSWERED")


@pytest.mark.parametrize(
    ("like", "conditions", "names"),
    [
        (False, {"from": "101"}, set(CALLS) - {"incoming"}),
        (False, {"to": "102"}, {"answered", "busy", "incoming"}),
        (False, {"from": "10"}, set()),
        (True, {"from": "0912"}, {"incoming"}),
        (True, {"to": "50"}, {name for name in CALLS if name.startswith("queue_")}),
        (True, {"from": "091", "to": "10"}, {"incoming"}),
        (False, {"extension": "102"}, {"answered", "busy", "incoming"}),
        (False, {"extension": "104"}, {"two_queues_two_transfers", "queue_pickup"}),
        (True, {"from": "%"}, set()),
        (True, {"from": "_01"}, set()),
        (True, {"from": "' OR 1=1 --"}, set()),
    ],
)
async def test_conditions(reports: Reports, like: bool, conditions: dict[str, str], names: set[str]) -> None:
    """Numbers are compared as a whole or in part; a wildcard or a quote is a sign like others."""
    rows = await reports.rows("reports/cdr/search", like=like, **conditions)
    assert set(reports.names(rows)) == names


async def test_one_call_by_its_id(reports: Reports) -> None:
    """With ``cuid`` no dates are needed; a whole id finds its call alone, part of one finds what it is in."""
    cuid = reports.cuids["answered"]
    for path in ("reports/quick/search", "reports/cdr/search"):
        no_dates: list[dict[str, Any]] = [{}, {"date_range": {}}, {"date_range": []}]
        for dates in no_dates:
            for like in (False, True):
                page = await reports.api.done(path, {"alike": like, "conditions": {"cuid": cuid}, **dates})
                assert [row["cuid"] for row in page["data"]] == [cuid]
        page = await reports.api.done(path, {"alike": True, "conditions": {"cuid": cuid[3:-1]}})
        assert cuid in [row["cuid"] for row in page["data"]]


async def test_dates_are_required_otherwise(reports: Reports) -> None:
    """Without ``cuid`` each end of the range is asked for, by name."""
    asked: list[tuple[dict[str, str], str]] = [
        ({}, "date_range.from"),
        ({"from": "2020-01-01 00:00"}, "date_range.to"),
        ({"to": "2020-01-01 00:00"}, "date_range.from"),
    ]
    for dates, field in asked:
        answer = await reports.api.refused("reports/cdr/search", {"alike": False, "date_range": dates})
        assert answer == (f"Field '{field}':value is missing", field)


async def test_a_time_that_is_over_has_no_calls(reports: Reports) -> None:
    """Calls outside the range are not listed, and the total says so."""
    dates = {"from": "2020-01-01 00:00", "to": "2020-12-31 23:59"}
    page = await reports.api.done("reports/quick/search", {"alike": False, "date_range": dates})
    assert (page["data"], page["pagination"]["total"]) == ([], 0)


@pytest.mark.parametrize("column", ["src", "duration", "answer", "type", "hangup", "route; DROP TABLE calls"])
async def test_sorting(reports: Reports, column: str) -> None:
    """Rows come in the order asked for, the same both ways round; what is no column is refused by name."""
    found = []
    for direction in (1, -1):
        body = {
            "alike": False,
            "date_range": EVER,
            "pagination": {"count": 100, "sorting": {column: direction}},
        }
        if ";" in column:
            assert (await reports.api.refused("reports/cdr/search", body))[1] == "pagination.sorting"
            return
        page = await reports.api.done("reports/cdr/search", body)
        assert page["pagination"]["sorting"] == {column: direction}
        found.append([row["_id"] for row in page["data"]])
    assert found[0] == list(reversed(found[1]))
    assert len(set(found[0])) == len(CALLS)


async def test_the_other_path_of_quick_search(reports: Reports) -> None:
    """Some clients post to ``reports/cdr``; it is the same service under the same permission."""
    body = {"alike": False, "date_range": EVER}
    one = await reports.api.raw("reports/quick/search", body)
    other = await reports.api.raw("reports/cdr", body)
    assert one.json()["message"] == DONE
    assert one.text == other.text


async def test_walking_by_id_meets_each_call_once(reports: Reports) -> None:
    """The feed has every row, in the order in which they were written; its rows are those of the search."""
    rows = await reports.feed("reports/cdr/ordered/id")
    assert sorted(reports.names(rows)) == sorted(CALLS)
    assert sorted(rows, key=lambda row: str(row["_id"])) == rows
    found = await reports.rows("reports/cdr/search")
    assert sorted(found, key=lambda row: str(row["_id"])) == rows


async def test_rows_in_the_jalali_calendar(reports: Reports) -> None:
    """Dates of rows follow the setting; ``answer`` stays Gregorian, the times of the route stay epochs."""
    await reports.api.set("calendar", "jalali")
    await reports.api.set("timezone", "Asia/Tehran")
    try:
        rows = await reports.rows("reports/quick/search")
    finally:
        await reports.api.set("calendar", "gregorian")
        await reports.api.set("timezone", "UTC")
    row = by_name(reports, rows)["two_queues_two_transfers"]
    assert {row[key][:2] for key in ("start", "starttime", "endtime")} == {"14"}
    assert row["answer"].startswith("20")
    assert row["details"][0]["date"].startswith("14")
    assert row["route"][0]["date"]["$date"]["$numberLong"].isdigit()
