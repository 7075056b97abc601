"""``/reports/queue_details/*`` and ``/reports/quick/info``: one row for each time a queue rang an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.sa.dates import RowDates
from tamas.sa.fields import DigitsOrEmpty, Nested, Text, optional, required
from tamas.sa.reports.words import ROW_VERSION, epoch, hhmmss, of_call, seconds, sip
from tamas.sa.search import DatedSearch, Listing, OrderedAfter, matching
from tamas.sa.service import Following, Listed, Ordered, Page, Paged, ServiceContext, service
from tamas.store.schema import queue_attempts

_c = queue_attempts.c

ROW_TYPE = "queue_report"

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "60d0d647895b44fe5bbc6672",
    "type": ROW_TYPE,
    "cuid": "1624299033.75565",
    "clid": '"0912" <0912>',
    "src": "09120000000",
    "dst": "560",
    "dcontext": "simotel-local-agents",
    "channel": "Local/560@simotel-local-agents-00000ba6;2",
    "dstchannel": "SIP/560-00009bf4",
    "lastapp": "Dial",
    "lastdata": "SIP/560",
    "start": "2021-06-21 22:41:04",
    "answer": "",
    "duration": 15,
    "billsec": 0,
    "disposition": "NO ANSWER",
    "amaflags": "DOCUMENTATION",
    "accountcode": "",
    "uniqueid": "1624299064.75567",
    "userfield": "",
    "sequence": "53966",
    "comment": "",
    "v": 2,
    "qnum": "901",
    "starttime": "2021-06-21 22:41:04",
    "endtime": {"$date": {"$numberLong": "1624299079724"}},
    "queue_id": "1624299064.1411",
    "NO ANSWER": 1,
    "wait": 15,
    "tries": 1,
    "last_try": {"$date": {"$numberLong": "1624299079724"}},
    "record": "20210621_1624299033.75565.mp3",
    "billsec_hhmmss": "00:00:00",
    "wait_hhmmss": "00:00:15",
    "duration_hhmmss": "00:00:15",
    "dst_name": "Sara",
}
"""A row with everything that a row may have; ``record`` is there when the talk was recorded."""
SOMETIMES = frozenset({"record", "NO ANSWER"})
"""Keys that not every row has; the last is named after what became of the attempt."""
_ADDED_BY_SEARCH = ("billsec_hhmmss", "wait_hhmmss", "duration_hhmmss", "dst_name")
"""Keys that the rows of ``quick/info`` lack."""


class AttemptConditions(msgspec.Struct, kw_only=True):
    """What attempts must match; ``""`` matches everything."""

    src: Annotated[str, optional(Text(max=80), wire="from", example="", note="Caller.")] = ""
    dst: Annotated[str, optional(Text(max=80), wire="to", example="", note="Agent.")] = ""
    cuid: Annotated[str, optional(Text(max=80), example="", note="Of one call.")] = ""
    queue: Annotated[str, optional(DigitsOrEmpty(), lenient_aliases=("qnum",), example="")] = ""
    queue_id: Annotated[
        str, optional(Text(max=80), example="", note="Of one visit to a queue, from reports/queue/search.")
    ] = ""


class AttemptSearch(DatedSearch, kw_only=True):
    """Which attempts to list."""

    conditions: Annotated[AttemptConditions | None, optional(Nested(AttemptConditions))] = None


class QuickInfo(msgspec.Struct, kw_only=True):
    """Of which call."""

    cuid: Annotated[
        str, required(Text(max=80), example="1624299033.75565", note="From reports/quick/search.")
    ]


def attempt_row(attempt: Any, dates: RowDates) -> dict[str, Any]:
    """A row of ``queue_attempts`` in the words of the catalogue."""
    row = _plain_row(attempt, dates)
    return row | {
        "billsec_hhmmss": hhmmss(attempt.billsec),
        "wait_hhmmss": hhmmss(attempt.wait),
        "duration_hhmmss": hhmmss(attempt.ended_at - attempt.started_at),
        "dst_name": attempt.agent_name,
    }


def _plain_row(attempt: Any, dates: RowDates) -> dict[str, Any]:
    started = dates.text(attempt.started_at)
    row: dict[str, Any] = {
        "_id": attempt.id,
        "type": ROW_TYPE,
        "cuid": attempt.cuid,
        "clid": attempt.clid,
        "src": attempt.src,
        "dst": attempt.agent,
        "dcontext": attempt.dcontext,
        "channel": sip(attempt.channel),
        "dstchannel": sip(attempt.dstchannel),
        "lastapp": attempt.lastapp,
        "lastdata": sip(attempt.lastdata),
        "start": started,
        "answer": "" if attempt.answered_at is None else dates.gregorian(attempt.answered_at),
        "duration": seconds(attempt.ended_at - attempt.started_at),
        "billsec": seconds(attempt.billsec),
        "disposition": attempt.disposition,
        "amaflags": attempt.amaflags,
        "accountcode": attempt.accountcode,
        "uniqueid": attempt.uniqueid,
        "userfield": attempt.userfield,
        "sequence": attempt.sequence,
        "comment": "",
        "v": ROW_VERSION,
        "qnum": attempt.queue,
        "starttime": started,
        "endtime": epoch(attempt.ended_at),
        "queue_id": attempt.queue_id,
        attempt.disposition: 1,
        "wait": seconds(attempt.wait),
        "tries": attempt.tries,
        "last_try": epoch(attempt.ended_at),
    }
    if attempt.record is not None:
        row["record"] = attempt.record
    return row


def _ordered_row(attempt: Any, dates: RowDates) -> dict[str, Any]:
    return attempt_row(attempt, dates) | {"endtime": dates.text(attempt.ended_at)}


LISTING = Listing(
    select=select(queue_attempts),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "queue_id": _c.queue_id,
        "uniqueid": _c.uniqueid,
        "cuid": _c.cuid,
        "clid": _c.clid,
        "src": _c.src,
        "dst": _c.agent,
        "dst_name": _c.agent_name,
        "qnum": _c.queue,
        "queue": _c.queue,
        "start": _c.started_at,
        "starttime": _c.started_at,
        "endtime": _c.ended_at,
        "last_try": _c.ended_at,
        "answer": _c.answered_at,
        "duration": _c.ended_at - _c.started_at,
        "wait": _c.wait,
        "billsec": _c.billsec,
        "disposition": _c.disposition,
        "tries": _c.tries,
        "record": _c.record,
    },
    sorting={"starttime": -1},
    dated=_c.started_at,
    row=attempt_row,
)
_FEED = replace(LISTING, row=_ordered_row)


@service(
    "reports/queue_details/search",
    op="search",
    summary="Queue attempts per operator",
    request=AttemptSearch,
    answer=Paged(
        EXAMPLE_ROW,
        sorting=LISTING.sorting,
        extra={"target": "queue", "useGroupBy": False},
        sometimes=SOMETIMES,
    ),
)
async def search(context: ServiceContext, request: AttemptSearch) -> Page:
    asked, like = request.conditions or AttemptConditions(), request.alike
    texts = ((_c.src, asked.src), (_c.agent, asked.dst), (_c.queue, asked.queue))
    ids = (*of_call(_c.cuid, asked.cuid, like=like), *of_call(_c.queue_id, asked.queue_id, like=like))
    return await LISTING.page(context, request, *matching(like, *texts), *ids)


@service(
    "reports/queue_details/ordered/id",
    op="read",
    summary="Walk all queue attempts by id",
    request=OrderedAfter,
    answer=Ordered({**EXAMPLE_ROW, "endtime": "2021-06-21 22:41:19"}, sometimes=SOMETIMES),
)
async def ordered(context: ServiceContext, request: OrderedAfter) -> Following:
    return await _FEED.after(context, request)


@service(
    "reports/quick/info",
    op="read",
    summary="Per-operator attempts of one queue call",
    description="An empty list for a call that was in no queue.",
    request=QuickInfo,
    answer=Listed(
        {key: value for key, value in EXAMPLE_ROW.items() if key not in _ADDED_BY_SEARCH}, sometimes=SOMETIMES
    ),
)
async def info(context: ServiceContext, request: QuickInfo) -> list[dict[str, Any]]:
    statement = select(queue_attempts).where(_c.cuid == request.cuid).order_by(_c.started_at, _c.id)
    async with context.database.read() as connection:
        found = list(await connection.execute(statement))
    dates = RowDates(context.runtime)
    return [_plain_row(attempt, dates) for attempt in found]
