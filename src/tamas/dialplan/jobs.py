"""Calls that the call flow promised to make: rows of ``call_jobs``, carried out by whoever claims them.

A component writes a job (:func:`add_job`) in the same transaction as whatever else belongs to the promise.
The worker asks the handler of the job's kind once it is due, and again whenever the handler said so::

    @job_handler("callback")
    async def call_back(job: Job, services: JobServices) -> JobOutcome:
        ...
        return done("called")

One process at a time holds the lease, and a job is claimed before its handler runs, so that it runs once at a
time whoever dies. When a process dies while a handler runs, the next one that gets the lease runs it again
from the start. So a handler writes down what it must not do twice before it does it (:func:`keep_job`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import and_, insert, select, update

from tamas.engine.link import EngineAccess
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Connection, Database, HotQuery
from tamas.store.dialplan_schema import call_jobs
from tamas.store.leases import HeldLease
from tamas.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

LEASE: Final = "call-jobs"
LEASE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.5
HANDLER_SECONDS: Final = 30.0
"""For one run of a handler: what takes longer is looked at again."""
RETRY_SECONDS: Final = 5.0
"""Until a job whose handler failed is tried again."""
AT_ONCE: Final = 20
"""Handlers that run at the same time."""

_j = call_jobs.c
_OPEN = HotQuery(select(select(_j.id).where(_j.done_at.is_(None)).exists()))


@dataclass(frozen=True, kw_only=True)
class Job:
    """A promise that is due."""

    id: int
    kind: str
    key: str
    due_at: int
    """Microseconds UTC, as all times here."""
    expires_at: int
    data: Mapping[str, Any]
    cuid: str
    """Of the call that asked for it."""
    created_at: int
    originated_call_id: str
    """The call that came of it, if one was begun; may be empty."""
    progress: str
    """What is known of it so far, in the words of its kind."""


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What came of a handler; see :func:`done` and :func:`again`."""

    done: bool
    result: str = ""
    """Plain words, at most 255 characters."""
    due_at: int = 0
    """When the job is looked at again, if it is not done."""


def done(result: str) -> JobOutcome:
    """The job is over. :param result: what came of it, in plain words."""
    return JobOutcome(done=True, result=result[:255])


def again(seconds: float) -> JobOutcome:
    """The job is looked at again after some seconds, if it has not expired by then."""
    return JobOutcome(done=False, due_at=now() + int(seconds * MICROSECONDS))


@dataclass(frozen=True, kw_only=True)
class JobServices:
    """What handlers work with."""

    database: Database
    engine: EngineAccess
    """Ready whenever a handler is called."""
    runtime: Callable[[], Awaitable[Mapping[str, Any]]]
    """Runtime settings as they are now."""
    close_originate: Callable[[str, str], Awaitable[object]]
    """Gives an originate that the engine refused its record: its id, and the reason."""


JobHandler = Callable[[Job, JobServices], Awaitable[JobOutcome]]
JOB_HANDLERS: Final[dict[str, JobHandler]] = {}
"""By kind."""


def job_handler(kind: str) -> Callable[[JobHandler], JobHandler]:
    """Declare who carries out the jobs of a kind."""

    def declare(handler: JobHandler) -> JobHandler:
        if kind in JOB_HANDLERS:
            raise ValueError(f"jobs of kind {kind} have a handler already")
        JOB_HANDLERS[kind] = handler
        return handler

    return declare


async def add_job(
    tx: Connection,
    *,
    kind: str,
    key: str,
    due_at: int,
    expires_at: int,
    data: Mapping[str, Any],
    cuid: str,
) -> int:
    """Promise a call, inside the caller's transaction; returns the job's id.

    :param key: what it waits for (a queue, an extension), by which it is found again.
    :param due_at: microseconds UTC; ``expires_at`` likewise, after which it is given up.
    """
    result = await tx.execute(
        insert(call_jobs)
        .values(
            kind=kind,
            key=key,
            due_at=due_at,
            expires_at=expires_at,
            data=msgspec.json.encode(data).decode(),
            cuid=cuid,
            created_at=now(),
        )
        .returning(_j.id)
    )
    return int(result.scalar_one())


async def open_jobs(tx: Connection, *, kind: str, key: str) -> list[Job]:
    """The jobs of a kind that wait for something, oldest first; also those being carried out."""
    statement = select(call_jobs).where(_j.kind == kind, _j.key == key, _j.done_at.is_(None))
    return [_job(row) for row in await tx.rows(statement.order_by(_j.id))]


async def finish_job(tx: Connection, job_id: int, result: str) -> bool:
    """End a job from outside its handler (withdrawn, superseded); tells whether it was still open."""
    changed = await tx.execute(
        update(call_jobs)
        .where(_j.id == job_id, _j.done_at.is_(None))
        .values(done_at=now(), claimed_at=None, result=result[:255])
    )
    return bool(changed.rowcount == 1)


async def keep_job(
    tx: Connection,
    job_id: int,
    *,
    data: Mapping[str, Any] | None = None,
    originated_call_id: str | None = None,
) -> bool:
    """Write down what a handler is about to do, so that it is not done twice.

    :returns: whether the job is still open; else the handler leaves it.
    """
    values: dict[str, Any] = {}
    if data is not None:
        values["data"] = msgspec.json.encode(data).decode()
    if originated_call_id is not None:
        values["originated_call_id"] = originated_call_id or None
    changed = await tx.execute(
        update(call_jobs).where(_j.id == job_id, _j.done_at.is_(None)).values(**values)
    )
    return bool(changed.rowcount == 1)


class JobWorker:
    """Carries out jobs that are due. Hold :meth:`run` in a task."""

    def __init__(
        self,
        services: JobServices,
        *,
        handlers: Mapping[str, JobHandler] | None = None,
        holder: str | None = None,
    ) -> None:
        """:param handlers: by kind; default: all that are declared."""
        self._services = services
        self._handlers = JOB_HANDLERS if handlers is None else handlers
        self._database = services.database
        self._lease = HeldLease(services.database, LEASE, seconds=LEASE_SECONDS, holder=holder)
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Carry out what is due until cancelled."""
        trouble = StoreTrouble(log, "promised calls have to wait for the store")
        try:
            while True:
                with trouble.told():
                    await self.step()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop every handler, whose jobs the next process takes up, and give the lease back."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._lease.release()

    async def step(self) -> int:
        """Begin the jobs that are due; returns how many."""
        if not self._services.engine.ready or not await self._anything():
            return 0
        held = self._lease.held
        if not await self._lease.hold():
            for task in self._running.values():
                task.cancel()
            return 0
        if not held:
            await self._take_over()
        begun = 0
        while len(self._running) < AT_ONCE and (job := await self._claim()) is not None:
            task = asyncio.create_task(self._carry_out(job), name=f"job-{job.id}")
            self._running[job.id] = task
            begun += 1
        return begun

    async def _take_over(self) -> None:
        """Free what a process before us had claimed: whoever holds the lease is alone."""
        async with self._database.write() as tx:
            await tx.execute(
                update(call_jobs)
                .where(_j.done_at.is_(None), _j.claimed_at.is_not(None), _j.id.not_in(tuple(self._running)))
                .values(claimed_at=None)
            )

    async def _anything(self) -> bool:
        ((anything,),) = await self._database.hot(_OPEN)
        return bool(anything)

    async def _claim(self) -> Job | None:
        at = now()
        due = and_(
            _j.done_at.is_(None),
            _j.claimed_at.is_(None),
            _j.due_at <= at,
            _j.kind.in_(tuple(self._handlers)),
        )
        async with self._database.write() as tx:
            row = await tx.row(
                select(call_jobs)
                .where(due)
                .order_by(_j.due_at, _j.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if row is None:
                return None
            await tx.execute(update(call_jobs).where(_j.id == row["id"]).values(claimed_at=at))
        return _job(row)

    async def _carry_out(self, job: Job) -> None:
        try:
            outcome = await self._ask(job)
            await self._settle(job, outcome)
        except STORE_ERRORS as error:
            log.warning("job %d (%s) waits for the store: %s", job.id, job.kind, error)
        finally:
            del self._running[job.id]

    async def _ask(self, job: Job) -> JobOutcome:
        if job.expires_at <= now():
            return done("expired")
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                return await self._handlers[job.kind](job, self._services)
        except STORE_ERRORS:
            raise
        except Exception:
            log.exception("job %d (%s for %s) failed and is tried again", job.id, job.kind, job.key)
            return again(RETRY_SECONDS)

    async def _settle(self, job: Job, outcome: JobOutcome) -> None:
        values: dict[str, Any] = {"claimed_at": None}
        if outcome.done:
            values |= {"done_at": now(), "result": outcome.result}
        else:
            values |= {"due_at": min(outcome.due_at, job.expires_at)}
        async with self._database.write() as tx:
            await tx.execute(update(call_jobs).where(_j.id == job.id, _j.done_at.is_(None)).values(**values))
        if outcome.done:
            log.info("job %d (%s for %s, call %s): %s", job.id, job.kind, job.key, job.cuid, outcome.result)


def _job(row: Mapping[str, Any]) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        key=row["key"],
        due_at=row["due_at"],
        expires_at=row["expires_at"],
        data=msgspec.json.decode(row["data"]),
        cuid=row["cuid"],
        created_at=row["created_at"],
        originated_call_id=row["originated_call_id"] or "",
        progress=row["result"],
    )
