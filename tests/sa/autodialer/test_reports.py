"""Reports of campaigns through the API."""

from __future__ import annotations

from typing import Any

import pytest

from sa.autodialer._dialer import NOBODY, Dialer
from tamas.sa.autodialer.reports import EXAMPLE_ROW
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Row

NOON = 1_792_670_400 * MICROSECONDS
"""2026-10-22 12:00:00 UTC, which is 1405-07-30."""
MINUTE = 60 * MICROSECONDS


async def campaign(dialer: Dialer) -> Row:
    await dialer.api.set("timezone", "UTC")
    identity = await dialer.campaign()
    await dialer.put(identity, interface_context="poll07", start_at=NOON - MINUTE, end_at=NOON + MINUTE)
    return await dialer.row(identity)


@pytest.mark.parametrize("calendar", ["gregorian", "jalali"])
async def test_a_row_tells_of_each_try(dialer: Dialer, calendar: str) -> None:
    """``autodialer/reports/search``: the documented keys in order, tries with cause and its words."""
    row = await campaign(dialer)
    await dialer.api.set("calendar", calendar)
    await dialer.report(
        row, 7, number="0911", disposition="BUSY", tries=2, billsec=0, wait=3, attempted_at=NOON, input="12"
    )
    common: dict[str, Any] = {"number_id": 7, "number": "0911"}
    await dialer.attempt(row, 2, **common, **{"try": 2}, started_at=NOON, cause=21)
    await dialer.attempt(row, 1, **common, started_at=NOON - 1, disposition="LOST", cause=None, wait=0)
    await dialer.attempt(row, 3, **common, **{"try": 3}, ended_at=None)
    await dialer.attempt(row, 4, number_id=7, number="0911", round=2)
    await dialer.attempt(row, 5, number_id=7, number="0999")
    (shown,) = await dialer.rows("autodialer/reports/search")
    assert list(shown) == list(EXAMPLE_ROW)
    day = "2026-10-22" if calendar == "gregorian" else "1405-07-30"
    assert (shown["start"], shown["date"], shown["end"]) == (
        f"{day} 11:59:00",
        f"{day} 12:00:00",
        f"{day} 12:01:00",
    )
    assert shown["campaign_id"] == {"$oid": row["id"]}
    assert shown["trunk_manager_id"] == {"$oid": row["trunk_manager_id"]}
    assert [list(each) for each in shown["tries"]] == [list(EXAMPLE_ROW["tries"][0])] * 2
    lost, busy = shown["tries"]
    assert (lost["cause"], lost["cause-txt"], lost["disposition"]) == (None, None, "LOST")
    assert busy == {
        "cdr_id": {"$oid": f"{2:024x}"},
        "cause": "21",
        "cause-txt": "Call Rejected",
        "starttime": {"$date": {"$numberLong": str(NOON // 1000)}},
        "disposition": "BUSY",
        "wait": 3,
    }
    expected = {"campaign": "test", "interface_context": "poll07", "announcement": row["announcement"]}
    expected |= {"number": "0911", "disposition": "BUSY", "try": 2, "repeat": 1, "status": "in-process"}
    expected |= {"wait": 3, "input": "12", "BUSY": 1, "wait_hhmmss": "00:00:03"}
    assert {key: shown[key] for key in expected} == expected


async def test_what_is_asked_for(dialer: Dialer) -> None:
    """By time, result, campaign and number; the labels of the panel are understood."""
    row = await campaign(dialer)
    await dialer.put(row["id"], name="other")
    other = await dialer.row(await dialer.campaign(name="second"))
    names = ("ANSWERED", "NO ANSWER", "BUSY", "LOST", "MACHINE")
    for position, name in enumerate(names):
        await dialer.report(row, position + 1, disposition=name, attempted_at=NOON + position * MINUTE)
    await dialer.report(other, 9, number="0219", attempted_at=NOON + 9 * MINUTE)

    async def found(**body: Any) -> list[str]:
        return [one["number"][-1] for one in await dialer.rows("autodialer/reports/search", **body)]

    assert await found() == ["9", "5", "4", "3", "2", "1"]
    assert await found(pagination={"sorting": {"number": 1}, "start": 1, "count": 2}) == ["1", "2"]
    for word, numbers in {
        "": ["9", "5", "4", "3", "2", "1"],
        "all": ["9", "5", "4", "3", "2", "1"],
        "ANSWERED": ["9", "1"],
        "unanswered": ["2"],
        "busy": ["3"],
        "missed": ["4"],
        "MACHINE": ["5"],
    }.items():
        assert await found(conditions={"disposition": word}) == numbers
    assert await found(conditions={"campaign_id": other["id"]}) == ["9"]
    assert await found(conditions={"campaign": "SECOND"}) == ["9"]
    assert await found(conditions={"number": "0000003"}) == ["3"]
    assert await found(alike=0, conditions={"number": "0000003"}) == []
    assert await found(date_range={"from": "2026-10-22 12:03", "to": "2026-10-22 12:04"}) == ["5", "4"]
    assert await found(date_range={"from": "2026-10-22 12:03", "to": ""}) == ["9", "5", "4"]
    assert await found(conditions={"campaign_id": NOBODY}) == []
    refused = {"alike": True, "conditions": {"disposition": "HAPPY"}}
    assert await dialer.refused("autodialer/reports/search", **refused) == "conditions.disposition"
    refused = {"alike": True, "pagination": {"sorting": {"tries": 1}}}
    assert await dialer.refused("autodialer/reports/search", **refused) == "pagination.sorting.tries"


async def test_the_whole_report_by_id(dialer: Dialer) -> None:
    """``autodialer/reports/ordered/id``: twenty at once without a gap; in the end the given id comes back."""
    row = await campaign(dialer)
    for position in range(1, 26):
        await dialer.report(row, position, attempted_at=NOON)
    await dialer.attempt(row, 90, number_id=3, number="09000000003")
    path, last, seen = "autodialer/reports/ordered/id", "", []
    for expected in (20, 5, 0):
        page = await dialer.api.done(path, {"_id": last})
        assert list(page) == ["last_id", "data"]
        assert len(page["data"]) == expected
        seen += page["data"]
        last = page["last_id"]
    assert [one["_id"] for one in seen] == [f"{position:024x}" for position in range(1, 26)]
    assert last == f"{25:024x}"
    assert [len(one["tries"]) for one in seen[:4]] == [0, 0, 1, 0]
    answer = await dialer.api.client.get(f"/api/v4/{path}?id={24:024x}")
    assert [one["_id"] for one in answer.json()["data"]["data"]] == [f"{25:024x}"]


async def test_the_channel_of_an_attempt(dialer: Dialer) -> None:
    """``autodialer/reports/info``: by the cdr_id of a try, in the words of the SIP driver clients know."""
    row = await campaign(dialer)
    identity = await dialer.attempt(row, 1, dcontext="poll07", duration=2, wait=0)
    data = await dialer.api.done("autodialer/reports/info", {"_id": identity})
    assert list(data.items()) == [
        ("dcontext", "poll07"),
        ("amaflags", "DOCUMENTATION"),
        ("channel", "SIP/trunk1-0000000a"),
        ("duration", 2),
        ("wait", 0),
    ]
    assert await dialer.refused("autodialer/reports/info", _id=NOBODY) == "_id"
