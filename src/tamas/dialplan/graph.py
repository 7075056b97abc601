"""The call-flow graph as data: sheets, nodes, named outputs, wires (dialplan specification, section 1).

A plan is one JSON document; ``docs/dialplan.md`` describes it. Here it is only read and written; whether it
makes sense is told by :mod:`tamas.dialplan.validation`, what its nodes do by :mod:`tamas.dialplan.component`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tamas.errors import TamasError

FORMAT: Final = 1
"""Version of the JSON form."""
MAX_NODES: Final = 5_000
MAX_OUTPUTS: Final = 500
"""Of one node."""
MAX_BYTES: Final = 8 * 1024 * 1024
"""Of a plan's JSON."""

NEXT: Final = "next"
"""The single unnamed output."""
SUCCESS: Final = "S"
BUSY: Final = "B"
FAILURE: Final = "F"
YES: Final = "✓"
NO: Final = "✗"
TIMEOUT: Final = "t"
"""Row for callers who press nothing."""
INVALID: Final = "i"
"""Row for callers who press what no other row takes."""
ERROR: Final = "e"
"""Row for web services that fail."""


class PlanUnreadable(TamasError):
    """A text is no plan; the message says where it is wrong."""


class Sheet(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A drawing page. Sheets only organise: routing ignores their borders."""

    id: str
    name: str


class Output(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """One way out of a node."""

    key: str
    """Unique among the outputs of its node."""
    label: str = ""
    match: dict[str, str] = {}
    """What a row is chosen by, where the administrator makes the rows (see ``Component.row``)."""
    target: str | None = None
    """Id of the node the wire leads to; without one the call ends here."""


class Node(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A component placed on a sheet."""

    id: str
    sheet: str
    type: str
    name: str
    """Shown in the route trace and sent to web services as ``app_name``."""
    x: float = 0
    y: float = 0
    params: dict[str, Any] = {}
    """By the component's parameters; a value may be ``{"$var": "name"}``."""
    outputs: tuple[Output, ...] = ()


class Plan(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """All sheets together."""

    format: int = FORMAT
    sheets: tuple[Sheet, ...] = ()
    nodes: tuple[Node, ...] = ()


def read_plan(text: str | bytes) -> Plan:
    """Read a plan's JSON. :raises PlanUnreadable: it is none; nothing of its sense is checked."""
    if len(text) > MAX_BYTES:
        raise PlanUnreadable(f"a plan has at most {MAX_BYTES} bytes")
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlanUnreadable(str(error) or "nested too deeply") from error
    if plan.format != FORMAT:
        raise PlanUnreadable(f"format {plan.format} is not known; this version writes {FORMAT}")
    return plan


def write_plan(plan: Plan) -> str:
    """The JSON of a plan, laid out for people and for ``diff``: equal plans have equal texts."""
    written = {"format": plan.format, **msgspec.to_builtins(plan)}
    for node in written.get("nodes", ()):
        node |= {key: int(node[key]) for key in ("x", "y") if key in node and node[key] % 1 == 0}
    return msgspec.json.format(msgspec.json.encode(written), indent=2).decode()
