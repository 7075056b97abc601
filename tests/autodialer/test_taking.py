"""Taking numbers, without an engine: what may be called, when, and by whom first."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from autodialer._stock import campaign, manager
from tamas.autodialer.agent_limit import limit_of
from tamas.autodialer.campaigns import change_campaign, run_again
from tamas.autodialer.expansion import MAX_ROWS, Expander
from tamas.autodialer.groups import add_group, write_list
from tamas.autodialer.lifecycle import complete_campaigns
from tamas.autodialer.results import AttemptEnd, settle
from tamas.autodialer.taking import CampaignLimit, Order, Rules, take
from tamas.store.autodialer_schema import (
    campaign_numbers,
    campaigns,
    dial_attempts,
    dialer_reports,
    trunk_managers,
)
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, Row, open_database
from tamas.store.events_schema import events
from tamas.store.order import line_up
from tamas.store.schema import blacklist, trunks

RULES = Rules(timezone="UTC")


def numbers(count: int, first: int = 0) -> list[str]:
    """Numbers that can be dialed."""
    return [f"0912{first + place:07}" for place in range(count)]


async def expand(database: Database) -> None:
    """Make every row that is to be made."""
    expander = Expander(database)
    while await expander.step():
        pass


async def lines(database: Database, **settings: Any) -> str:
    """A trunk manager that dials at once."""
    return await manager(database, **{"capacity": 10, "dial_interval": 0, **settings})


async def taken(database: Database, manager_id: str, rules: Rules = RULES, at: int = 0) -> list[Order]:
    """What one turn takes."""
    return list((await take(database, manager_id, rules, at or now())).orders)


async def over(
    database: Database,
    orders: list[Order],
    *,
    cause: int | None = 17,
    at: int = 0,
    counted: bool = False,
) -> None:
    """The calls end; with cause 16 they were answered, and with ``counted`` by somebody of the plan's."""
    ended_at = at or now()
    ends = [
        AttemptEnd(
            uniqueid=order.uniqueid,
            started_at=ended_at - 2 * MICROSECONDS,
            answered_at=ended_at - MICROSECONDS if cause == 16 else None,
            ended_at=ended_at,
            cause=cause,
            counted=counted,
        )
        for order in orders
    ]
    async with database.write() as tx:
        await line_up(tx, database.dialect)
        await settle(tx, ends)


async def count(database: Database, table: Any, *which: Any) -> int:
    """Rows of a table."""
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table).where(*which)))


async def row_of(database: Database, identity: str) -> Row:
    """A campaign."""
    async with database.read() as connection:
        row = await connection.row(select(campaigns).where(campaigns.c.id == identity))
    assert row is not None
    return row


async def test_capacity_counts_what_is_open(database: Database) -> None:
    """No more calls than the manager's capacity; a call that is over makes room for one."""
    line = await lines(database, capacity=3)
    await campaign(database, trunk_manager_id=line, numbers=numbers(10))
    await expand(database)
    first = await taken(database, line)
    assert [order.number for order in first] == numbers(3)
    assert await taken(database, line) == []
    await over(database, first[:1])
    assert [order.number for order in await taken(database, line)] == numbers(1, 3)


async def test_interval_is_kept(database: Database) -> None:
    """With an interval one call at a time, and none before it has passed, whoever asks."""
    line = await lines(database, dial_interval=2)
    await campaign(database, trunk_manager_id=line, numbers=numbers(10))
    await expand(database)
    at = now()
    result = await take(database, line, RULES, at)
    assert len(result.orders) == 1
    assert result.next_at == at + 2 * MICROSECONDS
    assert await taken(database, line, at=at + 2 * MICROSECONDS - 1) == []
    assert len(await taken(database, line, at=at + 2 * MICROSECONDS)) == 1


async def test_campaigns_take_turns(database: Database) -> None:
    """A campaign of many numbers does not starve one of few; the one that waited longest begins."""
    line = await lines(database, capacity=4)
    big = await campaign(database, trunk_manager_id=line, numbers=numbers(100))
    small = await campaign(database, trunk_manager_id=line, numbers=numbers(3, 500))
    await expand(database)
    serials = {(await row_of(database, each))["serial"]: each for each in (big, small)}
    turns = []
    for _ in range(2):
        orders = await taken(database, line)
        async with database.read() as connection:
            statement = select(dial_attempts.c.campaign).where(dial_attempts.c.ended_at.is_(None))
            turns.append(Counter(serials[row["campaign"]] for row in await connection.rows(statement)))
        await over(database, orders, cause=16)
    assert turns[0] == {big: 2, small: 2}
    assert turns[1] == {big: 3, small: 1}


async def test_a_retry_waits_and_fresh_ones_come_first(database: Database) -> None:
    """A failed number waits its interval; of two that are equally due the fresh one is called first."""
    line = await lines(database, capacity=1)
    await campaign(database, trunk_manager_id=line, numbers=numbers(2), max_tries=2, try_interval=600)
    await expand(database)
    began = now()
    first = await taken(database, line, at=began)
    await over(database, first, at=began)
    due = began + 600 * MICROSECONDS
    async with database.write() as tx:
        fresh = update(campaign_numbers).where(campaign_numbers.c.number == numbers(2)[1])
        await tx.execute(fresh.values(next_at=due))
    assert await taken(database, line, at=due - 1) == []
    second = await taken(database, line, at=due)
    assert [order.number for order in second] == [numbers(2)[1]]
    await over(database, second, at=due, cause=16)
    third = await taken(database, line, at=due)
    assert [order.number for order in third] == [numbers(2)[0]]
    await over(database, third, at=due)
    assert await taken(database, line, at=due + 3600 * MICROSECONDS) == [], "its two tries are used up"
    async with database.read() as connection:
        rows = await connection.rows(select(dialer_reports).order_by(dialer_reports.c.number))
    assert [(row["tries"], row["disposition"]) for row in rows] == [(2, "BUSY"), (1, "ANSWERED")]
    assert await count(database, events, events.c.name == "AutoDialerReport") == 3


async def test_who_must_not_be_called(database: Database) -> None:
    """Black list, barred prefixes and what cannot be dialed: final, LOST with a reason, and never called."""
    line = await lines(database)
    await campaign(database, trunk_manager_id=line, numbers=["0900", "0912", "0911"], max_tries=3)
    async with database.write() as tx:
        await tx.execute(insert(blacklist).values(id="b" * 24, number="0900", created_at=0, updated_at=0))
    await expand(database)
    rules = Rules(timezone="UTC", barred=["0911"])
    orders: list[Order] = []
    while (result := await take(database, line, rules, now())).again or result.orders:
        orders += result.orders
    assert [order.number for order in orders] == ["0912"]
    async with database.read() as connection:
        rows = await connection.rows(
            select(dial_attempts).where(dial_attempts.c.disposition == "LOST").order_by("number")
        )
        reports = await connection.rows(select(dialer_reports).order_by("number"))
    assert [(row["number"], row["reason"]) for row in rows] == [
        ("0900", "on the black list"),
        ("0911", "barred number"),
    ]
    assert [(row["number"], row["disposition"], row["tries"]) for row in reports] == [
        ("0900", "LOST", 1),
        ("0911", "LOST", 1),
    ]
    assert await count(database, campaign_numbers, campaign_numbers.c.state == "final") == 2


async def test_calls_of_a_day_are_limited(database: Database) -> None:
    """Who had their calls of the day is called later; it costs no try."""
    line = await lines(database)
    await campaign(database, trunk_manager_id=line, numbers=["0912"], max_tries=5, try_interval=1)
    await expand(database)
    rules = Rules(timezone="UTC", max_per_number_per_day=1)
    at = now()
    await over(database, await taken(database, line, rules, at), at=at)
    hour = 3600 * MICROSECONDS
    assert await taken(database, line, rules, at + hour) == []
    assert await taken(database, line, rules, at + 24 * hour - 1) == []
    assert len(await taken(database, line, rules, at + 24 * hour)) == 1
    assert await count(database, campaign_numbers, campaign_numbers.c.tries == 2) == 1


async def test_one_number_never_in_two_calls(database: Database) -> None:
    """A number that another campaign is calling waits without losing a try, until that call is over."""
    one, other = await lines(database), await lines(database)
    await campaign(database, trunk_manager_id=one, numbers=["0912"])
    await campaign(database, trunk_manager_id=other, numbers=["0912", "0913"])
    await expand(database)
    first = await taken(database, one)
    assert [order.number for order in await taken(database, other)] == ["0913"]
    assert await taken(database, other) == []
    await over(database, first)
    assert [order.number for order in await taken(database, other)] == ["0912"]


async def test_what_keeps_a_manager_from_dialing(database: Database) -> None:
    """Inactive manager or trunk, a trunk that does not answer, a wrong hour, a paused or removed campaign."""
    line = await lines(database)
    mine = await campaign(database, trunk_manager_id=line, numbers=numbers(50), start_at=now() - 1)
    await expand(database)
    async with database.read() as connection:
        trunk = await connection.row(select(trunks).order_by(trunks.c.created_at.desc()).limit(1))
    assert trunk is not None

    async def put(table: Any, **values: Any) -> None:
        async with database.write() as tx:
            await tx.execute(update(table).values(**values))

    assert await taken(database, line, Rules(timezone="UTC", unreachable={trunk["name"]})) == []
    for table, held, free in (
        (trunk_managers, {"status": "inactive"}, {"status": "active"}),
        (trunks, {"active": "no"}, {"active": "yes"}),
        (
            trunk_managers,
            {"active_times": "{}"},
            {"active_times": msgspec.json.encode({d: [*range(24)] for d in range(1, 8)}).decode()},
        ),
        (campaigns, {"paused": True}, {"paused": False}),
        (campaigns, {"removed_at": 1}, {"removed_at": None}),
        (campaigns, {"start_at": now() + MICROSECONDS * 60}, {"start_at": now()}),
        (campaigns, {"end_at": now()}, {"end_at": now() + 60 * MICROSECONDS}),
    ):
        await put(table, **held)
        assert await taken(database, line) == [], held
        await put(table, **free)
    assert (await row_of(database, mine))["status"] == "waiting", "no call was possible yet"
    assert await taken(database, line)
    assert (await row_of(database, mine))["status"] == "running"
    assert await count(database, campaign_numbers, campaign_numbers.c.tries > 1) == 0


async def test_all_campaigns_together_are_limited(database: Database) -> None:
    """What all managers may do together counts too."""
    one, other = await lines(database), await lines(database)
    await campaign(database, trunk_manager_id=one, numbers=numbers(5))
    await campaign(database, trunk_manager_id=other, numbers=numbers(5, 100))
    await expand(database)
    rules = Rules(timezone="UTC", max_calls=7)
    assert len(await taken(database, one, rules)) == 5
    assert len(await taken(database, other, rules)) == 2


async def test_a_campaign_with_few_agents(database: Database) -> None:
    """A limit found for a campaign holds, and calls begun since it was found count against it."""
    line = await lines(database)
    mine = await campaign(database, trunk_manager_id=line, numbers=numbers(9))
    await expand(database)
    found_at = now()
    limit = CampaignLimit(calls=2, found_at=found_at)
    rules = Rules(timezone="UTC", limits={(await row_of(database, mine))["serial"]: limit})
    assert len(await taken(database, line, rules, found_at + 1)) == 2
    assert await taken(database, line, rules, found_at + 2) == []


async def test_too_many_callers_reached_nobody(database: Database) -> None:
    """While more than the limit of answered calls reached nobody, the campaign has one call at a time."""
    line = await lines(database, capacity=30)
    mine = await campaign(
        database, trunk_manager_id=line, numbers=numbers(60), interface_context="x", max_abandoned=10
    )
    await expand(database)
    for reached in (True, True, False):
        orders = await taken(database, line)
        await over(database, orders[:10], cause=16, counted=reached)
        await over(database, orders[10:])
    row = await row_of(database, mine)
    nobody: Any = None
    async with database.read() as connection:
        limit = await limit_of(connection, nobody, (), row, now())
        assert limit == CampaignLimit(calls=1, found_at=limit.found_at if limit else 0)
        assert await limit_of(connection, nobody, (), {**row, "max_abandoned": 50}, now()) is None


async def test_a_campaign_ends(database: Database) -> None:
    """When every number is final, with statistics; and past its end, when its last call is over."""
    line = await lines(database)
    done = await campaign(database, trunk_manager_id=line, numbers=numbers(2))
    await expand(database)
    orders = await taken(database, line)
    assert await complete_campaigns(database, now()) == 0
    await over(database, orders, cause=16)
    assert await complete_campaigns(database, now()) == 1
    row = await row_of(database, done)
    assert row["status"] == "completed"
    assert msgspec.json.decode(row["statistics"])["all"]["disposition"] == {"ANSWERED": {"count": 2}}

    cut = await campaign(database, trunk_manager_id=line, numbers=numbers(20, 50))
    await expand(database)
    orders = await taken(database, line)
    past = (await row_of(database, cut))["end_at"]
    assert await complete_campaigns(database, past) == 0, "calls go on"
    await over(database, orders)
    assert await taken(database, line, at=past) == []
    assert await complete_campaigns(database, past) == 1
    assert await count(database, dialer_reports) == 2 + len(orders), "who was never called has no report"


async def test_many_processes_share_a_campaign(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that take at the same time never exceed capacity, and never take a number twice."""
    line, second = await lines(database, capacity=7), await lines(database, capacity=5)
    await campaign(database, trunk_manager_id=line, numbers=numbers(120))
    await campaign(database, trunk_manager_id=second, numbers=numbers(120, 60))
    await expand(database)
    url = database.url.render_as_string(hide_password=False)
    others = [await open_database(url) for _ in range(3)]
    called: Counter[tuple[str, str]] = Counter()

    async def work(own: Database, mine: str, most: int) -> None:
        for _ in range(60):
            orders = await taken(own, mine)
            called.update((mine, order.number) for order in orders)
            opened = await count(
                own,
                dial_attempts,
                dial_attempts.c.ended_at.is_(None),
                dial_attempts.c.trunk_manager_id == mine,
            )
            assert opened <= most
            await asyncio.sleep(0)
            await over(own, orders, cause=16)

    try:
        await asyncio.gather(
            *(work(own, mine, most) for own in (database, *others) for mine, most in ((line, 7), (second, 5)))
        )
    finally:
        for own in others:
            await own.close()
    assert set(called.values()) == {1}
    assert len(called) == 240


async def test_expansion_in_short_transactions(database: Database) -> None:
    """Numbers and lists become rows, each number once; the first can be called while others are coming."""
    line = await lines(database)
    group = await add_group(
        database, name="Many", description="", numbers=await write_list(database, numbers(5000))
    )
    mine = await campaign(database, trunk_manager_id=line, numbers=numbers(20, 4990), groups=[group])
    expander = Expander(database)
    await expander.step()
    await expander.step()
    assert not (await row_of(database, mine))["expanded"]
    assert [order.number for order in await taken(database, line)] == numbers(10, 4990)
    had = await count(database, campaign_numbers)
    while await expander.step():
        now_there = await count(database, campaign_numbers)
        assert now_there - had <= MAX_ROWS
        had = now_there
    row = await row_of(database, mine)
    assert row["expanded"]
    assert row["count"] == await count(database, campaign_numbers) == 5010


async def test_expansion_goes_on_where_another_stopped(database: Database) -> None:
    """A process that dies in the middle of it leaves a campaign that the next one completes."""
    line = await lines(database)
    group = await add_group(
        database, name="Many", description="", numbers=await write_list(database, numbers(3000))
    )
    single = numbers(2000, 10_000)
    await campaign(database, trunk_manager_id=line, numbers=single, groups=[group])
    had = 0
    while had <= 2000:
        assert await Expander(database).step()
        before, had = had, await count(database, campaign_numbers)
        assert before <= had, "nothing that was made is made again"
    assert 2000 < had < 5000
    await expand(database)
    assert await count(database, campaign_numbers) == 5000


async def test_numbers_changed_before_the_first_call(database: Database) -> None:
    """Numbers that were taken out again are not called."""
    line = await lines(database)
    mine = await campaign(database, trunk_manager_id=line, numbers=numbers(5))
    await expand(database)
    await change_campaign(database, mine, {"numbers": numbers(3, 3)})
    assert await taken(database, line) == [], "the rows of before are not to be called"
    await expand(database)
    orders = await taken(database, line)
    assert sorted(order.number for order in orders) == numbers(3, 3)
    await over(database, orders)
    await complete_campaigns(database, now())

    await change_campaign(database, mine, {"numbers": numbers(3, 4)})
    await run_again(database, mine)
    await expand(database)
    again = await taken(database, line)
    assert sorted(order.number for order in again) == numbers(3, 4)
    async with database.read() as connection:
        rows = await connection.rows(select(campaign_numbers).order_by("number"))
    assert [(row["number"], row["round"], row["tries"]) for row in rows] == [
        (number, 2, 1) for number in numbers(3, 4)
    ]
