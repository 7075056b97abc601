"""``/pbx/blacklists/*``: callers that are not welcome. A call flow says what happens to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tamas.sa.pbx.number_lists import (
    EntryAdd,
    EntryRemove,
    EntrySearch,
    EntryUpdate,
    NumberList,
    entry_rows,
)
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.schema import blacklist

EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b7fb70e50df5528e6ce5ba",
    "number": "557",
    "comment": "",
    "date": "2023-07-19 16:04:16",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_ENTRIES = NumberList(table=blacklist)
_COLUMNS = (blacklist.c.id, blacklist.c.number, blacklist.c.comment, blacklist.c.created_at)


@service(
    "pbx/blacklists/add",
    op="add",
    summary="Add a number to the blacklist",
    request=EntryAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: EntryAdd) -> str:
    return await _ENTRIES.add(context, msgspec.structs.asdict(request))


@service(
    "pbx/blacklists/update",
    op="update",
    summary="Change a blacklist entry",
    request=EntryUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: EntryUpdate) -> None:
    await _ENTRIES.change(context, request, {"number": request.number, "comment": request.comment})


@service(
    "pbx/blacklists/search",
    op="search",
    summary="List or find blacklisted numbers",
    request=EntrySearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: EntrySearch) -> list[dict[str, Any]]:
    found = await _ENTRIES.find(context, request, _COLUMNS)
    return await entry_rows(context, found, tuple(EXAMPLE_ROW))


@service(
    "pbx/blacklists/remove",
    op="remove",
    summary="Delete a blacklist entry",
    request=EntryRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: EntryRemove) -> None:
    await _ENTRIES.remove(context, request)
