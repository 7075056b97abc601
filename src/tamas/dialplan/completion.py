"""Call completion: whoever could not reach somebody is called once that person can be reached.

A request is a job that looks at the device of the wanted phone once a second: Asterisk's own applications for
it know nothing of PJSIP. After a busy phone it waits until the phone is free; after one that nobody answered
until it was in use and is free again, because only then somebody sits there. Then the requester is called,
and goes through the outgoing route to the wanted number. Requests for one number take their turn.
"""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from tamas.dialplan.directory import look_up
from tamas.dialplan.jobs import (
    Job,
    JobOutcome,
    JobServices,
    add_job,
    again,
    done,
    finish_job,
    job_handler,
    keep_job,
    open_jobs,
)
from tamas.dialplan.originate import OriginateRequest
from tamas.dialplan.promised_calls import asked_by, is_going_on, make_call
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.dialplan_schema import call_jobs

KIND: Final = "completion"
LOOK_SECONDS: Final = 1.0
RING_SECONDS: Final = 30
_IN_USE: Final = frozenset({"INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"})
"""Values of ``DEVICE_STATE`` while a phone has a call."""


class Request(msgspec.Struct, kw_only=True):
    """What the job of a request keeps."""

    requester: str
    target: str
    context: str
    """Outgoing route by which the target is called."""
    must_be_used: bool
    """Whether the phone has to be in use before it counts as free: nobody answered it."""


async def request_completion(database: Database, request: Request, *, cuid: str, seconds: int) -> bool:
    """Write a request down, once for requester and target; tells whether it is new.

    :param cuid: of the call that could not reach the target.
    :param seconds: after which it is given up.
    """
    at = now()
    async with database.write() as tx:
        waiting = await open_jobs(tx, kind=KIND, key=request.target)
        if any(job.data.get("requester") == request.requester for job in waiting):
            return False
        await add_job(
            tx,
            kind=KIND,
            key=request.target,
            due_at=at,
            expires_at=at + seconds * MICROSECONDS,
            data=msgspec.to_builtins(request),
            cuid=cuid,
        )
    return True


async def cancel_completions(database: Database, requester: str) -> int:
    """End every request of somebody; returns how many there were."""
    ended = 0
    async with database.write() as tx:
        rows = await tx.rows(
            select(call_jobs.c.id, call_jobs.c.data).where(
                call_jobs.c.kind == KIND, call_jobs.c.done_at.is_(None)
            )
        )
        for row in rows:
            if msgspec.json.decode(row["data"]).get("requester") == requester:
                ended += await finish_job(tx, row["id"], "cancelled")
    return ended


@job_handler(KIND)
async def complete(job: Job, services: JobServices) -> JobOutcome:
    """Call the requester when the wanted phone is free, and their own too."""
    try:
        request = msgspec.convert(job.data, Request)
    except msgspec.ValidationError as error:
        return done(f"cannot be read: {error}")
    if job.originated_call_id and await is_going_on(services, job.originated_call_id):
        return again(LOOK_SECONDS)
    if job.originated_call_id:
        return await make_call(job, services, _originate(job, request))
    async with services.database.read() as connection:
        waiting = await open_jobs(connection, kind=KIND, key=request.target)
    if waiting and waiting[0].id != job.id:
        return again(LOOK_SECONDS)
    in_use = await _in_use(services, request.target)
    if in_use and request.must_be_used:
        request.must_be_used = False
        async with services.database.write() as tx:
            await keep_job(tx, job.id, data=msgspec.to_builtins(request))
    if in_use or request.must_be_used or await _in_use(services, request.requester):
        return again(LOOK_SECONDS)
    outcome = await make_call(job, services, _originate(job, request))
    # While that call goes on nobody else is called for this number.
    return again(LOOK_SECONDS) if outcome.result.startswith("called") else outcome


def _originate(job: Job, request: Request) -> OriginateRequest:
    return OriginateRequest(
        caller=request.requester,
        callee=request.target,
        context=request.context,
        contexts=frozenset({request.context}),
        caller_id=request.target,
        timeout=RING_SECONDS,
        account=asked_by(job.cuid),
    )


async def _in_use(services: JobServices, number: str) -> bool:
    """Whether the phone on which a number is mapped has a call."""
    extension = (await look_up(services.database, phone="", dialed=number)).extension
    if extension is None or not extension.phone:
        return False
    answer = await services.engine.ami.action(
        "Getvar", {"Variable": f"DEVICE_STATE(PJSIP/{extension.phone})"}
    )
    return answer.get("Value", "") in _IN_USE
