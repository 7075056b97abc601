"""Recognising bursts of calls from one area."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert

from tamas.dialplan.bursts import Burst, RecentCallers, burst_of
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.dialplan_schema import burst_rules
from tamas.store.ids import new_id
from tamas.store.runtime_settings import load_runtime_settings


async def rule(database: Database, *pre_codes: str, enabled: bool = True) -> None:
    async with database.write() as tx:
        await tx.execute(
            insert(burst_rules).values(
                id=new_id(),
                title="outage",
                pre_codes=msgspec.json.encode(pre_codes).decode(),
                enabled=enabled,
                announcement="sorry",
                created_at=now(),
                updated_at=now(),
            )
        )


class Area:
    """Calls that come to Spit Detection."""

    def __init__(self, database: Database, runtime: dict[str, Any]) -> None:
        self.database = database
        self.runtime = runtime
        self.recent = RecentCallers()
        self.calls = 0

    async def call(self, number: str) -> Burst | None:
        self.calls += 1
        return await burst_of(self.database, self.recent, self.runtime, number=number, cuid=f"1.{self.calls}")


async def area(database: Database, **runtime: Any) -> Area:
    known = await load_runtime_settings(database)
    given = {key.replace("__", "."): value for key, value in runtime.items()}
    codes = {"numbers.country_code": "98", "numbers.region_code": "21"}
    return Area(database, {**known, **codes, **given})


async def test_a_rule_by_hand(database: Database) -> None:
    """A call from an area on the list belongs to a burst, however its number is written."""
    await rule(database, "8812", "0311")
    calls = await area(database)
    assert await calls.call("+982188123456") == Burst(rule="outage", announcement="sorry")
    assert await calls.call("03112345678") is not None
    assert await calls.call("02188223456") is None


async def test_a_rule_that_is_off(database: Database) -> None:
    """A disabled rule recognises nothing."""
    await rule(database, "8812", enabled=False)
    assert await (await area(database)).call("88123456") is None


async def test_enough_calls_from_one_area(database: Database) -> None:
    """The third call of an area within the minutes is one of a burst; other areas are not."""
    calls = await area(database, burst__enabled=True, burst__count=3, burst__announcement="busy")
    assert [await calls.call("88123456"), await calls.call("02188129999")] == [None, None]
    assert await calls.call("77123456") is None
    assert await calls.call("+982188120000") == Burst(rule="automatic: 8812", announcement="busy")


async def test_excepted_areas_are_not_counted(database: Database) -> None:
    """Mobile numbers share a beginning without sharing an area."""
    calls = await area(database, burst__enabled=True, burst__count=1, burst__excepted=["09"])
    assert await calls.call("09121234567") is None
    assert await calls.call("88123456") is not None


async def test_old_calls_are_forgotten(database: Database) -> None:
    """Calls before the time slice count no more."""
    recent = RecentCallers()
    recent.add("1.1", "88123456", now() - 120 * MICROSECONDS)
    recent.add("1.2", "88123457", now())
    recent.add("1.2", "88123457", now())
    assert recent.count("88120000", length=4, since=now() - 60 * MICROSECONDS) == 1
    assert recent.count("88120000", length=2, since=now() - 60 * MICROSECONDS) == 1


async def test_a_call_that_comes_by_twice_counts_once(database: Database) -> None:
    """A call led through Spit Detection again does not make its own burst."""
    calls = await area(database, burst__enabled=True, burst__count=2)
    calls.calls = 0
    assert await calls.call("88123456") is None
    calls.calls = 0
    assert await calls.call("88123456") is None
