"""``/reports/agent/search``: stays of agents in queues, and their breaks, once they are over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.sa.dates import RowDates
from tamas.sa.fields import DigitsOrEmpty, Nested, Text, optional
from tamas.sa.reports.words import hhmmss, seconds
from tamas.sa.search import DatedSearch, Listing, matching
from tamas.sa.service import Page, Paged, ServiceContext, service
from tamas.store.schema import agent_sessions

_c = agent_sessions.c

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "60cb10824f9805dce1490b25",
    "type": "inout",
    "exten": "550",
    "qnum": "903",
    "start": "2021-06-17 13:35:52",
    "end": "2021-06-17 13:36:10",
    "duration": 18,
    "inout": 1,
    "inout_du": 18,
    "duration_hhmmss": "00:00:18",
}
"""One row of an answer. Of a break, ``pause`` stands where ``inout`` does."""


class SessionConditions(msgspec.Struct, kw_only=True):
    """What stays and breaks must match; ``""`` matches everything."""

    src: Annotated[str, optional(Text(max=80), wire="from", example="", note="As exten.")] = ""
    dst: Annotated[str, optional(Text(max=80), wire="to", example="", note="As queue.")] = ""
    exten: Annotated[str, optional(DigitsOrEmpty(), lenient_aliases=("agent",), example="")] = ""
    queue: Annotated[str, optional(DigitsOrEmpty(), lenient_aliases=("qnum",), example="")] = ""


class SessionSearch(DatedSearch, kw_only=True):
    """Which stays and breaks to list; the time is that of their end."""

    conditions: Annotated[SessionConditions | None, optional(Nested(SessionConditions))] = None
    agent: Annotated[str, optional(DigitsOrEmpty(), lenient_only=True)] = ""


def session_row(session: Any, dates: RowDates) -> dict[str, Any]:
    """A row of ``agent_sessions`` in the words of the catalogue."""
    duration = session.ended_at - session.started_at
    return {
        "_id": session.id,
        "type": session.type,
        "exten": session.agent,
        "qnum": session.queue,
        "start": dates.text(session.started_at),
        "end": dates.text(session.ended_at),
        "duration": seconds(duration),
        session.type: 1,
        f"{session.type}_du": seconds(duration),
        "duration_hhmmss": hhmmss(duration),
    }


LISTING = Listing(
    select=select(agent_sessions),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "type": _c.type,
        "exten": _c.agent,
        "qnum": _c.queue,
        "queue": _c.queue,
        "start": _c.started_at,
        "end": _c.ended_at,
        "duration": _c.ended_at - _c.started_at,
    },
    sorting={"end": -1},
    dated=_c.ended_at,
    row=session_row,
)


@service(
    "reports/agent/search",
    op="search",
    summary="Operator presence and break report",
    request=SessionSearch,
    answer=Paged(
        EXAMPLE_ROW,
        sorting=LISTING.sorting,
        extra={"target": "agent", "useGroupBy": False},
        sometimes=("inout", "inout_du"),
    ),
)
async def search(context: ServiceContext, request: SessionSearch) -> Page:
    asked = request.conditions or SessionConditions()
    wanted = matching(
        request.alike,
        (_c.agent, asked.src),
        (_c.agent, asked.exten or request.agent),
        (_c.queue, asked.dst),
        (_c.queue, asked.queue),
    )
    return await LISTING.page(context, request, *wanted)
