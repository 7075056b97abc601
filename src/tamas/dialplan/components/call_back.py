"""Call Back: the call ends, and somebody is phoned a little later and goes on where the plan goes on."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Final

import msgspec

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import NEXT
from tamas.dialplan.jobs import Job, JobOutcome, JobServices, add_job, done, job_handler, open_jobs
from tamas.dialplan.originate import MAX_TIMEOUT, OriginateRequest
from tamas.dialplan.promised_calls import asked_by, make_call
from tamas.dialplan.resume import Place
from tamas.dialplan.store_wait import in_time
from tamas.engine.dialing_out import DIALABLE
from tamas.store.clock import MICROSECONDS, now

log = logging.getLogger(__name__)

JOB_KIND: Final = "callback"
CALLER: Final = "caller"
NUMBER: Final = "number"
EXTENSION: Final = "extension"
_CALLER: Final = re.compile(r"\+?[0-9]{2,32}")
"""What a network gives as a number; names and hidden callers are none."""
LATE_SECONDS: Final = 600
"""How long after its time a call is still made, when we could not make it before."""


class CallBackParams(Params):
    """Parameters of a Call Back."""

    method: Annotated[
        str,
        Param(
            label="Whom to phone",
            help="caller: the number that called, which can be forged; number: a fixed one; extension.",
            choices=(CALLER, NUMBER, EXTENSION),
        ),
    ] = CALLER
    trunk: Annotated[str, Param(label="Trunk", help="For caller and number.", ref=Ref.TRUNK)] = ""
    number: Annotated[str, Param(label="Number", ref=Ref.NUMBER)] = ""
    extension: Annotated[str, Param(label="Extension", ref=Ref.EXTENSION)] = ""
    caller_id: Annotated[
        str, Param(label="Caller ID", help="Shown to them; empty: the number that was called.", max_length=80)
    ] = ""
    delay: Annotated[int, Param(label="Delay", unit="seconds", high=86_400)] = 5
    timeout: Annotated[int, Param(label="Ring time", unit="seconds", low=1, high=MAX_TIMEOUT)] = 30


class _Promise(msgspec.Struct, kw_only=True):
    """What the job keeps."""

    caller: str
    trunk: str
    caller_id: str
    callee: str
    start: str
    """Place of the plan."""
    timeout: int


@component(
    type="CallBack",
    title="Call Back",
    group=Group.REACH,
    outputs=(NEXT,),
    interacts=True,
    answers=(NEXT,),
)
async def call_back(call: Call, params: CallBackParams) -> Exit:
    """End the call, and phone somebody after a delay; what is wired behind runs on the new call."""
    behind = call.live.output(call.node, NEXT)
    if behind is None or behind.target is None:
        return End(cause=Cause.NORMAL, failed="nothing is wired behind the call back")
    party = {CALLER: call.caller_number, NUMBER: params.number, EXTENSION: params.extension}[params.method]
    if (_CALLER if params.method == CALLER else DIALABLE).fullmatch(party) is None:
        return End(cause=Cause.NORMAL, failed="the caller's number is not known")
    called = call.state.did or call.state.exten
    promise = _Promise(
        caller=party,
        trunk=params.trunk,
        caller_id=params.caller_id or called,
        callee=called if DIALABLE.fullmatch(called) else party,
        start=str(Place(version=call.live.version, node=behind.target)),
        timeout=params.timeout,
    )
    await in_time(_promise(call, params.delay, promise))
    log.info("call %s: %s is phoned in %d s", call.cuid, party, params.delay)
    return End(cause=Cause.NORMAL)


async def _promise(call: Call, delay: int, promise: _Promise) -> None:
    """Write the promise, once for each visit of the call to the node."""
    key = f"{call.cuid}/{call.node.id}"[:64]
    due = now() + delay * MICROSECONDS
    async with call.services.database.write() as tx:
        if await open_jobs(tx, kind=JOB_KIND, key=key):
            return
        await add_job(
            tx,
            kind=JOB_KIND,
            key=key,
            due_at=due,
            expires_at=due + LATE_SECONDS * MICROSECONDS,
            data=msgspec.to_builtins(promise),
            cuid=call.cuid,
        )


@job_handler(JOB_KIND)
async def _phone(job: Job, services: JobServices) -> JobOutcome:
    """Phone the party; it enters the plan where the promise says."""
    try:
        promise = msgspec.convert(job.data, _Promise)
    except msgspec.ValidationError as error:
        return done(f"cannot be read: {error}")
    return await make_call(
        job,
        services,
        OriginateRequest(
            caller=promise.caller,
            callee=promise.callee,
            context="main_routing",
            caller_id=promise.caller_id,
            trunk_name=promise.trunk,
            timeout=promise.timeout,
            account=asked_by(job.cuid),
            start=promise.start,
        ),
    )


@call_back.checked
def _check(params: CallBackParams) -> None:
    if params.method == NUMBER and DIALABLE.fullmatch(params.number) is None:
        raise ParamsInvalid("number", "cannot be dialed")
    if params.method == EXTENSION and not params.extension:
        raise ParamsInvalid("extension", "is empty")
    if params.method != EXTENSION and not params.trunk:
        raise ParamsInvalid("trunk", "is empty")
