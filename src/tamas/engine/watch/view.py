"""What can be seen of the running engine: plain facts, no behaviour.

Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

PhoneState = Literal["idle", "ringing", "in_use", "hold", "unavailable"]
TrunkState = Literal["ok", "unavailable", "deactivated"]
"""The documented states of a trunk: Ok, Unavailable, Deactivated."""
Registration = Literal["none", "trying", "registered", "rejected"]
"""Whether we are registered at a trunk's provider; ``none``: it asks for no registration."""
CallState = Literal["dialing", "ringing", "talking", "hold", "queue", "menu", "ended"]
PartyState = Literal["dialing", "ringing", "up", "hold", "ended"]
"""``hold``: put the other on hold. Of a phone it is on either side of that."""
PartyKind = Literal["extension", "trunk", "other"]
StepKind = Literal[
    "dialing",
    "ringing",
    "answered",
    "refused",
    "hold",
    "unhold",
    "queue_joined",
    "queue_left",
    "transferred",
    "hung_up",
    "ended",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneView:
    """An extension's phones taken together."""

    registered: bool
    """Whether calls can reach a phone: registered, or at a fixed address that answers."""
    state: PhoneState
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCallView:
    """What an extension's phones do in the call that occupies them most."""

    call: str
    """Linkedid."""
    direction: Literal["in", "out"]
    """``out``: it dialed, or had the API call for it."""
    participant: str
    """Number of the other party, or what was dialed; empty: unknown."""
    queue: str | None
    """Queue through which the call came."""
    dials: bool
    """Whether it calls and nobody answered yet."""
    first_party: bool
    """Whether it was rung to be connected with somebody else, as the API does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkView:
    """A trunk."""

    state: TrunkState
    registration: Registration
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCallerView:
    """A caller who waits in a queue."""

    channel: str
    number: str
    name: str
    position: int
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAgentView:
    """An agent in a queue, as app_queue sees them."""

    agent: str
    state: PhoneState
    paused: bool
    calls_taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A queue's agents and waiting callers."""

    agents: tuple[QueueAgentView, ...] = ()
    waiting: tuple[QueueCallerView, ...] = ()

    @property
    def available(self) -> int:
        """Agents who could be rung now."""
        return sum(not agent.paused and agent.state == "idle" for agent in self.agents)

    @property
    def paused(self) -> int:
        """Agents on a break."""
        return sum(agent.paused for agent in self.agents)

    @property
    def longest_wait_since(self) -> int | None:
        """When the caller came who has waited longest."""
        return min((caller.since for caller in self.waiting), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One end of a call."""

    number: str
    name: str
    kind: PartyKind
    trunk: str | None
    state: PartyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened in a call."""

    at: int
    what: StepKind
    party: str
    """Number of whoever did it or had it done; of the queue, where one was joined or left."""
    cause: int | None = None
    """Hangup cause (ITU-T Q.850)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call in progress: every channel that shares its linkedid."""

    id: str
    """Linkedid."""
    originated_call_id: str | None
    started_at: int
    answered_at: int | None
    """When both parties were first connected."""
    ended_at: int | None
    state: CallState
    cause: int | None
    caller: Party
    callee: Party | None
    queue: str | None
    story: tuple[Step, ...]
    """What happened so far, oldest first; of a very long story the oldest steps are dropped."""


class EngineView(Protocol):
    """The engine as it is at this moment. Reading it costs nothing and awaits nothing."""

    @property
    def ready(self) -> bool:
        """Whether Asterisk can be seen; if not, phones and trunks are unavailable and there are no calls."""

    def phone(self, number: str) -> PhoneView:
        """The phones of an extension."""

    def trunk(self, name: str) -> TrunkView:
        """A trunk, by its name in the store; of one that Asterisk does not know, ``deactivated``."""

    def queue(self, number: str) -> QueueView:
        """A queue, by its number."""

    def calls(self) -> Sequence[CallView]:
        """Calls in progress, oldest first."""

    def call(self, linkedid: str) -> CallView | None:
        """One call in progress, or one that ended within the last seconds."""
