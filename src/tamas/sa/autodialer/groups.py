"""``/autodialer/groups/*``: lists of numbers that campaigns are made of.

A file of numbers is uploaded first: CSV with one column, or vCards. What is kept of it is one number on each
line, as it is dialed; a group is made of it with add, any number of times.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, false, select

from tamas.autodialer.groups import (
    NumberList,
    add_group,
    change_group,
    drop_abandoned,
    remove_group,
    write_list,
)
from tamas.autodialer.numbers import Tally, numbers_given, numbers_in, texts_of
from tamas.autodialer.refusals import DialerRefused
from tamas.media.refusals import NotUnderstood
from tamas.sa.autodialer.answers import answered
from tamas.sa.autodialer.field_types import Numbers
from tamas.sa.dates import RowDates
from tamas.sa.envelope import DONE
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Nested, Text, identifier, logical, optional, required
from tamas.sa.forms import FilePart, UploadedFile
from tamas.sa.pbx.field_types import Title
from tamas.sa.reports.words import epoch
from tamas.sa.search import Listing, PagedSearch, matching
from tamas.sa.service import Added, Data, Page, Paged, ServiceContext, Written, service
from tamas.sa.uploads import Facts, UploadKind, keep_upload, uploaded_name
from tamas.store.autodialer_schema import dialer_group_numbers, dialer_groups
from tamas.store.schema import uploads

EXAMPLE_FILE = "file-20231029073636-66787-book1csv.csv"
MOST_SHOWN = 100_000
"""Numbers that the answer of an update has at most: as many as a request can bring."""

_g, _n = dialer_groups.c, dialer_group_numbers.c


def _folder(context: ServiceContext) -> Path:
    return context.settings.state_dir / "dialer-lists"


async def _convert(source: Path, target: Path) -> Facts:
    await asyncio.to_thread(_rewrite, source, target)
    return Facts()


def _rewrite(source: Path, target: Path) -> None:
    tally = Tally()
    try:
        with source.open("rb") as file, target.open("x", encoding="ascii") as kept:
            numbers = dict.fromkeys(numbers_in(texts_of(file), tally))
            kept.writelines(f"{number}\n" for number in numbers)
    except DialerRefused as refusal:
        raise NotUnderstood(str(refusal)) from refusal
    if not numbers:
        raise NotUnderstood(f"there is no number in it, and {tally.rejected} lines are none")


LISTS = UploadKind(
    name="dialer-numbers",
    extension="csv",
    prefix="",
    folder=_folder,
    convert=_convert,
    used=select(uploads.c.filename).where(false()),
)


class GroupUpload(msgspec.Struct, kw_only=True):
    """A list of numbers."""

    file: Annotated[
        UploadedFile,
        required(FilePart(), example="@numbers.csv", note="CSV with one column, or vCards; UTF-8 or UTF-16."),
    ]
    name: Annotated[str, optional(Text(), note="Not looked at.")] = ""


_NUMBERS_NOTE = "Blanks, dashes, quotes and doubled ones are dropped."
_FILE_NOTE = "From the answer of upload."


class GroupAdd(msgspec.Struct, kw_only=True):
    """A new group."""

    name: Annotated[str, required(Title(), example="test_group")]
    numbers: Annotated[
        list[str], logical(Numbers(), example=["1111", "2222", "3333"], note=_NUMBERS_NOTE)
    ] = []
    filename: Annotated[
        str, logical(Text(max=160), note=f"{_FILE_NOTE} Instead of numbers, or beside them.")
    ] = ""
    description: Annotated[str, optional(Text(), example="just for test")] = ""


class GroupUpdate(msgspec.Struct, kw_only=True):
    """Changes of a group; what is left out stays, and new numbers take the place of the old ones."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(Title(), example="test_group_new")] = None
    numbers: Annotated[
        list[str] | None, logical(Numbers(), example=["1111", "2222", "3333"], note=_NUMBERS_NOTE)
    ] = None
    filename: Annotated[
        str, optional(Text(max=160), note=f"{_FILE_NOTE} Instead of numbers, or beside them.")
    ] = ""
    description: Annotated[str | None, optional(Text(), example="just for test")] = None


class GroupRemove(msgspec.Struct, kw_only=True):
    """Names the group to delete."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, optional(Title(), lenient_only=True)] = None


class GroupConditions(msgspec.Struct, kw_only=True):
    """What groups must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="")] = ""
    description: Annotated[str, optional(Text(), example="")] = ""


class GroupSearch(PagedSearch, kw_only=True):
    """Which groups to list."""

    conditions: Annotated[GroupConditions | None, optional(Nested(GroupConditions))] = None


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "60462692095d840c2e47709f",
    "name": "test_group",
    "description": "just for test",
    "count": 3,
    "date": "2021-03-08 16:58:50",
}
"""One row of an answer; its keys are the keys of every row, in this order."""


def _row(group: Any, dates: RowDates) -> dict[str, Any]:
    return {
        "_id": group.id,
        "name": group.name,
        "description": group.description,
        "count": group.count_of_numbers,
        "date": dates.text(group.created_at),
    }


LISTING = Listing(
    # A result row has a method count().
    select=select(_g.id, _g.name, _g.description, _g.count.label("count_of_numbers"), _g.created_at),
    key=_g.id,
    sortable={
        "_id": _g.id,
        "name": _g.name,
        "description": _g.description,
        "count": _g.count,
        "date": _g.created_at,
    },
    sorting={"date": -1},
    row=_row,
)


@service(
    "autodialer/groups/upload",
    op="upload",
    summary="Upload a list of numbers",
    description=(
        "A multipart form with the part file: CSV with one column, or vCards, told apart by content. Digits "
        "of other scripts become ASCII, blanks and dashes go, and so do a header, doubled numbers and lines "
        "that are none. It becomes a group with add."
    ),
    request=GroupUpload,
    answer=Data(message="", data={"filename": EXAMPLE_FILE}),
    max_file="uploads.csv_bytes",
)
async def upload(context: ServiceContext, request: GroupUpload) -> dict[str, str]:
    return {"filename": await keep_upload(context, request.file, LISTS)}


@service(
    "autodialer/groups/add",
    op="add",
    summary="Create a group of numbers",
    request=GroupAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: GroupAdd) -> str:
    with answered(context):
        written = await _write(context, request.numbers, request.filename)
        identity = await add_group(
            context.database, name=request.name, description=request.description, numbers=written
        )
    await drop_abandoned(context.database)
    return identity


@service(
    "autodialer/groups/search",
    op="search",
    summary="List or find groups of numbers",
    request=GroupSearch,
    answer=Paged(EXAMPLE_ROW, sorting=LISTING.sorting),
)
async def search(context: ServiceContext, request: GroupSearch) -> Page:
    asked = request.conditions or GroupConditions()
    texts = ((_g.name, asked.name), (_g.description, asked.description))
    return await LISTING.page(context, request, *matching(request.alike, *texts))


@service(
    "autodialer/groups/update",
    op="update",
    summary="Change a group of numbers",
    description=(
        f"Answers the group as it is then, with at most {MOST_SHOWN} of its numbers. A campaign that was "
        "made of it keeps the numbers it began with; run again, it takes those that the group has then."
    ),
    request=GroupUpdate,
    answer=Data(
        message=DONE,
        data={
            "name": "test_group_new",
            "numbers": ["1111", "2222", "3333"],
            "description": "just for test",
            "date": {"$date": {"$numberLong": "1703169375062"}},
            "count": 3,
        },
    ),
)
async def change(context: ServiceContext, request: GroupUpdate) -> dict[str, Any]:
    identity, renamed = await _named(context, request)
    with answered(context):
        written = None
        if request.numbers is not None or request.filename:
            written = await _write(context, request.numbers or [], request.filename)
        row = await change_group(
            context.database,
            identity,
            name=renamed,
            description=request.description,
            numbers=written,
        )

    def numbers(connection: Connection) -> list[str]:
        statement = select(_n.number).where(_n.list_id == row["list_id"]).order_by(_n.position)
        return list(connection.execute(statement.limit(MOST_SHOWN)).scalars())

    return {
        "name": row["name"],
        "numbers": await context.database.long_read(numbers),
        "description": row["description"],
        "date": epoch(row["created_at"]),
        "count": row["count"],
    }


@service(
    "autodialer/groups/remove",
    op="remove",
    summary="Delete a group of numbers",
    description="A campaign that was made of it keeps the numbers it began with.",
    request=GroupRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: GroupRemove) -> None:
    identity, _ = await _named(context, request)
    with answered(context):
        await remove_group(context.database, identity)


async def _write(context: ServiceContext, numbers: list[str], filename: str) -> NumberList:
    """A list of what a request has. :raises DialerRefused: there is no number, or one is none."""
    given: Iterable[str] = numbers_given(numbers)
    if not filename:
        return await write_list(context.database, given)
    async with context.database.write() as tx:
        name = await uploaded_name(tx, LISTS, filename)
    try:
        file = await asyncio.to_thread((_folder(context) / name).open, encoding="ascii")
    except OSError as error:
        raise OperationFailed("filename") from error
    with file:
        return await write_list(context.database, itertools.chain(given, _lines(file)))


def _lines(file: Iterable[str]) -> Iterator[str]:
    for line in file:
        yield line.rstrip("\n")


async def _named(context: ServiceContext, request: GroupUpdate | GroupRemove) -> tuple[str, str | None]:
    """The id of the group that a request names, by id or (lenient) by a name that no other has; and the name
    it is to have."""
    if request.id:
        return request.id, request.name
    async with context.database.read() as connection:
        rows = await connection.rows(select(_g.id).where(_g.name == request.name).limit(2))
    if len(rows) != 1:
        raise OperationFailed("name")
    return str(rows[0]["id"]), None
