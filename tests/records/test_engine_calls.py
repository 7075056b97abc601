"""Calls on a real Asterisk, through a real store, to call rows: the whole path, live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from records import _scenarios
from records._lab import Lab
from support.waiting import eventually
from tamas.engine.install import AsteriskInstall
from tamas.records.calls import Call, get_call, list_calls
from tamas.records.ingest import Ingestion
from tamas.records.originates import close_open_originates, on_originate_response
from tamas.records.orphans import close_orphans
from tamas.store.clock import now
from tamas.store.database import Database, open_database
from tamas.store.schema import originates

pytestmark = pytest.mark.engine


@asynccontextmanager
async def _house(folder: Path, install: AsteriskInstall, url: str) -> AsyncIterator[tuple[Lab, Database]]:
    database = await open_database(url)
    lab = Lab(folder, install, url)
    ingestion = Ingestion(database)
    lab.on_hangup = ingestion.wake
    task = asyncio.create_task(ingestion.run())
    try:
        await lab.start()
        yield lab, database
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await lab.close()
        await database.close()


@pytest.fixture
async def house(
    tmp_path: Path, asterisk_install: AsteriskInstall, database_url: str
) -> AsyncIterator[tuple[Lab, Database]]:
    """A lab whose calls are ingested as they end, on each kind of store."""
    async with _house(tmp_path / "lab", asterisk_install, database_url) as made:
        yield made


async def _next_call(database: Database, seen: set[str]) -> Call:
    async def fresh() -> Call | None:
        return next((call for call in await list_calls(database, limit=50) if call.cuid not in seen), None)

    call = await eventually(fresh, within=15, what="the call's row")
    assert call is not None
    seen.add(call.cuid)
    return call


async def test_calls_of_people(house: tuple[Lab, Database]) -> None:
    """Answered, busy, cancelled, transferred, queued and incoming calls: one row each, soon after the end."""
    lab, database = house
    seen: set[str] = set()
    for scenario, disposition, dst in (
        (_scenarios.answered, "ANSWERED", "102"),
        (_scenarios.busy, "BUSY", "102"),
        (_scenarios.rejected, "NO ANSWER", "102"),
        (_scenarios.cancelled, "NO ANSWER", "102"),
        (_scenarios.incoming, "ANSWERED", "102"),
        (_scenarios.queue_answered, "ANSWERED", "500"),
        (_scenarios.queue_abandoned, "NO ANSWER", "500"),
        (_scenarios.blind_transfer, "ANSWERED", "103"),
        (_scenarios.attended_transfer, "ANSWERED", "102"),
    ):
        for phone in lab.phones.values():
            phone.dialogs.clear()
        await scenario(lab)
        call = await _next_call(database, seen)
        assert (call.disposition, call.dst) == (disposition, dst), scenario.__name__
        assert 0 <= call.ended_at - (call.started_at + call.wait + call.billsec) < 500_000
        assert now() - call.ended_at < 10_000_000
    assert len(await list_calls(database, limit=50)) == len(seen), "an attended transfer is one call"


async def _asked(lab: Lab, database: Database, number: str) -> str:
    """Write the originate's row, then ask Asterisk, as the product does; returns the uniqueid."""
    uniqueid = _scenarios.new_uniqueid()
    async with database.write() as tx:
        await tx.execute(
            originates.insert().values(
                originated_call_id=f"orig.call.{uniqueid}",
                uniqueid=uniqueid,
                caller=number,
                callee="102",
                context="main_routing",
                caller_id="Sales",
                trunk_name="",
                timeout=1,
                created_at=now(),
            )
        )
    await _scenarios.originate(lab, number=number, timeout=1, uniqueid=uniqueid)
    return uniqueid


async def test_originates_that_fail(house: tuple[Lab, Database]) -> None:
    """Unregistered, unknown, busy, rejecting and silent first parties each leave one row with the reason."""
    lab, database = house
    for number, behaviour, disposition, reason in (
        ("unregistered", "", "FAILED", "is unknown or has no phone registered"),
        ("999", "", "FAILED", "is unknown or has no phone registered"),
        ("101", "486", "BUSY", "the line is busy"),
        ("101", "603", "NO ANSWER", "the call was rejected"),
        ("101", "ring", "NO ANSWER", "nobody answered"),
    ):
        lab.phones["101"].behaviour = behaviour
        uniqueid = await _asked(lab, database, number)
        response = await eventually(
            partial(_scenarios.last_response, lab, uniqueid), what="OriginateResponse"
        )
        assert response is not None
        await on_originate_response(database, response)
        call = await eventually(partial(get_call, database, uniqueid), within=15, what="row")
        assert call is not None
        assert (call.disposition, call.originated_call_id) == (disposition, f"orig.call.{uniqueid}")
        assert call.reason is not None
        assert call.reason.endswith(reason)
    assert len(await list_calls(database, limit=50)) == 5


async def test_asterisk_is_killed_in_mid_talk(house: tuple[Lab, Database]) -> None:
    """A talk and a ringing call are cut off by kill -9: both told, none doubled; calls go on afterwards."""
    lab, database = house
    phones = lab.phones
    phones["102"].behaviour, phones["103"].behaviour = "answer", "ring"
    talk, ring = phones["101"].call("102"), phones["104"].call("103")
    await eventually(lambda: talk.state == "up" and ring.status == 180, what="both calls")
    await asyncio.sleep(0.3)
    lab.kill()
    stopped = now()
    await asyncio.sleep(1)  # as the engine does: unique ids begin anew, and must not within the same second
    for phone in phones.values():
        phone.dialogs.clear()
    lab.launch()
    await eventually(lambda: not lab.ami.connected, what="connection lost")
    await lab.ami.wait_connected(20)
    started = now()
    closed = await close_orphans(database, set(), started, "engine stopped", stopped_at=stopped)
    assert closed == 2
    assert await close_open_originates(database, set(), reason="engine stopped", before=started) == 0
    by_dst = {call.dst: call for call in await list_calls(database, limit=9)}
    assert (by_dst["102"].disposition, by_dst["102"].reason) == ("ANSWERED", "engine stopped")
    assert by_dst["102"].billsec >= 200_000
    assert (by_dst["103"].disposition, by_dst["103"].reason) == ("FAILED", "engine stopped")
    seen = {call.cuid for call in by_dst.values()}
    await _scenarios.answered(lab)
    assert (await _next_call(database, seen)).disposition == "ANSWERED"
    assert len(await list_calls(database, limit=9)) == 3
