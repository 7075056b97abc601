"""Stays of agents in queues, and their breaks: one row each, written when it ends.

What goes on is in ``queue_members``: since when somebody is in a queue, and since when on break there. So a
row is written in the transaction that ends it there, once, however often processes die. Whoever changes
memberships calls :func:`left`, :func:`break_began` and :func:`break_ended`; breaks that Asterisk begins or
ends by itself (option ``autopause``, its command line) are told by the queue log (:func:`note_breaks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from tamas.records.facts import microseconds
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.ids import new_id
from tamas.store.schema import agent_sessions, queue_log, queue_members

Row = Mapping[str, Any]

_m = queue_members.c
SPANS = (_m.queue_name, _m.membername, _m.joined_at, _m.paused_at, _m.reason_paused)
"""What of a member's row its stay and its break are told by."""

NOTES_AT_ONCE = 500


async def left(tx: Connection, members: Sequence[Row]) -> None:
    """Write the stays, and the breaks that were going on, of members whose rows were just deleted.

    :param members: :data:`SPANS` of each.
    """
    at = now()
    rows = []
    for member in members:
        if member["paused_at"] is not None:
            rows.append(_break(member, at))
        rows.append(_row(member, "inout", member["joined_at"], at))
    if rows:
        await tx.execute(agent_sessions.insert(), rows)


async def break_began(tx: Connection, member: ColumnElement[bool]) -> None:
    """Note since when a member is on break, unless that is known.

    :param member: condition on ``queue_members``.
    """
    await tx.execute(update(queue_members).where(member, _m.paused_at.is_(None)).values(paused_at=now()))


async def break_ended(tx: Connection, member: ColumnElement[bool], *, at: int | None = None) -> None:
    """Write the break that a member was on, if any, and forget since when; before its reason is.

    :param member: condition on ``queue_members``.
    :param at: microseconds; default: now.
    """
    over = await tx.rows(
        select(_m.uniqueid, *SPANS).where(member, _m.paused_at.is_not(None)).with_for_update()
    )
    if not over:
        return
    ended_at = now() if at is None else at
    await tx.execute(agent_sessions.insert(), [_break(each, ended_at) for each in over])
    ids = [each["uniqueid"] for each in over]
    await tx.execute(update(queue_members).where(_m.uniqueid.in_(ids)).values(paused_at=None))


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


async def _note(tx: Connection, row: Row) -> None:
    member = and_(_m.queue_name == row["queuename"], _m.membername == row["agent"])
    at = microseconds(row["time"])
    if row["event"] == "UNPAUSE":
        await break_ended(tx, and_(member, _m.paused == 0), at=at)
    else:
        begun = update(queue_members).where(
            member, _m.paused == 1, _m.paused_at.is_(None), _m.joined_at <= at
        )
        await tx.execute(begun.values(paused_at=at))


def _break(member: Row, ended_at: int) -> dict[str, Any]:
    return _row(member, "pause", member["paused_at"], ended_at) | {"reason": member["reason_paused"] or ""}


def _row(member: Row, kind: str, started_at: int, ended_at: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "type": kind,
        "agent": member["membername"],
        "queue": member["queue_name"],
        "started_at": started_at,
        "ended_at": max(ended_at, started_at),
        "reason": "",
    }
