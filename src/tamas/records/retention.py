"""Forgetting inbox rows that have become calls, and what the queue log says of none."""

from __future__ import annotations

import asyncio

from sqlalchemy import Select, Table, delete, select

from tamas.records.facts import time_text
from tamas.store.clock import DAY, now
from tamas.store.database import Database
from tamas.store.schema import cdr, cel, queue_log

BATCH = 500
"""Rows per transaction: some milliseconds."""
PAUSE_SECONDS = 0.05
"""Between transactions, so that Asterisk and requests get the lock on SQLite."""

_INBOXES: tuple[Table, ...] = (cel, cdr, queue_log)


async def prune_inbox(database: Database, *, days: float, batch: int = BATCH) -> int:
    """Delete rows that were processed more than ``days`` days ago; others stay, however old.

    Of the queue log also what was written so long ago and never processed: agents that came, went or paused
    belong to no call, and what came after its call was closed is no loss.

    :returns: how many were deleted.
    """
    cutoff = now() - int(days * DAY)
    deleted = 0
    for table in _INBOXES:
        old = select(table.c.id).where(table.c.processed_at < cutoff).order_by(table.c.processed_at)
        deleted += await _delete(database, table, old, batch)
    loose = (
        select(queue_log.c.id)
        .where(queue_log.c.processed_at.is_(None), queue_log.c.time < time_text(cutoff))
        .order_by(queue_log.c.id)
    )
    return deleted + await _delete(database, queue_log, loose, batch)


async def _delete(database: Database, table: Table, ids: Select[tuple[int]], batch: int) -> int:
    deleted = 0
    while True:
        async with database.write() as tx:
            result = await tx.execute(delete(table).where(table.c.id.in_(ids.limit(batch))))
            count = result.rowcount
        deleted += count
        if count < batch:
            return deleted
        await asyncio.sleep(PAUSE_SECONDS)
