"""Originates are closed once, whatever comes first: the answer of AMI, CEL, or a restart."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from records import _samples
from tamas.records import originates as module
from tamas.records.calls import get_call, list_calls
from tamas.records.ingest import Ingestion
from tamas.records.originates import close_failed, close_open_originates, on_originate_response
from tamas.store.clock import now
from tamas.store.database import Database, Row
from tamas.store.schema import originates


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CEL_SECONDS", 0.2)


async def _originate(database: Database, uniqueid: str) -> Row:
    async with database.read() as connection:
        row = await connection.row(select(originates).where(originates.c.uniqueid == uniqueid))
    assert row is not None
    return row


@pytest.mark.parametrize("name", ["originate_first_unknown", "originate_first_unregistered"])
async def test_an_unreachable_first_party_leaves_a_row(database: Database, name: str) -> None:
    """No CEL, no CDR: the captured OriginateResponse alone gives the call and its reason."""
    sample = _samples.load(name)
    assert sample.originate is not None
    assert sample.originate_response is not None
    await _samples.ask_for(database, sample.originate)
    assert await on_originate_response(database, sample.originate_response)
    call = await get_call(database, sample.originate)
    assert call is not None
    assert (call.disposition, call.src, call.dst, call.type) == ("FAILED", "101", "102", "local")
    assert call.reason == "first party 101 is unknown or has no phone registered"
    assert call.originated_call_id == f"orig.call.{sample.originate}"
    row = await _originate(database, sample.originate)
    assert row["closed_at"] is not None
    assert row["reason"] == call.reason
    assert not await on_originate_response(database, sample.originate_response), (
        "a second time changes nothing"
    )
    assert len(await list_calls(database, limit=5)) == 1


@pytest.mark.parametrize(
    "name", ["originate_first_busy", "originate_first_rejects", "originate_first_silent"]
)
async def test_cel_tells_why_when_there_was_a_channel(database: Database, name: str) -> None:
    """Busy, rejected and unanswered first parties give the same OriginateResponse; the row comes from CEL."""
    sample = _samples.load(name)
    assert sample.originate is not None
    assert sample.originate_response is not None
    await _samples.ask_for(database, sample.originate)
    response = asyncio.create_task(on_originate_response(database, sample.originate_response))
    await asyncio.sleep(0.05)
    await _samples.arrive(database, sample)
    assert not await response
    assert await Ingestion(database).drain(5)
    (call,) = await list_calls(database, limit=5)
    assert call.reason is not None
    assert call.reason.startswith("first party 101: ")
    assert call.originated_call_id == f"orig.call.{sample.originate}"


async def test_cel_that_comes_after_all_amends_the_row(database: Database) -> None:
    """The originate was given up as failed, then Asterisk's rows arrive: one row, now right, same id."""
    sample = _samples.load("originate_answered")
    assert sample.originate is not None
    asked = await _samples.ask_for(database, sample.originate)
    assert await close_failed(database, asked, reason="no answer from the engine")
    before = await get_call(database, sample.originate)
    await _samples.arrive(database, sample)
    assert await Ingestion(database).drain(5)
    (after,) = await list_calls(database, limit=5)
    assert before is not None
    assert (before.disposition, after.disposition) == ("FAILED", "ANSWERED")
    assert after.id == before.id
    assert after.amended_at is not None


async def test_close_failed_after_cel_does_nothing(database: Database) -> None:
    """CEL was first: the row stays as it is."""
    sample = _samples.load("originate_answered")
    assert sample.originate is not None
    asked = await _samples.ask_for(database, sample.originate)
    await _samples.arrive(database, sample)
    assert not await close_failed(database, asked, reason="too late"), "CEL is there, not yet ingested"
    assert await Ingestion(database).drain(5)
    assert not await close_failed(database, asked, reason="too late"), "closed"
    (call,) = await list_calls(database, limit=5)
    assert (call.disposition, call.reason) == ("ANSWERED", None)


@pytest.mark.parametrize(
    ("cause", "disposition"),
    [(None, "FAILED"), (17, "BUSY"), (19, "NO ANSWER"), (21, "NO ANSWER"), (34, "FAILED")],
)
async def test_cause_decides_the_disposition(
    sqlite_database: Database, cause: int | None, disposition: str
) -> None:
    """A failed originate is busy, unanswered or failed by its cause, over the trunk it was sent to."""
    asked = await _samples.ask_for(sqlite_database, "1700000000.5", trunk_name="carrier1", caller="0912")
    assert await close_failed(sqlite_database, asked, reason="why", cause=cause)
    (call,) = await list_calls(sqlite_database, limit=5)
    assert (call.disposition, call.hangup_cause, call.reason) == (disposition, cause, "why")
    assert (call.type, call.outgoing_point, call.src) == ("outgoing", "carrier1", "0912")
    assert call.wait == call.ended_at - call.started_at


async def test_both_at_once_give_one_row(database: Database) -> None:
    """Two processes close the same originate at the same moment."""
    asked = await _samples.ask_for(database, "1700000000.5")
    done = await asyncio.gather(*(close_failed(database, asked, reason="why") for _ in range(8)))
    assert sum(done) == 1
    assert len(await list_calls(database, limit=5)) == 1


async def test_a_success_or_a_stranger_changes_nothing(sqlite_database: Database) -> None:
    """Successful originates, and those of others, are left alone."""
    await _samples.ask_for(sqlite_database, "1700000000.5")
    for response in (
        {"Response": "Success", "Reason": "4", "Uniqueid": "1700000000.5"},
        {"Response": "Failure", "Reason": "0", "Uniqueid": "<null>"},
    ):
        assert not await on_originate_response(sqlite_database, response)
    assert (await _originate(sqlite_database, "1700000000.5"))["closed_at"] is None


async def test_open_originates_at_start(database: Database) -> None:
    """After a restart: live ones and those with CEL stay open, young ones too, the others failed."""
    sample = _samples.load("originate_answered")
    assert sample.originate is not None
    await _samples.ask_for(database, sample.originate)
    await _samples.arrive(database, sample)
    start = now()
    await _samples.ask_for(database, "1.1", created_at=start - 10)
    await _samples.ask_for(database, "1.2", created_at=start - 9)
    await _samples.ask_for(database, "1.3", created_at=start + 60_000_000)
    closed = await close_open_originates(
        database, {"1.2"}, reason="Tamas was restarted before the call began", before=start
    )
    assert closed == 1
    (call,) = await list_calls(database, limit=5)
    assert (call.cuid, call.disposition) == ("1.1", "FAILED")
    assert call.reason == "Tamas was restarted before the call began"
    assert await Ingestion(database).drain(5)
    assert (await _originate(database, sample.originate))["closed_at"] is not None
    assert (await _originate(database, "1.2"))["closed_at"] is None
    assert (await _originate(database, "1.3"))["closed_at"] is None
