"""Call rows of the product's own flow and engine, with registered phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from dialplan._switchboard import TONES, Switchboard, running_switchboard
from support.waiting import eventually
from tamas.demo.call import Refusal
from tamas.demo.phone import AutoAnswer, AutoReject
from tamas.engine.install import AsteriskInstall
from tamas.records.calls import Call, get_call, list_calls
from tamas.records.ingest import Ingestion
from tamas.records.originates import on_originate_response
from tamas.store.database import Database

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def _house(
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    asterisk_install: AsteriskInstall,
    sipp: tuple[str, ...],
) -> AsyncIterator[Switchboard]:
    directory = tmp_path_factory.mktemp("records")
    url = new_store("sqlite", directory)
    async with running_switchboard(directory, url, asterisk_install, sipp) as board:
        task = asyncio.create_task(Ingestion(board.database).run())
        try:
            yield board
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def board(_house: Switchboard) -> AsyncIterator[Switchboard]:
    """The switchboard at rest, its calls being ingested."""
    await _house.rest()
    yield _house
    await _house.rest()


async def _call_of(database: Database, cuid: str) -> Call:
    call = await eventually(partial(get_call, database, cuid), within=15, what=f"row of {cuid}")
    assert call is not None
    assert 0 <= call.ended_at - (call.started_at + call.wait + call.billsec) < 500_000
    return call


async def _originated(board: Switchboard, originated_call_id: str) -> Call:
    """The row of an originate, whose OriginateResponse is handled as the server does."""

    async def row() -> Call | None:
        for event in [event for event in board.events if event.event == "OriginateResponse"]:
            if originated_call_id.endswith(event.get("Uniqueid", "-")) or event["Response"] == "Failure":
                await on_originate_response(board.database, event)
                board.events.remove(event)
        return next(
            iter(await list_calls(board.database, limit=1, originated_call_id=originated_call_id)), None
        )

    call = await eventually(row, within=15, what=f"row of {originated_call_id}")
    assert call is not None
    return call


async def test_a_recorded_local_call(board: Switchboard) -> None:
    """201, who wants his calls recorded, talks to 202: the row names the recording."""
    await board.change("201", call_record="yes")
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    await answered.until_heard(TONES["201"])
    cuid = await board.last_cuid()
    await call.hang_up()
    row = await _call_of(board.database, cuid)
    assert (row.type, row.src, row.dst, row.disposition) == ("local", "201", "202", "ANSWERED")
    assert row.record is not None
    assert (board.settings.state_dir / "recordings" / "source" / f"{row.record}.raw").exists()


@pytest.mark.parametrize(
    ("status", "disposition"), [(486, "BUSY"), (603, "NO ANSWER"), (480, "NO ANSWER"), (503, "FAILED")]
)
async def test_a_call_that_is_refused(board: Switchboard, status: Refusal, disposition: str) -> None:
    """The called phone refuses in one way or another; no recording is named though one was wanted."""
    await board.change("202", call_record="yes")
    board.phones["202"].manner = AutoReject(status=status)
    call = await board.phones["201"].call("202")
    await call.until_ended()
    row = await _call_of(board.database, await board.last_cuid())
    assert (row.disposition, row.record, row.billsec) == (disposition, None, 0)
    assert row.reason


async def test_an_unregistered_extension(board: Switchboard) -> None:
    """206 exists and never registered."""
    call = await board.phones["201"].call("206")
    await call.until_ended()
    row = await _call_of(board.database, await board.last_cuid())
    assert (row.disposition, row.dst) == ("FAILED", "206")
    assert row.reason


async def test_trunk_calls(board: Switchboard) -> None:
    """Out over the trunk, and in from it."""
    board.phones["carrier"].manner = AutoAnswer()
    call = await board.phones["201"].call("09120000000")
    await call.until_talking()
    await call.hang_up()
    row = await _call_of(board.database, await board.last_cuid())
    assert (row.type, row.dst, row.outgoing_point) == ("outgoing", "09120000000", "carrier")
    board.phones["202"].manner = AutoAnswer()
    call = await board.phones["carrier"].call("202", caller="09121234567")
    await call.until_talking()
    await call.hang_up()

    async def incoming() -> Call | None:
        return next((c for c in await list_calls(board.database, limit=3) if c.type == "incoming"), None)

    came = await eventually(incoming, within=15, what="incoming row")
    assert came is not None
    assert (came.src, came.dst, came.did) == ("09121234567", "202", "202")
    assert (came.entry_point, came.outgoing_point, came.disposition) == ("carrier", None, "ANSWERED")


async def test_a_queue_call(board: Switchboard) -> None:
    """Answered by an agent at a phone; then one that nobody takes before the caller gives up."""
    await board.map_agent("501", "202")
    await board.join("900", "501", "202")
    await board.queue_is_ready("900", "501")
    call = await board.phones["201"].call("900")
    answered = await board.phones["202"].answer()
    await answered.until_heard(TONES["201"])
    cuid = await board.last_cuid()
    await call.hang_up()
    row = await _call_of(board.database, cuid)
    assert (row.disposition, row.queue, row.agent, row.dst) == ("ANSWERED", "900", "501", "900")
    call = await board.phones["201"].call("900")
    await board.phones["202"].incoming()
    cuid = await board.last_cuid()
    await call.hang_up()
    row = await _call_of(board.database, cuid)
    assert (row.disposition, row.queue, row.agent) == ("NO ANSWER", "900", None)
    assert row.reason == "the caller hung up while waiting in queue 900"


async def test_originates(board: Switchboard) -> None:
    """Answered by both; second busy; first busy, rejecting, silent, unregistered."""
    phones = board.phones
    phones["201"].manner = phones["202"].manner = AutoAnswer()
    asked = await board.originate("201", "202")
    await eventually(lambda: any(call.state.value == "talking" for call in phones["202"].calls))
    await phones["202"].calls[-1].hang_up()
    row = await _originated(board, asked)
    assert (row.disposition, row.src, row.dst, row.type) == ("ANSWERED", "201", "202", "local")
    for first, second, number, disposition in (
        (AutoAnswer(), AutoReject(status=486), "201", "BUSY"),
        (AutoReject(status=486), AutoAnswer(), "201", "BUSY"),
        (AutoReject(status=603), AutoAnswer(), "201", "NO ANSWER"),
        (AutoAnswer(), AutoAnswer(), "206", "FAILED"),
    ):
        phones["201"].manner, phones["202"].manner = first, second
        row = await _originated(board, await board.originate(number, "202"))
        assert (row.disposition, row.src, row.dst) == (disposition, number, "202")
        assert row.reason
    await board.rest()
    row = await _originated(board, await board.originate("201", "202", timeout=1))
    assert (row.disposition, row.reason) == ("NO ANSWER", "first party 201: nobody answered")


async def test_originate_to_an_extension_with_several_phones(board: Switchboard) -> None:
    """The first leg goes through a Local channel; the row is as if it had not."""
    phones = board.phones
    await board.change("201", pjsip_max_contacts=3)
    phones["201"].manner = phones["202"].manner = AutoAnswer()
    asked = await board.originate("201", "202")
    await eventually(lambda: any(call.state.value == "talking" for call in phones["202"].calls))
    await phones["202"].calls[-1].hang_up()
    row = await _originated(board, asked)
    assert (row.disposition, row.src, row.dst, row.type) == ("ANSWERED", "201", "202", "local")
    phones["201"].manner = AutoReject(status=486)
    row = await _originated(board, await board.originate("201", "202"))
    assert (row.disposition, row.reason) == ("BUSY", "first party 201: the line is busy")
