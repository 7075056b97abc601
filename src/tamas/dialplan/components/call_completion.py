"""Call Completion: who could not reach somebody is called once that person can be reached."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.completion import Request, cancel_completions, request_completion
from tamas.dialplan.component import Exit, Group, Param, Params, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import NEXT
from tamas.dialplan.plans import USUAL_CONTEXT
from tamas.dialplan.store_wait import in_time

log = logging.getLogger(__name__)

REQUEST: Final = "request"
CANCEL: Final = "cancel"
WAITS: Final = "builtin:activated"
NO_MORE: Final = "builtin:de-activated"


class CallCompletionParams(Params):
    """Parameters of a Call Completion."""

    type: Annotated[
        str,
        Param(
            label="Type",
            help="request: behind B or F of an Extension; cancel: ends all requests of the caller.",
            choices=(REQUEST, CANCEL),
        ),
    ] = REQUEST
    valid_minutes: Annotated[int, Param(label="Valid for", unit="minutes", low=1, high=1440)] = 120


@component(
    type="CallCompletion",
    title="Call Completion",
    group=Group.SERVICE,
    outputs=(NEXT,),
    interacts=True,
    answers=(NEXT,),
)
async def call_completion(call: Call, params: CallCompletionParams) -> Exit:
    """Let the caller be called when the wanted phone is free, or take that back; the caller hears which."""
    caller = call.caller
    if caller is None:
        log.info("call %s: nobody from outside is called when a phone is free", call.cuid)
        return NEXT
    database = call.services.database
    if params.type == CANCEL:
        await in_time(cancel_completions(database, caller.number))
        await call.answer()
        await call.play(NO_MORE)
        return NEXT
    found = await call.look_up(call.number())
    if found.extension is None or found.extension.number == caller.number:
        return NEXT
    request = Request(
        requester=caller.number,
        target=found.extension.number,
        context=call.state.context or USUAL_CONTEXT,
        must_be_used=call.state.cause != Cause.BUSY,
    )
    await in_time(request_completion(database, request, cuid=call.cuid, seconds=params.valid_minutes * 60))
    await call.answer()
    await call.play(WAITS)
    return NEXT
