"""From the inbox to calls: nothing lost, nothing doubled, ids in commit order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from records import _samples
from support.waiting import eventually
from tamas.records import ingest
from tamas.records.calls import get_call, list_calls
from tamas.records.ingest import Ingestion
from tamas.store.clock import now
from tamas.store.database import Database, open_database
from tamas.store.schema import (
    calls,
    cdr,
    cel,
    extensions,
    leases,
    merged_linkedids,
    originates,
    poll_answers,
    queue_attempts,
    queue_log,
    queue_visits,
)

TOLD = [name for name in _samples.NAMES if _samples.load(name).cel]


async def _count(database: Database, statement: Any) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(statement))


async def _unprocessed(database: Database) -> int:
    pending = 0
    for table in (cel, cdr):
        statement = select(func.count()).select_from(table).where(table.c.processed_at.is_(None))
        pending += await _count(database, statement)
    return pending


async def _rows(database: Database, statement: Any) -> Sequence[Any]:
    async with database.read() as connection:
        return await connection.rows(statement)


async def test_every_captured_call_becomes_one_row(database: Database) -> None:
    """All samples lie in the inbox at once; each becomes its call and nothing is left."""
    samples = [_samples.load(name) for name in TOLD]
    asked = {
        sample.originate: await _samples.ask_for(database, sample.originate)
        for sample in samples
        if sample.originate
    }
    await _samples.arrive(database, *samples)
    assert await Ingestion(database).drain(10)
    found = await list_calls(database, limit=1000)
    assert sorted(call.cuid for call in found) == sorted(sample.cuid for sample in samples)
    assert {call.originated_call_id for call in found if call.originated_call_id} == set(asked.values())
    assert await _unprocessed(database) == 0
    open_ones = select(func.count()).select_from(originates).where(originates.c.closed_at.is_(None))
    assert await _count(database, open_ones) == 0
    ids = [row["id"] for row in await _rows(database, select(calls.c.id).order_by(calls.c.id))]
    assert len(set(ids)) == len(samples)


async def test_queue_rows_come_with_their_call(database: Database) -> None:
    """Visits, attempts and answers are written once each; the agent's name is that of the extension."""
    extension = dict.fromkeys(("secret_ha1", "secret_sealed"), "") | {"number": "201", "name": "Sara"}
    async with database.write() as tx:
        stamps = {"id": "0" * 24, "created_at": 1, "updated_at": 1, "secret_sealed": b""}
        await tx.execute(extensions.insert().values(extension | stamps))
    names = [name for name in TOLD if "queue" in name]
    await _samples.arrive(database, *(_samples.load(name) for name in names))
    assert await Ingestion(database).drain(10)
    visits = await _rows(database, select(queue_visits).order_by(queue_visits.c.id))
    assert len(visits) == len(names) + 1, "one of the calls was in two queues"
    assert {row["agent_name"] for row in visits} == {"Sara", "104", "202", ""}
    attempts = await _rows(database, select(queue_attempts))
    assert {row["queue_id"] for row in attempts} <= {row["queue_id"] for row in visits}
    assert {row["agent_name"] for row in attempts} == {"Sara", "202"}
    assert len(await _rows(database, select(poll_answers))) == 2
    loose = select(queue_log.c.event).where(queue_log.c.processed_at.is_(None)).distinct()
    assert {row["event"] for row in await _rows(database, loose)} <= {"QUEUESTART"}


async def test_a_late_cdr_amends_queue_rows_in_place(database: Database) -> None:
    """The CDRs of a queue call come a minute later: the same rows, the same ids, completed."""
    sample = _samples.load("queue_ringall").again(ended_at=now() - 60_000_000)
    ingestion = Ingestion(database)
    await _samples.arrive(database, sample, with_cdr=False)
    assert await ingestion.drain(5)
    before = await _rows(database, select(queue_attempts).order_by(queue_attempts.c.id))
    async with database.write() as tx:
        await _samples.put(tx, cdr, sample.cdr)
    assert await ingestion.drain(5)
    after = await _rows(database, select(queue_attempts).order_by(queue_attempts.c.id))
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert {row["sequence"] for row in before} == {""} != {row["sequence"] for row in after}
    assert all(row["amended_at"] for row in after)
    (visit,) = await _rows(database, select(queue_visits))
    assert visit["amended_at"] is None, "a CDR knows nothing of visits"


async def test_rows_may_come_one_by_one(database: Database) -> None:
    """Ingestion looks after every single row that Asterisk writes; the call is written once, whole."""
    sample = _samples.load("queue_answered").again()
    ingestion = Ingestion(database)
    for table, rows in ((cel, sample.cel), (cdr, sample.cdr)):
        for row in rows:
            assert await list_calls(database, limit=5) == []
            async with database.write() as tx:
                await _samples.put(tx, table, [row])
            await ingestion.step()
            if table is cdr:
                break
    assert await ingestion.drain(5)
    (call,) = await list_calls(database, limit=5)
    assert (call.disposition, call.agent, call.amended_at) == ("ANSWERED", "201", None)


@pytest.mark.parametrize("name", ["attended_transfer", "pickup"])
async def test_joined_calls_are_one(database: Database, name: str) -> None:
    """The first linked id ends long before the talk does; one row comes, with the last end."""
    sample = _samples.load(name).again(ended_at=now() - 10_000_000)
    first_end = next(i for i, row in enumerate(sample.cel) if row["eventtype"] == "LINKEDID_END") + 1
    joined = sample.cel[first_end - 1]["linkedid"]
    ingestion = Ingestion(database)
    async with database.write() as tx:
        await _samples.put(tx, cel, sample.cel[:first_end])
        await _samples.put(tx, cdr, sample.cdr)
    assert await ingestion.drain(5)
    assert await list_calls(database, limit=5) == []
    async with database.write() as tx:
        await _samples.put(tx, cel, sample.cel[first_end:])
    assert await ingestion.drain(5)
    (call,) = await list_calls(database, limit=5)
    assert call.cuid == sample.cuid != joined
    merges = await _rows(database, select(merged_linkedids))
    assert [(row["linkedid"], row["into_linkedid"]) for row in merges] == [(joined, sample.cuid)]
    assert await _unprocessed(database) == 0


async def test_a_row_with_a_smaller_id_may_commit_later(database: Database) -> None:
    """Ids commit out of order: a call whose rows have smaller ids than those already read is not skipped."""
    early, late = _samples.load("busy").again(), _samples.load("busy").again()
    ingestion = Ingestion(database)
    async with database.write() as tx:
        for number, row in enumerate(late.cel):
            await tx.execute(cel.insert().values(id=1000 + number, **row))
        await _samples.put(tx, cdr, late.cdr)
    assert await ingestion.drain(5)
    async with database.write() as tx:
        for number, row in enumerate(early.cel):
            await tx.execute(cel.insert().values(id=1 + number, **row))
        await _samples.put(tx, cdr, early.cdr)
    assert await ingestion.drain(5)
    assert {call.cuid for call in await list_calls(database, limit=5)} == {early.cuid, late.cuid}


async def test_a_cdr_is_waited_for_and_then_not(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its CDR a call waits for a while, then it is written; the late CDR is settled afterwards."""
    monkeypatch.setattr(ingest, "LATE_SECONDS", 0.5)
    sample = _samples.load("answered").again(ended_at=now() + 400_000)
    ingestion = Ingestion(database)
    await _samples.arrive(database, sample, with_cdr=False)
    assert await ingestion.step() == 0
    assert await get_call(database, sample.cuid) is None
    assert await ingestion.drain(5)
    before = await get_call(database, sample.cuid)
    async with database.write() as tx:
        await _samples.put(tx, cdr, sample.cdr)
    assert await ingestion.drain(5)
    after = await get_call(database, sample.cuid)
    assert before is not None
    assert after is not None
    assert after.amended_at is not None, "the CDR knew its own number and the account"
    assert replace(after, amended_at=None) == before, "and nothing else"
    assert await _unprocessed(database) == 0


async def test_a_late_cdr_amends_what_cel_lacked(database: Database) -> None:
    """CEL did not know the caller's number; the CDR, coming late, does."""
    sample = _samples.load("answered").again(ended_at=now() - 60_000_000)
    for row in sample.cel:
        row["cid_num"] = ""
        row["channame"] = row["channame"].replace("PJSIP/101", "PJSIP/anonymous")
    ingestion = Ingestion(database)
    await _samples.arrive(database, sample, with_cdr=False)
    assert await ingestion.drain(5)
    before = await get_call(database, sample.cuid)
    async with database.write() as tx:
        await _samples.put(tx, cdr, sample.cdr)
    assert await ingestion.drain(5)
    after = await get_call(database, sample.cuid)
    assert before is not None
    assert after is not None
    assert (before.src, after.src) == ("anonymous", "101")
    assert after.id == before.id
    assert after.amended_at is not None


async def test_rows_without_sense_do_not_stop_the_others(database: Database) -> None:
    """One call has a time that is none; it is left out with an error, the next is written."""
    broken, good = _samples.load("busy").again(), _samples.load("busy").again()
    broken.cel[2]["eventtime"] = "yesterday"
    await _samples.arrive(database, broken, good)
    assert await Ingestion(database).drain(5)
    assert [call.cuid for call in await list_calls(database, limit=5)] == [good.cuid]


async def test_a_channel_made_up_for_a_failed_originate_is_no_call(database: Database) -> None:
    """Asterisk runs the extension ``failed`` on a channel of its own; the originate has its own record."""
    sample = _samples.load("cancelled")
    made_up = sample.cel[0]["uniqueid"]
    sample.cel = [row for row in sample.cel if row["uniqueid"] == made_up]
    for row in sample.cel:
        row["channame"] = "OutgoingSpoolFailed"
    sample.cdr.clear()
    await _samples.arrive(database, sample)
    assert await Ingestion(database).drain(5)
    assert await list_calls(database, limit=5) == []
    assert await _unprocessed(database) == 0


async def test_only_the_holder_of_the_lease_works(database: Database) -> None:
    """Two processes share the store: one ingests, the other takes over when the lease ends."""
    sample = _samples.load("busy")
    first, second = Ingestion(database, holder="first"), Ingestion(database, holder="second")
    assert await first.drain(5)
    await _samples.arrive(database, sample)
    assert await second.step() == 0
    async with database.write() as tx:
        await tx.execute(update(leases).values(expires_at=0))
    assert await second.drain(5)
    assert await get_call(database, sample.cuid) is not None


async def test_two_at_once_never_double(database: Database) -> None:
    """Even when two processes believe to hold the lease, a call is written once and ids stay in order."""
    samples = [_samples.load("busy").again(ended_at=now() - 10_000_000) for _ in range(60)]
    await _samples.arrive(database, *samples)
    both = [Ingestion(database, holder="same"), Ingestion(database, holder="same")]
    assert all(await asyncio.gather(*(one.drain(20) for one in both)))
    found = await list_calls(database, limit=1000)
    assert sorted(call.cuid for call in found) == sorted(sample.cuid for sample in samples)
    assert len({call.id for call in found}) == len(samples)


async def test_wake_is_faster_than_the_poll(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a poll of an hour, a wake alone gets the call written; cancelling ends it and frees the lease."""
    monkeypatch.setattr(ingest, "POLL_SECONDS", 3600.0)
    ingestion = Ingestion(database)
    task = asyncio.create_task(ingestion.run())
    try:
        await eventually(lambda: _rows(database, select(leases)), what="lease taken")
        await asyncio.sleep(0.05)
        sample = _samples.load("busy").again()
        ingestion.wake()
        await _samples.arrive(database, sample)
        await eventually(lambda: get_call(database, sample.cuid), within=5)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    held = await _rows(database, select(leases).where(leases.c.name == ingest.LEASE))
    assert held == []


async def test_a_lost_store_is_waited_for(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL drops every connection; ingestion tries on and then writes the call."""
    monkeypatch.setattr(ingest, "_TROUBLE_SECONDS", 0.05)
    database, other = await open_database(postgresql_url), await open_database(postgresql_url)
    task = asyncio.create_task(Ingestion(database).run())
    try:
        await eventually(lambda: _rows(other, select(leases)), what="lease taken")
        drop = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for _ in range(3):
            assert await _rows(other, drop)
            await asyncio.sleep(0.1)
        sample = _samples.load("busy")
        await _samples.arrive(other, sample)
        await eventually(lambda: get_call(other, sample.cuid), within=10)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()
        await other.close()


ROUNDS = 20

_VICTIMS = """
import asyncio, os, sys
from tamas.records.ingest import Ingestion
from tamas.store.database import open_database

async def main():
    database = await open_database(sys.argv[1])
    await Ingestion(database, holder="victim").run()

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        asyncio.run(main())
    print(child, flush=True)
    os.waitpid(child, 0)
"""
"""Forks an ingesting process for each line on its input and says its pid; a fork starts at once."""


@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
async def test_killed_again_and_again_nothing_is_lost_or_doubled(
    database: Database, database_url: str
) -> None:
    """The ingesting process is killed 20 times at any moment while calls stream in."""
    dice = random.Random(5)  # noqa: S311 - chance for a test
    names = ("answered", "busy", "attended_transfer", "queue_answered")
    sent: list[str] = []
    seen: list[str] = []
    stop = asyncio.Event()

    async def stream() -> None:
        while not stop.is_set():
            sample = _samples.load(dice.choice(names)).again()
            for start in range(0, len(sample.cel), 8):
                async with database.write() as tx:
                    await tx.execute(cel.insert(), _samples.whole(cel, sample.cel[start : start + 8]))
            sent.append(sample.cuid)
            if dice.random() < 0.9:  # some CDRs never come
                async with database.write() as tx:
                    await _samples.put(tx, cdr, sample.cdr)
            await asyncio.sleep(0.002)

    async def watch() -> None:
        """A reader that walks the calls by id, as clients do, must meet every one of them."""
        last = ""
        while not (stop.is_set() and len(seen) >= len(sent)):
            statement = select(calls.c.id, calls.c.cuid).where(calls.c.id > last).order_by(calls.c.id)
            for row in await _rows(database, statement):
                last = row["id"]
                seen.append(row["cuid"])
            await asyncio.sleep(0.005)

    streaming, watching = asyncio.create_task(stream()), asyncio.create_task(watch())
    victims = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _VICTIMS,
        database_url,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        for _ in range(ROUNDS):
            assert victims.stdin is not None
            assert victims.stdout is not None
            victims.stdin.write(b"\n")
            await victims.stdin.drain()
            pid = int(await victims.stdout.readline())
            await asyncio.sleep(dice.uniform(0.0, 0.4))
            os.kill(pid, signal.SIGKILL)
        stop.set()
        await streaming
        assert await Ingestion(database, holder="victim").drain(30)
        await asyncio.wait_for(watching, 10)
    finally:
        assert victims.stdin is not None
        victims.stdin.close()
        await victims.wait()
        streaming.cancel()
        watching.cancel()
        await asyncio.gather(streaming, watching, return_exceptions=True)
    found = [row["cuid"] for row in await _rows(database, select(calls.c.cuid))]
    assert len(sent) > ROUNDS
    assert sorted(found) == sorted(sent)
    assert sorted(seen) == sorted(sent), "walking by id met each call exactly once"
