"""Campaigns through the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from sa.autodialer._dialer import NOBODY, Dialer
from tamas.autodialer.statistics import round_statistics
from tamas.sa.autodialer.campaigns import EXAMPLE_ROW
from tamas.store.autodialer_schema import campaigns, dialer_reports
from tamas.store.clock import MICROSECONDS, now

WINDOW = {"start": "2021-02-19 15:17", "end": "2021-02-23 15:17"}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("calendar", "start", "end"),
    [
        ("gregorian", "2021-02-19 15:17:00", "2021-02-23 15:17:00"),
        ("jalali", "1399-12-01 15:17:00", "1399-12-05 15:17:00"),
    ],
)
async def test_the_documented_campaign(dialer: Dialer, calendar: str, start: str, end: str) -> None:
    """``autodialer/campaigns/add`` and ``search``: tries as texts, the window in words and as epoch."""
    await dialer.api.set("calendar", calendar)
    await dialer.api.set("timezone", "UTC")
    await dialer.plan("auto")
    line, sound = await dialer.manager(), await dialer.sound()
    group = await dialer.add("autodialer/groups/add", name="g", numbers=["0911", "0912", "09120000000"])
    body: dict[str, Any] = {
        "name": "test",
        "trunk_manager_id": line,
        "interface_context": "auto",
        "interface_text": "text1",
        "numbers": ["09120000000"],
        "groups": ["", group],
        "try_interval": "600",
        "try": "1",
        **WINDOW,
        "announcement": sound,
        "description": "x",
        "count": 99,
    }
    identity = await dialer.add("autodialer/campaigns/add", **body)
    found = await dialer.search(
        "autodialer/campaigns/search", conditions={"name": "TES", "status": "waiting"}
    )
    assert found["pagination"] == {"start": 0, "count": 20, "sorting": {"date": -1}, "total": 1}
    (row,) = found["data"]
    assert list(row) == [key for key in EXAMPLE_ROW if key not in {"hs", "statistics"}]
    row.pop("date")
    assert row == {
        **body,
        "_id": identity,
        "groups": [group],
        "start": start,
        "end": end,
        "count": 3,
        "repeat": 1,
        "status": "waiting",
        "isoStart": {"$date": {"$numberLong": f"{at(WINDOW['start'])}000"}},
        "isoEnd": {"$date": {"$numberLong": f"{at(WINDOW['end'])}000"}},
    }
    for conditions in ({"status": "running"}, {"description": "y"}, {"name": "other"}):
        assert await dialer.rows("autodialer/campaigns/search", conditions=conditions) == []


async def test_what_is_left_out(dialer_once: Dialer) -> None:
    """One try, ten minutes between tries, from now on for three days; a day alone ends with its midnight."""
    identity = await dialer_once.campaign()
    row = await dialer_once.row(identity)
    assert (row["max_tries"], row["try_interval"]) == (1, 600)
    assert abs(row["start_at"] - now()) < 60 * MICROSECONDS
    assert row["end_at"] - row["start_at"] == 3 * 86_400 * MICROSECONDS
    await dialer_once.api.set("timezone", "Asia/Tehran")
    identity = await dialer_once.campaign(start="1405-07-30", end="2026-10-22")
    row = await dialer_once.row(identity)
    assert row["start_at"] == (at("2026-10-22 00:00") - 12_600) * MICROSECONDS
    assert row["end_at"] - row["start_at"] == 86_400 * MICROSECONDS - 1


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("trunk_manager_id", {"trunk_manager_id": NOBODY}),
        ("trunk_manager_id", {"trunk_manager_id": "x"}),
        ("announcement", {"announcement": NOBODY}),
        ("announcement", {"announcement": "", "interface_context": ""}),
        ("interface_context", {"interface_context": "nowhere"}),
        ("interface_context", {"interface_context": "auto\n"}),
        ("numbers", {"numbers": []}),
        ("numbers", {"numbers": [""], "groups": [""]}),
        ("numbers", {"numbers": ["nobody"]}),
        ("groups", {"groups": [NOBODY]}),
        ("groups", {"groups": ["x"]}),
        ("try", {"try": "0"}),
        ("try", {"try": 101}),
        ("try_interval", {"try_interval": "-1"}),
        ("start", {"start": "tomorrow"}),
        ("end", {"end": "2021-02-30 10:00"}),
        ("end", {"start": "2021-02-19 15:17", "end": "2021-02-19 15:17"}),
    ],
)
async def test_what_does_not_fit(dialer_once: Dialer, field: str, values: dict[str, Any]) -> None:
    """Refused by its field, and no campaign is made."""
    body = {"name": "x", "numbers": ["0911"], "announcement": await dialer_once.sound()}
    body |= {"trunk_manager_id": await dialer_once.manager(), **WINDOW}
    await dialer_once.plan("auto")
    assert await dialer_once.refused("autodialer/campaigns/add", **{**body, **values}) == field
    assert await dialer_once.rows("autodialer/campaigns/search") == []


async def test_update(dialer: Dialer) -> None:
    """``autodialer/campaigns/update`` answers how many it calls; what is left out stays."""
    identity = await dialer.campaign(numbers=["0911"], announcement=await dialer.sound())
    group = await dialer.add("autodialer/groups/add", name="g", numbers=["0911", "0912"])
    before = await dialer.row(identity)
    assert await dialer.update("autodialer/campaigns/update", identity, name="new", **{"try": 3}) == {
        "count": 1
    }
    assert await dialer.update("autodialer/campaigns/update", identity, groups=[group]) == {"count": 2}
    after = await dialer.row(identity)
    assert (after["name"], after["max_tries"], after["announcement"]) == ("new", 3, before["announcement"])
    assert (
        await dialer.refused("autodialer/campaigns/update", _id=identity, announcement="") == "announcement"
    )
    assert (
        await dialer.refused("autodialer/campaigns/update", _id=identity, interface_context="x")
        == "interface_context"
    )
    assert await dialer.refused("autodialer/campaigns/update", _id=NOBODY, name="x") == "_id"
    await dialer.plan("auto")
    await dialer.update("autodialer/campaigns/update", identity, interface_context="auto", announcement="")
    assert (await dialer.row(identity))["announcement"] == ""


async def test_a_running_campaign(dialer: Dialer) -> None:
    """Its whole row may be sent again with another end; whom it calls is fixed, even if the plan lost it."""
    await dialer.api.set("timezone", "UTC")
    await dialer.plan("auto")
    identity = await dialer.campaign(interface_context="auto", numbers=["0911"], **WINDOW)
    await dialer.put(identity, status="running", expanded=True)
    await dialer.plan("other")
    (row,) = await dialer.rows("autodialer/campaigns/search")
    gregorian = {"start": WINDOW["start"], "end": "2021-02-20 10:00"}
    assert await dialer.update(
        "autodialer/campaigns/update", identity, **{**row, **gregorian, "try": "2"}
    ) == {"count": 1}
    after = await dialer.row(identity)
    assert after["end_at"] == at("2021-02-20 10:00") * MICROSECONDS
    for field, value in {
        "start": "2021-02-18 10:00",
        "numbers": ["0912"],
        "interface_text": "x",
        "trunk_manager_id": await dialer.manager(),
    }.items():
        assert await dialer.refused("autodialer/campaigns/update", _id=identity, **{field: value}) == field


async def test_remove(dialer: Dialer) -> None:
    """``autodialer/campaigns/remove``: nobody finds it any more, its reports stay."""
    identity = await dialer.campaign()
    await dialer.put(identity, status="running", expanded=True)
    row = await dialer.row(identity)
    await dialer.report(row, 1)
    await dialer.attempt(row, 1, ended_at=None)
    assert await dialer.remove("autodialer/campaigns/remove", identity) == ""
    assert await dialer.rows("autodialer/campaigns/search") == []
    assert await dialer.refused("autodialer/campaigns/remove", _id=identity) == "_id"
    (counted,) = await dialer.api.rows(select(func.count().label("rows")).select_from(dialer_reports))
    assert counted["rows"] == 1
    assert (await dialer.row(identity))["removed_at"]


async def test_statistics_of_rounds(dialer: Dialer) -> None:
    """Of all rounds and of each, in the catalogue's words and order; ``hs`` is the last of them."""
    identity = await dialer.campaign()
    row = await dialer.row(identity)
    first, last = 1_697_545_548_007_000, 1_697_545_600_000_000
    for each, values in enumerate(
        [
            {"number": "0911", "billsec": 30, "wait": 4, "tries": 1, "attempted_at": first},
            {"number": "0912", "disposition": "LOST", "tries": 3, "attempted_at": first + 1},
            {"number": "0913", "disposition": "BUSY", "wait": 1, "tries": 3, "attempted_at": last},
            {"number": "0912", "billsec": 7, "wait": 2, "round": 2, "attempted_at": last},
        ]
    ):
        await dialer.report(row, each + 1, **values)
    statistics = await dialer.api.database.long_read(
        lambda connection: round_statistics(connection, row["serial"])
    )
    await dialer.put(identity, status="completed", statistics=msgspec.json.encode(statistics).decode())
    (shown,) = await dialer.rows("autodialer/campaigns/search", conditions={"status": "completed"})
    assert list(shown)[-2:] == ["hs", "statistics"]
    assert shown["hs"] == 2
    documented = EXAMPLE_ROW["statistics"]
    assert list(shown["statistics"]) == ["all", "sep"]
    assert list(shown["statistics"]["all"]) == list(documented["all"])
    assert [list(each) for each in shown["statistics"]["sep"]] == [list(documented["sep"][0])] * 2
    assert shown["statistics"]["all"] == {
        "sum": 37,
        "avg": 9.25,
        "wait": 7,
        "wait_avg": 1.75,
        "try": 8,
        "try_avg": 2,
        "min_date": {"$date": {"$numberLong": "1697545548007"}},
        "max_date": {"$date": {"$numberLong": "1697545600000"}},
        "count": 4,
        "numbers": 3,
        "disposition": {"ANSWERED": {"count": 2}, "BUSY": {"count": 1}, "LOST": {"count": 1}},
        "success": 66.67,
    }
    one, two = shown["statistics"]["sep"]
    assert (one["_id"], one["count"], one["answered"], one["success"]) == (1, 3, 1, 33.33)
    assert (two["_id"], two["sum"], two["numbers"], two["success"]) == (2, 7, 1, 100)


async def test_a_round_without_calls(dialer: Dialer) -> None:
    """Its statistics are empty."""
    row = await dialer.row(await dialer.campaign())
    empty = await dialer.api.database.long_read(
        lambda connection: round_statistics(connection, row["serial"])
    )
    assert empty["sep"] == []
    assert empty["all"]["count"] == empty["all"]["avg"] == empty["all"]["success"] == 0
    assert empty["all"]["min_date"] is None
    await dialer.put(row["id"], status="completed", statistics=msgspec.json.encode(empty).decode())
    (shown,) = await dialer.rows("autodialer/campaigns/search")
    assert shown["hs"] == 0


async def test_many_numbers_in_a_request(dialer_once: Dialer) -> None:
    """As many as a body of one MiB carries; one byte more than that is unparseable."""
    numbers = [f"0912{number:07}" for number in range(70_000)]
    identity = await dialer_once.campaign(numbers=numbers)
    assert (await dialer_once.row(identity))["count"] == 70_000
    body = {"name": "x", "trunk_manager_id": NOBODY, "numbers": numbers + numbers}
    assert (await dialer_once.api.raw("autodialer/campaigns/add", body)).status_code == 400


async def test_leniency(dialer_once: Dialer) -> None:
    """With it a campaign is named by its name, which is then not changed; when only one has it."""
    await dialer_once.api.set("sa.lenient", True)
    identity = await dialer_once.campaign(name="a")
    await dialer_once.api.done("autodialer/campaigns/update", {"name": "a", "description": "x"})
    assert (await dialer_once.row(identity))["description"] == "x"
    await dialer_once.campaign(name="a")
    assert await dialer_once.refused("autodialer/campaigns/remove", name="a") == "name"
    (row,) = await dialer_once.api.rows(select(func.count().label("rows")).select_from(campaigns))
    assert row["rows"] == 2


async def test_a_client_that_always_sends_a_context(dialer_once: Dialer) -> None:
    """While lenient, one that the plan does not have is none, where there is a sound to play."""
    words = {"interface_context": "auto", "interface_text": "text1"}
    sound = await dialer_once.sound()
    body = {"name": "x", "numbers": ["0911"], "trunk_manager_id": await dialer_once.manager(), **words}
    assert await dialer_once.refused("autodialer/campaigns/add", **body, announcement=sound) == (
        "interface_context"
    )
    await dialer_once.api.set("sa.lenient", True)
    assert await dialer_once.refused("autodialer/campaigns/add", **body) == "interface_context"
    row = await dialer_once.row(await dialer_once.campaign(**body, announcement=sound))
    assert (row["interface_context"], row["interface_text"]) == ("", "")
    await dialer_once.plan("auto")
    row = await dialer_once.row(await dialer_once.campaign(**body, announcement=sound))
    assert row["interface_context"] == "auto"
