"""Reserving a place in a queue: the caller hangs up, and is phoned back when the turn comes.

The place is the time at which the caller began to wait. A reservation's turn comes when nobody who began to
wait earlier is still waiting, neither in the queue nor by a reservation of their own, and somebody works in
the queue. Then the caller is phoned, and whoever answers goes on at the head of the queue. See
``docs/decisions/0018-reserved-places.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update

from tamas.dialplan.jobs import (
    Job,
    JobOutcome,
    JobServices,
    add_job,
    again,
    done,
    job_handler,
    keep_job,
    open_jobs,
)
from tamas.dialplan.originate import (
    BadOriginate,
    EngineAway,
    EngineRefused,
    OriginateRequest,
    originate,
)
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.events.of_calls import reserved_call_in_front
from tamas.events.outbox import emit
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database
from tamas.store.dialplan_schema import call_jobs

KIND: Final = "reservation"
EXPIRES_SECONDS: Final = 4 * 3600
"""A place is kept no longer."""
RING_SECONDS: Final = 30
TRIES: Final = 2
"""How often a caller is phoned."""
PAUSE_SECONDS: Final = 30.0
"""Between two tries, in which others have their turn."""
LOOK_SECONDS: Final = 1.0
"""How often it is looked whose turn it is."""
SETTLED: Final = 3 * MICROSECONDS
"""After so long whoever answered has joined the queue, or has left it."""
RESERVATION_VARIABLE: Final = "TAMAS_RESERVATION"
"""On the channel of a caller who is phoned back: id of the job."""
ANSWERED: Final = "answered"
"""Begins the progress of a reservation whose caller was reached."""

_UNAVAILABLE: Final = frozenset({"0", "4", "5"})
"""Device states (``AST_DEVICE_*``) of members who cannot take calls: unknown, invalid, unavailable."""

_j = call_jobs.c


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is kept of a caller who gives up waiting."""

    queue: str
    caller: str
    """Number to phone back."""
    trunk: str
    """Over which; empty: an extension."""
    joined_at: int
    """When the caller began to wait, microseconds UTC."""
    context: str
    start: str
    """Place of the plan where the caller goes on."""


async def reserve(database: Database, place: Place, *, cuid: str) -> None:
    """Keep a place, once for each call."""
    async with database.write() as tx:
        mine = select(_j.id).where(
            _j.kind == KIND, _j.key == place.queue, _j.cuid == cuid, _j.done_at.is_(None)
        )
        if await tx.scalar(mine) is not None:
            return
        at = now()
        await add_job(
            tx,
            kind=KIND,
            key=place.queue,
            due_at=at,
            expires_at=at + EXPIRES_SECONDS * MICROSECONDS,
            data={
                "caller": place.caller,
                "trunk": place.trunk,
                "joined_at": place.joined_at,
                "context": place.context,
                "start": place.start,
                "tries": 0,
            },
            cuid=cuid,
        )


async def claim_place(database: Database, job_id: str) -> int | None:
    """Note that the caller who was phoned back is there; the position at which the queue is to be joined.

    ``None``: there is no such reservation any more.
    """
    if not (job_id.isascii() and job_id.isdigit()):
        return None
    this = _j.id == int(job_id), _j.kind == KIND, _j.done_at.is_(None)
    async with database.write() as tx:
        queue = await tx.scalar(select(_j.key).where(*this).with_for_update())
        if queue is None:
            return None
        jobs = {job.id: job for job in await open_jobs(tx, kind=KIND, key=queue)}
        mine, at = jobs.pop(int(job_id)), now()
        if not _answered_at(mine):  # else the queue is joined again, after a fault
            caller, call = str(mine.data["caller"]), str(mine.data.get("uniqueid", ""))
            await emit(tx, [reserved_call_in_front(call=call, queue=queue, caller=caller, at=at)])
        await tx.execute(update(call_jobs).where(*this).values(result=f"{ANSWERED} {at}"))
    joined_at = int(mine.data["joined_at"])
    others = [each for each in jobs.values() if _answered_at(each) and _before(each, mine.id, joined_at)]
    return 1 + len(others)


@job_handler(KIND)
async def keep_place(job: Job, services: JobServices) -> JobOutcome:
    """Look whether the turn of a reservation has come, and phone the caller when it has."""
    ami = services.engine.ami
    answer = await ami.list_action("QueueStatus", {"Queue": job.key})
    if job.originated_call_id:
        return await _look_after(job, services, ami, answer)
    if not await _is_first(job, services.database, answer) or not _somebody_works(answer):
        return again(LOOK_SECONDS)
    return await _phone(job, services, ami)


async def _is_first(job: Job, database: Database, answer: list[AmiMessage]) -> bool:
    at, joined_at = now(), int(job.data["joined_at"])
    for entry in answer:
        if entry.event == "QueueEntry":
            wait = int(entry.get("Wait", "0")) * MICROSECONDS
            # Asterisk counts whole seconds.
            if at - wait < joined_at - MICROSECONDS and entry.get("Channel"):
                return False
    async with database.read() as connection:
        others = await open_jobs(connection, kind=KIND, key=job.key)
    return not any(
        _before(other, job.id, joined_at) and not _pauses(other, at) for other in others if other.id != job.id
    )


def _pauses(job: Job, at: int) -> bool:
    """Whether a caller did not answer and is phoned again later, so that others have their turn."""
    return bool(int(job.data["tries"])) and not job.originated_call_id and job.due_at > at


def _somebody_works(answer: list[AmiMessage]) -> bool:
    return any(
        each.event == "QueueMember" and each.get("Paused") == "0" and each.get("Status") not in _UNAVAILABLE
        for each in answer
    )


async def _phone(job: Job, services: JobServices, ami: AmiClient) -> JobOutcome:
    data = job.data
    request = OriginateRequest(
        caller=str(data["caller"]),
        callee=job.key,
        context=str(data["context"]),
        contexts=frozenset({str(data["context"])}),
        caller_id=job.key,
        trunk_name=str(data["trunk"]),
        timeout=RING_SECONDS,
        start=str(data["start"]),
        variables={RESERVATION_VARIABLE: str(job.id)},
    )

    async def note(tx: Connection, originated_call_id: str, uniqueid: str) -> None:
        text = {**data, "tries": int(data["tries"]) + 1, "uniqueid": uniqueid}
        await keep_job(tx, job.id, data=text, originated_call_id=originated_call_id)

    try:
        await originate(services.database, ami, request, also=note)
    except EngineAway:
        return again(LOOK_SECONDS)
    except BadOriginate as error:
        return done(f"cannot be phoned: {error}")
    except EngineRefused as error:
        await services.close_originate(error.originated_call_id, str(error))
    return again(LOOK_SECONDS)


async def _look_after(
    job: Job, services: JobServices, ami: AmiClient, answer: list[AmiMessage]
) -> JobOutcome:
    """What became of a caller who was phoned."""
    uniqueid = str(job.data.get("uniqueid", ""))
    waiting = any(each.event == "QueueEntry" and each.get("Uniqueid") == uniqueid for each in answer)
    answered_at = _answered_at(job)
    if waiting or (answered_at and now() - answered_at < SETTLED):
        return again(LOOK_SECONDS)
    if answered_at:
        return done(f"phoned back, call {uniqueid}")
    channels = await ami.list_action("CoreShowChannels")
    if any(each.get("Uniqueid") == uniqueid for each in channels):
        return again(LOOK_SECONDS)
    if int(job.data["tries"]) >= TRIES:
        return done("did not answer")
    async with services.database.write() as tx:
        await keep_job(tx, job.id, data=job.data, originated_call_id="")
    return again(PAUSE_SECONDS)


def _before(job: Job, job_id: int, joined_at: int) -> bool:
    """Whether a reservation stands before another one."""
    return (int(job.data["joined_at"]), job.id) < (joined_at, job_id)


def _answered_at(job: Job) -> int:
    word, _, at = job.progress.partition(" ")
    return int(at) if word == ANSWERED else 0
