"""What was told, to whom, and what became of it; telling it again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, func, literal, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from tamas.events.receivers import Receiver
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Row
from tamas.store.events_schema import (
    DEAD,
    PENDING,
    event_attempts,
    event_deliveries,
    event_receivers,
    events,
)


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which events are meant: those that all of it holds for."""

    first: int | None = None
    """Position, as ``last``; both included."""
    last: int | None = None
    since: int | None = None
    """Microseconds, included; ``until`` is not."""
    until: int | None = None
    names: Collection[str] = ()
    """Empty: every name."""
    dead: bool = False
    """Only those that were given up for the receiver."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Of ``events``."""
        found: list[ColumnElement[bool]] = [events.c.position.is_not(None)]
        if self.first is not None:
            found.append(events.c.position >= self.first)
        if self.last is not None:
            found.append(events.c.position <= self.last)
        if self.since is not None:
            found.append(events.c.created_at >= self.since)
        if self.until is not None:
            found.append(events.c.created_at < self.until)
        if self.names:
            found.append(events.c.name.in_(sorted(self.names)))
        return found


async def list_events(tx: Connection, which: Which, *, limit: int) -> Sequence[Row]:
    """The last events: position, name, created_at, order_key, fields (JSON text); oldest first."""
    columns = events.c.position, events.c.name, events.c.created_at, events.c.order_key, events.c.fields
    newest = select(*columns).where(*which.conditions()).order_by(events.c.position.desc()).limit(limit)
    return (await tx.rows(newest))[::-1]


async def list_attempts(tx: Connection, receiver: Receiver | None, *, limit: int) -> Sequence[Row]:
    """The last tries, newest first: receiver, position, event, at, status, ms, error."""
    columns = (
        event_receivers.c.name.label("receiver"),
        event_attempts.c.position,
        events.c.name.label("event"),
        event_attempts.c.at,
        event_attempts.c.status,
        event_attempts.c.ms,
        event_attempts.c.error,
    )
    found = (
        select(*columns)
        .join(event_receivers, event_receivers.c.id == event_attempts.c.receiver_id)
        .join(events, events.c.position == event_attempts.c.position, isouter=True)
        .order_by(event_attempts.c.id.desc())
        .limit(limit)
    )
    if receiver is not None:
        found = found.where(event_attempts.c.receiver_id == receiver.id)
    return await tx.rows(found)


async def list_dead(tx: Connection, receiver: Receiver | None, *, limit: int) -> Sequence[Row]:
    """What was given up: receiver, position, event, owed_at, tries, reason; newest first."""
    columns = (
        event_receivers.c.name.label("receiver"),
        event_deliveries.c.position,
        events.c.name.label("event"),
        event_deliveries.c.owed_at,
        event_deliveries.c.tries,
        event_deliveries.c.reason,
    )
    found = (
        select(*columns)
        .join(event_receivers, event_receivers.c.id == event_deliveries.c.receiver_id)
        .join(events, events.c.position == event_deliveries.c.position, isouter=True)
        .where(event_deliveries.c.state == DEAD)
        .order_by(event_deliveries.c.position.desc())
        .limit(limit)
    )
    if receiver is not None:
        found = found.where(event_deliveries.c.receiver_id == receiver.id)
    return await tx.rows(found)


async def count_owed(tx: Connection) -> dict[str, tuple[int, int]]:
    """By id of the receiver: how many deliveries are pending, and how many were given up."""
    counts: dict[str, tuple[int, int]] = {}
    for position, state in enumerate((PENDING, DEAD)):
        counted = select(event_deliveries.c.receiver_id, func.count().label("count"))
        counted = counted.where(event_deliveries.c.state == state).group_by(event_deliveries.c.receiver_id)
        for row in await tx.rows(counted):
            both = list(counts.get(row["receiver_id"], (0, 0)))
            both[position] = row["count"]
            counts[row["receiver_id"]] = both[0], both[1]
    return counts


async def replay(database: Database, receiver: Receiver, which: Which) -> int:
    """Owe events to a receiver again, also those that it does not select; tells how many.

    They are sent within seconds, in order per call. What is owed still stays owed once.
    """
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    again = select(
        literal(receiver.id),
        events.c.position,
        events.c.order_key,
        PENDING,
        literal(0, BigInteger),
        literal(now(), BigInteger),
    ).where(*which.conditions())
    if which.dead:
        given_up = select(event_deliveries.c.position)
        given_up = given_up.where(
            event_deliveries.c.receiver_id == receiver.id, event_deliveries.c.state == DEAD
        )
        again = again.where(events.c.position.in_(given_up))
    columns = ["receiver_id", "position", "order_key", "state", "next_at", "owed_at"]
    statement = insert(event_deliveries).from_select(columns, again)
    fresh = {
        "state": PENDING,
        "next_at": literal_column("0"),
        "tries": literal_column("0"),
        "owed_at": statement.excluded.owed_at,
    }
    async with database.write() as tx:
        result = await tx.execute(
            statement.on_conflict_do_update(index_elements=["receiver_id", "position"], set_=fresh)
        )
        return result.rowcount
