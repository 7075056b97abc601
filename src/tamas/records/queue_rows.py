"""Visits to queues and attempts at agents, from the story of a call. Pure.

A visit lasts from the moment the call enters the queue until it leaves it, or until its talk with the agent
ends: an agent who sends the caller on has ended it, though Asterisk's Queue goes on beneath. It is

- ANSWERED when an agent took it, PICKUP when a colleague took it from a ringing agent by code,
- MISSED when an agent's phone rang and nobody took it,
- ABANDONED when it ended before any phone rang. A phone that refuses as busy, or cannot be reached, has not
  rung; one whose channel was there and that declined, or was given up on, has.

An attempt is one Local channel through which the queue rings an agent (PBX specification, section 4).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tamas.records.causes import outcome_of_cause, outcome_of_dial
from tamas.records.cdr_words import CdrRows, words_of
from tamas.records.facts import microseconds, resource
from tamas.records.report_row import CdrWords, ReportRow
from tamas.records.story import Application, Channel, Stay, Story
from tamas.store.clock import MICROSECONDS
from tamas.store.schema import queue_attempts, queue_visits
from tamas.store.views import AGENTS_CONTEXT

Row = Mapping[str, Any]

_STATUS_OF_EVENT = {
    "EXITWITHTIMEOUT": "TIMEOUT",
    "EXITEMPTY": "LEAVEEMPTY",
    "EXITWITHKEY": "CONTINUE",
    "WITHDRAW": "WITHDRAW",
}
"""``QUEUESTATUS`` by what the queue log says, for a call whose flow could not say it itself."""


@dataclass(frozen=True, kw_only=True)
class QueueAttempt(ReportRow, table=queue_attempts):
    """A row of ``queue_attempts`` but for its id and the agent's name. Microseconds, UTC."""

    uniqueid: str
    queue_id: str
    cuid: str
    queue: str
    src: str
    agent: str
    started_at: int
    answered_at: int | None
    ended_at: int
    wait: int
    billsec: int
    disposition: str
    tries: int
    record: str | None
    words: CdrWords


@dataclass(frozen=True, kw_only=True)
class QueueVisit(ReportRow, table=queue_visits):
    """A row of ``queue_visits`` but for its id and the agent's name. Microseconds, UTC."""

    queue_id: str
    cuid: str
    queue: str
    src: str
    agent: str
    started_at: int
    ringing_at: int | None
    answered_at: int | None
    ended_at: int
    wait: int
    agent_wait: int
    billsec: int
    disposition: str
    queue_status: str | None
    hangup: str | None
    attempts: tuple[QueueAttempt, ...] = field(metadata={"other_table": True})


@dataclass(kw_only=True)
class _Talk:
    """A talk of the caller with whoever took the call from a queue."""

    began_at: int
    ended_at: int
    with_whom: Channel


@dataclass(kw_only=True)
class _Attempt:
    """One ringing of one agent."""

    agent: str
    near: Channel
    """The end of the Local channel that the queue talks to."""
    far: Channel
    """The end that walks the dialplan and dials the phone."""
    dial: Application | None
    phones: list[Channel]
    ended_at: int
    talk: _Talk | None = None

    @property
    def rang_at(self) -> int | None:
        """When a phone began to ring; ``None`` when none did."""
        return min((phone.started_at for phone in self.phones if _rang(phone)), default=None)


@dataclass(kw_only=True)
class _Visit:
    application: Application
    ended_at: int
    attempts: list[_Attempt] = field(default_factory=list)
    taken: _Attempt | None = None
    """The attempt that led to a talk."""


def visits_of(
    story: Story, cdr: CdrRows, queue_log: Sequence[Row], *, cuid: str, src: str
) -> tuple[QueueVisit, ...]:
    """The visits of a call, each with its attempts, in the order in which they began.

    Notes on the story's channels which of them were rung for an agent.
    """
    visits = [
        _Visit(application=each, ended_at=each.ended_at or each.channel.ended_at or story.ended_at)
        for each in story.applications
        if each.name == "queue" and each.target
    ]
    if not visits:
        return ()
    _find_attempts(story, visits)
    return tuple(_visit_row(story, visit, cdr, queue_log, cuid=cuid, src=src) for visit in visits)


# -- finding them ------------------------------------------------------------------------------------------


def _find_attempts(story: Story, visits: Sequence[_Visit]) -> None:
    pairs: dict[str, dict[str, Channel]] = {}
    for channel in story.channels.values():
        if channel.agent is not None:
            pairs.setdefault(channel.pair, {})[channel.name.rpartition(";")[2]] = channel
    dials: dict[str, Application] = {}
    for application in story.applications:
        if application.context == AGENTS_CONTEXT:
            dials.setdefault(application.channel.uniqueid, application)
    phones: dict[str, deque[Channel]] = {}
    parties = story.parties
    for phone in parties:
        phones.setdefault(resource(phone.name), deque()).append(phone)
    whole = [(ends["1"], ends["2"]) for ends in pairs.values() if ends.keys() >= {"1", "2"}]
    for near, far in sorted(whole, key=lambda ends: ends[0].started_at):
        visit = _visit_at(visits, near)
        if visit is None:
            continue
        dial = dials.get(far.uniqueid)
        ends = (at for at in (None if dial is None else dial.ended_at, far.ended_at) if at is not None)
        attempt = _Attempt(
            agent=near.agent or "",
            near=near,
            far=far,
            dial=dial,
            phones=[] if dial is None else _rung_by(dial, phones),
            ended_at=min(ends, default=story.ended_at),
        )
        for phone in attempt.phones:
            phone.rung_for = attempt.agent
        if near.stays and far.stays:
            attempt.talk = _talk(story, visit, attempt, parties)
        visit.attempts.append(attempt)
        if attempt.talk is not None and visit.taken is None:
            visit.taken = attempt


def _visit_at(visits: Sequence[_Visit], near: Channel) -> _Visit | None:
    """The visit for which a channel rings: the last to begin of those that still wait for an agent."""
    at = near.started_at
    waiting = [
        visit
        for visit in visits
        if visit.application.linkedid == near.linkedid
        and visit.application.started_at <= at <= visit.ended_at
        and (visit.taken is None or visit.taken.near.started_at >= at)
    ]
    return max(waiting, key=lambda visit: visit.application.started_at, default=None)


def _rung_by(dial: Application, phones: Mapping[str, deque[Channel]]) -> list[Channel]:
    """The phones that a Dial rang, taken from those that nobody is known to have rung.

    CEL does not say who rang a channel, but a queue rings a phone once at a time.
    """
    found = []
    for endpoint in dial.endpoints:
        waiting = phones.get(endpoint)
        while waiting and (dial.ended_at is None or waiting[0].started_at <= dial.ended_at):
            phone = waiting.popleft()
            if phone.started_at >= dial.started_at and not phone.calls:
                found.append(phone)
    return found


def _talk(story: Story, visit: _Visit, attempt: _Attempt, parties: Sequence[Channel]) -> _Talk | None:
    """The caller's talk with whoever took this attempt: both sides of the Local channel are bridged."""
    caller = visit.application.channel
    near = _together(story, attempt.near, [caller])
    far = _together(story, attempt.far, [each for each in parties if each is not caller])
    if near is None or far is None:
        return None
    began_at = max(near[0], far[0])
    ended_at = min(near[1], far[1])
    return _Talk(began_at=began_at, ended_at=max(began_at, ended_at), with_whom=far[2])


def _together(story: Story, channel: Channel, others: Sequence[Channel]) -> tuple[int, int, Channel] | None:
    """When a channel first was in a bridge with one of others: from, until, with whom."""
    for stay in channel.stays:
        for other in others:
            for theirs in other.stays:
                if theirs.bridge == stay.bridge and _overlap(story, stay, theirs):
                    began_at = max(stay.entered_at, theirs.entered_at)
                    return began_at, min(_left(story, stay), _left(story, theirs)), other
    return None


def _left(story: Story, stay: Stay) -> int:
    return story.ended_at if stay.left_at is None else stay.left_at


def _overlap(story: Story, one: Stay, other: Stay) -> bool:
    return one.entered_at <= _left(story, other) and other.entered_at <= _left(story, one)


def _rang(phone: Channel) -> bool:
    if phone.answered:
        return True
    outcome = outcome_of_cause(phone.cause)
    return outcome is None or outcome.disposition == "NO ANSWER"


# -- writing them down -------------------------------------------------------------------------------------


def _visit_row(
    story: Story, visit: _Visit, cdr: CdrRows, queue_log: Sequence[Row], *, cuid: str, src: str
) -> QueueVisit:
    application, taken = visit.application, visit.taken
    queue = application.target
    queue_id = f"{application.started_at // MICROSECONDS}.{application.row_id}"
    talk = None if taken is None else taken.talk
    ended_at = visit.ended_at if talk is None else talk.ended_at
    rang = [at for attempt in visit.attempts if (at := attempt.rang_at) is not None]
    if talk is not None and taken is not None and not rang:
        rang = [taken.near.started_at]
    tries: Counter[str] = Counter()
    attempts = []
    for attempt in visit.attempts:
        tries[attempt.agent] += 1
        row = _attempt_row(
            story,
            attempt,
            cdr,
            queue=queue,
            queue_id=queue_id,
            cuid=cuid,
            src=src,
            tries=tries[attempt.agent],
        )
        attempts.append(row)
    picked_up = talk is not None and talk.with_whom.uniqueid in story.picked_up
    return QueueVisit(
        queue_id=queue_id,
        cuid=cuid,
        queue=queue,
        src=src,
        agent=_agent(visit, picked_up=picked_up),
        started_at=application.started_at,
        ringing_at=min(rang, default=None),
        answered_at=None if talk is None else talk.began_at,
        ended_at=ended_at,
        wait=(ended_at if talk is None else talk.began_at) - application.started_at,
        agent_wait=_agent_wait(visit, ended_at),
        billsec=0 if talk is None else talk.ended_at - talk.began_at,
        disposition=(
            ("PICKUP" if picked_up else "ANSWERED") if talk is not None else "MISSED" if rang else "ABANDONED"
        ),
        queue_status=_status(visit, queue_log, queue),
        hangup=_hangup(visit),
        attempts=tuple(attempts),
    )


def _attempt_row(
    story: Story,
    attempt: _Attempt,
    cdr: CdrRows,
    *,
    queue: str,
    queue_id: str,
    cuid: str,
    src: str,
    tries: int,
) -> QueueAttempt:
    talk = attempt.talk
    if talk is not None and talk.with_whom.uniqueid in story.picked_up:
        talk = None  # somebody else took it
    far, near = attempt.far, attempt.near
    phone = talk.with_whom if talk is not None else attempt.phones[-1] if attempt.phones else None
    answered_at = None if talk is None else talk.began_at
    # One who was picked up from has stopped ringing when the colleague began to talk.
    ended_at = attempt.talk.began_at if attempt.talk is not None and talk is None else attempt.ended_at
    if talk is not None:
        ended_at = talk.ended_at
    cause = (phone.cause if phone is not None else 0) or near.cause
    outcome = None if talk is not None else outcome_of_dial(far.dial_status, cause)
    channels = (near, far, *attempt.phones)
    return QueueAttempt(
        uniqueid=far.uniqueid,
        queue_id=queue_id,
        cuid=cuid,
        queue=queue,
        src=src,
        agent=attempt.agent,
        started_at=near.started_at,
        answered_at=answered_at,
        ended_at=max(ended_at, near.started_at),
        wait=max(0, (ended_at if answered_at is None else answered_at) - near.started_at),
        billsec=0 if talk is None else talk.ended_at - talk.began_at,
        disposition="ANSWERED"
        if talk is not None
        else "NO ANSWER"
        if outcome is None
        else outcome.disposition,
        tries=tries,
        record=next((name for each in channels if (name := each.fact("record"))), None),
        words=words_of(
            cdr,
            uniqueid=far.uniqueid,
            number=far.number or src,
            dcontext=AGENTS_CONTEXT,
            channel=far.name,
            dstchannel=phone.name if phone is not None else "",
            application=attempt.dial,
        ),
    )


def _agent(visit: _Visit, *, picked_up: bool) -> str:
    """Who took the call, else whose phone rang last; nobody's when none rang."""
    taken = visit.taken
    if taken is None or taken.talk is None:
        return next((each.agent for each in reversed(visit.attempts) if each.rang_at is not None), "")
    if picked_up:
        return taken.talk.with_whom.number or resource(taken.talk.with_whom.name)
    return taken.agent


def _agent_wait(visit: _Visit, ended_at: int) -> int:
    """How long the agent who took the call let it ring; else how long phones rang until it was over."""
    taken = visit.taken
    if taken is not None and taken.talk is not None:
        return taken.talk.began_at - (taken.rang_at or taken.near.started_at)
    first = min((at for each in visit.attempts if (at := each.rang_at) is not None), default=ended_at)
    return max(0, ended_at - first)


def _hangup(visit: _Visit) -> str | None:
    """``caller`` or ``agent``; ``None`` when the system ended the wait or the talk."""
    taken, caller = visit.taken, visit.application.channel
    if taken is not None and taken.talk is not None:
        agent = taken.talk.with_whom
        # One who transfers by code does so through the channel that the queue talks to.
        if agent.hung_up_itself or agent.transferred or taken.near.transferred:
            return "agent"
        return "caller" if caller.hung_up_itself or caller.transferred else None
    # Who is still there after the queue gave up has not left it by himself.
    left = caller.ended_at is not None and caller.hung_up_itself and _fact_after(visit) is None
    return "caller" if left else None


def _status(visit: _Visit, queue_log: Sequence[Row], queue: str) -> str | None:
    stated = _fact_after(visit)
    if stated is not None:
        return stated
    channel = visit.application.channel
    for row in queue_log:
        if row["callid"] == channel.uniqueid and row["queuename"] == queue:
            status = _STATUS_OF_EVENT.get(row["event"])
            at = microseconds(row["time"])
            if status is not None and visit.application.started_at <= at <= visit.ended_at + MICROSECONDS:
                return status
    return None


def _fact_after(visit: _Visit) -> str | None:
    """What the flow stated as the queue's outcome, before it entered another one."""
    application = visit.application
    over = application.ended_at
    if over is None:
        return None
    return next(
        (value for at, key, value in application.channel.facts if key == "queue_status" and at >= over), None
    )
