"""From what was recorded of a campaign's call to what its attempt came to."""

from __future__ import annotations

from tamas.autodialer.results import AttemptEnd
from tamas.records.story import Channel, Story


def attempt_end(story: Story, caller: Channel, *, counted: bool, end_reason: str | None) -> AttemptEnd:
    """What a campaign's call came to.

    :param caller: the number that was called: its channel is the call's first.
    :param counted: whether somebody else was connected, or the plan counted the call as answered.
    :param end_reason: plain words for a call that the engine took with it.
    """
    return AttemptEnd(
        uniqueid=caller.uniqueid,
        started_at=story.started_at,
        answered_at=caller.answered_at,
        ended_at=caller.ended_at or story.ended_at,
        counted=counted,
        machine=caller.fact("machine") == "1",
        cause=caller.cause or None,
        lost=end_reason or "",
        input=caller.fact("input") or "",
        channel=caller.name,
        dcontext=story.facts.get("context", ""),
    )
