"""Follow Me: one destination after another, until one answers."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import DialOptions, LongestTalk
from tamas.dialplan.component import Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.leaving import dial_trunk
from tamas.dialplan.resume import Outcome
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.fixed_dialplan import EXTENSION_RING_SECONDS

EXTENSION: Final = "extension"
EXTERNAL: Final = "external"
MAX_FOLLOWERS: Final = 20
POSITION: Final = "TAMAS_FOLLOWER"
"""Channel variable: which destination is being rung, from 0."""


class Follower(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A destination."""

    kind: Annotated[str, Param(label="Kind", choices=(EXTENSION, EXTERNAL))] = EXTENSION
    number: Annotated[str, Param(label="Number", ref=Ref.NUMBER)] = ""
    trunk: Annotated[str, Param(label="Trunk", help="Of an external number.", ref=Ref.TRUNK)] = ""


class FollowMeParams(Params):
    """Parameters of a Follow Me."""

    followers: Annotated[
        tuple[Follower, ...],
        Param(label="Followers", help="Tried in this order: extensions, or external numbers over a trunk."),
    ] = ()
    timeout: Annotated[int, Param(label="Ring time", unit="s", low=1, help="For each of them.")] = (
        EXTENSION_RING_SECONDS
    )
    call_limit: LongestTalk = 0
    options: DialOptions = ""


@component(
    type="FollowMe",
    title="Follow Me",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
    own_mark=True,
)
async def follow_me(call: Call, params: FollowMeParams) -> Exit:
    """Ring destinations one after another; S after the talk with the first that answers."""
    return await _try_from(call, params, 0)


@follow_me.resumed
async def _resumed(call: Call, params: FollowMeParams, outcome: Outcome) -> Exit:
    if call.note(outcome):
        return SUCCESS
    position = await call.session.get_variable(POSITION) or ""
    return await _try_from(call, params, int(position) + 1 if position.isdigit() else 0)


@follow_me.checked
def _check(params: FollowMeParams) -> None:
    if len(params.followers) > MAX_FOLLOWERS:
        raise ParamsInvalid("followers", f"has more than {MAX_FOLLOWERS} destinations")
    for follower in params.followers:
        if follower.kind not in (EXTENSION, EXTERNAL):
            raise ParamsInvalid("followers", f"{follower.kind!r} is neither {EXTENSION} nor {EXTERNAL}")
        if DIALABLE.fullmatch(follower.number) is None:
            raise ParamsInvalid("followers", f"{follower.number!r} cannot be dialed")
        if follower.kind == EXTERNAL and not follower.trunk:
            raise ParamsInvalid("followers", f"{follower.number} needs a trunk")


async def _try_from(call: Call, params: FollowMeParams, first: int) -> Exit:
    limit = call.limit(params.call_limit) or 0
    for position in range(first, len(params.followers)):
        await call.mark()
        await call.set(**{POSITION: str(position)})
        follower = params.followers[position]
        ring = _ring if follower.kind == EXTENSION else _ring_external
        if await ring(call, params, follower, limit) == SUCCESS:
            return SUCCESS
    return FAILURE


async def _ring(call: Call, params: FollowMeParams, follower: Follower, limit: int) -> Exit:
    """Ring an extension; its forward policy is left out, because the next destination stands here."""
    extension = (await call.look_up(follower.number)).extension
    if extension is None:
        call.state.failed, call.state.cause = "no such number", int(Cause.UNALLOCATED)
        return FAILURE
    call.destination(extension.number)
    await call.mark()
    outcome = await call.ring(
        extension,
        timeout=params.timeout,
        limit=limit or None,
        options=params.options + call.masking if params.options else None,
        recording=await call.recording(wanted=extension.record),
    )
    return SUCCESS if call.note(outcome) else FAILURE


async def _ring_external(call: Call, params: FollowMeParams, follower: Follower, limit: int) -> Exit:
    return await dial_trunk(
        call,
        follower.trunk,
        follower.number,
        timeout=params.timeout,
        limit=limit,
        options=params.options,
    )
