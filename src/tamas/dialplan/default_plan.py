"""The plan that every system begins with: version 0.

Extensions reach each other, queues, mailboxes and the fax machine by their numbers, and the world over the
first active trunk; calls from trunks reach extensions, queues and the fax machine, else the fallback number.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tamas.dialplan.graph import BUSY, FAILURE, Node, Output, Plan, Sheet

IN = "incoming"
OUT = "outgoing"
ONE = "[0-9a-zA-Z*#+]"


@cache
def default_plan() -> Plan:
    """The plan of a fresh system."""
    return Plan(
        sheets=(Sheet(id=IN, name="Incoming"), Sheet(id=OUT, name="Outgoing")),
        nodes=(
            _node(IN, "in-route", "IncomingRoute", "Incoming", 40, 200, {"context": "incoming"},
                  Output(key="any", label="Any call", match={"cid": "", "did": ""}, target="in-kind")),
            *_people(IN, "in", fallback=True),
            _node(OUT, "out-route", "OutgoingRoute", "Outgoing", 40, 200, {"context": "main_routing"},
                  Output(key="any", label="Any number", match={"pattern": "."}, target="out-kind"),
                  Output(key="one", label="One digit", match={"pattern": ONE}, target="out-kind")),
            *_people(OUT, "out", fallback=False, unknown="out-trunk"),
            _node(OUT, "out-trunk", "Trunk", "Trunk", 520, 520, {}),
        ),
    )  # fmt: skip


def _people(sheet: str, prefix: str, *, fallback: bool, unknown: str | None = None) -> tuple[Node, ...]:
    """What a number here can belong to."""
    here = {kind: f"{prefix}-{kind}" for kind in ("extension", "queue", "mailbox", "fax")}
    return (
        _node(sheet, f"{prefix}-kind", "NumberKind", f"Whose number ({sheet})", 280, 200,
              {"fallback": True} if fallback else {},
              *(Output(key=kind, target=target) for kind, target in here.items()),
              Output(key="own_mailbox", target=f"{prefix}-listen"),
              Output(key="unknown", target=unknown)),
        _node(sheet, here["extension"], "Extension", f"Extension ({sheet})", 520, 40, {},
              Output(key=BUSY, target=here["mailbox"]), Output(key=FAILURE, target=here["mailbox"])),
        _node(sheet, here["queue"], "Queue", f"Queue ({sheet})", 520, 160, {}),
        _node(sheet, here["mailbox"], "VoiceMail", f"Mailbox ({sheet})", 760, 40, {}),
        _node(sheet, f"{prefix}-listen", "VoiceMail", f"Messages ({sheet})", 520, 280, {"type": "listen"}),
        _node(sheet, here["fax"], "Fax", f"Fax ({sheet})", 520, 400, {}),
    )  # fmt: skip


def _node(
    sheet: str,
    identity: str,
    kind: str,
    name: str,
    x: float,
    y: float,
    params: dict[str, Any],
    *outputs: Output,
) -> Node:
    return Node(id=identity, sheet=sheet, type=kind, name=name, x=x, y=y, params=params, outputs=outputs)
