"""Jump In: a place to go to from anywhere."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, component
from tamas.dialplan.graph import NEXT


class JumpInParams(Params):
    """Parameters of a Jump In."""

    name: Annotated[
        str, Param(label="Name", help="Unique in the plan; Jump Out names it.", max_length=80)
    ] = ""


@component(type="JumpIn", title="Jump In", group=Group.FLOW, outputs=(NEXT,), instant=True)
async def jump_in(call: Call, params: JumpInParams) -> Exit:
    """Receive calls that a Jump Out sends here."""
    return NEXT
