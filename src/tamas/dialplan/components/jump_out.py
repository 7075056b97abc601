"""Jump Out: the call goes on elsewhere."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Jump, Param, Params, Ref, component


class JumpOutParams(Params):
    """Parameters of a Jump Out."""

    jump_in: Annotated[str, Param(label="Jump In", ref=Ref.JUMP, help="Where the call goes on.")] = ""


@component(type="JumpOut", title="Jump Out", group=Group.FLOW, instant=True)
async def jump_out(call: Call, params: JumpOutParams) -> Exit:
    """Go on at a Jump In of any sheet."""
    return Jump(name=params.jump_in)
