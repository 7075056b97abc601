"""How long events are kept, and when it is given up to deliver them."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import delete, exists, func, select, update

from tamas.events.lane import GIVE_UP_SECONDS
from tamas.store.clock import DAY, MICROSECONDS
from tamas.store.database import Database
from tamas.store.events_schema import PENDING, event_attempts, event_deliveries, events

LOT: Final = 1000
"""Rows of one transaction."""


async def expire(database: Database, at: int) -> None:
    """Give up what receivers have not answered for the whole time."""
    late = (
        event_deliveries.c.state == PENDING,
        event_deliveries.c.owed_at < at - GIVE_UP_SECONDS * MICROSECONDS,
    )
    async with database.write() as tx:
        await tx.execute(
            update(event_deliveries)
            .where(*late)
            .values(state="dead", reason="not delivered within three days")
        )


async def prune(database: Database, at: int, *, days: int, rows: int) -> None:
    """Remove events that are too old or too many, with what was written of them; none that is still owed."""
    oldest = at - days * DAY
    async with database.read() as connection:
        last = await connection.scalar(select(func.max(events.c.position))) or 0
        aged = select(events.c.position).where(events.c.created_at < oldest, events.c.position.is_not(None))
        # Events of one transaction have one time.
        aged = aged.order_by(events.c.created_at.desc(), events.c.position.desc()).limit(1)
        newest_aged = await connection.scalar(aged) or 0
    await _prune_events(database, min(max(newest_aged, last - rows), last - 1))
    await _prune_attempts(database, oldest, rows)


async def _prune_events(database: Database, through: int) -> None:
    """Remove events up to a position. The last one stays, because positions go on from it."""
    owed = exists().where(
        event_deliveries.c.position == events.c.position, event_deliveries.c.state == PENDING
    )
    some = select(events.c.position).where(events.c.position <= through, ~owed)
    some = some.order_by(events.c.position).limit(LOT)
    while True:
        async with database.write() as tx:
            old = [row["position"] for row in await tx.rows(some)]
            if old:
                await tx.execute(delete(event_deliveries).where(event_deliveries.c.position.in_(old)))
                await tx.execute(delete(events).where(events.c.position.in_(old)))
        if len(old) < LOT:
            return
        await asyncio.sleep(0)


async def _prune_attempts(database: Database, oldest: int, rows: int) -> None:
    """Remove tries, which are as old as their ids say."""
    attempts = event_attempts
    some = select(attempts.c.id, attempts.c.at).order_by(attempts.c.id).limit(LOT)
    while True:
        async with database.write() as tx:
            newest = await tx.scalar(select(func.max(attempts.c.id))) or 0
            first = await tx.rows(some)
            old = [row["id"] for row in first if row["at"] < oldest or row["id"] <= newest - rows]
            if old:
                await tx.execute(delete(attempts).where(attempts.c.id.in_(old)))
        if len(old) < LOT:
            return
        await asyncio.sleep(0)
