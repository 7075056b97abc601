"""Writing call rows: the one place where ids are given and inbox rows become processed, in one transaction.

Architecture rule 5: a row's id strictly increases in commit order, a call is never written twice, and its
inbox rows are marked in the transaction that writes it, so that a process killed anywhere loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.records.build import CallRow
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Dialect
from tamas.store.ids import following_id
from tamas.store.schema import calls, cdr, cel, leases, merged_linkedids, originates, queue_log

_ORDER = "records.order"
"""A row of ``leases`` that nobody holds: locking it lines up the transactions that give ids."""


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A call to write, and the inbox rows that it settles."""

    row: CallRow
    linkedids: frozenset[str]
    """All its linked ids; their CEL rows become processed."""
    cdr_ids: tuple[int, ...]
    uniqueids: frozenset[str]
    """Its channels; what the queue log says of them becomes processed."""


async def write_calls(tx: Connection, dialect: Dialect, closings: Sequence[Closing]) -> None:
    """Insert call rows, or amend those that are there, inside the caller's transaction.

    An originate that a call belongs to is closed with it.
    """
    if not closings:
        return
    await line_up(tx, dialect)
    at = now()
    known = {
        row["cuid"]: row
        for row in await tx.rows(select(calls).where(calls.c.cuid.in_([c.row.cuid for c in closings])))
    }
    last = await tx.scalar(select(func.max(calls.c.id)))
    fresh: list[dict[str, Any]] = []
    for closing in closings:
        values = closing.row.values()
        old = known.get(closing.row.cuid)
        if old is None:
            last = following_id(last, at=at // MICROSECONDS)
            fresh.append({"id": last, **values})
        elif any(old[name] != value for name, value in values.items()):
            await tx.execute(
                update(calls).where(calls.c.cuid == closing.row.cuid).values(**values, amended_at=at)
            )
    if fresh:
        await tx.execute(calls.insert(), fresh)
    await _settle(tx, dialect, closings, at)


async def pass_over(tx: Connection, linkedids: Sequence[str]) -> None:
    """Mark inbox rows that tell of no call."""
    if linkedids:
        for inbox in (cel, cdr):
            which = inbox.c.linkedid.in_(linkedids), inbox.c.processed_at.is_(None)
            await tx.execute(update(inbox).where(*which).values(processed_at=now()))


async def _settle(tx: Connection, dialect: Dialect, closings: Sequence[Closing], at: int) -> None:
    """Mark what the calls were made of."""
    linkedids = sorted({linkedid for closing in closings for linkedid in closing.linkedids})
    await tx.execute(
        update(cel).where(cel.c.linkedid.in_(linkedids), cel.c.processed_at.is_(None)).values(processed_at=at)
    )
    cdr_ids = [cdr_id for closing in closings for cdr_id in closing.cdr_ids]
    if cdr_ids:
        await tx.execute(update(cdr).where(cdr.c.id.in_(cdr_ids)).values(processed_at=at))
    callids = sorted({uniqueid for closing in closings for uniqueid in closing.uniqueids})
    await tx.execute(
        update(queue_log)
        .where(queue_log.c.callid.in_(callids), queue_log.c.processed_at.is_(None))
        .values(processed_at=at)
    )
    joined = [
        {"linkedid": linkedid, "into_linkedid": closing.row.cuid}
        for closing in closings
        for linkedid in sorted(closing.linkedids - {closing.row.cuid})
    ]
    if joined:
        insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        await tx.execute(insert(merged_linkedids).on_conflict_do_nothing(), joined)
    originated = [
        {"of": closing.row.originated_call_id, "why": closing.row.reason}
        for closing in closings
        if closing.row.originated_call_id is not None
    ]
    if originated:
        await tx.execute(
            update(originates)
            .where(originates.c.originated_call_id == bindparam("of"), originates.c.closed_at.is_(None))
            .values(closed_at=at, reason=bindparam("why")),
            originated,
        )


async def line_up(tx: Connection, dialect: Dialect) -> None:
    """Wait until no other transaction that writes calls is open (SQLite has one writer anyway)."""
    if dialect == "postgresql":
        insert = postgresql.insert(leases).values(name=_ORDER, holder="", expires_at=0)
        await tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"expires_at": 0}))
