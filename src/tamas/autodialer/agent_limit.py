"""How many calls a campaign may begin for the agents of a queue that its route ends in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from tamas.autodialer.taking import CampaignLimit
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.store.autodialer_schema import dial_attempts, dialer_reports
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Connection, Row

ABANDONED_SECONDS: Final = 1800
"""Over how much of the past the share of abandoned calls is taken."""
ABANDONED_CALLS: Final = 20
"""Answered calls below which a share says nothing."""
CAREFUL_FACTOR: Final = 100
"""Percent of free agents, while too many calls were abandoned."""
_FREE: Final = "1"
"""Device state ``AST_DEVICE_NOT_INUSE``."""

_a, _r = dial_attempts.c, dialer_reports.c


async def limit_of(
    connection: Connection, ami: AmiClient, channels: Sequence[AmiMessage], campaign: Row, at: int
) -> CampaignLimit | None:
    """How many calls a campaign may begin now; ``None``: as many as its trunk manager allows.

    Callers who wait and calls that are not in talk yet take up agents; so do agents' own calls.

    :param channels: what ``CoreShowChannels`` lists.
    :param campaign: with ``serial``, ``id``, ``agent_queue``, ``agent_factor``, ``max_abandoned``.
    :raises AmiError: Asterisk does not say.
    """
    careful = await _abandons_too_many(connection, campaign, at)
    if not campaign["agent_queue"]:
        if not careful:
            return None
        open_calls = await connection.scalar(
            select(func.count())
            .select_from(dial_attempts)
            .where(_a.campaign == campaign["serial"], _a.ended_at.is_(None))
        )
        return CampaignLimit(calls=1 - open_calls, found_at=at)
    rows = await connection.rows(
        select(_a.uniqueid).where(_a.campaign == campaign["serial"], _a.ended_at.is_(None))
    )
    status = await ami.list_action("QueueStatus", {"Queue": campaign["agent_queue"]})
    free = sum(
        event.event == "QueueMember" and event.get("Paused") == "0" and event.get("Status") == _FREE
        for event in status
    )
    waiting = {event.get("Uniqueid", "") for event in status if event.event == "QueueEntry"}
    talking = {channel.get("Uniqueid", "") for channel in channels if channel.get("BridgeId")}
    pending = {row["uniqueid"] for row in rows} - talking | waiting
    factor = min(campaign["agent_factor"], CAREFUL_FACTOR) if careful else campaign["agent_factor"]
    return CampaignLimit(calls=free * factor // 100 - len(pending), found_at=at)


async def _abandons_too_many(connection: Connection, campaign: Row, at: int) -> bool:
    if campaign["max_abandoned"] is None:
        return False
    since = at - ABANDONED_SECONDS * MICROSECONDS
    counted = (
        select(_r.disposition, func.count().label("count"))
        .where(
            _r.campaign_id == campaign["id"],
            _r.attempted_at > since,
            (_r.disposition == "ANSWERED") | ((_r.disposition == "NO ANSWER") & (_r.billsec > 0)),
        )
        .group_by(_r.disposition)
    )
    by = {row["disposition"]: int(row["count"]) for row in await connection.rows(counted)}
    abandoned, all_answered = by.get("NO ANSWER", 0), sum(by.values())
    return all_answered >= ABANDONED_CALLS and 100 * abandoned > campaign["max_abandoned"] * all_answered
