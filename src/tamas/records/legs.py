"""Whom a call reached or tried, when there were several: the ``details`` of its report row. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from tamas.records.causes import outcome_of_cause
from tamas.records.facts import resource
from tamas.records.story import Channel, Story


def legs_of(story: Story, caller: Channel) -> str | None:
    """The legs besides the caller's own as JSON; ``None`` when there are fewer than two.

    :param story: after its visits to queues were found (:func:`tamas.records.queue_rows.visits_of`).

    Phones that a queue rang in vain are left out: they may be thousands, and are rows of their own.
    """
    legs = [_leg(channel) for channel in story.parties if channel is not caller and _is_leg(story, channel)]
    return msgspec.json.encode(legs).decode() if len(legs) > 1 else None


def _is_leg(story: Story, channel: Channel) -> bool:
    if channel.calls:  # a consultation's own side is no leg, but one who picked the call up is
        return channel.uniqueid in story.picked_up
    return bool(channel.stays) or channel.rung_for is None


def _leg(channel: Channel) -> dict[str, Any]:
    ended_at = channel.ended_at or channel.started_at
    talked = sum((stay.left_at or ended_at) - stay.entered_at for stay in channel.stays)
    outcome = outcome_of_cause(channel.cause)
    return {
        "at": channel.started_at,
        "billsec": max(0, talked),
        "status": "ANSWERED" if channel.stays else "NO ANSWER" if outcome is None else outcome.disposition,
        "exten": channel.rung_for
        or channel.reached
        or channel.number
        or channel.trunk
        or resource(channel.name),
    }
