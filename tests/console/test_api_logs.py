"""Maintenance > API Logs: pages, filters, and the file."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from console._console import RunningConsole
from tamas.console.service import PREFIX
from tamas.sa.api_log import Entry
from tamas.store.clock import MICROSECONDS, now

AT = 1_763_870_000 * MICROSECONDS
"""2025-11-23 03:53:20 UTC."""


async def log(console: RunningConsole, *entries: dict[str, Any]) -> None:
    """Write entries, a millisecond apart."""
    for number, values in enumerate(entries):
        entry = Entry(
            AT + number * 1000,
            f"r{number}",
            "crm",
            "10.0.0.5",
            "pbx/users/add",
            "POST",
            200,
            1,
            "",
            None,
            1500,
        )
        console.sa.gateway.log.add(entry._replace(**values))
    await console.sa.gateway.log.flush()


async def found(console: RunningConsole, **query: Any) -> list[str]:
    """Request ids of a page, in its order."""
    return [row["request_id"] for row in (await console.get("api_log/list", **query))["rows"]]


async def test_rows_are_told_whole(console_both: RunningConsole) -> None:
    """Everything the log knows, times in milliseconds, and nothing where it knows nothing."""
    console = console_both
    await log(
        console,
        {"message": "Field 'name':value is missing", "error_field": "name", "success": 0},
        {"account": None, "status": 401, "success": None, "message": None},
    )
    page = await console.get("api_log/list")
    assert page["more"] is False
    stranger, failed = page["rows"]
    assert failed == {
        "id": failed["id"],
        "at": AT // 1000,
        "request_id": "r0",
        "account": "crm",
        "address": "10.0.0.5",
        "service": "pbx/users/add",
        "method": "POST",
        "status": 200,
        "success": 0,
        "message": "Field 'name':value is missing",
        "error_field": "name",
        "duration_us": 1500,
    }
    assert (stranger["account"], stranger["success"], stranger["message"]) == (None, None, None)


async def test_real_requests_are_listed(console_both: RunningConsole) -> None:
    """What a program asks appears with its request id; reading the log itself does not."""
    console = console_both
    answer = await console.http.post("/api/v4/setting/ping/act")
    await console.sa.gateway.log.flush()
    (row,) = (await console.get("api_log/list"))["rows"]
    assert (row["request_id"], row["status"]) == (answer.headers["x-request-id"], 401)
    assert abs(row["at"] - now() // 1000) < 60_000


async def test_pages_go_back_in_time(console_both: RunningConsole) -> None:
    """Each page begins after the last row of the one before, and the last one says so."""
    console = console_both
    await log(console, *({} for _ in range(7)))
    first = await console.get("api_log/list", count=3)
    second = await console.get("api_log/list", count=3, before_id=first["rows"][-1]["id"])
    third = await console.get("api_log/list", count=3, before_id=second["rows"][-1]["id"])
    pages = [[row["request_id"] for row in page["rows"]] for page in (first, second, third)]
    assert pages == [["r6", "r5", "r4"], ["r3", "r2", "r1"], ["r0"]]
    assert [page["more"] for page in (first, second, third)] == [True, True, False]


async def test_filters_narrow(console_both: RunningConsole) -> None:
    """By account, service, status and its class, outcome, address, network and time, each and together."""
    console = console_both
    await log(
        console,
        {},
        {"account": "erp", "service": "call/originate/act", "success": 0},
        {"account": None, "status": 401, "success": 0, "address": "203.0.113.9"},
        {"status": 403, "success": 0, "address": "10.1.0.7"},
        {"status": 501, "success": 0, "service": "no/such/thing"},
    )
    assert await found(console, account="erp") == ["r1"]
    assert await found(console, service="/pbx/users/add/") == ["r3", "r2", "r0"]
    assert await found(console, status="501") == ["r4"]
    assert await found(console, status="4xx") == ["r3", "r2"]
    assert await found(console, outcome="done") == ["r0"]
    assert await found(console, outcome="failed") == ["r4", "r1"]
    assert await found(console, outcome="refused") == ["r3", "r2"]
    assert await found(console, outcome="all", address="10.0.0.0/8") == ["r4", "r3", "r1", "r0"]
    assert await found(console, address="10.1.") == ["r3"]
    assert await found(console, address="203.0.113.9", status="401", service="pbx/users/add") == ["r2"]
    assert await found(console, since=AT // 1000 + 1, until=AT // 1000 + 3) == ["r2", "r1"]
    assert await found(console, account="nobody") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"address": "10.0.0.300/8"}, "address"),
        ({"address": "%"}, "address"),
        ({"status": "teapot"}, "status"),
        ({"status": "9xx"}, "status"),
        ({"outcome": "perhaps"}, "outcome"),
        ({"since": "yesterday"}, "since"),
        ({"until": 10**30}, "until"),
        ({"count": 0}, "count"),
        ({"count": 100_000}, "count"),
        ({"before_id": "x"}, "before_id"),
    ],
)
async def test_what_is_no_filter(console: RunningConsole, query: dict[str, Any], field: str) -> None:
    """Each mistake is told with its field, for the list and, where it has it, for the file."""
    refused = await console.refused("api_log/list", "GET", **query)
    assert (refused["status"], refused["code"], refused["field"]) == (422, "invalid", field)
    if field not in ("count", "before_id"):
        refused = await console.refused("api_log/export", "GET", **query)
        assert (refused["status"], refused["field"]) == (422, field)


async def test_what_filters_can_name(console_both: RunningConsole) -> None:
    """Accounts there are and accounts there were; the services of the registry."""
    console = console_both
    await console.post("api_accounts/add", username="new", auth="token", permissions=["*"])
    await log(console, {"account": "gone"}, {"account": None})
    answer = await console.get("api_log/filters")
    assert answer["accounts"] == ["gone", "new"]
    assert "pbx/users/add" in answer["services"]


async def exported(console: RunningConsole, **query: Any) -> list[dict[str, str]]:
    """The file, read as a spreadsheet does."""
    answer = await console.http.get(f"{PREFIX}/api_log/export", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_the_file_holds_what_the_list_shows(console_both: RunningConsole) -> None:
    """Same filters and order; dates in the configured calendar and zone; text with commas and lines."""
    console = console_both
    await console.post("settings/simotel_api_update", calendar="jalali", timezone="Asia/Tehran")
    message = 'Field "a, b":\nvalue is missing'
    await log(
        console,
        {"message": message, "account": "علی"},
        {"status": 401, "account": None, "success": None, "message": None},
    )
    stranger, failed = await exported(console)
    assert failed == {
        "date": "1404-09-02 07:23:20",
        "request_id": "r0",
        "account": "علی",
        "address": "10.0.0.5",
        "service": "pbx/users/add",
        "method": "POST",
        "status": "200",
        "success": "1",
        "message": message,
        "error_field": "",
        "duration_ms": "1.5",
    }
    assert (stranger["account"], stranger["success"], stranger["message"]) == ("", "", "")
    assert [row["request_id"] for row in await exported(console, status="4xx")] == ["r1"]
    assert await exported(console, account="nobody") == []


async def test_no_cell_is_a_formula(console: RunningConsole) -> None:
    """What somebody outside can put into the log does nothing when it is opened in a spreadsheet."""
    evil = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1")
    await log(console, *({"service": text[:96], "account": text, "message": text} for text in evil))
    for row in await exported(console):
        for name in ("service", "account", "message"):
            assert row[name].startswith("'"), row


async def test_a_long_file_has_an_end(console_both: RunningConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes page by page without a gap, stops at its limit, and its last line says so."""
    console = console_both
    monkeypatch.setattr("tamas.console.api_logs.EXPORT_PAGE", 4)
    monkeypatch.setattr("tamas.console.api_logs.EXPORT_ROWS", 10)
    await log(console, *({} for _ in range(10)))
    assert [row["request_id"] for row in await exported(console)] == [f"r{n}" for n in range(9, -1, -1)]
    await log(console, *({"at": AT - 1, "request_id": "older"} for _ in range(3)))
    rows = await exported(console)
    assert [row["request_id"] for row in rows[:10]] == [f"r{n}" for n in range(9, -1, -1)]
    assert rows[10]["date"].startswith("Only the latest 10 requests")
    assert len(rows) == 11


async def test_who_may_see_it(console: RunningConsole) -> None:
    """Without the right to the page there is neither list nor file."""
    stranger = await console.browser(rights={"home": ["read"]})
    for path in ("api_log/list", "api_log/filters", "api_log/export"):
        assert (await stranger.refused(path, "GET"))["status"] == 403
