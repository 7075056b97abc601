"""Breaks that Asterisk begins or ends by itself: option ``autopause``, its command line.

The queue log tells of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, select, update

from tamas.agents.sessions import break_ended
from tamas.records.facts import microseconds
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.schema import queue_log, queue_members

_m = queue_members.c

NOTES_AT_ONCE = 500


async def note_breaks(database: Database) -> int:
    """Take in what the queue log says of breaks; returns how many of its rows were settled.

    What our own services did is noted already, so most rows change nothing.
    """
    statement = (
        select(queue_log.c.id, queue_log.c.time, queue_log.c.queuename, queue_log.c.agent, queue_log.c.event)
        .where(queue_log.c.processed_at.is_(None), queue_log.c.event.in_(("PAUSE", "UNPAUSE")))
        .order_by(queue_log.c.id)
        .limit(NOTES_AT_ONCE)
    )
    async with database.read() as connection:
        rows = await connection.rows(statement)
        if not rows:
            return 0
        odd = select(_m.queue_name, _m.membername).where((_m.paused == 0) == _m.paused_at.is_not(None))
        unsettled = {(each["queue_name"], each["membername"]) for each in await connection.rows(odd)}
    for row in rows:
        if (row["queuename"], row["agent"]) in unsettled:
            # One member to a transaction: two that change several in another order would wait for each other.
            async with database.write() as tx:
                await _note(tx, row)
    async with database.write() as tx:
        ids = [row["id"] for row in rows]
        await tx.execute(update(queue_log).where(queue_log.c.id.in_(ids)).values(processed_at=now()))
    return len(rows)


async def _note(tx: Connection, row: Mapping[str, Any]) -> None:
    member = and_(_m.queue_name == row["queuename"], _m.membername == row["agent"])
    at = microseconds(row["time"])
    if row["event"] == "UNPAUSE":
        await break_ended(tx, and_(member, _m.paused == 0), at=at)
    else:
        begun = update(queue_members).where(
            member, _m.paused == 1, _m.paused_at.is_(None), _m.joined_at <= at
        )
        await tx.execute(begun.values(paused_at=at))
