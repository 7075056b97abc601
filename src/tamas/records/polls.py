"""Answers that callers typed in surveys: facts ``poll=5&label=...`` of the call flow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tamas.records.queue_rows import QueueVisit
from tamas.records.report_row import ReportRow
from tamas.records.story import Story
from tamas.store.schema import poll_answers

MAX_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class PollAnswer(ReportRow, table=poll_answers):
    """A row of ``poll_answers`` but for its id."""

    cuid: str
    position: int
    src: str
    dst: str
    queue: str
    label: str
    point: int
    answered_at: int


def poll_answers_of(
    story: Story, visits: Sequence[QueueVisit], cuid: str, src: str, dst: str
) -> tuple[PollAnswer, ...]:
    """The answers of a call, oldest first. Each belongs to the agent who talked to the caller before it."""
    found = sorted(
        (at, value, label)
        for channel in story.channels.values()
        for at, value, label in _points(channel.facts)
    )
    answers = []
    for position, (at, point, label) in enumerate(found, 1):
        before = [visit for visit in visits if visit.answered_at is not None and visit.answered_at <= at]
        answers.append(
            PollAnswer(
                cuid=cuid,
                position=position,
                src=src,
                dst=before[-1].agent if before else dst,
                queue=before[-1].queue if before else "",
                label=label,
                point=point,
                answered_at=at,
            )
        )
    return tuple(answers)


def _points(facts: Sequence[tuple[int, str, str]]) -> list[tuple[int, int, str]]:
    points = []
    for position, (at, key, value) in enumerate(facts):
        if key == "poll" and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
            following = facts[position + 1 : position + 2]
            label = following[0][2] if following and following[0][:2] == (at, "label") else ""
            points.append((at, int(value), label))
    return points
