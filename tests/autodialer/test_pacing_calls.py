"""How campaigns call, judged by the carrier's own log."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from sqlalchemy import insert, select

from autodialer._room import SOUND_HZ, AutoAnswer, AutoReject, Room, dialed
from support.waiting import eventually
from tamas.autodialer.campaigns import run_again
from tamas.autodialer.searching import YOUNG_SECONDS, Search
from tamas.autodialer.taking import Rules, take
from tamas.store.clock import MICROSECONDS, now
from tamas.store.events_schema import events
from tamas.store.ids import new_id
from tamas.store.schema import blacklist

pytestmark = pytest.mark.engine


def numbers(count: int, first: int = 0) -> list[str]:
    """Numbers that can be dialed."""
    return [f"0911{first + place:04}" for place in range(count)]


async def test_two_processes_keep_the_capacity(room: Room) -> None:
    """Two that dial the same campaigns: never more calls than the line may have, each number once."""
    room.lines.manners["0911"] = AutoAnswer(hang_up_after=0.4)
    line = await room.manager(capacity=3)
    big = await room.campaign(*numbers(9), trunk_manager_id=line)
    small = await room.campaign(*numbers(2, 100), trunk_manager_id=line)
    room.dial(processes=2)
    await room.until(big)
    await room.until(small)
    assert room.lines.most_at_once() == 3
    assert Counter(dialed(call) for call in room.lines.log) == Counter(numbers(9) + numbers(2, 100))
    order = [dialed(call) for call in room.lines.log]
    assert max(order.index(number) for number in numbers(2, 100)) < 6, "the small one was not starved"
    assert {row["disposition"] for row in await room.attempts()} == {"ANSWERED"}


async def test_interval_between_calls(room: Room) -> None:
    """With an interval of a second the carrier sees a second between calls."""
    room.lines.manners["0911"] = AutoReject(status=486)
    line = await room.manager(dial_interval=1)
    campaign = await room.campaign(*numbers(3), trunk_manager_id=line)
    room.dial(processes=2)
    await room.until(campaign)
    assert len(room.lines.log) == 3
    assert all(0.9 < gap < 2.0 for gap in room.lines.gaps()), room.lines.gaps()


async def test_one_number_in_two_campaigns(room: Room) -> None:
    """A number that two campaigns of two lines want has one call at a time, and both."""
    room.lines.manners["0911"] = AutoAnswer(hang_up_after=0.5)
    one = await room.campaign(*numbers(2), trunk_manager_id=await room.manager())
    other = await room.campaign(*numbers(2), trunk_manager_id=await room.manager())
    room.dial()
    await room.until(one)
    await room.until(other)
    assert Counter(dialed(call) for call in room.lines.log) == dict.fromkeys(numbers(2), 2)
    room.lines.assert_no_number_twice_at_once()
    assert {row["try"] for row in await room.attempts()} == {1}


async def test_the_documented_example(room: Room) -> None:
    """An announcement for two numbers, and ten minutes later again for the one that was busy."""
    answering, busy = "09110001", "09120002"
    room.lines.manners |= {answering: AutoAnswer(), busy: AutoReject(status=486)}
    line = await room.manager(capacity=5, dial_interval=1)
    campaign = await room.campaign(answering, busy, trunk_manager_id=line, max_tries=2, try_interval=600)
    room.dial()
    assert (await room.ended_attempt(answering))["disposition"] == "ANSWERED"
    assert room.lines.calls_to(answering)[0].heard(SOUND_HZ)
    assert (await room.ended_attempt(busy))["disposition"] == "BUSY"
    assert (await room.number(campaign, busy))["state"] == "waiting"

    room.lines.manners[busy] = AutoAnswer()
    room.ahead = 590.0
    room.wake()
    with pytest.raises(AssertionError):
        await eventually(lambda: len(room.lines.calls_to(busy)) > 1, within=1.5)
    room.ahead = 605.0
    room.wake()
    done = await room.until(campaign)
    assert len(room.lines.calls_to(busy)) == 2
    assert (await room.report(busy))["disposition"] == "ANSWERED"
    whole = msgspec.json.decode(done["statistics"])["all"]
    assert (whole["numbers"], whole["try"]) == (2, 3)
    async with room.database.read() as connection:
        told = await connection.rows(select(events).where(events.c.name == "AutoDialerReport"))
    last = msgspec.json.decode(told[-1]["fields"])
    assert len(told) == 3
    assert [(each["disposition"], each["cause"]) for each in last["tries"]] == [
        ("BUSY", 17),
        ("ANSWERED", 16),
    ]


async def test_run_again(room: Room) -> None:
    """The next round calls each number once more, and has reports of its own."""
    room.lines.manners["0911"] = AutoReject(status=486)
    campaign = await room.campaign(*numbers(2))
    room.dial()
    await room.until(campaign)
    await run_again(room.database, campaign)
    done = await room.until(campaign)
    assert done["round"] == 2
    assert Counter(dialed(call) for call in room.lines.log) == dict.fromkeys(numbers(2), 2)
    parts = msgspec.json.decode(done["statistics"])["sep"]
    assert [(part["_id"], part["count"]) for part in parts] == [(1, 2), (2, 2)]


async def test_black_list_is_never_called(room: Room) -> None:
    """The carrier hears nothing of a number on the black list."""
    room.lines.manners["0911"] = AutoReject(status=486)
    async with room.database.write() as tx:
        await tx.execute(insert(blacklist).values(id=new_id(), number="09110001", created_at=0, updated_at=0))
    campaign = await room.campaign(*numbers(3))
    room.dial()
    await room.until(campaign)
    assert sorted(dialed(call) for call in room.lines.log) == ["09110000", "09110002"]
    assert (await room.report("09110001"))["disposition"] == "LOST"


async def test_the_search_spares_what_lives(room: Room) -> None:
    """An attempt without a channel is lost when it was looked for twice; one with a channel never is."""
    line = await room.manager()
    campaign = await room.campaign(*numbers(2), trunk_manager_id=line, max_tries=2)
    room.dial()
    call = await room.lines.call_to(numbers(2)[0])
    await room.lines.call_to(numbers(2)[1])
    for task in room._tasks:
        task.cancel()
    other = await room.manager()
    lost = await room.campaign("09119999", trunk_manager_id=other, max_tries=2, try_interval=1)
    await room.pacers[0].expander.step()
    await room.pacers[0].expander.step()
    await room.pacers[0].expander.step()
    taken = await take(room.database, other, Rules(timezone="UTC"), now())
    assert [order.number for order in taken.orders] == ["09119999"]  # and nobody places it
    search = Search(room.database, room.board.slot)
    assert await search.step(now()) == 0
    later = now() + int((YOUNG_SECONDS + 1) * MICROSECONDS)
    assert await search.step(later) == 0
    assert await search.step(later + 5 * MICROSECONDS) == 1
    row = await room.ended_attempt("09119999")
    assert (row["disposition"], row["cause"]) == ("LOST", None)
    assert (await room.number(lost, "09119999"))["state"] == "waiting"
    assert (await room.number(campaign, numbers(2)[0]))["state"] == "dialing"
    assert call.ended_at is None
