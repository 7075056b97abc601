"""Queue: the caller waits for an agent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import LongestTalk, Prefix, Skip
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.entry import Way
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.introduction import INTRODUCE_SCRIPT
from tamas.dialplan.plans import USUAL_CONTEXT
from tamas.dialplan.queue_keys import KEYS_VARIABLE, PRESSED_VARIABLE, WITHDRAWN_BY_KEY, offered_key
from tamas.dialplan.reservation import RESERVATION_VARIABLE, Place, claim_place, reserve
from tamas.dialplan.resume import Outcome
from tamas.dialplan.resume import Place as PlanPlace
from tamas.dialplan.store_wait import in_time
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.fastagi import AgiHangup, AgiRaw
from tamas.engine.fixed_dialplan import QUEUE_ANSWERED_SUBROUTINE
from tamas.store.clock import now

QUEUE_OPTIONS: Final = "tTkKc"
"""Transfers and parking for both sides; the caller goes on when the agent hangs up."""
JOINED_VARIABLE: Final = "TAMAS_QUEUE_JOINED"
"""When the caller began to wait, microseconds UTC."""

_SUBROUTINE: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")
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
    agent_introduction: Annotated[
        bool, Param(label="Introduce the agent", help="The caller hears the agent's number before the talk.")
    ] = False
    timeout: Annotated[int, Param(label="Longest wait", unit="seconds", help="0: no limit.")] = 0
    call_limit: LongestTalk = 0
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
    call_options: Annotated[
        str,
        Param(
            label="Dial options of the agent's call",
            ref=Ref.OPTIONS,
            application="Dial",
            help="Empty: none; the queue's own hold for the talk.",
            max_length=80,
        ),
    ] = ""
    macro: Annotated[
        str,
        Param(
            label="Subroutine",
            help="Context whose extension s runs on the agent's channel before the talk, by Gosub.",
            max_length=79,
            administrators_only=True,
        ),
    ] = ""
    skip: Skip = 0
    prefix: Prefix = ""
    reserve: Annotated[
        bool,
        Param(
            label="Reserve a place",
            help="The caller may press a key, hang up, and is phoned back when the turn comes.",
        ),
    ] = False
    reserve_key: Annotated[str, Param(label="Key for it", choices=tuple("0123456789*#"))] = "1"
    reserve_offer: Annotated[
        str, Param(label="Offer", help="Played before the wait: tells of the key.", ref=Ref.SOUND)
    ] = ""
    reserve_confirmation: Annotated[
        str, Param(label="Confirmation", help="Played when the place is kept.", ref=Ref.SOUND)
    ] = "builtin:auth-thankyou"


@component(
    type="Queue",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS, FAILURE),
    own_mark=True,
)
async def queue(call: Call, params: QueueParams) -> Exit:
    """Let the caller wait for an agent; S when the talk is over, F when nobody took the call.

    With a reservation the caller may give up waiting by a key and keeps the place: the call ends, and when
    the turn comes the caller is phoned back and is the next whom a free agent gets.
    """
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
    position = await _reserved(call)
    offers = params.reserve and position is None and bool(_number_to_phone(call))
    if offers and params.reserve_offer:
        await call.play(params.reserve_offer)
    recording = await call.recording(wanted=found.record)
    limit = call.limit(params.call_limit)
    variables = {
        # One underscore: for the members' channels, not for what these call later.
        "_TAMAS_RECORD_NAME": recording.name if recording else "",
        "_TAMAS_RECORD_DIR": recording.directory if recording else "",
        "_TAMAS_LIMIT": str(limit or ""),
        "_TAMAS_GOSUB": params.macro,
        JOINED_VARIABLE: str(now()),
        PRESSED_VARIABLE: "",
        KEYS_VARIABLE: offered_key(params.reserve_key, number) if offers else "",
    }
    session = call.session
    await call.set(**variables)
    # Its parentheses would be read by MSet.
    await session.set_variable("_TAMAS_CALL_OPTIONS", params.call_options)
    subroutine = QUEUE_ANSWERED_SUBROUTINE if recording or params.macro else ""
    script = ""
    if params.agent_introduction:
        script = f"{await session.get_full_variable('${TAMAS_AGI}')}/{INTRODUCE_SCRIPT}"
    words = AgiRaw((params.options or QUEUE_OPTIONS) + call.masking)
    timeout = str(params.timeout or "")
    try:
        await session.execute(
            "Queue", number, words, "", "", timeout, script, subroutine, "", str(position or "")
        )
    except AgiHangup:
        if offers and await _pressed_before_hangup(call):
            await _keep_place(call)
        raise
    status = await session.get_variable("QUEUESTATUS")
    return await _after(call, params, Outcome(status=status or ""))


@queue.checked
def _check(params: QueueParams) -> None:
    if params.macro and _SUBROUTINE.fullmatch(params.macro) is None:
        raise ParamsInvalid("macro", "must be the name of a context")


@queue.resumed
async def _after(call: Call, params: QueueParams, outcome: Outcome) -> Exit:
    await call.tell({"queue_status": outcome.status})
    await call.session.set_variable(KEYS_VARIABLE, "")
    state = call.state
    if outcome.status == "CONTINUE":
        state.talked, state.started, state.failed, state.cause = True, True, "", int(Cause.NORMAL)
        return SUCCESS
    if not outcome.status:  # the agent sent the caller on
        return End(cause=Cause.NORMAL)
    if (
        outcome.status == "WITHDRAW"
        and await call.session.get_variable("QUEUE_WITHDRAW_INFO") == WITHDRAWN_BY_KEY
    ):
        return await _reserve(call, params)
    state.failed = _REASONS.get(outcome.status, "nobody in the queue took the call")
    state.cause, state.started = int(Cause.NO_USER_RESPONSE), True
    return FAILURE


# -- reserved places ---------------------------------------------------------------------------------------


async def _reserved(call: Call) -> int | None:
    """Position at which a caller joins who was phoned back; ``None`` for everybody else."""
    if call.entry.way is not Way.ORIGINATED or not call.entry.start:
        return None
    job = await call.session.get_variable(RESERVATION_VARIABLE) or ""
    return await in_time(claim_place(call.services.database, job)) if job else None


def _number_to_phone(call: Call) -> str:
    """The number at which the caller can be phoned back; empty when there is none."""
    if call.entry.way is not Way.TRUNK:
        return call.state.phone
    return call.caller_number if DIALABLE.fullmatch(call.caller_number) else ""


async def _pressed_before_hangup(call: Call) -> bool:
    """Whether a caller who is gone pressed the key, and no agent had taken the call."""
    session = call.session
    pressed = await session.get_variable(PRESSED_VARIABLE, dead=True)
    return pressed == "1" and await session.get_variable("ABANDONED", dead=True) == "TRUE"


async def _reserve(call: Call, params: QueueParams) -> End:
    await _keep_place(call)
    await call.play(params.reserve_confirmation)
    return End(cause=Cause.NORMAL, failed="keeps the place in the queue, and is phoned back")


async def _keep_place(call: Call) -> None:
    joined = await call.session.get_variable(JOINED_VARIABLE, dead=True) or ""
    place = Place(
        queue=call.state.queue,
        caller=_number_to_phone(call),
        trunk=call.entry.trunk,
        joined_at=int(joined) if joined.isascii() and joined.isdigit() else now(),
        # A trunk's own route is none that a call can be originated in.
        context=USUAL_CONTEXT if call.entry.trunk else call.state.context or USUAL_CONTEXT,
        start=str(PlanPlace(version=call.live.version, node=call.node.id)),
    )
    await in_time(reserve(call.services.database, place, cuid=call.cuid))
