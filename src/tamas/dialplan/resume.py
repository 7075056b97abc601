"""Where a call stands, written on its channel before each step that may outlive our process.

The flow sets ``TAMAS_NODE`` before Dial and Queue, and when a call comes to a mailbox. When it dies
meanwhile, the fixed dialplan asks the next process to go on (``/resume``) and hands back the node and what
Asterisk says of the step (architecture rule 7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from tamas.engine.fastagi import AgiSession

Step = Literal["extension", "queue", "trunk", "agent", "first-leg", "mailbox", "mailbox-busy", "mailbox-menu"]

_NODE: Final = re.compile(r"builtin:(?P<step>[a-z-]+):(?P<target>[A-Za-z0-9+*#_.-]*)")
_HOPS: Final = re.compile(r"[0-9]{1,20}(?:-[0-9]{1,20})*")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A step of the built-in flow: what was rung."""

    step: Step
    target: str

    def __str__(self) -> str:
        return f"builtin:{self.step}:{self.target}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What Asterisk says of a finished step."""

    status: str
    """DIALSTATUS or QUEUESTATUS; empty when the step never began."""
    cause: int | None = None
    """Q.850 cause of the called party."""


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """The step a call was in when the process before us died, and how it ended."""

    node: Node
    outcome: Outcome
    hops: tuple[str, ...]
    """Extensions that were rung, in order, up to this step."""


def read_resumption(session: AgiSession) -> Resumption | None:
    """What to resume; ``None`` when no step had begun, so that the flow starts from the beginning."""
    given = {name: value for name, _, value in (argument.partition("=") for argument in session.arguments)}
    match = _NODE.fullmatch(given.get("node", ""))
    if match is None:
        return None
    for step in get_args(Step):
        if step == match["step"]:
            status = given.get("queuestatus" if step == "queue" else "dialstatus", "")
            return Resumption(
                node=Node(step=step, target=match["target"]),
                outcome=Outcome(status=status, cause=_cause(given.get("cause", ""))),
                hops=read_hops(given.get("hops", "")),
            )
    return None


def write_hops(hops: tuple[str, ...]) -> str:
    """Hops as one word for a channel variable."""
    return "-".join(hops)


def read_hops(text: str) -> tuple[str, ...]:
    """The hops of :func:`write_hops`; none when the text is something else."""
    return tuple(text.split("-")) if _HOPS.fullmatch(text) else ()


def _cause(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 and int(text) > 0 else None
