"""``/pbx/whitelists/*``: callers with labels, by which a call flow can choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from tamas.sa.fields import Field, logical
from tamas.sa.pbx.field_types import Labels
from tamas.sa.pbx.number_lists import (
    EntryAdd,
    EntryRemove,
    EntrySearch,
    EntryUpdate,
    NumberList,
    entry_rows,
)
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.schema import whitelist


def _labels(example: list[str]) -> Field:
    return logical(Labels(), example=example)


class WhitelistAdd(EntryAdd, kw_only=True):
    """A new entry."""

    labels: Annotated[tuple[str, ...], _labels(["test"])] = ()


class WhitelistUpdate(EntryUpdate, kw_only=True):
    """Changes of an entry; what is left out stays."""

    labels: Annotated[tuple[str, ...] | None, _labels(["ext_test"])] = None


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b7fe28f944002b8d333cec",
    "number": "557",
    "labels": ["ext_test"],
    "comment": "",
    "date": "2023-07-19 16:15:52",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_ENTRIES = NumberList(table=whitelist)
_w = whitelist.c
_COLUMNS = (_w.id, _w.number, _w.labels, _w.comment, _w.created_at)


@service(
    "pbx/whitelists/add",
    op="add",
    summary="Add a number to the whitelist",
    request=WhitelistAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: WhitelistAdd) -> str:
    values = {"number": request.number, "labels": _written(request.labels), "comment": request.comment}
    return await _ENTRIES.add(context, values)


@service(
    "pbx/whitelists/update",
    op="update",
    summary="Change a whitelist entry",
    request=WhitelistUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: WhitelistUpdate) -> None:
    labels = None if request.labels is None else _written(request.labels)
    values = {"number": request.number, "labels": labels, "comment": request.comment}
    await _ENTRIES.change(context, request, values)


@service(
    "pbx/whitelists/search",
    op="search",
    summary="List or find whitelisted numbers",
    request=EntrySearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: EntrySearch) -> list[dict[str, Any]]:
    rows = await entry_rows(context, await _ENTRIES.find(context, request, _COLUMNS), tuple(EXAMPLE_ROW))
    for row in rows:
        row["labels"] = msgspec.json.decode(row["labels"])
    return rows


@service(
    "pbx/whitelists/remove",
    op="remove",
    summary="Delete a whitelist entry",
    request=EntryRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: EntryRemove) -> None:
    await _ENTRIES.remove(context, request)


def _written(labels: tuple[str, ...]) -> str:
    return msgspec.json.encode(labels).decode()
