"""What a call is made of while it goes on: its channels, and the steps it took."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from tamas.engine.watch.channels import ChannelName, ChannelState
from tamas.engine.watch.view import CallView, StepKind

MAX_STEPS: Final = 100
"""Steps that a story keeps; a queue that rings for hours makes many."""
MAX_LEGS: Final = 60
"""Legs that a call remembers, those that have ended among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Originated:
    """A call that the API asked for."""

    originated_call_id: str
    caller: str
    callee: str
    trunk_name: str


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """A channel."""

    uniqueid: str
    is_: ChannelName
    call: Call
    state: int
    number: str
    """Caller id number: of an outside party, its number."""
    shown_name: str
    began_at: int
    calls_in: bool
    """Whether it called us; else we called it."""
    dialed: str = ""
    """Number beyond a trunk; of an extension that called us: what it dialed."""
    agent: str = ""
    """Agent for whom it rings."""
    bridge: str | None = None
    holds: bool = False
    """Whether its party put the other on hold."""
    rings: bool = False
    was_up: bool = False
    dial_status: str = ""
    gave_up: bool = False
    """Whether its party hung up, or refused."""
    ended: bool = False
    cause: int | None = None

    @property
    def up(self) -> bool:
        """Whether somebody took it and nobody hung up."""
        return self.state == ChannelState.UP and not self.ended

    @property
    def visible(self) -> bool:
        """Whether somebody is at its end."""
        return not self.is_.hidden

    @property
    def has_step(self) -> bool:
        """Whether the call's story mentions it."""
        return any(step.who is self for step in self.call.steps)


@dataclass(slots=True)
class CallStep:
    """Something that happened, by the leg to which it did: its number may become known later."""

    at: int
    what: StepKind
    who: Leg | str
    cause: int | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """Channels that belong together."""

    id: str
    started_at: int
    dialed: str = ""
    """What was dialed first."""
    originated: Originated | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    cause: int | None = None
    alive: dict[str, Leg] = field(default_factory=dict)
    legs: list[Leg] = field(default_factory=list)
    """Legs with somebody at their end, also those that have ended."""
    caller: Leg | None = None
    queue: str | None = None
    """The queue it came to last."""
    waits: bool = False
    """Whether it waits in that queue."""
    breaks_up: bool = False
    """Whether somebody left the talk and nothing new has begun."""
    steps: deque[CallStep] = field(default_factory=lambda: deque(maxlen=MAX_STEPS))
    frozen: bool = False
    """Whether it became part of another call, which has its channels now."""
    view: CallView | None = None
    """As last asked for; ``None``: it changed since."""

    def add(self, leg: Leg) -> None:
        """Add a leg with somebody at its end, in place of the oldest that has ended when there are many."""
        self.legs.append(leg)
        if len(self.legs) > MAX_LEGS:
            oldest = next((each for each in self.legs if each.ended and each is not self.caller), None)
            if oldest is not None:
                self.legs.remove(oldest)

    def insert(self, step: CallStep) -> None:
        """Put a step where its time belongs."""
        steps = sorted((*self.steps, step), key=lambda each: each.at)
        self.steps.clear()
        self.steps.extend(steps)

    @property
    def speaker(self) -> Leg:
        """The calling party; of an extension with several phones the one that answered."""
        caller = self.caller or self.legs[0]
        if caller.was_up or caller.calls_in:
            return caller
        return next((leg for leg in self.legs if leg.was_up and leg.is_ == caller.is_), caller)
