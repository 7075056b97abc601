"""Stays of agents in queues, and their breaks: one row each, written when it ends.

What goes on is in ``queue_members``: since when somebody is in a queue, and since when on break there. So a
row is written in the transaction that ends it there, once, however often processes die. Whoever changes
memberships calls :func:`left`, :func:`break_began` and :func:`break_ended`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select, update

from tamas.store.clock import now
from tamas.store.database import Connection
from tamas.store.ids import new_id
from tamas.store.schema import agent_sessions, queue_members

Row = Mapping[str, Any]

_m = queue_members.c
SPANS = (_m.queue_name, _m.membername, _m.joined_at, _m.paused_at, _m.reason_paused)
"""What of a member's row its stay and its break are told by."""


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
