"""Trunk: the call leaves for the world."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import DialOptions, LongestTalk, Prefix, RingTime, Skip
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.dial import TRUNK_RING_SECONDS
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.leaving import dial_trunk, may_leave
from tamas.dialplan.resume import Outcome


class TrunkParams(Params):
    """Parameters of a Trunk."""

    trunk: Annotated[str, Param(label="Trunk", ref=Ref.TRUNK, help="Empty: the first active one.")] = ""
    timeout: RingTime = TRUNK_RING_SECONDS
    call_limit: LongestTalk = 0
    options: DialOptions = ""
    skip: Skip = 0
    prefix: Prefix = ""
    permitted_queues: Annotated[
        list[str],
        Param(
            label="Permitted queues", ref=Ref.QUEUE, help="Their agents may call out. Both empty: everyone."
        ),
    ] = []
    permitted_extensions: Annotated[
        list[str], Param(label="Permitted extensions", ref=Ref.EXTENSION, help="Both empty: everyone.")
    ] = []


@component(
    type="Trunk",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
    own_mark=True,
)
async def trunk(call: Call, params: TrunkParams) -> Exit:
    """Dial the number over a trunk; S when the talk is over, F when it was not connected.

    Barred prefixes are refused, also when they come of a prefix. Several of them, each wired to the F of the
    one before, overflow from one trunk to the next.
    """
    number = call.number(skip=params.skip, prefix=params.prefix)
    if not await may_leave(call, params.permitted_queues, params.permitted_extensions):
        return FAILURE
    return await dial_trunk(
        call,
        params.trunk,
        number,
        timeout=params.timeout,
        limit=params.call_limit,
        options=params.options,
    )


@trunk.resumed
async def _resumed(call: Call, _params: TrunkParams, outcome: Outcome) -> Exit:
    return SUCCESS if call.note(outcome) else FAILURE
