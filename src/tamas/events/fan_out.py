"""From the outbox to receivers: events get their positions, and each receiver that wants one is owed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, func, literal_column, select, update

from tamas.events.receivers import Receiver
from tamas.events.rendering import Told
from tamas.events.signals import POSITIONED
from tamas.store.database import Database, HotQuery
from tamas.store.events_schema import event_deliveries, events

LOT: Final = 500
"""Events of one transaction."""

_FRESH = HotQuery(
    select(events.c.id, events.c.name, events.c.order_key, events.c.created_at, events.c.fields)
    .where(events.c.position.is_(None))
    .order_by(events.c.id)
    .limit(literal_column(str(LOT)))
    .offset(literal_column("0"))  # SQLite's own would be a parameter
)
_GIVE = update(events).where(events.c.id == bindparam("which")).values(position=bindparam("to_position"))


async def fan_out(
    database: Database, receivers: Sequence[Receiver], at: int
) -> list[tuple[Told, str, list[str]]]:
    """Take the next lot of fresh events; only one process may do so at a time.

    Ids commit out of order, so what is fresh is found by having no position (architecture rule 5); positions
    are given here, one after the other in the order in which they can be seen. A second process that does the
    same at the same time breaks a constraint, and nothing of its lot is written.

    :param receivers: those that are enabled.
    :returns: each event with its order key and the ids of the receivers that are owed it.
    """
    fresh = await database.hot(_FRESH)
    if not fresh:
        return []
    wanting: dict[str, list[str]] = {}
    for receiver in receivers:
        for name in receiver.events:
            wanting.setdefault(name, []).append(receiver.id)
    async with database.write() as tx:
        position = await tx.scalar(select(func.max(events.c.position))) or 0
        given: list[Mapping[str, Any]] = []
        owed: list[Mapping[str, Any]] = []
        told = []
        for event_id, name, order_key, created_at, fields in fresh:
            position += 1
            given.append({"which": event_id, "to_position": position})
            event = Told(position=position, name=name, created_at=created_at, fields=fields)
            ids = wanting.get(name, [])
            owed += [
                {
                    "receiver_id": receiver_id,
                    "position": position,
                    "order_key": order_key,
                    "state": "pending",
                    "next_at": 0,
                    "owed_at": at,
                }
                for receiver_id in ids
            ]
            told.append((event, order_key, ids))
        await tx.execute(_GIVE, given)
        if owed:
            await tx.execute(event_deliveries.insert(), owed)
        tx.after_commit.append(POSITIONED.give)
    return told
