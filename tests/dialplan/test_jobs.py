"""Promised calls: carried out once at a time, whoever dies; on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import select

from support.waiting import eventually
from tamas.dialplan.jobs import (
    LEASE,
    Job,
    JobOutcome,
    JobServices,
    JobWorker,
    add_job,
    again,
    done,
    finish_job,
    keep_job,
    open_jobs,
)
from tamas.engine.link import EngineAccess
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.dialplan_schema import call_jobs
from tamas.store.leases import release_lease

KIND = "test"
HOUR = 3600 * MICROSECONDS


def a_worker(
    database: Database,
    handler: Callable[[Job, JobServices], Awaitable[JobOutcome]],
    *,
    holder: str = "one",
    ready: bool = True,
) -> JobWorker:
    """A worker without an engine behind it: nothing is called here."""

    async def runtime() -> Mapping[str, Any]:
        return {}

    async def close(_originated_call_id: str, _reason: str) -> None:
        return None

    services = JobServices(
        database=database,
        engine=cast("EngineAccess", SimpleNamespace(ready=ready)),
        runtime=runtime,
        close_originate=close,
    )
    return JobWorker(services, handlers={KIND: handler}, holder=holder)


async def promise(database: Database, *, due_in: int = 0, expires_in: int = HOUR, key: str = "900") -> int:
    """Add a job."""
    async with database.write() as tx:
        return await add_job(
            tx,
            kind=KIND,
            key=key,
            due_at=now() + due_in,
            expires_at=now() + expires_in,
            data={"number": "201"},
            cuid="1.1",
        )


async def results(database: Database) -> list[tuple[bool, str]]:
    """Whether each job is over, and what came of it."""
    async with database.read() as connection:
        rows = await connection.rows(select(call_jobs).order_by(call_jobs.c.id))
    return [(row["done_at"] is not None, row["result"]) for row in rows]


async def until_over(worker: JobWorker, database: Database) -> list[tuple[bool, str]]:
    """Step until every job is over."""

    async def over() -> list[tuple[bool, str]]:
        await worker.step()
        found = await results(database)
        return found if all(each[0] for each in found) else []

    return cast("list[tuple[bool, str]]", await eventually(over, what="the end of every job"))


async def test_what_is_due_is_done_and_what_is_not_waits(database: Database) -> None:
    """Only a job that is due reaches its handler, with what was promised; it is over when that says so."""
    seen: list[Job] = []

    async def handler(job: Job, _services: JobServices) -> JobOutcome:
        seen.append(job)
        return done("called")

    first, later = await promise(database), await promise(database, due_in=HOUR, expires_in=2 * HOUR)
    worker = a_worker(database, handler)
    assert await worker.step() == 1

    async def settled() -> bool:
        return (await results(database))[0] == (True, "called")

    await eventually(settled, what="the job")
    assert await worker.step() == 0
    assert [(job.id, job.key, job.data, job.cuid) for job in seen] == [
        (first, "900", {"number": "201"}, "1.1")
    ]
    async with database.read() as connection:
        assert [job.id for job in await open_jobs(connection, kind=KIND, key="900")] == [later]
    await worker.close()


async def test_a_job_is_looked_at_again_and_expires(database: Database) -> None:
    """A handler may put it off; once its time is over it is given up without being asked."""
    asked = 0

    async def handler(_job: Job, _services: JobServices) -> JobOutcome:
        nonlocal asked
        asked += 1
        return again(0.05)

    await promise(database, expires_in=MICROSECONDS // 2)
    worker = a_worker(database, handler)
    assert await until_over(worker, database) == [(True, "expired")]
    assert asked > 1
    await worker.close()


async def test_a_handler_that_fails_is_asked_again(database: Database) -> None:
    """An error of ours does not lose the promise."""

    async def handler(_job: Job, _services: JobServices) -> JobOutcome:
        raise ValueError("broken")

    job = await promise(database)
    worker = a_worker(database, handler)
    await worker.step()

    async def put_off() -> bool:
        async with database.read() as connection:
            (waiting,) = await open_jobs(connection, kind=KIND, key="900")
        return waiting.id == job and waiting.due_at > now() + MICROSECONDS

    await eventually(put_off, what="another try")
    await worker.close()


async def test_another_process_takes_over(database: Database) -> None:
    """While one holds the lease no other works; when it died at its work, the next begins anew, at once."""
    never = asyncio.Event()
    begun: list[str] = []

    async def stuck(_job: Job, _services: JobServices) -> JobOutcome:
        begun.append("one")
        await never.wait()
        return done("never")

    async def works(_job: Job, _services: JobServices) -> JobOutcome:
        begun.append("two")
        return done("by the other")

    await promise(database)
    one, two = a_worker(database, stuck), a_worker(database, works, holder="two")
    assert await one.step() == 1
    await eventually(lambda: begun == ["one"], what="the first process at work")
    assert await two.step() == 0
    await release_lease(database, LEASE, holder="one")  # as it expires when nobody renews it
    assert await until_over(two, database) == [(True, "by the other")]
    assert begun == ["one", "two"]
    await one.close()
    assert await results(database) == [(True, "by the other")]
    await two.close()


async def test_a_job_is_ended_from_outside(database: Database) -> None:
    """What was withdrawn while its handler ran is not written over, and the handler learns of it."""

    async def handler(job: Job, services: JobServices) -> JobOutcome:
        async with services.database.write() as tx:
            assert await finish_job(tx, job.id, "withdrawn")
        async with services.database.write() as tx:
            assert not await keep_job(tx, job.id, data={})
        return done("called all the same")

    await promise(database)
    worker = a_worker(database, handler)
    assert await until_over(worker, database) == [(True, "withdrawn")]
    await worker.close()


async def test_nothing_happens_without_the_engine(database: Database) -> None:
    """While Asterisk is away every promise waits."""

    async def handler(_job: Job, _services: JobServices) -> JobOutcome:
        raise AssertionError

    await promise(database)
    worker = a_worker(database, handler, ready=False)
    assert await worker.step() == 0
    assert await results(database) == [(False, "")]
    await worker.close()
