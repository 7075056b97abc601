"""Campaigns that are over: every number final, or the window past, and the last call ended."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

import msgspec
from sqlalchemy import and_, or_, select, update

from tamas.autodialer.statistics import round_statistics
from tamas.store.autodialer_schema import campaign_numbers, campaigns, dial_attempts
from tamas.store.database import Database

log = logging.getLogger(__name__)

_c, _n, _a = campaigns.c, campaign_numbers.c, dial_attempts.c

_calling = select(_a.id).where(_a.campaign == _c.serial, _a.ended_at.is_(None)).correlate(campaigns).exists()
_LEFT: Final = ("queued", "dialing", "waiting")
_has_numbers_left = (
    select(_n.id)
    .where(_n.campaign == _c.serial, _n.state.in_(_LEFT), _n.round == _c.round)
    .correlate(campaigns)
    .exists()
)


async def complete_campaigns(database: Database, at: int) -> int:
    """Complete the campaigns that are over, with their statistics; returns how many.

    :param at: microseconds; now.
    """
    over = and_(
        _c.status.in_(("waiting", "running")),
        _c.removed_at.is_(None),
        ~_calling,
        or_(_c.end_at <= at, and_(_c.expanded.is_(True), ~_has_numbers_left)),
    )
    async with database.read() as connection:
        rows = await connection.rows(select(_c.serial, _c.id, _c.round).where(over).order_by(_c.serial))
    completed = 0
    for row in rows:
        statistics = await database.long_read(partial(round_statistics, campaign=row["serial"]))
        async with database.write() as tx:
            done = await tx.execute(
                update(campaigns)
                .where(_c.serial == row["serial"], _c.round == row["round"], over)
                .values(
                    status="completed",
                    completed_at=at,
                    statistics=msgspec.json.encode(statistics).decode(),
                )
            )
        if done.rowcount:
            log.info("campaign %s, round %d, is completed", row["id"], row["round"])
            completed += 1
    return completed
