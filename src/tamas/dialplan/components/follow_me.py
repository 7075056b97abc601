"""Follow Me: one destination after another, until one answers."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import is_barred, trunk_string
from tamas.dialplan.directory import active_trunk
from tamas.dialplan.entry import DIALABLE
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.resume import Outcome
from tamas.dialplan.store_wait import in_time
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
    limit: Annotated[int, Param(label="Longest talk", unit="s", help="0: no limit.")] = 0
    options: Annotated[str, Param(label="Dial options", ref=Ref.OPTIONS, application="Dial")] = ""


@component(
    type="FollowMe",
    title="Follow Me",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
)
async def follow_me(call: Call, params: FollowMeParams) -> Exit:
    """Ring destinations one after another; S after the talk with the first that answers."""
    return await _try_from(call, params, 0)


@follow_me.resumed
async def _resumed(call: Call, params: FollowMeParams, outcome: Outcome) -> Exit:
    position = await call.session.get_variable(POSITION) or ""
    tried = int(position) if position.isascii() and position.isdigit() else 0
    if not outcome.status:
        return await _try_from(call, params, tried)
    return SUCCESS if call.note(outcome) else await _try_from(call, params, tried + 1)


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
    limit = call.limit(params.limit)
    for position in range(first, len(params.followers)):
        # A process after us reads both: which one it was, and whether it was rung at all.
        await call.set(**{POSITION: str(position), "DIALSTATUS": ""})
        if call.note(await _ring(call, params, params.followers[position], limit)):
            return SUCCESS
    return FAILURE


async def _ring(call: Call, params: FollowMeParams, follower: Follower, limit: int | None) -> Outcome:
    options = params.options or None
    if follower.kind == EXTENSION:
        extension = (await call.look_up(follower.number)).extension
        if extension is None:
            return Outcome(status="CHANUNAVAIL")
        recording = await call.recording(wanted=extension.record)
        return await call.ring(
            extension, timeout=params.timeout, limit=limit, options=options, recording=recording
        )
    barred = is_barred(follower.number, (await call.runtime())["calls.barred_prefixes"])
    if barred or not await in_time(active_trunk(call.services.database, follower.trunk)):
        return Outcome(status="CHANUNAVAIL")
    await call.tell({"exit": follower.trunk})
    call.state.outgoing_point = follower.trunk
    return await call.dial(
        trunk_string(follower.trunk, follower.number),
        timeout=params.timeout,
        limit=limit,
        options=options,
        recording=await call.recording(wanted=False),
    )
