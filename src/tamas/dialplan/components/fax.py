"""Fax: the call is a fax that we receive."""

from __future__ import annotations

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, HandOver, NoParams, component
from tamas.engine.fixed_dialplan import FAX_RECEIVE_CONTEXT


@component(type="Fax", group=Group.SERVICE, interacts=True)
async def fax(call: Call, params: NoParams) -> Exit:
    """Receive a fax; the call ends with it."""
    return HandOver(context=FAX_RECEIVE_CONTEXT)
