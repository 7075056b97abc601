"""Forgetting what the activity log has kept for longer than the setting ``activity.days`` says.

Only age counts, not how much there is: whoever fills the log, say with failed sign-ins, must not push out of
it what they did before.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sqlalchemy import delete, select

from tamas.store.clock import DAY, now
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.schema import console_activity

log = logging.getLogger(__name__)

PRUNE_SECONDS: Final = 3600.0
BATCH: Final = 500
"""Rows per transaction: some milliseconds."""
PAUSE_SECONDS: Final = 0.05
"""Between transactions, so that Asterisk and requests get the lock on SQLite."""

_a = console_activity.c


async def prune_activity(database: Database, *, batch: int = BATCH) -> int:
    """Delete entries that are older than the setting allows, in small batches.

    :returns: how many were deleted.
    """
    days: int = (await load_runtime_settings(database))["activity.days"]
    victims = select(_a.id).where(_a.at < now() - days * DAY).order_by(_a.at).limit(batch)
    deleted = 0
    while True:
        async with database.write() as tx:
            count = (await tx.execute(delete(console_activity).where(_a.id.in_(victims)))).rowcount
        deleted += count
        if count < batch:
            return deleted
        await asyncio.sleep(PAUSE_SECONDS)


async def keep_activity_short(database: Database) -> None:
    """Prune now and every hour, until cancelled; a store that is away is asked again the next time."""
    while True:
        try:
            await prune_activity(database)
        except STORE_ERRORS as error:
            log.warning("the activity log cannot be shortened: %s", error)
        await asyncio.sleep(PRUNE_SECONDS)
