"""Extension: a person's phone rings."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import DialOptions, LongestTalk, Prefix, RingTime, Skip
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.graph import BUSY, FAILURE, SUCCESS
from tamas.dialplan.reaching import resume_number, ring_number
from tamas.dialplan.resume import Outcome
from tamas.engine.fixed_dialplan import EXTENSION_RING_SECONDS


class ExtensionParams(Params):
    """Parameters of an Extension."""

    extension: Annotated[
        str, Param(label="Extension", ref=Ref.EXTENSION, help="Empty: the entered number.")
    ] = ""
    say_busy: Annotated[
        bool,
        Param(label="Say busy", help="Tell the caller that the person is talking, then ring all the same."),
    ] = False
    timeout: RingTime = EXTENSION_RING_SECONDS
    call_limit: LongestTalk = 0
    options: DialOptions = ""
    skip: Skip = 0
    prefix: Prefix = ""


@component(
    type="Extension",
    group=Group.REACH,
    outputs=(SUCCESS, BUSY, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
    own_mark=True,
)
async def extension(call: Call, params: ExtensionParams) -> Exit:
    """Ring the phones of a person; S when the talk is over, B when busy, F for every other failure.

    Before B and F the person's call forwarding is followed. The talk is recorded when either side wants it.
    """
    number = call.number(params.extension, skip=params.skip, prefix=params.prefix)
    if params.say_busy and number and await _talks(call, number):
        await call.mark()
        await call.prompts.play("vm-theperson", f"={number}", "vm-isonphone")
    return await ring_number(
        call, number, timeout=params.timeout, limit=params.call_limit, options=params.options
    )


@extension.resumed
async def _resumed(call: Call, _params: ExtensionParams, outcome: Outcome) -> Exit:
    return await resume_number(call, outcome)


async def _talks(call: Call, number: str) -> bool:
    found = (await call.look_up(number)).extension
    if found is None or not found.phone.isalnum():
        return False
    state = await call.session.get_variable(f"DEVICE_STATE(PJSIP/{found.phone})")
    return state in ("INUSE", "BUSY", "RINGINUSE", "ONHOLD")
