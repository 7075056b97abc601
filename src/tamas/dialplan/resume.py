"""Where a call stands, written on its channel before each step that may outlive our process.

The walker sets ``TAMAS_NODE`` before each node that takes time. When it dies meanwhile, the fixed dialplan
asks the next process to go on (``/resume``) and hands back the place, what the call carries, and what
Asterisk says of the step (architecture rule 7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from tamas.dialplan.call_state import CallState, read_state
from tamas.engine.fastagi import AgiSession

LegKind = Literal["agent", "first-leg"]

NODE_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What a node of a plan may be called, so that it can stand on a channel."""
_PLACE: Final = re.compile(r"(?P<version>[0-9]{1,9}):(?P<node>[A-Za-z0-9_.-]{1,64})")
_LEG: Final = re.compile(r"leg:(?P<kind>agent|first-leg):(?P<number>[A-Za-z0-9+*#_.-]{0,32})")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node of a version of the plan."""

    version: int
    node: str

    def __str__(self) -> str:
        return f"{self.version}:{self.node}"


@dataclass(frozen=True, kw_only=True)
class Leg:
    """The ringing of one party on behalf of another step, outside the plan."""

    kind: LegKind
    number: str

    def __str__(self) -> str:
        return f"leg:{self.kind}:{self.number}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What Asterisk says of a finished step."""

    status: str
    """DIALSTATUS or QUEUESTATUS; empty when the step has neither, or never began."""
    cause: int | None = None
    """Q.850 cause of the called party."""


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """Where a call was when the process before us died, and what Asterisk says of it since."""

    place: Place | Leg
    outcome: Outcome
    state: CallState


def read_resumption(session: AgiSession) -> Resumption | None:
    """What to resume; ``None`` when no step had begun, so that the flow starts from the beginning."""
    given = {name: value for name, _, value in (argument.partition("=") for argument in session.arguments)}
    place = read_place(given.get("node", ""))
    if place is None:
        return None
    return Resumption(
        place=place,
        outcome=Outcome(
            status=given.get("queuestatus") or given.get("dialstatus") or "",
            cause=_cause(given.get("cause", "")),
        ),
        state=read_state(given.get("carried", "")),
    )


def read_place(text: str) -> Place | Leg | None:
    """A place as it was written on a channel; ``None`` when the text is something else."""
    if (match := _PLACE.fullmatch(text)) is not None:
        return Place(version=int(match["version"]), node=match["node"])
    if (match := _LEG.fullmatch(text)) is not None:
        return Leg(kind="agent" if match["kind"] == "agent" else "first-leg", number=match["number"])
    return None


def write_hops(hops: tuple[str, ...]) -> str:
    """Hops as one word for a channel variable."""
    return "-".join(hops)


def read_hops(text: str) -> tuple[str, ...]:
    """The hops of :func:`write_hops`."""
    return tuple(text.split("-")) if text else ()


def _cause(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 and int(text) > 0 else None
