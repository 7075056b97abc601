"""Ring Group: several people's phones ring together."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import RingTime
from tamas.dialplan.component import Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import MAX_DIAL_LENGTH
from tamas.dialplan.directory import Extension
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.resume import Outcome
from tamas.engine.fixed_dialplan import EXTENSION_RING_SECONDS

MAX_MEMBERS: Final = 50


class RingGroupParams(Params):
    """Parameters of a Ring Group."""

    extensions: Annotated[tuple[str, ...], Param(label="Extensions", ref=Ref.EXTENSION)] = ()
    timeout: RingTime = EXTENSION_RING_SECONDS


@component(
    type="RingGroup",
    title="Ring Group",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
)
async def ring_group(call: Call, params: RingGroupParams) -> Exit:
    """Ring the phones of several people at once; who answers first has the call. It is never recorded.

    S when the talk is over, F when nobody answered. An agent rings where they sit, an extension with several
    phones on all of them; the caller's own phone does not ring. Call forwarding is not followed.
    """
    members = await _members(call, params)
    target = await _target(call, members)
    outcome = Outcome(status="CHANUNAVAIL")
    if target:
        outcome = await call.dial(target, timeout=params.timeout, limit=call.limit())
    return await _after(call, members, outcome)


@ring_group.resumed
async def _resumed(call: Call, params: RingGroupParams, outcome: Outcome) -> Exit:
    return await _after(call, await _members(call, params), outcome)


@ring_group.checked
def _check(params: RingGroupParams) -> None:
    if len(params.extensions) > MAX_MEMBERS:
        raise ParamsInvalid("extensions", f"are more than {MAX_MEMBERS}")


async def _members(call: Call, params: RingGroupParams) -> list[Extension]:
    """Those whose phone can ring, each phone once."""
    phones = {call.state.phone} if call.caller is None else {call.caller.phone}
    members = []
    for number in params.extensions:
        found = (await call.look_up(number)).extension
        if found is not None and found.phone and found.phone not in phones:
            phones.add(found.phone)
            members.append(found)
    return members


async def _target(call: Call, members: list[Extension]) -> str:
    """What Dial rings."""
    targets: list[str] = []
    length = 0
    for member in members:
        if member.call_limit is not None and await call.calls_of(member.phone) >= member.call_limit:
            continue
        target = await call.dial_string(member)
        length += len(target) + 1
        if length > MAX_DIAL_LENGTH:
            break
        targets.append(target)
    return "&".join(targets)


async def _after(call: Call, members: list[Extension], outcome: Outcome) -> Exit:
    if not call.note(outcome):
        return FAILURE
    # PJSIP/202-0000001f
    peer = await call.session.get_variable("DIALEDPEERNAME") or ""
    phone = peer.partition("/")[2].rpartition("-")[0]
    number = next((member.number for member in members if member.phone == phone), "")
    call.destination(number)
    return SUCCESS
