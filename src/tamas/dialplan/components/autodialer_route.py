"""Autodialer Route: where answered calls of campaigns begin."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import ROWS, End, Exit, Group, Param, Params, Row, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.plans import AUTODIALER_CONTEXT

ANY: Final = "any"
"""The row that takes every text no other row has."""


class AutodialerRouteParams(Params):
    """Parameters of an Autodialer Route."""

    context: Annotated[str, Param(label="Context", help="That of the campaigns whose calls begin here.")] = (
        AUTODIALER_CONTEXT
    )


class Text(Row):
    """What a row matches: the text of a campaign."""

    text: str


@component(
    type="AutodialerRoute",
    title="Autodialer Route",
    group=Group.ENTRY,
    row=Text,
    entry=True,
    answers=(ROWS,),
    instant=True,
)
async def autodialer_route(call: Call, params: AutodialerRouteParams) -> Exit:
    """Begin answered calls of the campaigns whose context is this one; the campaign's text chooses the row.

    A text that no row has, or none, takes the first row called ``any``.
    """
    for wanted in (call.state.exten, ANY):
        for row in call.node.outputs:
            if wanted and row.match.get("text") == wanted:
                return row.key
    return End(cause=Cause.UNALLOCATED, failed="no row for this campaign", started=False)
