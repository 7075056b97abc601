"""Forgetting inbox rows that have become calls."""

from __future__ import annotations

import asyncio

from sqlalchemy import Table, delete, select

from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.schema import cdr, cel, queue_log

BATCH = 500
"""Rows per transaction: some milliseconds."""
PAUSE_SECONDS = 0.05
"""Between transactions, so that Asterisk and requests get the lock on SQLite."""

_DAY = 24 * 3600 * MICROSECONDS
_INBOXES: tuple[Table, ...] = (cel, cdr, queue_log)


async def prune_inbox(database: Database, *, days: float, batch: int = BATCH) -> int:
    """Delete rows that were processed more than ``days`` days ago; others stay, however old.

    :returns: how many were deleted.
    """
    cutoff = now() - int(days * _DAY)
    deleted = 0
    for table in _INBOXES:
        old = (
            select(table.c.id)
            .where(table.c.processed_at < cutoff)
            .order_by(table.c.processed_at)
            .limit(batch)
        )
        while True:
            async with database.write() as tx:
                result = await tx.execute(delete(table).where(table.c.id.in_(old)))
                count = result.rowcount
            deleted += count
            if count < batch:
                break
            await asyncio.sleep(PAUSE_SECONDS)
    return deleted
