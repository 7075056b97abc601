"""Call Back, by telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import delete, select

from dialplan._switchboard import TONES, Switchboard, node, row
from support.waiting import eventually
from tamas.dialplan.jobs import JobServices, JobWorker
from tamas.store.dialplan_schema import call_jobs
from tamas.store.schema import originates

pytestmark = pytest.mark.engine

BEHIND = 1000


@pytest.fixture(autouse=True)
async def _no_jobs(board: Switchboard) -> AsyncIterator[None]:
    yield
    async with board.database.write() as tx:
        await tx.execute(delete(call_jobs))


@asynccontextmanager
async def worker(board: Switchboard, holder: str) -> AsyncIterator[JobWorker]:
    """Whoever carries out promises; driven by the test."""

    async def close(_originated_call_id: str, _reason: str) -> None:
        return None

    services = JobServices(
        database=board.database, engine=board.engine, runtime=board.flow.runtime, close_originate=close
    )
    made = JobWorker(services, holder=holder)
    try:
        yield made
    finally:
        await made.close()


async def jobs(board: Switchboard) -> list[Mapping[str, Any]]:
    async with board.database.read() as connection:
        return list(await connection.rows(select(call_jobs).order_by(call_jobs.c.id)))


async def publish(board: Switchboard, **params: Any) -> None:
    await board.add_sound("behind", BEHIND)
    await board.publish(
        node("in", "IncomingRoute", row("any", "back", cid="", did="")),
        node("back", "CallBack", params={"delay": 0, **params}, next_="behind"),
        node("behind", "Announcement", params={"announcement": "behind"}, next_="ring"),
        node("ring", "Extension", params={"extension": "203", "timeout": 5}),
    )


async def asked(board: Switchboard) -> str:
    """A caller from outside asks for a call back and is hung up on; unique id of that call."""
    call = await board.phones["carrier"].call("8000", caller="02188123")
    await call.until_ended()
    return await board.last_cuid()


async def carried_out(board: Switchboard, run: JobWorker) -> Mapping[str, Any]:
    """The job when it is over."""

    async def over() -> list[Mapping[str, Any]]:
        await run.step()
        return [job for job in await jobs(board) if job["done_at"]]

    found: list[Mapping[str, Any]] = await eventually(over, what="the end of the job")
    return found[0]


async def test_the_caller_is_phoned_and_goes_on(board: Switchboard) -> None:
    """The caller hangs up, is phoned back over the trunk, and goes on behind the node with another phone."""
    await publish(board, trunk="carrier", caller_id="8000")
    cuid = await asked(board)
    async with worker(board, "a") as run:
        assert await run.step() == 1
        back = await board.phones["carrier"].incoming()
        assert back.invite is not None
        assert back.remote_number == "8000"
        await back.answer()
        await back.until_heard(BEHIND)
        answered = await board.phones["203"].answer()
        await back.until_heard(TONES["203"])
        await answered.hang_up()
        await back.until_ended()
        job = await carried_out(board, run)
    assert (job["cuid"], job["result"]) == (cuid, "called 02188123")
    new = await board.last_cuid()
    assert new != cuid
    assert await board.route(cuid) == ["in", "back"]
    assert (await board.route(new))[0] == "behind"
    async with board.database.read() as connection:
        asked_for = await connection.scalar(
            select(originates.c.account).where(originates.c.originated_call_id == job["originated_call_id"])
        )
    assert asked_for == f"call:{cuid}"


@pytest.mark.slow
async def test_an_extension_is_phoned(board: Switchboard) -> None:
    """With the method extension a phone inside rings; it is hidden from nobody who asked."""
    await publish(board, method="extension", extension="202")
    await asked(board)
    async with worker(board, "a") as run:
        await run.step()
        answered = await board.phones["202"].answer()
        await answered.until_heard(BEHIND)
        await answered.hang_up()


async def test_a_fixed_number_that_is_barred(board: Switchboard) -> None:
    """A number that may not be dialed over a trunk is not phoned."""
    await publish(board, method="number", number="0049", trunk="carrier")
    await asked(board)
    async with worker(board, "a") as run:
        job = await carried_out(board, run)
    assert "barred" in job["result"]
    assert not [call for call in board.phones["carrier"].calls if call.incoming]


async def test_a_delay(board: Switchboard) -> None:
    """Nobody is phoned before the delay is over."""
    await publish(board, trunk="carrier", delay=3600)
    await asked(board)
    async with worker(board, "a") as run:
        assert await run.step() == 0
    (job,) = await jobs(board)
    assert job["due_at"] - job["created_at"] > 3_500_000_000


async def test_death_before_the_call(board: Switchboard) -> None:
    """A process dies with the job in its hands: the next one makes the call."""
    await publish(board, method="extension", extension="202")
    await asked(board)
    async with board.database.write() as tx:
        await tx.execute(call_jobs.update().values(claimed_at=1, originated_call_id="orig.call.1.000001"))
    async with worker(board, "b") as run:
        await run.step()
        ringing = await board.phones["202"].incoming()
        await ringing.hang_up()


async def test_death_after_the_call(board: Switchboard) -> None:
    """A process dies right after it made the call: nobody is phoned twice."""
    await publish(board, method="extension", extension="202")
    await asked(board)
    async with worker(board, "a") as run:
        await run.step()
        answered = await board.phones["202"].answer()
        await carried_out(board, run)
    async with board.database.write() as tx:
        await tx.execute(call_jobs.update().values(done_at=None, claimed_at=1, result=""))
    async with worker(board, "b") as run:
        job = await carried_out(board, run)
    assert job["result"] == "called"
    assert len(board.phones["202"].calls) == 1
    await answered.hang_up()


async def test_a_caller_without_a_number(board: Switchboard) -> None:
    """Who hides the number cannot be phoned; nothing is promised."""
    await publish(board, trunk="carrier")
    call = await board.phones["carrier"].call("8000", caller="anonymous")
    await call.until_ended()
    facts = dict(await board.facts(await board.last_cuid()))
    assert facts["failed"] == "the caller's number is not known"
    assert not await jobs(board)
