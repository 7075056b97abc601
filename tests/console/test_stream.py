"""The live stream: who may watch what, for how long, and what a browser is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from console._console import FakeEngine, RunningConsole, running_console
from console._stream import live_stream
from support.waiting import eventually
from tamas.console.api_logs import ApiLogRow
from tamas.console.live.hub import LiveHub
from tamas.console.live.log_follower import MAX_UNREAD, LogSubscription
from tamas.console.live.stream import Stream
from tamas.store.clock import now
from tamas.store.database import Database, open_database
from tamas.store.schema import api_log

AT_ONCE = 1.2
"""Seconds within which the end of a session and changed rights are told: one, and the machine's own time."""
TOPICS = ("calls", "phones", "trunks", "queues", "api_log", "engine")


@asynccontextmanager
async def streaming_console(url: str, folder: Path) -> AsyncIterator[RunningConsole]:
    """A console with real streams, and an engine that is away."""
    database = await open_database(url)
    hub = LiveHub(database, FakeEngine())
    try:
        async with running_console(url, folder, live=hub, stream=Stream(hub)) as running:
            yield running
    finally:
        await hub.close()
        await database.close()


@pytest.fixture
async def console(sqlite_url: str, tmp_path: Path) -> AsyncIterator[RunningConsole]:
    """On SQLite, where the dialect makes no difference."""
    async with streaming_console(sqlite_url, tmp_path) as running:
        yield running


@pytest.fixture
async def console_both(database_url: str, tmp_path: Path) -> AsyncIterator[RunningConsole]:
    """The test runs once on SQLite and once on PostgreSQL."""
    async with streaming_console(database_url, tmp_path) as running:
        yield running


async def test_each_topic_begins_with_a_snapshot(console: RunningConsole) -> None:
    """Of an engine that is away too: it is not ready, and there are no calls."""
    async with live_stream(console, *TOPICS) as stream:
        await stream.until(lambda: set(stream.snapshots) == set(TOPICS))
        assert stream.ready is False
        assert not stream.calls


async def test_topics_without_the_right_are_left_out(console: RunningConsole) -> None:
    """An account that may see calls and queues is told of those, and of the engine as everybody is."""
    browser = await console.browser(rights={"calls": ["read"], "pbx.queues": ["read", "update"]})
    async with live_stream(browser, *TOPICS) as stream:
        await stream.until(lambda: set(stream.snapshots) == {"calls", "queues", "engine"})
        await _request(console)
        await asyncio.sleep(1)
        assert set(stream.snapshots) == {"calls", "queues", "engine"}


async def test_rights_that_change_change_the_stream(console: RunningConsole) -> None:
    """A right taken away ends a topic within a second; given again it begins with a snapshot."""
    browser = await console.browser(rights={"calls": ["read"], "pbx.users": ["read"]})
    types = (await console.get("account_types/list"))["rows"]
    custom = next(row for row in types if not row["builtin"])
    async with live_stream(browser, "calls", "phones") as stream:
        await stream.until(lambda: set(stream.snapshots) == {"calls", "phones"})
        shown = {"id": custom["id"], "title": custom["title"], "description": ""}
        await console.post("account_types/update", **shown, rights={"pbx.users": ["read"]})
        await asyncio.sleep(AT_ONCE)
        await console.post("account_types/update", **shown, rights={"calls": ["read"], "pbx.users": ["read"]})
        await stream.until(lambda: stream.snapshots["calls"] == 2, within=AT_ONCE)
        assert stream.snapshots["phones"] == 1


@pytest.mark.parametrize("how", ["sign_out", "cut_access", "disable"])
async def test_the_end_of_a_session_ends_its_stream(console_both: RunningConsole, how: str) -> None:
    """Told within a second, then closed with 4401, whoever ends it; other streams go on."""
    console = console_both
    browser = await console.browser()
    rows = (await console.get("accounts/list"))["rows"]
    account = next(row for row in rows if row["username"] != "admin")["id"]
    async with live_stream(browser, "engine") as stream, live_stream(console, "engine") as other:
        await stream.until(lambda: stream.snapshots["engine"])
        if how == "sign_out":
            await browser.post("session/sign_out")
        elif how == "cut_access":
            await console.post("accounts/cut_access", id=account)
        else:
            await console.post("accounts/update", id=account, enabled=False)
        await eventually(lambda: stream.closed, within=AT_ONCE, what="the end of the stream")
        assert (stream.ended, stream.closed) == (True, 4401)
        assert (other.ended, other.closed) == (False, None)


@pytest.mark.parametrize(
    "said", ["", "not json", "[]", '{"watch": "calls"}', '{"watch": [1]}', "{}", b"\x00\xff"]
)
async def test_what_is_no_wish_ends_the_stream(console: RunningConsole, said: str | bytes) -> None:
    """A browser that says something else is none of ours."""
    async with live_stream(console, "engine") as stream:
        await stream.socket.send(said)
        await eventually(lambda: stream.closed, within=3, what="the end of the stream")
        assert (stream.ended, stream.closed) == (False, 1008)


async def test_unknown_topics_are_left_out(console: RunningConsole) -> None:
    """A page of a newer version may wish for more than this one has."""
    async with live_stream(console, "engine", "weather") as stream:
        await stream.until(lambda: stream.snapshots["engine"])
        assert set(stream.snapshots) == {"engine"}


async def test_a_topic_that_is_wished_for_again_begins_anew(console: RunningConsole) -> None:
    """Each message holds the whole wish; what stays in it goes on without another snapshot."""
    async with live_stream(console, "engine", "calls") as stream:
        await stream.until(lambda: len(stream.snapshots) == 2)
        await stream.watch("engine")
        await stream.watch("engine", "calls")
        await stream.until(lambda: stream.snapshots["calls"] == 2)
        await stream.watch("calls", "engine")
        await asyncio.sleep(0.4)
        assert stream.snapshots == {"engine": 1, "calls": 2}


async def test_requests_to_the_api_are_told(console_both: RunningConsole) -> None:
    """Each request after the snapshot, once and in order, whoever wrote it."""
    console = console_both

    async def logged() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await console.get("api_log/list"))["rows"]
        return rows

    await _request(console)
    (before,) = await eventually(logged, within=3, what="the first request in the log")
    async with live_stream(console, "api_log") as stream:
        await stream.until(lambda: stream.snapshots["api_log"])
        for number in range(3):
            await _request(console, f"number/{number}")
        await stream.until(lambda: len(stream.rows) == 3, within=3)
        assert [row["service"] for row in stream.rows] == ["number/0", "number/1", "number/2"]
        assert stream.rows[0]["id"] > before["id"]
        assert (await logged())[0] == stream.rows[-1]


async def test_rows_that_are_committed_late_are_told(console: RunningConsole) -> None:
    """Of two processes one may write a lower number after the other's higher one."""
    async with live_stream(console, "api_log") as stream:
        await stream.until(lambda: stream.snapshots["api_log"])
        await _write(console.database, 1002)
        await stream.until(lambda: [row["id"] for row in stream.rows] == [1002], within=3)
        await _write(console.database, 1001)
        await stream.until(lambda: [row["id"] for row in stream.rows] == [1002, 1001], within=3)


async def test_a_follower_that_falls_behind_reads_anew() -> None:
    """Memory is bounded: more rows than it may leave unread become a snapshot."""
    subscription = LogSubscription()
    subscription.begin(5)
    assert (await subscription.next()).fresh
    rows = [_row(number) for number in range(6, 6 + MAX_UNREAD + 1)]
    for row in rows:
        subscription.tell([row])
    news = await subscription.next()
    assert (news.fresh, news.rows, news.last_id) == (True, (), rows[-1].id)
    subscription.tell([_row(9999)])
    assert [row.id for row in (await subscription.next()).rows] == [9999]


async def test_nobody_watching_costs_nothing(console: RunningConsole) -> None:
    """When the last browser is gone the log is no longer looked at; the engine is, for a while."""
    before = {task.get_name() for task in asyncio.all_tasks()}
    async with live_stream(console, "api_log"):
        await eventually(lambda: "api-log-follower" in _tasks(), within=2)
    await eventually(lambda: _tasks() <= before, within=3, what="the end of what streams began")


async def test_a_server_that_stops_ends_its_streams(sqlite_url: str, tmp_path: Path) -> None:
    """At once, with the code for going away: it waits for no browser."""
    database = await open_database(sqlite_url)
    hub = LiveHub(database, FakeEngine())
    loop = asyncio.get_running_loop()
    try:
        async with running_console(sqlite_url, tmp_path, live=hub, stream=Stream(hub)) as console:
            stream = live_stream(console, *TOPICS)
            watching = await stream.__aenter__()
            await watching.until(lambda: watching.snapshots["calls"])
            began = loop.time()
        assert loop.time() - began < 2
        assert watching.socket.close_code == 1012
        await stream.__aexit__(None, None, None)
    finally:
        await hub.close()
        await database.close()


async def _request(console: RunningConsole, service: str = "setting/ping/act") -> None:
    """Ask the Simotel API for something, as nobody it knows."""
    await console.http.post(f"/api/v4/{service}", json={})


def _tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


def _row(number: int) -> ApiLogRow:
    return ApiLogRow(
        id=number,
        at=0,
        request_id="",
        account=None,
        address="",
        service="",
        method="",
        status=200,
        success=1,
        message=None,
        error_field=None,
        duration_us=0,
    )


async def _write(database: Database, number: int) -> None:
    row: dict[str, Any] = {
        "id": number,
        "at": now(),
        "request_id": "r",
        "address": "127.0.0.1",
        "service": "s",
        "method": "POST",
        "status": 200,
        "duration": 1,
    }
    async with database.write() as tx:
        await tx.execute(insert(api_log).values(**row))
