"""What the live stream tells a browser: the words of the contract, times in milliseconds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tamas.console.api_logs import ApiLogRow
from tamas.console.times import milliseconds
from tamas.engine.watch.view import (
    CallState,
    CallView,
    EngineView,
    Party,
    PartyKind,
    PartyState,
    PhoneState,
    PhoneView,
    QueueView,
    Registration,
    StepKind,
    TrunkState,
    TrunkView,
)

Topic = Literal["calls", "phones", "trunks", "queues", "api_log", "engine"]


class LiveParty(msgspec.Struct, kw_only=True):
    """One end of a call."""

    number: str
    name: str
    kind: PartyKind
    trunk: str | None
    state: PartyState


class LiveStep(msgspec.Struct, kw_only=True):
    """Something that happened in a call."""

    at: int
    what: StepKind
    party: str
    """Number of whoever did it or had it done; of the queue, where one was joined or left."""
    cause: int | None
    """Hangup cause (ITU-T Q.850)."""


class LiveCall(msgspec.Struct, kw_only=True):
    """A call in progress, or one that has just ended."""

    id: str
    """Linked id; the ``cuid`` of its record."""
    originated_call_id: str | None
    started_at: int
    answered_at: int | None
    ended_at: int | None
    state: CallState
    cause: int | None
    caller: LiveParty
    callee: LiveParty | None
    queue: str | None
    story: list[LiveStep]


class CallsSnapshot(msgspec.Struct, kw_only=True):
    """All calls in progress."""

    engine_ready: bool
    calls: list[LiveCall]


class CallsChange(msgspec.Struct, kw_only=True):
    """Calls that are new, changed or ended, each as a whole."""

    calls: list[LiveCall]


class LivePhone(msgspec.Struct, kw_only=True):
    """The phones of an extension."""

    registered: bool
    state: PhoneState


class PhonesChange(msgspec.Struct, kw_only=True):
    """By number of the extension."""

    phones: dict[str, LivePhone]


class LiveTrunk(msgspec.Struct, kw_only=True):
    """A trunk."""

    state: TrunkState
    registration: Registration
    calls: int


class TrunksChange(msgspec.Struct, kw_only=True):
    """By name."""

    trunks: dict[str, LiveTrunk]


class LiveQueue(msgspec.Struct, kw_only=True):
    """A queue."""

    members: int
    available: int
    paused: int
    waiting: int
    longest_wait_since: int | None


class QueuesChange(msgspec.Struct, kw_only=True):
    """By number."""

    queues: dict[str, LiveQueue]


class ApiLogSnapshot(msgspec.Struct, kw_only=True):
    """From which row on changes tell."""

    last_id: int


class ApiLogChange(msgspec.Struct, kw_only=True):
    """New rows, the latest last."""

    rows: list[ApiLogRow]


class EngineChange(msgspec.Struct, kw_only=True):
    """Whether the engine can be seen."""

    ready: bool


class Message(msgspec.Struct, kw_only=True):
    """One message of the stream."""

    topic: Topic | Literal["session"]
    kind: Literal["snapshot", "change", "ended"]
    data: Any = msgspec.UNSET


class Watch(msgspec.Struct, kw_only=True):
    """What a browser sends: everything that it wants to be told from now on."""

    watch: list[str]


def live_call(call: CallView) -> LiveCall:
    """A call in the stream's words."""
    return LiveCall(
        id=call.id,
        originated_call_id=call.originated_call_id,
        started_at=milliseconds(call.started_at),
        answered_at=milliseconds(call.answered_at),
        ended_at=milliseconds(call.ended_at),
        state=call.state,
        cause=call.cause,
        caller=_party(call.caller),
        callee=None if call.callee is None else _party(call.callee),
        queue=call.queue,
        story=[
            LiveStep(at=milliseconds(step.at), what=step.what, party=step.party, cause=step.cause)
            for step in call.story
        ],
    )


def live_phone(phone: PhoneView) -> LivePhone:
    """Phones in the stream's words."""
    return LivePhone(registered=phone.registered, state=phone.state)


def live_trunk(trunk: TrunkView) -> LiveTrunk:
    """A trunk in the stream's words."""
    return LiveTrunk(state=trunk.state, registration=trunk.registration, calls=trunk.calls)


def live_queue(queue: QueueView) -> LiveQueue:
    """A queue in the stream's words."""
    return LiveQueue(
        members=len(queue.agents),
        available=queue.available,
        paused=queue.paused,
        waiting=len(queue.waiting),
        longest_wait_since=milliseconds(queue.longest_wait_since),
    )


def calls_snapshot(view: EngineView) -> CallsSnapshot:
    """All calls of the engine as it is now."""
    return CallsSnapshot(engine_ready=view.ready, calls=[live_call(call) for call in view.calls()])


def _party(party: Party) -> LiveParty:
    return LiveParty(
        number=party.number, name=party.name, kind=party.kind, trunk=party.trunk, state=party.state
    )
