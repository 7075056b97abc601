"""``/reports/queue/*``: one row for each visit of a call to a queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.sa.dates import RowDates
from tamas.sa.fields import DigitsOrEmpty, Nested, Text, optional
from tamas.sa.reports.words import ROW_VERSION, epoch, hhmmss, of_call, seconds
from tamas.sa.search import DatedSearch, Listing, OrderedAfter, matching
from tamas.sa.service import Following, Ordered, Page, Paged, ServiceContext, service
from tamas.store.schema import queue_visits

_c = queue_visits.c

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "60c8a7ad8b2427f7c61c58ae",
    "duration": 47,
    "wait": 12,
    "agent_wait": 5,
    "billsec": 35,
    "queue_id": "1623762829.4035",
    "src": "02100000000",
    "dst": "564",
    "cuid": "1623762811.55413",
    "qnum": "901",
    "starttime": "2021-06-15 17:43:49",
    "endtime": {"$date": {"$numberLong": "1623762876416"}},
    "ringtime": {"$date": {"$numberLong": "1623762836873"}},
    "answeredtime": {"$date": {"$numberLong": "1623762841075"}},
    "queue_status": "CONTINUE",
    "disposition": "ANSWERED",
    "hangup": "agent",
    "ANSWERED": 1,
    "v": 2,
    "billsec_hhmmss": "00:00:35",
    "wait_hhmmss": "00:00:12",
    "duration_hhmmss": "00:00:47",
    "dst_name": "Sara",
}
"""A row with everything that a row may have. Without an answer there is no ``answeredtime``; ``ringtime`` is
null when no phone rang."""
SOMETIMES = frozenset({"ringtime", "answeredtime", "queue_status", "hangup", "ANSWERED"})
"""Keys that not every row has, or has with a value; the last is named after what became of the visit."""


class QueueConditions(msgspec.Struct, kw_only=True):
    """What visits must match; ``""`` matches everything."""

    src: Annotated[str, optional(Text(max=80), wire="from", example="", note="Caller.")] = ""
    dst: Annotated[
        str, optional(Text(max=80), wire="to", example="", note="Agent who took it, or was rung last.")
    ] = ""
    cuid: Annotated[str, optional(Text(max=80), example="", note="Of one call.")] = ""
    qnum: Annotated[str, optional(DigitsOrEmpty(), lenient_aliases=("queue",), example="")] = ""


class QueueSearch(DatedSearch, kw_only=True):
    """Which visits to list."""

    conditions: Annotated[QueueConditions | None, optional(Nested(QueueConditions))] = None
    queue: Annotated[str, optional(DigitsOrEmpty(), lenient_only=True)] = ""


def visit_row(visit: Any, dates: RowDates) -> dict[str, Any]:
    """A row of ``queue_visits`` in the words of the catalogue."""
    duration = visit.ended_at - visit.started_at
    row: dict[str, Any] = {
        "_id": visit.id,
        "duration": seconds(duration),
        "wait": seconds(visit.wait),
        "agent_wait": seconds(visit.agent_wait),
        "billsec": seconds(visit.billsec),
        "queue_id": visit.queue_id,
        "src": visit.src,
        "dst": visit.agent,
        "cuid": visit.cuid,
        "qnum": visit.queue,
        "starttime": dates.text(visit.started_at),
        "endtime": epoch(visit.ended_at),
        "ringtime": None if visit.ringing_at is None else epoch(visit.ringing_at),
    }
    if visit.answered_at is not None:
        row["answeredtime"] = epoch(visit.answered_at)
    if visit.queue_status is not None:
        row["queue_status"] = visit.queue_status
    row["disposition"] = visit.disposition
    if visit.hangup is not None:
        row["hangup"] = visit.hangup
    return row | {
        visit.disposition: 1,
        "v": ROW_VERSION,
        "billsec_hhmmss": hhmmss(visit.billsec),
        "wait_hhmmss": hhmmss(visit.wait),
        "duration_hhmmss": hhmmss(duration),
        "dst_name": visit.agent_name,
    }


def _ordered_row(visit: Any, dates: RowDates) -> dict[str, Any]:
    return visit_row(visit, dates) | {"endtime": dates.text(visit.ended_at)}


LISTING = Listing(
    select=select(queue_visits),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "queue_id": _c.queue_id,
        "cuid": _c.cuid,
        "src": _c.src,
        "dst": _c.agent,
        "dst_name": _c.agent_name,
        "qnum": _c.queue,
        "starttime": _c.started_at,
        "endtime": _c.ended_at,
        "ringtime": _c.ringing_at,
        "answeredtime": _c.answered_at,
        "duration": _c.ended_at - _c.started_at,
        "wait": _c.wait,
        "agent_wait": _c.agent_wait,
        "billsec": _c.billsec,
        "disposition": _c.disposition,
        "queue_status": _c.queue_status,
        "hangup": _c.hangup,
    },
    sorting={"starttime": -1},
    dated=_c.started_at,
    row=visit_row,
)
_FEED = replace(LISTING, row=_ordered_row)


@service(
    "reports/queue/search",
    op="search",
    summary="Queue call report",
    request=QueueSearch,
    answer=Paged(
        EXAMPLE_ROW,
        sorting=LISTING.sorting,
        extra={"target": "queue_stat", "useGroupBy": False},
        sometimes=SOMETIMES,
    ),
)
async def search(context: ServiceContext, request: QueueSearch) -> Page:
    asked, like = request.conditions or QueueConditions(), request.alike
    texts = ((_c.src, asked.src), (_c.agent, asked.dst), (_c.queue, asked.qnum or request.queue))
    return await LISTING.page(
        context, request, *matching(like, *texts), *of_call(_c.cuid, asked.cuid, like=like)
    )


@service(
    "reports/queue/ordered/id",
    op="read",
    summary="Walk all queue calls by id",
    request=OrderedAfter,
    answer=Ordered({**EXAMPLE_ROW, "endtime": "2021-06-15 17:44:36"}, sometimes=SOMETIMES),
)
async def ordered(context: ServiceContext, request: OrderedAfter) -> Following:
    return await _FEED.after(context, request)
