"""Incoming Route: where calls from trunks begin."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, Row, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.patterns import incoming_match


class IncomingRouteParams(Params):
    """Parameters of an Incoming Route."""

    context: Annotated[str, Param(label="Context", help="That of the trunks whose calls begin here.")] = (
        "incoming"
    )


class CallerAndDialed(Row):
    """What a row matches: literal numbers, an ``x`` at either end stands for any run; empty means any."""

    cid: Annotated[str, Param(label="Caller", ref=Ref.MASK, max_length=80)] = ""
    did: Annotated[str, Param(label="Dialed number", ref=Ref.MASK, max_length=80)] = ""


@component(
    type="IncomingRoute",
    title="Incoming Route",
    group=Group.ENTRY,
    row=CallerAndDialed,
    entry=True,
    instant=True,
)
async def incoming_route(call: Call, params: IncomingRouteParams) -> Exit:
    """Begin calls of the trunks whose context is this one; the caller's and the dialed number choose the row.

    An exact match of both wins over the dialed number alone, that over the caller alone; then numbers with
    ``x`` at an end, then the row that takes any call.
    """
    rows = call.node.outputs
    pairs = [(row.match.get("cid", ""), row.match.get("did", "")) for row in rows]
    found = incoming_match(pairs, call.caller_number, call.state.did)
    if found is None:
        return End(cause=Cause.UNALLOCATED, failed="no such number", started=False)
    return rows[found].key


@incoming_route.checked
def _check(params: IncomingRouteParams) -> None:
    if not params.context:
        raise ParamsInvalid("context", "is empty")
