"""``/reports/quick/search`` and ``/reports/cdr/*``: one row for each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, or_, select

from tamas.sa.dates import RowDates
from tamas.sa.envelope import DONE
from tamas.sa.fields import Nested, Text, optional
from tamas.sa.reports.words import ROW_VERSION, epoch, hhmmss, of_call, seconds, sip
from tamas.sa.search import DatedUnlessCuidSearch, Listing, OrderedAfter, matches, matching
from tamas.sa.service import Following, Ordered, Page, Paged, ServiceContext, service
from tamas.store.clock import MICROSECONDS
from tamas.store.schema import calls

_c = calls.c

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b7a3f443180c714b12b631",
    "type": "local",
    "cuid": "1689756645.72",
    "clid": '"101" <101>',
    "src": "101",
    "dst": "100",
    "dcontext": "main_routing",
    "channel": "SIP/101-0000002a",
    "dstchannel": "SIP/100-0000002b",
    "lastapp": "Dial",
    "lastdata": "SIP/100,,TtKkg",
    "start": "2023-07-19 13:20:45",
    "answer": "2023-07-19 13:20:47",
    "duration": 15,
    "billsec": 13,
    "disposition": "ANSWERED",
    "amaflags": "DOCUMENTATION",
    "accountcode": "",
    "uniqueid": "1689756645.72",
    "userfield": "",
    "sequence": "48",
    "comment": "",
    "v": 2,
    "did": "1541",
    "entry_point": "t1541",
    "outgoing_point": "center",
    "originated_call_id": "orig.call.1662920001.861610",
    "route": [
        {
            "type": "Extension",
            "name": "Extension 100",
            "duration": 12.898469,
            "date": {"$date": {"$numberLong": "1689756658694"}},
        }
    ],
    "details": [
        {"date": "2023-07-19 13:20:45", "billsec": 0, "status": "NO ANSWER", "exten": "102", "comment": None}
    ],
    "wait": 2,
    "starttime": "2023-07-19 13:20:45",
    "endtime": "2023-07-19 13:21:00",
    "hangup": "callee",
    "record": "20230719_1689756645.72.mp3",
    "ANSWERED": 1,
    "local": 1,
    "billsec_hhmmss": "00:00:13",
    "wait_hhmmss": "00:00:02",
    "duration_hhmmss": "00:00:15",
}
"""A row with everything that a row may have; what a call has not is left out of its row."""
SOMETIMES = frozenset(
    {"did", "entry_point", "outgoing_point", "originated_call_id", "route", "details", "hangup", "record"}
    | {"ANSWERED", "local"}  # named after what became of the call, and after its type
)
"""Keys that not every row has."""


class CallConditions(msgspec.Struct, kw_only=True):
    """What calls must match; ``""`` matches everything."""

    src: Annotated[str, optional(Text(max=80), wire="from", example="", note="Source number.")] = ""
    dst: Annotated[str, optional(Text(max=80), wire="to", example="", note="Destination number.")] = ""
    cuid: Annotated[str, optional(Text(max=80), example="", note="Of one call.")] = ""


class QuickSearch(DatedUnlessCuidSearch, kw_only=True):
    """Which calls to list."""

    conditions: Annotated[CallConditions | None, optional(Nested(CallConditions))] = None


class CdrConditions(CallConditions, kw_only=True):
    """What calls must match; ``""`` matches everything."""

    extension: Annotated[
        str, optional(Text(max=80), example="", note="Who called, was called, or took it from a queue.")
    ] = ""


class CdrSearch(DatedUnlessCuidSearch, kw_only=True):
    """Which calls to list."""

    conditions: Annotated[CdrConditions | None, optional(Nested(CdrConditions))] = None


def call_row(call: Any, dates: RowDates) -> dict[str, Any]:
    """A row of ``calls`` in the words of the catalogue."""
    duration = call.ended_at - call.started_at
    row: dict[str, Any] = {
        "_id": call.id,
        "type": call.type,
        "cuid": call.cuid,
        "clid": call.clid,
        "src": call.src,
        "dst": call.dst,
        "dcontext": call.dcontext,
        "channel": sip(call.channel),
        "dstchannel": sip(call.dstchannel),
        "lastapp": call.lastapp,
        "lastdata": sip(call.lastdata),
        "start": dates.text(call.started_at),
        "answer": "" if call.answered_at is None else dates.gregorian(call.answered_at),
        "duration": seconds(duration),
        "billsec": seconds(call.billsec),
        "disposition": call.disposition,
        "amaflags": call.amaflags,
        "accountcode": call.accountcode,
        "uniqueid": call.cuid,
        "userfield": call.userfield,
        "sequence": call.sequence,
        "comment": call.comment,
        "v": ROW_VERSION,
    }
    for key in ("did", "entry_point", "outgoing_point", "originated_call_id"):
        if value := getattr(call, key):
            row[key] = value
    if call.route:
        row["route"] = [_step(step) for step in msgspec.json.decode(call.route)]
    if call.legs:
        row["details"] = [_leg(leg, dates) for leg in msgspec.json.decode(call.legs)]
    row["wait"] = seconds(call.wait)
    row["starttime"] = dates.text(call.started_at)
    row["endtime"] = dates.text(call.ended_at)
    for key in ("hangup", "record"):
        if value := getattr(call, key):
            row[key] = value
    row[call.disposition] = 1
    row[call.type] = 1
    row["billsec_hhmmss"] = hhmmss(call.billsec)
    row["wait_hhmmss"] = hhmmss(call.wait)
    row["duration_hhmmss"] = hhmmss(duration)
    return row


def _step(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": step["type"],
        "name": step["name"],
        "duration": step["duration"] / MICROSECONDS,
        "date": epoch(step["at"]),
    }


def _leg(leg: dict[str, Any], dates: RowDates) -> dict[str, Any]:
    return {
        "date": dates.text(leg["at"]),
        "billsec": seconds(leg["billsec"]),
        "status": leg["status"],
        "exten": leg["exten"],
        "comment": None,
    }


LISTING = Listing(
    select=select(calls),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "type": _c.type,
        "cuid": _c.cuid,
        "uniqueid": _c.cuid,
        "clid": _c.clid,
        "src": _c.src,
        "dst": _c.dst,
        "did": _c.did,
        "disposition": _c.disposition,
        "start": _c.started_at,
        "starttime": _c.started_at,
        "endtime": _c.ended_at,
        "answer": _c.answered_at,
        "duration": _c.ended_at - _c.started_at,
        "billsec": _c.billsec,
        "wait": _c.wait,
        "entry_point": _c.entry_point,
        "outgoing_point": _c.outgoing_point,
        "hangup": _c.hangup,
        "record": _c.record,
    },
    sorting={"starttime": -1},
    dated=_c.started_at,
    row=call_row,
)


def _wanted(request: QuickSearch | CdrSearch) -> list[ColumnElement[bool]]:
    asked, like = request.conditions or CallConditions(), request.alike
    return [
        *matching(like, (_c.src, asked.src), (_c.dst, asked.dst)),
        *of_call(_c.cuid, asked.cuid, like=like),
    ]


@service(
    "reports/quick/search",
    op="search",
    summary="Call report, newest first",
    description="With conditions.cuid no dates are needed.",
    request=QuickSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting, message=DONE, sometimes=SOMETIMES),
    aliases=("reports/cdr",),
)
async def quick_search(context: ServiceContext, request: QuickSearch) -> Page:
    return await LISTING.page(context, request, *_wanted(request))


@service(
    "reports/cdr/search",
    op="search",
    summary="Call report with cuid filter",
    description="With conditions.cuid no dates are needed.",
    request=CdrSearch,
    answer=Paged(
        EXAMPLE_ROW,
        sorting=LISTING.sorting,
        extra={"target": "cdr", "useGroupBy": False},
        sometimes=SOMETIMES,
    ),
)
async def cdr_search(context: ServiceContext, request: CdrSearch) -> Page:
    wanted = _wanted(request)
    if request.conditions is not None and (number := request.conditions.extension):
        wanted.append(
            or_(*(matches(each, number, like=request.alike) for each in (_c.src, _c.dst, _c.agent)))
        )
    return await LISTING.page(context, request, *wanted)


@service(
    "reports/cdr/ordered/id",
    op="read",
    summary="Walk all call records by id",
    description="Ids grow in the order in which rows appear, so last_id leads on without a gap.",
    request=OrderedAfter,
    answer=Ordered(EXAMPLE_ROW, sometimes=SOMETIMES),
)
async def cdr_ordered(context: ServiceContext, request: OrderedAfter) -> Following:
    return await LISTING.after(context, request)
