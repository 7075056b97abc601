"""The API log: complete, searchable, free of secrets, bounded."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import OperationalError

from sa._server import RunningSa
from support.waiting import eventually
from tamas.sa.api_log import (
    BUFFER_ROWS,
    FLUSH_SECONDS,
    PRUNE_BATCH,
    ApiLog,
    BadAddress,
    Entry,
    LogFilter,
    accounts_in_log,
    search_api_log,
)
from tamas.store.changes import Changes
from tamas.store.clock import DAY, MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.runtime_settings import set_runtime_setting
from tamas.store.schema import api_log

PING = "/api/v4/setting/ping/act"


def entry(at: int, **values: Any) -> Entry:
    """A row."""
    row = Entry(at, "r1", "a", "127.0.0.1", "pbx/users/add", "POST", 200, 1, "", None, 5)
    return row._replace(**values)


async def test_every_request_is_logged(sa_both: RunningSa) -> None:
    """Done, failed and refused requests: who, where, what, how it went, which field; all within 250 ms."""
    sa = sa_both
    auth = httpx.BasicAuth("caller", "secret-pass")
    began = now()
    await sa.http.post(PING, auth=auth)
    await sa.http.put("/api/v4/pbx/users/add", auth=auth, json={"name": "x"})
    await sa.http.post(
        "/api/v4/pbx/users/add", auth=auth, content=b"{", headers={"Content-Type": "text/json"}
    )
    await sa.http.post("/api/v4/" + "x/" * 100)
    await sa.http.get("/api/v4/test/file/download", auth=auth)
    await sa.http.get("/api/v4/openapi.json")
    await sa.http.get("/api/v4/a%00%0a%D9%A1")
    deadline = asyncio.get_running_loop().time() + FLUSH_SECONDS + 1.0

    async def complete() -> bool:
        return len(await search_api_log(sa.database)) == 7

    await eventually(complete, within=deadline - asyncio.get_running_loop().time(), what="the log")
    rows = list(reversed(await search_api_log(sa.database)))
    told = [(row.method, row.service, row.status, row.success, row.account, row.error_field) for row in rows]
    assert told == [
        ("POST", "setting/ping/act", 200, 1, "caller", None),
        ("PUT", "pbx/users/add", 200, 0, "caller", "number"),
        ("POST", "pbx/users/add", 415, 0, "caller", None),
        ("POST", ("x/" * 100)[:96], 401, 0, None, None),
        ("GET", "test/file/download", 404, None, "caller", None),
        ("GET", "openapi.json", 200, 1, None, None),
        ("GET", "a???", 401, 0, None, None),
    ]
    assert rows[1].message == "Field 'number':value is missing"
    for row in rows:
        assert row.address == "127.0.0.1"
        assert began <= row.at <= now()
        assert 0 <= row.duration < 10 * MICROSECONDS


async def test_request_ids_lead_to_the_log(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """The id in the answer's header is the one in the log."""
    answer = await sa.http.post(PING, auth=caller)
    rows = await sa.logged(limit=20)
    assert answer.headers["x-request-id"] in {row.request_id for row in rows}


async def test_secrets_are_never_logged(sa: RunningSa, caller: httpx.BasicAuth) -> None:
    """Nothing of query, body or headers is in the log."""
    secret = "Hidden-4711"
    body = {"name": secret, "number": secret, "secret": secret}
    await sa.http.post(f"/api/v4/pbx/users/add?password={secret}", auth=caller, json=body)
    await sa.http.post(PING, auth=(secret, secret), headers={"X-APIKEY": secret})
    rows = await sa.logged(limit=1000)
    assert rows
    assert secret not in repr(rows)
    assert "secret-pass" not in repr(rows)


async def test_searching(database: Database) -> None:
    """Each condition narrows; pages go backwards in time."""
    log = ApiLog(database)
    for number in range(10):
        log.add(
            entry(
                1000 + number,
                account="a" if number % 2 else "b",
                service="x" if number < 5 else "y",
                status=200 if number else 401,
                address=f"10.0.0.{number % 3}",
            )
        )
    await log.flush()

    async def ats(**conditions: object) -> list[int]:
        rows = await search_api_log(database, LogFilter(**conditions))  # type: ignore[arg-type]
        return [row.at - 1000 for row in rows]

    assert await ats() == list(range(9, -1, -1))
    assert await ats(account="a", service="x") == [3, 1]
    assert await ats(status=401) == [0]
    assert await ats(address="10.0.0.2") == [8, 5, 2]
    assert await ats(since=1003, until=1006) == [5, 4, 3]
    first = await search_api_log(database, limit=4)
    assert [row.at - 1000 for row in await search_api_log(database, limit=4, before_id=first[-1].id)] == [
        5,
        4,
        3,
        2,
    ]


async def test_searching_by_address_and_outcome(database: Database) -> None:
    """Addresses are found whole, by how they begin and by network; statuses by class; outcomes by meaning."""
    log = ApiLog(database)
    rows = [
        ("10.0.0.5", 200, 1),
        ("10.0.0.50", 200, 0),
        ("10.0.1.5", 401, 0),
        ("192.168.0.1", 403, 0),
        ("2001:db8::1", 501, 0),
        ("2001:db8:1::1", 404, None),
        ("unknown", 200, None),
    ]
    for number, (address, status, success) in enumerate(rows):
        log.add(entry(number, address=address, status=status, success=success))
    await log.flush()

    async def found(**conditions: Any) -> list[int]:
        return sorted(row.at for row in await search_api_log(database, LogFilter(**conditions)))

    assert await found(address="10.0.0.5") == [0]
    assert await found(address="10.0.0.") == [0, 1]
    assert await found(address="10.0.0.0/28") == [0]
    assert await found(address="10.0.0.0/23") == [0, 1, 2]
    assert await found(address="10.0.0.5/32") == [0]
    assert await found(address="2001:DB8:0::1") == [4]
    assert await found(address="2001:db8::/48") == [4]
    assert await found(address="2001:db8::/32") == [4, 5]
    assert await found(address="0.0.0.0/0") == [0, 1, 2, 3]
    assert await found(address="unknown") == [6]
    assert await found(status=4) == [2, 3, 5]
    assert await found(status=401) == [2]
    assert await found(outcome="done") == [0, 6]
    assert await found(outcome="refused") == [2, 3]
    assert await found(outcome="failed") == [1, 4, 5]
    assert await found(outcome="failed", address="10.0.0.0/8", status=2) == [1]
    for address in ("10.0.0.300/8", "%", "10.0.0._", "a' or 1"):
        with pytest.raises(BadAddress):
            await found(address=address)


async def test_pages_follow_the_start_of_requests(database: Database) -> None:
    """A long request is written after shorter ones that began later; no page repeats or leaves out a row."""
    log = ApiLog(database)
    for at in (5, 1, 4, 4, 2, 9, 4):
        log.add(entry(at))
    await log.flush()
    ats: list[int] = []
    before: int | None = None
    while page := await search_api_log(database, limit=2, before_id=before):
        ats += [row.at for row in page]
        before = page[-1].id
    assert ats == [9, 5, 4, 4, 4, 2, 1]


async def test_a_search_without_index_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only looking at each row can find is looked for in the latest rows before the named moment."""
    monkeypatch.setattr("tamas.sa.api_log.SCAN_ROWS", 4)
    log = ApiLog(database)
    for at in range(10):
        log.add(entry(at, account="a" if at % 2 else "b"))
    await log.flush()

    async def ats(**conditions: Any) -> list[int]:
        return [row.at for row in await search_api_log(database, LogFilter(**conditions))]

    assert await ats(status=200) == [9, 8, 7, 6]
    assert await ats(status=200, until=5) == [4, 3, 2, 1]
    assert await ats(address="127.0.0.0/8") == [9, 8, 7, 6]
    assert await ats(account="a") == [9, 7, 5, 3, 1]


async def test_accounts_in_the_log(database: Database) -> None:
    """Each account that ever called is named once, strangers are not."""
    log = ApiLog(database)
    assert await accounts_in_log(database) == []
    for name in ("b", None, "a", "b", "c", None):
        log.add(entry(1, account=name))
    await log.flush()
    assert await accounts_in_log(database) == ["a", "b", "c"]


async def test_pruning_by_age_and_number(database: Database) -> None:
    """Rows that are too old or too many go, in batches; the rest stays."""
    changes = Changes(database)
    await set_runtime_setting(database, changes, "api_log.days", 2)
    await set_runtime_setting(database, changes, "api_log.rows", 1500)
    today = now()
    old = [entry(today - 3 * DAY)._asdict() for _ in range(PRUNE_BATCH + 10)]
    fresh = [entry(today - DAY)._asdict() for _ in range(2 * PRUNE_BATCH)]
    async with database.write() as tx:
        await tx.execute(insert(api_log), old + fresh)
    log = ApiLog(database)
    await log.prune()
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(api_log)) == 1500
        assert await connection.scalar(select(func.min(api_log.c.at))) == today - DAY
    assert await log.prune() == 0


async def test_pruning_lets_the_log_be_written(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much there is to delete, what is logged meanwhile is stored after each batch of it."""
    log = ApiLog(sqlite_database)
    async with sqlite_database.write() as tx:
        await tx.execute(insert(api_log), [entry(5)._asdict() for _ in range(3 * PRUNE_BATCH + 1)])
    prune_batch = log._prune_batch
    stored: list[int] = []

    async def watched() -> int:
        stored.append(len(await search_api_log(sqlite_database, LogFilter(account="new"))))
        log.add(entry(now(), account="new"))
        return await prune_batch()

    monkeypatch.setattr(log, "_prune_batch", watched)
    assert await log.prune() == 3 * PRUNE_BATCH + 1
    assert stored == [0, 1, 2, 3]


async def test_the_writer_survives_what_nobody_foresaw(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected failure is told with its traceback, and the log is written all the same."""
    log = ApiLog(sqlite_database)
    write = log._write
    failures = iter([RuntimeError("a surprise")])

    async def fails_once(*given: Any) -> None:
        for failure in failures:
            raise failure
        await write(*given)

    monkeypatch.setattr(log, "_write", fails_once)
    await log.start()
    try:
        log.add(entry(1))

        async def written() -> bool:
            return len(await search_api_log(sqlite_database)) == 1

        await eventually(written, within=5, what="the entry")
        assert "a surprise" in caplog.text
    finally:
        await log.close()


async def test_a_full_buffer_drops_and_says_so(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """More than the buffer holds is counted and reported, and nobody waits for it."""
    log = ApiLog(sqlite_database)
    for number in range(BUFFER_ROWS + 7):
        log.add(entry(number))
    assert log.dropped == 7
    with caplog.at_level(logging.WARNING):
        await log.flush()
    assert "7 entries" in caplog.text
    assert log.dropped == 0
    assert len(await search_api_log(sqlite_database, limit=BUFFER_ROWS * 2)) == BUFFER_ROWS


async def test_a_store_that_fails_for_a_while(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Entries wait until the store can be written again; failing and recovering are told once each."""
    log = ApiLog(sqlite_database)
    written = log._write

    async def fails(*_: object) -> None:
        raise OperationalError("insert", {}, Exception("disk is full"))

    monkeypatch.setattr(log, "_write", fails)
    log.add(entry(1))
    with caplog.at_level(logging.INFO):
        await log.flush()
        await log.flush()
        monkeypatch.setattr(log, "_write", written)
        await log.flush()
    assert caplog.text.count("cannot be written") == 1
    assert caplog.text.count("written again") == 1
    assert len(await search_api_log(sqlite_database)) == 1


async def test_closing_writes_the_rest(sqlite_database: Database) -> None:
    """What was logged just before the end is not lost."""
    log = ApiLog(sqlite_database)
    await log.start()
    log.add(entry(1))
    await log.close()
    assert len(await search_api_log(sqlite_database)) == 1


MILLION = 1_000_000
FILLED_AT_ONCE = 100_000
FILL = text(
    """
    INSERT INTO api_log (at, request_id, account, address, service, method, status, success, duration)
    WITH RECURSIVE s(n) AS (
        SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < CAST(:last AS BIGINT)
    )
    SELECT n * 1000, 'r', CASE WHEN n = 5 THEN 'rare' WHEN n % 9 > 0 THEN 'a' END,
        '10.0.' || (n % 3) || '.' || (n % 200), CASE WHEN n % 2 > 0 THEN 'x' ELSE 'y' END,
        'POST', CASE WHEN n % 9 > 0 THEN 200 ELSE 401 END, 1, 1
    FROM s
    """
)


@pytest.mark.slow
async def test_a_million_rows(database: Database) -> None:
    """Pages and indexed filters take no longer than with few rows; what looks at each row ends in seconds."""
    for first in range(1, MILLION, FILLED_AT_ONCE):
        async with database.write() as tx:
            await tx.execute(FILL, {"first": first, "last": first + FILLED_AT_ONCE - 1})
    if database.dialect == "postgresql":
        async with database.write() as tx:
            await tx.execute(text("ANALYZE api_log"))

    async def seconds(before_id: int | None = None, **conditions: Any) -> tuple[float, int]:
        began = time.monotonic()
        found = await search_api_log(database, LogFilter(**conditions), before_id=before_id)
        return time.monotonic() - began, len(found)

    indexed: tuple[dict[str, Any], ...] = (
        {},
        {"before_id": MILLION // 2},
        {"account": "a"},
        {"account": "rare"},
        {"service": "x"},
        {"service": "none"},
        {"account": "a", "service": "y"},
        {"status": 4},
        {"outcome": "refused"},
        {"address": "10.0.1.0/24"},
        {"since": MILLION * 500, "until": MILLION * 501},
    )
    for conditions in indexed:
        took, count = await seconds(**conditions)
        assert took < 0.5, (conditions, took)
        expected = {"rare": 1}.get(
            conditions.get("account", ""), 0 if conditions.get("service") == "none" else 100
        )
        assert count == expected, conditions
    for scanned in (
        {"status": 5},
        {"outcome": "failed"},
        {"address": "10.9.0.1"},
        {"address": "10.8.0.0/13"},
    ):
        took, count = await seconds(**scanned)
        assert took < 5, (scanned, took)
        assert count == 0, scanned
