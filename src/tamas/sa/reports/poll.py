"""``/reports/poll/search``: what callers answered in surveys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.sa.dates import RowDates
from tamas.sa.fields import DigitsOrEmpty, Nested, Text, optional
from tamas.sa.reports.words import of_call
from tamas.sa.search import DatedSearch, Listing, matching
from tamas.sa.service import Page, Paged, ServiceContext, service
from tamas.store.schema import poll_answers

_c = poll_answers.c

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "602244a95f1eb5fb5d42cb2b",
    "uniqueid": "1612858371.2269",
    "src": "09120000000",
    "dst": "555",
    "point": 15,
    "label": "sale",
    "qnum": "900",
    "date": "2021-02-09 11:45:37",
}
"""One row of an answer; its keys are the keys of every row, in this order."""


class PollConditions(msgspec.Struct, kw_only=True):
    """What answers must match; ``""`` matches everything."""

    src: Annotated[str, optional(Text(max=80), wire="from", example="", note="Who answered.")] = ""
    dst: Annotated[str, optional(Text(max=80), wire="to", example="", note="Agent, else the number.")] = ""
    label: Annotated[str, optional(Text(max=80), example="", note="Of the survey.")] = ""
    queue: Annotated[str, optional(DigitsOrEmpty(), lenient_aliases=("qnum",), example="")] = ""
    cuid: Annotated[str, optional(Text(max=80), example="", note="Of one call.")] = ""


class PollSearch(DatedSearch, kw_only=True):
    """Which answers to list."""

    conditions: Annotated[PollConditions | None, optional(Nested(PollConditions))] = None


def answer_row(answer: Any, dates: RowDates) -> dict[str, Any]:
    """A row of ``poll_answers`` in the words of the catalogue."""
    return {
        "_id": answer.id,
        "uniqueid": answer.cuid,
        "src": answer.src,
        "dst": answer.dst,
        "point": answer.point,
        "label": answer.label,
        "qnum": answer.queue,
        "date": dates.text(answer.answered_at),
    }


LISTING = Listing(
    select=select(poll_answers),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "uniqueid": _c.cuid,
        "src": _c.src,
        "dst": _c.dst,
        "point": _c.point,
        "label": _c.label,
        "qnum": _c.queue,
        "queue": _c.queue,
        "date": _c.answered_at,
    },
    sorting={"date": -1},
    dated=_c.answered_at,
    row=answer_row,
)


@service(
    "reports/poll/search",
    op="search",
    summary="Survey answers",
    request=PollSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting, extra={"target": "poll", "useGroupBy": False}),
)
async def search(context: ServiceContext, request: PollSearch) -> Page:
    asked, like = request.conditions or PollConditions(), request.alike
    texts = ((_c.src, asked.src), (_c.dst, asked.dst), (_c.label, asked.label), (_c.queue, asked.queue))
    return await LISTING.page(
        context, request, *matching(like, *texts), *of_call(_c.cuid, asked.cuid, like=like)
    )
