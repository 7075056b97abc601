"""Calls that were cut off because the engine died."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from records import _samples
from tamas.records.calls import get_call, list_calls
from tamas.records.facts import microseconds
from tamas.records.ingest import Ingestion
from tamas.records.orphans import close_orphans
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.schema import cdr, cel

AGO = 30_000_000


def _cut(name: str, last: str, times: int) -> _samples.Sample:
    """A call up to its n-th event of a kind, some time ago; no CDR."""
    sample = _samples.load(name).again(ended_at=now() - AGO)
    places = [i for i, row in enumerate(sample.cel) if row["eventtype"] == last]
    sample.cel, sample.cdr = sample.cel[: places[times - 1] + 1], []
    return sample


async def test_calls_of_a_dead_engine_are_closed_with_the_reason(database: Database) -> None:
    """Killed in talk, killed while ringing: both told; the one still live, the one that ended, are left."""
    talking = _cut("answered", "BRIDGE_ENTER", 2)
    ringing = _cut("cancelled", "CHAN_START", 2)
    living = _cut("answered", "BRIDGE_ENTER", 2)
    ended = _samples.load("busy").again(ended_at=now() - AGO)
    await _samples.arrive(database, talking, ringing, living, ended)
    stopped = now() - 5_000_000
    closed = await close_orphans(database, {living.cuid}, now(), "engine stopped", stopped_at=stopped)
    assert closed == 2
    first, second = await get_call(database, talking.cuid), await get_call(database, ringing.cuid)
    assert first is not None
    assert second is not None
    assert (first.disposition, first.reason, first.ended_at) == ("ANSWERED", "engine stopped", stopped)
    assert first.billsec > 20_000_000
    assert (second.disposition, second.reason) == ("FAILED", "engine stopped")
    assert await Ingestion(database).drain(5)
    assert {call.cuid for call in await list_calls(database, limit=9)} == {
        talking.cuid,
        ringing.cuid,
        ended.cuid,
    }
    assert await close_orphans(database, {living.cuid}, now(), "engine stopped") == 0, "once is enough"


async def test_calls_of_the_new_engine_are_left_alone(database: Database) -> None:
    """A call that began after the engine's start is not touched, though its channel was not yet seen."""
    young = _cut("answered", "BRIDGE_ENTER", 2)
    await _samples.arrive(database, young)
    start = microseconds(young.cel[0]["eventtime"]) - 1
    assert await close_orphans(database, set(), start, "engine stopped") == 0
    assert await list_calls(database, limit=5) == []


async def test_without_the_time_of_death_the_last_event_counts(database: Database) -> None:
    """Nobody knows when the engine ended: the call ends with its last row."""
    talking = _cut("queue_answered", "BRIDGE_ENTER", 4)
    await _samples.arrive(database, talking)
    assert await close_orphans(database, set(), now(), "engine stopped") == 1
    (call,) = await list_calls(database, limit=5)
    assert call.ended_at == max(microseconds(row["eventtime"]) for row in talking.cel)
    assert (call.disposition, call.queue, call.agent) == ("ANSWERED", "500", "201")


async def test_a_joined_call_is_one_orphan(database: Database) -> None:
    """Killed after an attended transfer, in the second talk: one row for both linked ids."""
    sample = _cut("attended_transfer", "BRIDGE_EXIT", 4)
    await _samples.arrive(database, sample)
    assert await Ingestion(database).drain(5)
    assert await list_calls(database, limit=5) == []
    assert await close_orphans(database, set(), now(), "engine stopped") == 1
    (call,) = await list_calls(database, limit=5)
    assert (call.cuid, call.disposition) == (sample.cuid, "ANSWERED")


async def test_a_call_of_which_only_a_cdr_is_there(database: Database) -> None:
    """All its CEL rows were lost: the CDR alone gives the call."""
    sample = _samples.load("answered")
    async with database.write() as tx:
        await _samples.put(tx, cdr, sample.cdr)
    assert await Ingestion(database).drain(5)
    assert await close_orphans(database, set(), now(), "engine stopped") == 1
    (call,) = await list_calls(database, limit=5)
    assert (call.cuid, call.src, call.dst, call.disposition) == (sample.cuid, "101", "102", "ANSWERED")


async def test_an_orphan_that_ends_after_all_is_amended(database: Database) -> None:
    """Rows that Asterisk had still in hand arrive after the call was closed as an orphan."""
    whole = _samples.load("answered").again(ended_at=now() - AGO)
    await _samples.arrive(database, _samples.Sample(situation="", cel=whole.cel[:8], cdr=[]))
    assert await close_orphans(database, set(), now(), "engine stopped") == 1
    async with database.write() as tx:
        await _samples.put(tx, cel, whole.cel[8:])
    assert await Ingestion(database).drain(5)
    (call,) = await list_calls(database, limit=5)
    assert (call.disposition, call.reason) == ("ANSWERED", None)
    assert call.amended_at is not None


async def test_a_call_that_ends_meanwhile_keeps_its_record(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last rows come between the search and the writing: the ingestion's record stays as it is."""
    whole = _samples.load("answered").again(ended_at=now() - AGO)
    await _samples.arrive(database, _samples.Sample(situation="", cel=whole.cel[:8], cdr=[]))
    write = database.write

    @asynccontextmanager
    async def late_write() -> AsyncIterator[Connection]:
        monkeypatch.setattr(database, "write", write)
        await _samples.arrive(database, _samples.Sample(situation="", cel=whole.cel[8:], cdr=whole.cdr))
        assert await Ingestion(database).drain(5)
        async with write() as tx:
            yield tx

    monkeypatch.setattr(database, "write", late_write)
    assert await close_orphans(database, set(), now(), "engine stopped") == 0
    (call,) = await list_calls(database, limit=5)
    assert (call.disposition, call.reason, call.amended_at) == ("ANSWERED", None, None)
