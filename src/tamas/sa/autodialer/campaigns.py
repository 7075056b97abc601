"""``/autodialer/campaigns/*``: who is called, when, over what, and what they hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.autodialer.campaigns import (
    MAX_TRIES,
    MAX_TRY_INTERVAL,
    USUAL_TRY_INTERVAL,
    add_campaign,
    change_campaign,
    remove_campaign,
)
from tamas.dialplan.plans import autodialer_contexts
from tamas.sa.autodialer.answers import answered
from tamas.sa.autodialer.field_types import IdOrEmpty, Ids, Numbers
from tamas.sa.dates import BadDate, RowDates, parse_filter_date
from tamas.sa.envelope import DONE
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import (
    Field,
    Id,
    IntOrDigits,
    Nested,
    OneOf,
    Text,
    identifier,
    logical,
    optional,
    required,
)
from tamas.sa.pbx.field_types import Title
from tamas.sa.reports.words import epoch
from tamas.sa.search import FilterDate, Listing, PagedSearch, matching
from tamas.sa.service import Added, Data, Page, Paged, ServiceContext, Written, service
from tamas.store.autodialer_schema import campaigns

_c = campaigns.c

_MANAGER_NOTE = "From autodialer/trunks/search; that of the example must be replaced."


def _context() -> Field:
    return optional(
        Text(max=80),
        example="",
        note="Context of an Autodialer Route of the live plan, where answered calls begin.",
    )


def _text() -> Field:
    return optional(Text(max=80), example="", note="Row of that component; empty: the row any.")


def _numbers() -> Field:
    return logical(
        Numbers(),
        example=["09120000000"],
        note="Numbers and groups together are called, each number once; one of both is needed.",
    )


def _groups() -> Field:
    return logical(Ids(), example=[""], note="From autodialer/groups/search.")


def _interval() -> Field:
    return logical(
        IntOrDigits(high=MAX_TRY_INTERVAL), example="600", note="Seconds between two tries of a number."
    )


def _tries() -> Field:
    return logical(
        IntOrDigits(low=1, high=MAX_TRIES), wire="try", example="1", note="Calls that a number gets at most."
    )


def _start() -> Field:
    return logical(FilterDate(), example="2021-02-19 15:17", note="Left out: now.")


def _end() -> Field:
    return logical(FilterDate(), example="2021-02-23 15:17", note="Left out: three days after the start.")


def _announcement() -> Field:
    return logical(
        IdOrEmpty(),
        example="5e5b629ec92de075df7af457",
        note="From autodialer/announcements/search; that of the example must be replaced. Needed where "
        "there is no interface_context; with one it is played first.",
    )


class CampaignAdd(msgspec.Struct, kw_only=True):
    """A new campaign."""

    name: Annotated[str, required(Title(), example="test")]
    trunk_manager_id: Annotated[str, required(Id(), example="5f6c5b56c92de0068f32e592", note=_MANAGER_NOTE)]
    interface_context: Annotated[str, _context()] = ""
    interface_text: Annotated[str, _text()] = ""
    numbers: Annotated[list[str], _numbers()] = []
    groups: Annotated[list[str], _groups()] = []
    try_interval: Annotated[int, _interval()] = USUAL_TRY_INTERVAL
    max_tries: Annotated[int, _tries()] = 1
    start: Annotated[str, _start()] = ""
    end: Annotated[str, _end()] = ""
    announcement: Annotated[str, _announcement()] = ""
    description: Annotated[str, optional(Text(), example="")] = ""


class CampaignUpdate(msgspec.Struct, kw_only=True):
    """Changes of a campaign; what is left out stays."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(Title(), example="test")] = None
    trunk_manager_id: Annotated[str | None, logical(Id(), note=_MANAGER_NOTE)] = None
    interface_context: Annotated[str | None, _context()] = None
    interface_text: Annotated[str | None, _text()] = None
    numbers: Annotated[list[str] | None, _numbers()] = None
    groups: Annotated[list[str] | None, _groups()] = None
    try_interval: Annotated[int | None, _interval()] = None
    max_tries: Annotated[int | None, _tries()] = None
    start: Annotated[str, _start()] = ""
    end: Annotated[str, _end()] = ""
    announcement: Annotated[str | None, _announcement()] = None
    description: Annotated[str | None, optional(Text(), example="")] = None


class CampaignRemove(msgspec.Struct, kw_only=True):
    """Names the campaign to delete."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, optional(Title(), lenient_only=True)] = None


class CampaignConditions(msgspec.Struct, kw_only=True):
    """What campaigns must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="test")] = ""
    description: Annotated[str, optional(Text(), example="")] = ""
    status: Annotated[str, optional(OneOf("waiting", "running", "completed"), example="")] = ""


class CampaignSearch(PagedSearch, kw_only=True):
    """Which campaigns to list."""

    conditions: Annotated[CampaignConditions | None, optional(Nested(CampaignConditions))] = None


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "654338c7766d71477c6319c3",
    "name": "test",
    "trunk_manager_id": "652ea11ed86c8023fb4bfa55",
    "interface_context": "auto",
    "interface_text": "text1",
    "numbers": ["09120000000"],
    "groups": ["5e96c8c2c92de0468920657e"],
    "try_interval": "600",
    "try": "1",
    "start": "2021-02-19 15:17:00",
    "end": "2021-02-23 15:17:00",
    "announcement": "65433892c08a113c497ee373",
    "description": "",
    "count": 3,
    "repeat": 1,
    "date": "2023-11-02 09:21:03",
    "status": "completed",
    "isoStart": {"$date": {"$numberLong": "1613735220000"}},
    "isoEnd": {"$date": {"$numberLong": "1614080820000"}},
    "hs": 1,
    "statistics": {
        "all": {
            "sum": 0,
            "avg": 0,
            "wait": 0,
            "wait_avg": 0,
            "try": 3,
            "try_avg": 3,
            "min_date": {"$date": {"$numberLong": "1697545548007"}},
            "max_date": {"$date": {"$numberLong": "1697545548007"}},
            "count": 1,
            "numbers": 1,
            "disposition": {"LOST": {"count": 1}},
            "success": 0,
        },
        "sep": [
            {
                "_id": 1,
                "sum": 0,
                "avg": 0,
                "wait": 0,
                "wait_avg": 0,
                "try": 3,
                "try_avg": 3,
                "min_date": {"$date": {"$numberLong": "1697545548007"}},
                "max_date": {"$date": {"$numberLong": "1697545548007"}},
                "count": 1,
                "numbers": 1,
                "disposition": {"LOST": {"count": 1}},
                "answered": 0,
                "success": 0,
            }
        ],
    },
}
"""A row with everything that a row may have."""
SOMETIMES = frozenset({"hs", "statistics"})
"""Keys that only a campaign has of which a round was completed."""


def _row(campaign: Any, dates: RowDates) -> dict[str, Any]:
    values = campaign._mapping  # noqa: SLF001 - public, whatever its name; count would be a method
    row = {
        "_id": campaign.id,
        "name": campaign.name,
        "trunk_manager_id": campaign.trunk_manager_id,
        "interface_context": campaign.interface_context,
        "interface_text": campaign.interface_text,
        "numbers": msgspec.json.decode(campaign.numbers),
        "groups": msgspec.json.decode(campaign.groups),
        "try_interval": str(campaign.try_interval),
        "try": str(campaign.max_tries),
        "start": dates.text(campaign.start_at),
        "end": dates.text(campaign.end_at),
        "announcement": campaign.announcement,
        "description": campaign.description,
        "count": values["count"],
        "repeat": campaign.round,
        "date": dates.text(campaign.created_at),
        "status": campaign.status,
        "isoStart": epoch(campaign.start_at),
        "isoEnd": epoch(campaign.end_at),
    }
    if campaign.statistics:
        statistics = msgspec.json.decode(campaign.statistics)
        row["hs"] = max((each["_id"] for each in statistics["sep"]), default=0)
        row["statistics"] = statistics
    return row


LISTING = Listing(
    select=select(campaigns).where(_c.removed_at.is_(None)),
    key=_c.id,
    sortable={
        "_id": _c.id,
        "name": _c.name,
        "trunk_manager_id": _c.trunk_manager_id,
        "interface_context": _c.interface_context,
        "interface_text": _c.interface_text,
        "try_interval": _c.try_interval,
        "try": _c.max_tries,
        "start": _c.start_at,
        "end": _c.end_at,
        "isoStart": _c.start_at,
        "isoEnd": _c.end_at,
        "announcement": _c.announcement,
        "description": _c.description,
        "count": _c.count,
        "repeat": _c.round,
        "date": _c.created_at,
        "status": _c.status,
    },
    sorting={"date": -1},
    row=_row,
)


@service(
    "autodialer/campaigns/add",
    op="add",
    summary="Create a calling campaign",
    description="It waits for its start. How many numbers it calls is known at once.",
    request=CampaignAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: CampaignAdd) -> str:
    values = _columns(request, context.runtime)
    try:
        await _check_context(context, request.interface_context)
    except OperationFailed:
        if not (context.lenient and request.announcement):
            raise
        # One client always sends a context, also for a campaign that only plays a sound.
        values |= {"interface_context": "", "interface_text": ""}
    with answered(context):
        return await add_campaign(context.database, **values)


@service(
    "autodialer/campaigns/search",
    op="search",
    summary="List or find campaigns",
    request=CampaignSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting, sometimes=SOMETIMES),
)
async def search(context: ServiceContext, request: CampaignSearch) -> Page:
    asked = request.conditions or CampaignConditions()
    wanted = matching(request.alike, (_c.name, asked.name), (_c.description, asked.description))
    if asked.status:
        wanted.append(_c.status == asked.status)
    return await LISTING.page(context, request, *wanted)


@service(
    "autodialer/campaigns/update",
    op="update",
    summary="Change a campaign",
    description=(
        "While it runs, its name, description, end and tries may change; the rest may be sent as it is. "
        "Answers how many numbers it calls."
    ),
    request=CampaignUpdate,
    answer=Data(message=DONE, data={"count": 1}),
)
async def change(context: ServiceContext, request: CampaignUpdate) -> dict[str, int]:
    values = _columns(request, context.runtime)
    identity, before = await _named(context, values.pop("id"), request.name)
    if values.get("interface_context") != before["interface_context"]:
        await _check_context(context, values.get("interface_context"))
    if not request.id:
        values.pop("name")
    with answered(context):
        return {"count": await change_campaign(context.database, identity, values)}


@service(
    "autodialer/campaigns/remove",
    op="remove",
    summary="Delete a campaign",
    description="No call of it begins any more, those in progress go on, and its reports stay.",
    request=CampaignRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: CampaignRemove) -> None:
    identity, _ = await _named(context, request.id, request.name)
    with answered(context):
        await remove_campaign(context.database, identity)


def _columns(request: CampaignAdd | CampaignUpdate, runtime: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, by column."""
    sent = msgspec.structs.asdict(request)
    for name in ("start", "end"):
        text = sent.pop(name)
        if not text:
            continue
        try:
            # A day alone begins the campaign with its first moment and ends it with its last.
            whole_day = name == "end" and ":" not in text
            sent[f"{name}_at"] = parse_filter_date(text, runtime, end=whole_day)
        except BadDate as error:
            raise OperationFailed(name) from error
    return {key: value for key, value in sent.items() if value is not None}


async def _check_context(context: ServiceContext, name: str | None) -> None:
    """A campaign without a place in the call flow would call people to hang up on them."""
    if name and name not in await autodialer_contexts(context.database):
        raise OperationFailed("interface_context")


async def _named(context: ServiceContext, identity: str, name: str | None) -> tuple[str, Mapping[str, Any]]:
    """The campaign that a request names, by id or (lenient) by a name that no other has."""
    which = _c.id == identity if identity else _c.name == name
    async with context.database.read() as connection:
        rows = await connection.rows(
            select(_c.id, _c.interface_context).where(which, _c.removed_at.is_(None)).limit(2)
        )
    if len(rows) != 1:
        raise OperationFailed("_id" if identity else "name")
    return str(rows[0]["id"]), rows[0]
