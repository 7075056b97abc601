"""The steps that a call took through the call flow: the ``route`` of its report row. Pure.

The steps are the nodes that the call walked, which the flow states with the moment at which each began
(``step=IVR&name=Menu&at=...``). Each ends when the next begins on its channel, or with the channel. Where
the flow could not state anything (the static fallback of the dialplan) the applications in which people are
reached (Dial, Queue) are the steps. Source: dialplan specification, section 6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tamas.records.queue_rows import QueueVisit
from tamas.records.story import Application, Channel, Story
from tamas.store.views import TRUNK_PREFIX

_ENTRIES = frozenset({"IncomingRoute", "OutgoingRoute", "AutodialerRoute"})
_MOMENT = re.compile(r"[0-9]{16}")
"""Microseconds since the epoch, in our time."""

MAX_STEPS = 200
"""A call that is sent in circles has no longer trace than this; the first steps are kept."""


@dataclass(kw_only=True)
class _Step:
    type: str
    name: str
    channel: Channel
    began_at: int
    ended_at: int | None = None


def route_of(story: Story, caller: Channel, visits: Sequence[QueueVisit], *, incoming: bool) -> str:
    """The steps as JSON, in the order in which they began.

    :param incoming: whether a trunk brought the call.
    """
    talks = {visit.queue_id.partition(".")[2]: visit.ended_at for visit in visits}
    steps = [step for channel in story.channels.values() for step in _stated(channel)]
    for stated in steps:
        if stated.type == "Queue":
            # An agent may have sent the caller on, for whom the queue's application goes on all the same.
            stated.ended_at = _end_of_queue(stated, story, talks)
    walked = {channel.uniqueid for channel in story.channels.values() if channel.fact("at") is not None}
    steps += [
        step
        for each in story.applications
        if each.channel.uniqueid not in walked and (step := _step(each, talks)) is not None
    ]
    steps.sort(key=lambda step: step.began_at)
    if not steps or steps[0].type not in _ENTRIES:
        kind = "IncomingRoute" if incoming else "OutgoingRoute"
        first = steps[0].began_at if steps else story.ended_at
        entry = _Step(type=kind, name=kind, channel=caller, began_at=caller.started_at, ended_at=first)
        steps.insert(0, entry)
    return msgspec.json.encode([_told(step, steps, story) for step in steps[:MAX_STEPS]]).decode()


def _step(application: Application, talks: dict[str, int]) -> _Step | None:
    if application.is_inner or application.name not in ("dial", "queue"):
        return None
    target = application.target
    ended_at = application.ended_at
    if application.name == "queue":
        kind, name = "Queue", f"Queue {target}"
        # An agent may have sent the caller on, for whom the queue's application goes on all the same.
        ended_at = talks.get(str(application.row_id), ended_at)
    else:
        number, at, endpoint = target.partition("/")[2].partition("@")
        if at and endpoint.startswith(TRUNK_PREFIX):
            kind, name = "Trunk", f"Trunk {endpoint.removeprefix(TRUNK_PREFIX)}"
        else:
            kind, name = "Extension", f"Extension {number.partition('/')[0].partition('&')[0]}"
    return _Step(
        type=kind,
        name=name,
        channel=application.channel,
        began_at=application.started_at,
        ended_at=ended_at,
    )


def _end_of_queue(step: _Step, story: Story, talks: dict[str, int]) -> int | None:
    for each in story.applications:
        if each.channel is step.channel and each.name == "queue" and each.started_at >= step.began_at:
            return talks.get(str(each.row_id), each.ended_at)
    return None


def _stated(channel: Channel) -> list[_Step]:
    steps = []
    for position, (stated_at, key, value) in enumerate(channel.facts):
        if key == "step" and value:
            following = channel.facts[position + 1 : position + 3]
            more = {name: text for at, name, text in following if at == stated_at and name in ("name", "at")}
            began = more.get("at", "")
            began_at = int(began) if _MOMENT.fullmatch(began) else stated_at
            steps.append(_Step(type=value, name=more.get("name", value), channel=channel, began_at=began_at))
    return steps


def _told(step: _Step, steps: Sequence[_Step], story: Story) -> dict[str, object]:
    ended_at = step.ended_at
    if ended_at is None:
        later = (each.began_at for each in steps if each.channel is step.channel)
        ends = [at for at in later if at > step.began_at]
        ended_at = min(ends, default=step.channel.ended_at or story.ended_at)
    return {
        "type": step.type,
        "name": step.name,
        "duration": max(0, ended_at - step.began_at),
        "at": ended_at,
    }
