"""Outgoing Route: where what extensions dial begins."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, Row, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.feature_actions import run_feature_code
from tamas.dialplan.feature_codes import feature_code
from tamas.dialplan.patterns import best_match
from tamas.dialplan.plans import USUAL_CONTEXT
from tamas.dialplan.speed_dials import speed_dial
from tamas.engine.dialing_out import is_barred


class OutgoingRouteParams(Params):
    """Parameters of an Outgoing Route."""

    context: Annotated[str, Param(label="Context", help="That of the extensions whose calls begin here.")] = (
        USUAL_CONTEXT
    )
    check_feature_code: Annotated[
        bool, Param(label="Check feature codes", help="They win over every pattern.")
    ] = True
    check_speed_dial: Annotated[
        bool,
        Param(label="Check speed dial", help="A code is replaced by its number before patterns are tried."),
    ] = True


class Pattern(Row):
    """What a row matches: a number, or a pattern as of Asterisk without the underscore."""

    pattern: Annotated[str, Param(label="Pattern", ref=Ref.PATTERN, max_length=80)]


@component(
    type="OutgoingRoute", title="Outgoing Route", group=Group.ENTRY, row=Pattern, entry=True, instant=True
)
async def outgoing_route(call: Call, params: OutgoingRouteParams) -> Exit:
    """Begin calls of the extensions whose context is this one; the best match of the dialed number is taken.

    Barred prefixes are refused first; then come feature codes, speed dial, and the patterns, of which a
    literal number wins, then the one that leaves the least open at its first difference.
    """
    number = call.state.exten
    barred = (await call.runtime())["calls.barred_prefixes"]
    if is_barred(number, barred):
        return _barred(call, number)
    if params.check_feature_code and (code := await feature_code(call, number)) is not None:
        await call.mark()
        return await run_feature_code(call, code)
    if params.check_speed_dial and (meant := await speed_dial(call, number)) is not None:
        if is_barred(meant, barred):
            return _barred(call, meant)
        number = call.state.exten = meant
    rows = call.node.outputs
    found = best_match([row.match.get("pattern", "") for row in rows], number)
    if found is None:
        call.destination(number)
        return End(cause=Cause.UNALLOCATED, failed="no such number", started=False)
    return rows[found].key


def _barred(call: Call, number: str) -> End:
    call.destination(number)
    call.later(("type", "outgoing"))
    return End(cause=Cause.REJECTED, failed="barred number", started=False)


@outgoing_route.checked
def _check(params: OutgoingRouteParams) -> None:
    if not params.context:
        raise ParamsInvalid("context", "is empty")
