"""``/autodialer/trunks/*``: trunk managers, which say how fast the dialer may use a trunk.

The catalogue has no way to make or to delete one; ``add`` and ``remove`` are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from tamas.autodialer.trunk_managers import (
    ALWAYS,
    MAX_CACHE,
    MAX_CAPACITY,
    MAX_INTERVAL,
    STATUSES,
    add_trunk_manager,
    change_trunk_manager,
    read_trunk_managers,
    remove_trunk_manager,
)
from tamas.sa.autodialer.answers import answered
from tamas.sa.autodialer.field_types import ActiveTimes
from tamas.sa.dates import RowDates
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import (
    Id,
    IntOrDigits,
    Nested,
    OneOf,
    Text,
    alike,
    identifier,
    logical,
    optional,
    required,
)
from tamas.sa.pbx.field_types import Title
from tamas.sa.search import matching
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.autodialer_schema import trunk_managers

_m = trunk_managers.c

_CAPACITY = IntOrDigits(high=MAX_CAPACITY)
_INTERVAL = IntOrDigits(high=MAX_INTERVAL)
_CACHE = IntOrDigits(low=1, high=MAX_CACHE)
_CAPACITY_NOTE = "Most calls of the dialer at the same time."
_INTERVAL_NOTE = "Seconds between two calls; 0: none."
_CACHE_NOTE = "Numbers read at a time; the preset is meant to be left alone."


class ManagerAdd(msgspec.Struct, kw_only=True):
    """A new trunk manager."""

    title: Annotated[str, required(Title(), lenient_aliases=("name",), example="autodialer")]
    trunk_id: Annotated[
        str, required(Id(), example="5f19760ace4f6d16dd2e3e0c", note="From pbx/trunks/search.")
    ]
    status: Annotated[str, logical(OneOf(*STATUSES), example="active")] = "active"
    capacity: Annotated[
        int, logical(_CAPACITY, lenient_aliases=("max_channels",), example="5", note=_CAPACITY_NOTE)
    ] = 1
    dial_interval: Annotated[int, logical(_INTERVAL, example="1", note=_INTERVAL_NOTE)] = 1
    wait_cache_length: Annotated[int, logical(_CACHE, example="100", note=_CACHE_NOTE)] = 100
    active_times: Annotated[
        Mapping[str, Any],
        logical(ActiveTimes(), example={"1": ["9", "10"], "7": ["9", "10"]}, note="Left out: always."),
    ] = msgspec.field(default_factory=lambda: dict(ALWAYS))


class ManagerUpdate(msgspec.Struct, kw_only=True):
    """Changes of a trunk manager; what is left out stays. Trunk and hours are not changed here."""

    id: Annotated[str, identifier(natural_key="title")] = ""
    title: Annotated[str | None, logical(Title(), lenient_aliases=("name",), example="autodialer1")] = None
    status: Annotated[str | None, logical(OneOf(*STATUSES), example="active")] = None
    wait_cache_length: Annotated[int | None, logical(_CACHE, example="100", note=_CACHE_NOTE)] = None
    capacity: Annotated[
        int | None,
        logical(_CAPACITY, lenient_aliases=("max_channels",), example="50", note=_CAPACITY_NOTE),
    ] = None
    dial_interval: Annotated[int | None, logical(_INTERVAL, example="1", note=_INTERVAL_NOTE)] = None


class ManagerRemove(msgspec.Struct, kw_only=True):
    """Names the trunk manager to delete."""

    id: Annotated[str, identifier(natural_key="title")] = ""
    title: Annotated[str | None, optional(Title(), lenient_only=True, lenient_aliases=("name",))] = None


class ManagerConditions(msgspec.Struct, kw_only=True):
    """What trunk managers must match; ``""`` matches everything."""

    title: Annotated[str, optional(Text(max=80), example="autodialer")] = ""


class ManagerSearch(msgspec.Struct, kw_only=True):
    """Which trunk managers to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[ManagerConditions | None, optional(Nested(ManagerConditions))] = None


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "5ec63107ce4f6d12c43e250f",
    "title": "autodialer",
    "trunk_id": {"$oid": "5f19760ace4f6d16dd2e3e0c"},
    "status": "active",
    "active_times": {"1": ["10", "11"], "7": ["9", "10"]},
    "capacity": "5",
    "dial_interval": "1",
    "wait_cache_length": "100",
    "date": "2020-05-21 12:13:03",
    "current_capacity": 0,
    "current_wait_cache_length": 0,
}
"""One row of an answer; its keys are the keys of every row, in this order."""


@service(
    "autodialer/trunks/add",
    op="add",
    summary="Create a trunk manager",
    description="An addition of ours: elsewhere trunk managers are made in the console.",
    request=ManagerAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: ManagerAdd) -> str:
    with answered(context):
        return await add_trunk_manager(context.database, **msgspec.structs.asdict(request))


@service(
    "autodialer/trunks/search",
    op="search",
    summary="List or find trunk managers",
    request=ManagerSearch,
    answer=Listed(EXAMPLE_ROW),
    aliases=("autodialer/trunks",),
)
async def find(context: ServiceContext, request: ManagerSearch) -> list[dict[str, Any]]:
    asked = request.conditions or ManagerConditions()
    wanted = matching(request.alike, (_m.title, asked.title))
    found = await context.database.long_read(lambda connection: read_trunk_managers(connection, *wanted))
    return await asyncio.to_thread(_rows, found, RowDates(context.runtime))


def _rows(found: Sequence[Mapping[str, Any]], dates: RowDates) -> list[dict[str, Any]]:
    return [
        {
            "_id": row["id"],
            "title": row["title"],
            "trunk_id": {"$oid": row["trunk_id"]},
            "status": row["status"],
            "active_times": row["active_times"],
            "capacity": str(row["capacity"]),
            "dial_interval": str(row["dial_interval"]),
            "wait_cache_length": str(row["wait_cache_length"]),
            "date": dates.text(row["created_at"]),
            "current_capacity": row["calls"],
            # Numbers are claimed as they are dialed: none waits in memory.
            "current_wait_cache_length": 0,
        }
        for row in found
    ]


@service(
    "autodialer/trunks/update",
    op="update",
    summary="Change a trunk manager",
    request=ManagerUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: ManagerUpdate) -> None:
    values = msgspec.structs.asdict(request)
    identity = values.pop("id") or await _titled(context, values.pop("title"))
    with answered(context):
        await change_trunk_manager(context.database, identity, values)


@service(
    "autodialer/trunks/remove",
    op="remove",
    summary="Delete a trunk manager",
    description="An addition of ours. Refused while a campaign that dials through it waits or runs.",
    request=ManagerRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: ManagerRemove) -> None:
    identity = request.id or await _titled(context, request.title)
    with answered(context):
        await remove_trunk_manager(context.database, identity)


async def _titled(context: ServiceContext, title: str | None) -> str:
    """The id of the only trunk manager of a title (lenient)."""
    async with context.database.read() as connection:
        rows = await connection.rows(select(_m.id).where(_m.title == title).limit(2))
    if len(rows) != 1:
        raise OperationFailed("title")
    return str(rows[0]["id"])
