"""What is kept, what is given up, and what is told again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update

from support.integrator import Integrator, page
from support.receivers import VirtualClock, delivering, numbered, numbers, receiver_at, tell
from support.waiting import eventually
from tamas.events.fan_out import fan_out
from tamas.events.history import Which, list_dead, replay
from tamas.events.receivers import list_receivers
from tamas.events.retention import expire, prune
from tamas.store.clock import DAY, now
from tamas.store.database import Database
from tamas.store.events_schema import event_attempts, event_deliveries, events


async def _count(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)))


async def test_given_up_and_sent_again(database: Database) -> None:
    """After three days without an answer an event is given up; told again it arrives."""
    async with Integrator(answers={"/": page("")}) as crm:
        receiver = await receiver_at(database, crm.url())
        await tell(database, *numbered("1.1", 3))
        await fan_out(database, [receiver], now() - 4 * DAY)
        await tell(database, *numbered("1.2", 2))
        await fan_out(database, [receiver], now())
        await expire(database, now())
        async with database.read() as connection:
            dead = await list_dead(connection, None, limit=10)
        assert [(one["receiver"], one["position"]) for one in dead] == [("crm", 3), ("crm", 2), ("crm", 1)]
        async with delivering(database):
            await eventually(lambda: numbers(crm, "1.2") == [0, 1])
            assert numbers(crm, "1.1") == []
            assert await replay(database, receiver, Which(dead=True)) == 3
            await eventually(lambda: numbers(crm, "1.1") == [0, 1, 2])
            await eventually(lambda: _nothing_owed(database))


async def _nothing_owed(database: Database) -> bool:
    return await _count(database, event_deliveries) == 0


async def test_old_events_go(database: Database) -> None:
    """Events and tries go with age or number, but never one that is owed, nor the last."""
    receiver = await receiver_at(database, "http://127.0.0.1:9/")
    await tell(database, *numbered("1.1", 20))
    await fan_out(database, [receiver], now())
    async with database.write() as tx:
        await tx.execute(update(events).where(events.c.position <= 10).values(created_at=now() - 8 * DAY))
        await tx.execute(event_deliveries.delete().where(event_deliveries.c.position != 3))
        tries = [
            {"receiver_id": receiver.id, "position": number, "at": now() - (20 - number) * DAY, "ms": 1}
            for number in range(1, 21)
        ]
        await tx.execute(event_attempts.insert(), tries)
    await prune(database, now(), days=7, rows=1000)
    assert await _count(database, events) == 11
    assert await _count(database, event_attempts) in (7, 8)
    await prune(database, now(), days=7, rows=5)
    assert await _count(database, events) == 6
    assert await _count(database, event_attempts) == 5
    await prune(database, now() + 30 * DAY, days=7, rows=1000)
    async with database.read() as connection:
        kept = [row["position"] for row in await connection.rows(select(events).order_by(events.c.position))]
    assert kept == [3, 20]


async def test_positions_have_no_gaps(database: Database) -> None:
    """However events are written, their positions go on one by one, and none is given twice."""
    await tell(database, *numbered("1.1", 3))
    first = await fan_out(database, [], now())
    await tell(database, *numbered("1.1", 2))
    second = await fan_out(database, [], now())
    assert [event.position for event, _, _ in (*first, *second)] == [1, 2, 3, 4, 5]
    assert await fan_out(database, [], now()) == []
    async with database.read() as connection:
        assert await list_receivers(connection) == []


async def test_the_server_takes_care_by_itself(sqlite_database: Database) -> None:
    """What is due to go, goes while events are delivered."""
    clock = VirtualClock()
    await tell(sqlite_database, *numbered("1.1", 20))
    async with delivering(sqlite_database, clock):
        await eventually(lambda: _positioned(sqlite_database))
        clock.advance(9 * 86_400)
        await eventually(lambda: _one_left(sqlite_database))


async def _positioned(database: Database) -> bool:
    async with database.read() as connection:
        return bool(await connection.scalar(select(func.max(events.c.position))) == 20)


async def _one_left(database: Database) -> bool:
    return await _count(database, events) == 1
