"""``/autodialer/reports/*``: what became of each number, in each round of a campaign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, select

from tamas.autodialer.cause_words import words_of_cause
from tamas.sa.dates import RowDates
from tamas.sa.envelope import DONE
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Id, Nested, OneOf, Text, identifier, optional
from tamas.sa.reports.words import epoch, hhmmss, sip
from tamas.sa.search import Listing, OptionallyDatedSearch, OrderedAfter, matching
from tamas.sa.service import Data, Following, Ordered, Page, Paged, ServiceContext, service
from tamas.store.autodialer_schema import DISPOSITIONS, dial_attempts, dialer_reports
from tamas.store.clock import MICROSECONDS

STATUS = "in-process"
"""``status`` of every row (SA catalogue)."""
AMAFLAGS = "DOCUMENTATION"
"""Of every call, as in the call report."""

_r, _a = dialer_reports.c, dial_attempts.c

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "602e50b6305bdd377168a8c0",
    "start": "2021-02-18 15:04:11",
    "end": "2021-02-21 15:04:00",
    "date": "2021-02-18 15:04:11",
    "campaign_id": {"$oid": "602e3cdf62743702bc4d7ca6"},
    "campaign": "test",
    "interface_context": "poll07",
    "interface_text": "",
    "trunk_manager_id": {"$oid": "5ff6ae1a54aa59760b2b9c83"},
    "announcement": "",
    "number": "09120000000",
    "disposition": "BUSY",
    "try": 1,
    "repeat": 3,
    "status": STATUS,
    "billsec": 0,
    "wait": 1,
    "input": "",
    "tries": [
        {
            "cdr_id": {"$oid": "602e50b6305bdd377168a8bf"},
            "cause": "21",
            "cause-txt": "Call Rejected",
            "starttime": {"$date": {"$numberLong": "1613648051000"}},
            "disposition": "BUSY",
            "wait": 1,
        }
    ],
    "BUSY": 1,
    "billsec_hhmmss": "00:00:00",
    "wait_hhmmss": "00:00:01",
}
"""One row of an answer; one key is named after the disposition."""
SOMETIMES = frozenset({"BUSY"})
"""Keys that not every row has."""


class ReportConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    disposition: Annotated[
        str,
        optional(
            OneOf(
                *DISPOSITIONS,
                labels={"answered": "ANSWERED", "unanswered": "NO ANSWER", "missed": "LOST", "all": ""},
            ),
            example="",
            note="MACHINE is an addition of ours: an answering machine answered.",
        ),
    ] = ""
    campaign_id: Annotated[str, optional(Id(), example="")] = ""
    campaign: Annotated[str, optional(Text(max=80), example="", note="Its name.")] = ""
    number: Annotated[str, optional(Text(max=80), example="")] = ""


class ReportSearch(OptionallyDatedSearch, kw_only=True):
    """Which rows to list."""

    conditions: Annotated[ReportConditions | None, optional(Nested(ReportConditions))] = None


class AttemptInfo(msgspec.Struct, kw_only=True):
    """Which attempt."""

    id: Annotated[str, identifier(example="602e50ce305bdd377168a8c1")] = ""


@dataclass(frozen=True)
class _Reported:
    """A row of the report and the attempts that it tells of."""

    report: Any
    tries: list[Any]


def _with_tries(connection: Connection, found: list[Any]) -> list[_Reported]:
    """Each row with its attempts that are over, in order."""
    tries: dict[tuple[int, str, int], list[Any]] = defaultdict(list)
    statement = (
        select(
            _a.id,
            _a.campaign,
            _a.number,
            _a.round,
            _a.cause,
            _a.started_at,
            _a.disposition,
            _a.wait,
        )
        .where(
            _a.number_id.in_({row.number_id for row in found}),
            _a.round.in_({row.round for row in found}),
            _a.ended_at.is_not(None),
        )
        .order_by(_a["try"])
    )
    for attempt in connection.execute(statement):
        tries[attempt.campaign, attempt.number, attempt.round].append(attempt)
    return [_Reported(row, tries[row.campaign, row.number, row.round]) for row in found]


def _row(reported: _Reported, dates: RowDates) -> dict[str, Any]:
    report = reported.report
    return {
        "_id": report.id,
        "start": dates.text(report.start_at),
        "end": dates.text(report.end_at),
        "date": dates.text(report.attempted_at),
        "campaign_id": {"$oid": report.campaign_id},
        "campaign": report.name,
        "interface_context": report.interface_context,
        "interface_text": report.interface_text,
        "trunk_manager_id": {"$oid": report.trunk_manager_id},
        "announcement": report.announcement,
        "number": report.number,
        "disposition": report.disposition,
        "try": report.tries,
        "repeat": report.round,
        "status": STATUS,
        "billsec": report.billsec,
        "wait": report.wait,
        "input": report.input,
        "tries": [_try(attempt) for attempt in reported.tries],
        report.disposition: 1,
        "billsec_hhmmss": hhmmss(report.billsec * MICROSECONDS),
        "wait_hhmmss": hhmmss(report.wait * MICROSECONDS),
    }


def _try(attempt: Any) -> dict[str, Any]:
    cause = attempt.cause
    return {
        "cdr_id": {"$oid": attempt.id},
        "cause": None if cause is None else str(cause),
        "cause-txt": None if cause is None else words_of_cause(cause),
        "starttime": epoch(attempt.started_at),
        "disposition": attempt.disposition,
        "wait": attempt.wait,
    }


LISTING = Listing(
    select=select(dialer_reports),
    key=_r.id,
    sortable={
        "_id": _r.id,
        "start": _r.start_at,
        "end": _r.end_at,
        "date": _r.attempted_at,
        "campaign_id": _r.campaign_id,
        "campaign": _r.name,
        "interface_context": _r.interface_context,
        "interface_text": _r.interface_text,
        "trunk_manager_id": _r.trunk_manager_id,
        "announcement": _r.announcement,
        "number": _r.number,
        "disposition": _r.disposition,
        "try": _r.tries,
        "repeat": _r.round,
        "billsec": _r.billsec,
        "wait": _r.wait,
        "input": _r.input,
    },
    sorting={"date": -1},
    dated=_r.attempted_at,
    complete=_with_tries,
    row=_row,
)


@service(
    "autodialer/reports/search",
    op="search",
    summary="Report of campaigns: one row for each number and round",
    description="A row appears with the number's first attempt and tells of its last one.",
    request=ReportSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting, sometimes=SOMETIMES),
)
async def search(context: ServiceContext, request: ReportSearch) -> Page:
    asked = request.conditions or ReportConditions()
    wanted = matching(request.alike, (_r.number, asked.number), (_r.name, asked.campaign))
    exact = ((_r.disposition, asked.disposition), (_r.campaign_id, asked.campaign_id))
    wanted += [column == value for column, value in exact if value]
    return await LISTING.page(context, request, *wanted)


@service(
    "autodialer/reports/ordered/id",
    op="read",
    summary="Walk the whole report of campaigns by id",
    description="Ids grow in the order in which rows appear; a row that changes later keeps its place.",
    request=OrderedAfter,
    answer=Ordered(EXAMPLE_ROW, sometimes=SOMETIMES),
)
async def ordered(context: ServiceContext, request: OrderedAfter) -> Following:
    return await LISTING.after(context, request)


@service(
    "autodialer/reports/info",
    op="read",
    summary="The channel of one attempt",
    description="Of tries[].cdr_id of a row.",
    request=AttemptInfo,
    answer=Data(
        message=DONE,
        data={
            "dcontext": "poll07",
            "amaflags": AMAFLAGS,
            "channel": "SIP/dahdi-00000be0",
            "duration": 2,
            "wait": 0,
        },
    ),
)
async def info(context: ServiceContext, request: AttemptInfo) -> dict[str, Any]:
    async with context.database.read() as connection:
        attempt = await connection.row(
            select(_a.dcontext, _a.channel, _a.duration, _a.wait).where(_a.id == request.id)
        )
    if attempt is None:
        raise OperationFailed("_id")
    return {
        "dcontext": attempt["dcontext"],
        "amaflags": AMAFLAGS,
        "channel": sip(attempt["channel"]),
        "duration": attempt["duration"],
        "wait": attempt["wait"],
    }
