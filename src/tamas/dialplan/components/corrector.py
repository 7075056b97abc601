"""Corrector: numbers and names are changed for good."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.graph import NEXT


class CorrectorParams(Params):
    """Parameters of a Corrector; each value is set, then cut, then gets its prefix."""

    caller_id: Annotated[str, Param(label="Set caller number", ref=Ref.NUMBER, max_length=32)] = ""
    caller_id_skip: Annotated[int, Param(label="Skip of caller number", high=32)] = 0
    caller_id_prefix: Annotated[
        str, Param(label="Prefix of caller number", ref=Ref.NUMBER, max_length=20)
    ] = ""
    caller_name: Annotated[str, Param(label="Set caller name", max_length=80)] = ""
    caller_name_skip: Annotated[int, Param(label="Skip of caller name", high=80)] = 0
    caller_name_prefix: Annotated[str, Param(label="Prefix of caller name", max_length=80)] = ""
    extension: Annotated[
        str, Param(label="Set number", ref=Ref.NUMBER, help="Empty: the entered number.", max_length=32)
    ] = ""
    extension_skip: Annotated[int, Param(label="Skip of number", high=32)] = 0
    extension_prefix: Annotated[str, Param(label="Prefix of number", ref=Ref.NUMBER, max_length=20)] = ""
    set_extension_on_did: Annotated[
        bool,
        Param(label="Also as DID", help="Write the resulting number as the dialed one of the trunk too."),
    ] = False


@component(type="Corrector", group=Group.FLOW, outputs=(NEXT,), instant=True)
async def corrector(call: Call, params: CorrectorParams) -> Exit:
    """Change caller number, caller name and the entered number, for everything that follows.

    What has neither a value to set nor skip nor prefix stays as it is. A changed entered number also takes
    the place of digits typed in a menu.
    """
    state = call.state
    number = _corrected(
        call.caller_number, params.caller_id, params.caller_id_skip, params.caller_id_prefix, at_most=32
    )
    if number is not None:
        state.src = number
        await call.session.set_variable("CALLERID(num)", number)
        call.later(("src", number))
    name = _corrected(
        call.caller_name, params.caller_name, params.caller_name_skip, params.caller_name_prefix, at_most=80
    )
    if name is not None:
        state.src_name = name
        await call.session.set_variable("CALLERID(name)", name)
    exten = _corrected(
        state.effective_number,
        params.extension,
        params.extension_skip,
        params.extension_prefix,
        at_most=32,
    )
    if exten is not None:
        state.exten, state.data = exten, ""
    if params.set_extension_on_did:
        state.did = state.effective_number
        call.later(("did", state.did))
    return NEXT


def _corrected(value: str, fixed: str, skip: int, prefix: str, *, at_most: int) -> str | None:
    """A value set, cut, and behind its prefix; ``None`` when nothing of this is asked for."""
    if not (fixed or skip or prefix):
        return None
    return (prefix + (fixed or value)[skip:])[:at_most]
