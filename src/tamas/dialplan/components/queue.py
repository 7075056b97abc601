"""Queue: the caller waits for an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, Ref, component
from tamas.dialplan.dial import Cause, assignments
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.resume import Outcome
from tamas.engine.fixed_dialplan import QUEUE_ANSWERED_SUBROUTINE

QUEUE_OPTIONS: Final = "tTkKc"
"""Transfers and parking for both sides; the caller goes on when the agent hangs up."""

_REASONS: Final[Mapping[str, str]] = {
    "TIMEOUT": "waited in the queue too long",
    "FULL": "the queue is full",
    "JOINEMPTY": "nobody works in the queue",
    "LEAVEEMPTY": "everybody left the queue",
    "JOINUNAVAIL": "nobody in the queue is available",
    "LEAVEUNAVAIL": "nobody in the queue is available any more",
    "WITHDRAW": "withdrawn from the queue",
}


class QueueParams(Params):
    """Parameters of a Queue."""

    queue: Annotated[str, Param(label="Queue", ref=Ref.QUEUE, help="Empty: the entered number.")] = ""
    timeout: Annotated[int, Param(label="Longest wait", unit="seconds", help="0: no limit.")] = 0
    call_limit: Annotated[int, Param(label="Longest talk", unit="seconds", help="0: no limit.")] = 0
    options: Annotated[
        str,
        Param(
            label="Queue options",
            ref=Ref.OPTIONS,
            application="Queue",
            help="Empty: the usual ones.",
            max_length=40,
        ),
    ] = ""
    skip: Annotated[int, Param(label="Skip", help="Characters cut off in front.", high=32)] = 0
    prefix: Annotated[str, Param(label="Prefix", ref=Ref.NUMBER, max_length=20)] = ""


@component(
    type="Queue",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS, FAILURE),
    own_mark=True,
)
async def queue(call: Call, params: QueueParams) -> Exit:
    """Let the caller wait for an agent; S when the talk is over, F when nobody took the call."""
    number = call.number(params.queue, skip=params.skip, prefix=params.prefix)
    found = (await call.look_up(number)).queue if number else None
    if found is None:
        call.state.failed, call.state.cause = "no such queue", int(Cause.UNALLOCATED)
        return FAILURE
    call.destination(number)
    call.later(("queue", number))
    call.state.queue = number
    await call.mark()
    await call.answer()
    recording = await call.recording(wanted=found.record)
    limit = call.limit(params.call_limit)
    variables = {
        # One underscore: for the members' channels, not for what these call later.
        "_TAMAS_RECORD_NAME": recording.name if recording else "",
        "_TAMAS_RECORD_DIR": recording.directory if recording else "",
        "_TAMAS_LIMIT": str(limit or ""),
    }
    await call.session.execute("MSet", *assignments(variables))
    subroutine = QUEUE_ANSWERED_SUBROUTINE if recording else ""
    options = (params.options or QUEUE_OPTIONS) + call.masking
    await call.session.execute("Queue", number, options, "", "", str(params.timeout or ""), "", subroutine)
    status = await call.session.get_variable("QUEUESTATUS")
    return await _after(call, params, Outcome(status=status or ""))


@queue.resumed
async def _after(call: Call, _params: QueueParams, outcome: Outcome) -> Exit:
    await call.tell({"queue_status": outcome.status})
    state = call.state
    if outcome.status == "CONTINUE":
        state.talked, state.started, state.failed, state.cause = True, True, "", int(Cause.NORMAL)
        return SUCCESS
    if not outcome.status:  # the agent sent the caller on
        return End(cause=Cause.NORMAL)
    state.failed = _REASONS.get(outcome.status, "nobody in the queue took the call")
    state.cause, state.started = int(Cause.NO_USER_RESPONSE), True
    return FAILURE
