"""Trunk managers through the API."""

from __future__ import annotations

from typing import Any

import pytest

from sa.autodialer._dialer import NOBODY, Dialer


async def test_a_trunk_manager_comes_back(dialer: Dialer) -> None:
    """``autodialer/trunks/add`` (ours) and ``search``: figures as texts, the trunk as an object id."""
    trunk = await dialer.api.trunk("carrier")
    times = {"7": [10, "9"], "1": ["23"], "2": []}
    identity = await dialer.add(
        "autodialer/trunks/add",
        title="autodialer",
        trunk_id=trunk,
        capacity="5",
        dial_interval=2,
        active_times=times,
    )
    (row,) = await dialer.rows(
        "autodialer/trunks/search", alike="yes", conditions={"title": "AUTO"}, pagination={"start": 7}
    )
    date = row.pop("date")
    assert row == {
        "_id": identity,
        "title": "autodialer",
        "trunk_id": {"$oid": trunk},
        "status": "active",
        "active_times": {"1": ["23"], "7": ["9", "10"]},
        "capacity": "5",
        "dial_interval": "2",
        "wait_cache_length": "100",
        "current_capacity": 0,
        "current_wait_cache_length": 0,
    }
    assert len(date) == 19


async def test_the_worked_example_asks_elsewhere(dialer_once: Dialer) -> None:
    """``autodialer/trunks`` is the same search; without hours every hour is allowed."""
    await dialer_once.manager()
    (row,) = await dialer_once.api.done("autodialer/trunks", {"alike": "no", "conditions": {"title": "Line"}})
    assert list(row["active_times"]) == ["1", "2", "3", "4", "5", "6", "7"]
    assert row["active_times"]["5"] == [str(hour) for hour in range(24)]
    assert await dialer_once.rows("autodialer/trunks/search", alike=False, conditions={"title": "Lin"}) == []


async def test_calls_in_progress_are_counted(dialer: Dialer) -> None:
    """Those of this manager that are not over."""
    line, other = await dialer.manager(title="a"), await dialer.manager(title="b")
    campaign = await dialer.row(await dialer.campaign(trunk_manager_id=line))
    elsewhere = await dialer.row(await dialer.campaign(trunk_manager_id=other))
    for identity, ended in ((1, None), (2, None), (3, 1)):
        await dialer.attempt(campaign, identity, number=f"091{identity}", ended_at=ended)
    await dialer.attempt(elsewhere, 4, number="0914", ended_at=None)
    rows = await dialer.rows("autodialer/trunks/search")
    assert [row["current_capacity"] for row in rows] == [2, 1]


async def test_update(dialer: Dialer) -> None:
    """``autodialer/trunks/update``: by ``id`` too; trunk and hours are not changed here."""
    identity = await dialer.manager(active_times={"1": ["9"]})
    body: dict[str, Any] = {
        "title": "autodialer1",
        "status": "Inactive",
        "wait_cache_length": "200",
        "capacity": "50",
        "dial_interval": "0",
    }
    (before,) = await dialer.rows("autodialer/trunks/search")
    ignored = {"trunk_id": NOBODY, "active_times": {"2": ["9"]}}
    await dialer.api.done("autodialer/trunks/update", {"id": identity, **body, **ignored})
    (row,) = await dialer.rows("autodialer/trunks/search")
    assert row == {**before, **body, "status": "inactive"}
    assert await dialer.refused("autodialer/trunks/update", _id=NOBODY, title="x") == "_id"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trunk_id", NOBODY),
        ("status", "paused"),
        ("capacity", "-1"),
        ("capacity", 10_001),
        ("dial_interval", "x"),
        ("wait_cache_length", "0"),
        ("active_times", {"8": ["1"]}),
        ("active_times", {"1": ["24"]}),
        ("active_times", {"1": [True]}),
        ("active_times", {"1": "9"}),
        ("active_times", "x"),
        ("active_times", {"1": [{"a": 1}]}),
    ],
)
async def test_what_does_not_fit(dialer_once: Dialer, field: str, value: object) -> None:
    """Refused by its field; no hours at all may be an empty map in either spelling."""
    trunk = await dialer_once.api.trunk("carrier")
    body = {"title": "x", "trunk_id": trunk, field: value}
    assert await dialer_once.refused("autodialer/trunks/add", **body) == field
    nothing: tuple[object, ...] = ({}, [])
    for empty in nothing:
        identity = await dialer_once.add(
            "autodialer/trunks/add", title="x", trunk_id=trunk, active_times=empty
        )
        (row,) = await dialer_once.rows("autodialer/trunks/search")
        assert row["active_times"] == {}
        await dialer_once.remove("autodialer/trunks/remove", identity)


async def test_remove(dialer: Dialer) -> None:
    """``autodialer/trunks/remove`` (ours): not while a campaign needs it."""
    identity = await dialer.manager()
    campaign = await dialer.campaign(trunk_manager_id=identity)
    assert await dialer.refused("autodialer/trunks/remove", _id=identity) == "_id"
    await dialer.put(campaign, status="completed")
    await dialer.remove("autodialer/trunks/remove", identity)
    assert await dialer.rows("autodialer/trunks/search") == []
    assert await dialer.refused("autodialer/trunks/remove", _id=identity) == "_id"


async def test_leniency(dialer_once: Dialer) -> None:
    """With it one client's words are understood: name and max_channels, without an id."""
    await dialer_once.manager(title="line")
    await dialer_once.api.set("sa.lenient", True)
    await dialer_once.api.done("autodialer/trunks/update", {"name": "line", "max_channels": 9})
    (row,) = await dialer_once.api.done("autodialer/trunks/search", {})
    assert (row["title"], row["capacity"]) == ("line", "9")
    await dialer_once.api.done("autodialer/trunks/remove", {"name": "line"})
