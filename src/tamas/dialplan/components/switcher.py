"""Switcher: a step that older plans have, and that changes nothing."""

from __future__ import annotations

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, NoParams, component
from tamas.dialplan.graph import NEXT


@component(type="Switcher", group=Group.FLOW, outputs=(NEXT,), instant=True)
async def switcher(call: Call, params: NoParams) -> Exit:
    """Let the call pass; accepted because older plans have it."""
    return NEXT
