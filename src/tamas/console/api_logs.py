"""Maintenance > API Logs: what programs asked of the Simotel API."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from starlette.responses import StreamingResponse

from tamas.console.context import ConsoleContext
from tamas.console.errors import Invalid
from tamas.console.field_types import Whole
from tamas.console.lists import DEFAULT_COUNT, MAX_COUNT
from tamas.console.rights import API_LOGS, READ
from tamas.console.service import service
from tamas.console.times import microseconds, milliseconds
from tamas.sa.accounts import list_accounts
from tamas.sa.api_log import BadAddress, LogEntry, LogFilter, Outcome, accounts_in_log, search_api_log
from tamas.sa.dates import RowDates
from tamas.sa.fields import NoParameters, OneOf, Pattern, Text, optional
from tamas.store.database import Database

EXPORT_ROWS = 100_000
"""Rows of one export, the latest; a last line tells when there are more."""
EXPORT_PAGE = 2000
"""Rows read at a time."""
_MOMENT = Whole(high=2**43)
"""Milliseconds, up to the year 2248."""
_HEAD = (
    "date",
    "request_id",
    "account",
    "address",
    "service",
    "method",
    "status",
    "success",
    "message",
    "error_field",
    "duration_ms",
)
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK = "\ufeff"
"""Tells spreadsheets that the text is UTF-8."""


class LogQuery(msgspec.Struct, kw_only=True):
    """Which requests."""

    account: Annotated[str, optional(Text(max=64))] = ""
    service: Annotated[str, optional(Text(max=128), note="Path such as pbx/users/add.")] = ""
    status: Annotated[
        str, optional(Pattern(r"[1-5](?:[0-9]{2}|xx)", allows_empty=True), note="Such as 403 or 4xx.")
    ] = ""
    outcome: Annotated[str, optional(OneOf("all", "done", "failed", "refused"))] = "all"
    address: Annotated[str, optional(Text(max=64), note="An address, a network, or how addresses begin.")] = (
        ""
    )
    since: Annotated[int | None, optional(_MOMENT)] = None
    until: Annotated[int | None, optional(_MOMENT, note="Not included.")] = None


class LogPageQuery(LogQuery, kw_only=True):
    """Which page of them, the latest first."""

    before_id: Annotated[int | None, optional(Whole(), note="The last id of the page before.")] = None
    count: Annotated[int, optional(Whole(low=1, high=MAX_COUNT))] = DEFAULT_COUNT


class ApiLogRow(msgspec.Struct, kw_only=True):
    """A request."""

    id: int
    at: int
    request_id: str
    account: str | None
    """``null``: nobody we know."""
    address: str
    service: str
    method: str
    status: int
    success: int | None
    """As in the answer; ``null`` where that has no such field."""
    message: str | None
    error_field: str | None
    duration_us: int


class ApiLogPage(msgspec.Struct, kw_only=True):
    """Requests, the latest first."""

    rows: list[ApiLogRow]
    more: bool


class LogFilters(msgspec.Struct, kw_only=True):
    """What filters can name."""

    accounts: list[str]
    services: list[str]


def api_log_row(entry: LogEntry) -> ApiLogRow:
    """An entry of the log as it is told."""
    return ApiLogRow(
        id=entry.id,
        at=milliseconds(entry.at),
        request_id=entry.request_id,
        account=entry.account,
        address=entry.address,
        service=entry.service,
        method=entry.method,
        status=entry.status,
        success=entry.success,
        message=entry.message,
        error_field=entry.error_field,
        duration_us=entry.duration,
    )


@service(
    "api_log/list",
    page=API_LOGS,
    right=READ,
    summary="List requests to the Simotel API, the latest first",
    request=LogPageQuery,
)
async def list_requests(context: ConsoleContext, request: LogPageQuery) -> ApiLogPage:
    """Read a page of the log."""
    found = await _search(
        context.database, _filter(request), limit=request.count + 1, before_id=request.before_id
    )
    return ApiLogPage(
        rows=[api_log_row(entry) for entry in found[: request.count]], more=len(found) > request.count
    )


@service(
    "api_log/filters",
    page=API_LOGS,
    right=READ,
    summary="List the accounts and services by which requests can be looked for",
)
async def filters(context: ConsoleContext, _request: NoParameters) -> LogFilters:
    """Read what filters can name."""
    accounts = {account.username for account in await list_accounts(context.database)}
    accounts.update(await accounts_in_log(context.database))
    return LogFilters(
        accounts=sorted(accounts, key=str.casefold),
        services=sorted(declared.path for declared in context.sa_services),
    )


@service(
    "api_log/export",
    page=API_LOGS,
    right=READ,
    summary="Download requests to the Simotel API as CSV, the latest first",
    description=f"At most {EXPORT_ROWS:,} rows. Dates are in the configured calendar and time zone.",
    request=LogQuery,
)
async def export(context: ConsoleContext, request: LogQuery) -> StreamingResponse:
    """Send the log as a file."""
    wanted = _filter(request)
    first = await _search(context.database, wanted, limit=EXPORT_PAGE, before_id=None)
    dates = RowDates(context.runtime)
    return StreamingResponse(
        _lines(context.database, wanted, first, dates),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="api-log.csv"'},
    )


async def _lines(
    database: Database, wanted: LogFilter, page: list[LogEntry], dates: RowDates
) -> AsyncIterator[str]:
    """The file, piece by piece; rows that come meanwhile are not in it."""
    yield _BYTE_ORDER_MARK + _csv([_HEAD])
    written = 0
    while page:
        room = EXPORT_ROWS - written
        yield _csv([_cells(entry, dates) for entry in page[:room]])
        written += len(page)
        if len(page) > room:
            yield _csv([(f"Only the latest {EXPORT_ROWS} requests; narrow the filter to see others.",)])
            return
        if len(page) < EXPORT_PAGE:
            return
        page = await search_api_log(database, wanted, limit=EXPORT_PAGE, before_id=page[-1].id)


def _cells(entry: LogEntry, dates: RowDates) -> tuple[Any, ...]:
    return (
        dates.text(entry.at),
        entry.request_id,
        _harmless(entry.account),
        entry.address,
        _harmless(entry.service),
        _harmless(entry.method),
        entry.status,
        "" if entry.success is None else entry.success,
        _harmless(entry.message),
        _harmless(entry.error_field),
        entry.duration / 1000,
    )


def _harmless(text: str | None) -> str:
    """A text that no spreadsheet takes for a formula."""
    if text is None:
        return ""
    return "'" + text if text.startswith(_FORMULA_SIGNS) else text


def _csv(rows: list[tuple[Any, ...]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _filter(request: LogQuery) -> LogFilter:
    outcome: Outcome | None = None if request.outcome == "all" else request.outcome  # type: ignore[assignment]
    return LogFilter(
        account=request.account or None,
        service=request.service.strip("/") or None,
        status=int(request.status.removesuffix("xx")) if request.status else None,
        outcome=outcome,
        address=request.address or None,
        since=None if request.since is None else microseconds(request.since),
        until=None if request.until is None else microseconds(request.until),
    )


async def _search(
    database: Database, wanted: LogFilter, *, limit: int, before_id: int | None
) -> list[LogEntry]:
    try:
        return await search_api_log(database, wanted, limit=limit, before_id=before_id)
    except BadAddress as error:
        raise Invalid(str(error), field="address") from error
