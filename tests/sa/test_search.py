"""Paged searches and ordered feeds, on both stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

import msgspec
import pytest
from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, select
from sqlalchemy.schema import CreateTable

from tamas.sa.dates import RowDates
from tamas.sa.errors import MissingField, OperationFailed, ServiceFailure
from tamas.sa.fields import Nested, Text, model_of, optional
from tamas.sa.search import (
    MAX_COUNT,
    DatedSearch,
    DatedUnlessCuidSearch,
    Listing,
    OptionallyDatedSearch,
    OrderedAfter,
    PagedSearch,
    matching,
)
from tamas.sa.service import Following, Ordered, Page, Paged, ServiceContext
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Database

CALLS = Table(
    "test_calls",
    MetaData(),
    Column("id", String(24), primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("src", String(32), nullable=False),
    Column("agent", String(32)),
)
NOON = 1_792_670_400 * MICROSECONDS
"""2026-10-22 12:00:00 UTC, which is 1405-07-30."""
MINUTE = 60 * MICROSECONDS
COUNT = 45


class Conditions(msgspec.Struct, kw_only=True):
    """What calls must match."""

    src: Annotated[str, optional(Text(), wire="from")] = ""
    cuid: Annotated[str, optional(Text())] = ""


class Search(OptionallyDatedSearch, kw_only=True):
    """Which calls to list."""

    conditions: Annotated[Conditions, optional(Nested(Conditions), always=True)] = msgspec.field(
        default_factory=Conditions
    )


class Unless(DatedUnlessCuidSearch, kw_only=True):
    """Which calls to list, limited in time or to one."""

    conditions: Annotated[Conditions | None, optional(Nested(Conditions))] = None


def _row(line: Any, dates: RowDates) -> Mapping[str, Any]:
    return {"_id": line.id, "src": line.src, "agent": line.agent, "starttime": dates.text(line.started_at)}


LISTING = Listing(
    select=select(CALLS),
    key=CALLS.c.id,
    sortable={"starttime": CALLS.c.started_at, "src": CALLS.c.src, "agent": CALLS.c.agent},
    sorting={"starttime": -1},
    dated=CALLS.c.started_at,
    row=_row,
)


def identity(number: int) -> str:
    return f"{number:024x}"


class Calls:
    """A table of calls a minute apart; every third has an agent, and source numbers repeat after seven."""

    def __init__(self, database: Database) -> None:
        self.context = cast(
            "ServiceContext",
            type(
                "Context", (), {"database": database, "runtime": {"timezone": "UTC", "calendar": "gregorian"}}
            ),
        )

    async def find(self, *, lenient: bool = False, **body: Any) -> Page:
        request = model_of(Search).read({"alike": False, **body}, lenient=lenient)
        wanted = matching(request.alike, (CALLS.c.src, request.conditions.src))
        return await LISTING.page(self.context, request, *wanted)

    async def numbers(self, **body: Any) -> list[int]:
        return [int(row["_id"], 16) for row in (await self.find(**body)).rows]

    async def refused(self, **body: Any) -> str | None:
        with pytest.raises(ServiceFailure) as failure:
            await self.find(**body)
        assert isinstance(failure.value, OperationFailed)
        return failure.value.field

    async def after(self, last: Any) -> Following:
        return await LISTING.after(self.context, model_of(OrderedAfter).read({"_id": last}))


@pytest.fixture
async def calls(database: Database) -> Calls:
    """45 calls, on SQLite and on PostgreSQL."""
    async with database.write() as tx:
        await tx.execute(cast("Any", CreateTable(CALLS)))
        await tx.execute(
            insert(CALLS),
            [
                {
                    "id": identity(number),
                    "started_at": NOON + number * MINUTE,
                    "src": f"0912_{number % 7}",
                    "agent": f"{number:03}" if number % 3 == 0 else None,
                }
                for number in range(1, COUNT + 1)
            ],
        )
    return Calls(database)


async def test_without_pagination_the_newest_twenty(calls: Calls) -> None:
    """Absent, null, empty and PHP's empty map all mean the service's own order, from the first, twenty."""
    assert (await calls.find()).total == COUNT
    nothing: tuple[Any, ...] = (None, {}, [], "")
    for given in nothing:
        page = await calls.find(pagination=given)
        assert (page.start, page.count, page.sorting, page.total) == (0, 20, {"starttime": -1}, COUNT)
        assert [int(row["_id"], 16) for row in page.rows] == list(range(COUNT, COUNT - 20, -1))
    assert (await calls.find(pagination={"sorting": []})).sorting == {"starttime": -1}


async def test_start_is_the_record_to_begin_with(calls: Calls) -> None:
    """Pages follow without gap or doubling, the last is short, one after it is empty; total stays."""
    seen = []
    for start in range(0, COUNT + 10, 10):
        page = await calls.find(pagination={"start": str(start), "count": "10", "sorting": {"starttime": 1}})
        assert (page.start, page.count, page.total) == (start, 10, COUNT)
        seen += [int(row["_id"], 16) for row in page.rows]
    assert seen == list(range(1, COUNT + 1))


async def test_effective_values_are_echoed(calls: Calls) -> None:
    """Counts beyond the limit are cut and 0 is the default; the answer says so."""
    assert (await calls.find(pagination={"count": MAX_COUNT + 1})).count == MAX_COUNT
    assert (await calls.find(pagination={"count": 0})).count == 20
    page = await calls.find(pagination={"start": 3, "count": 2, "sorting": {"src": "1", "starttime": "-1"}})
    extra = {"target": "cdr", "useGroupBy": False}
    answer = msgspec.json.decode(Paged({}, sorting={}, extra=extra).body(page))
    assert list(answer["data"]) == ["pagination", "target", "useGroupBy", "data"]
    sorting = {"src": 1, "starttime": -1}
    assert answer["data"]["pagination"] == {"start": 3, "count": 2, "sorting": sorting, "total": COUNT}
    assert list(answer["data"]["pagination"]) == ["start", "count", "sorting", "total"]


async def test_sorting_by_several_columns_is_the_same_on_both_stores(calls: Calls) -> None:
    """The first column counts most, equal rows stay in one order, and nothing comes before everything."""
    first = await calls.numbers(pagination={"sorting": {"src": 1, "starttime": -1}, "count": 3})
    assert first == [42, 35, 28]
    equal = await calls.numbers(pagination={"sorting": {"src": -1}, "count": 3})
    assert equal == [41, 34, 27]
    upwards = await calls.numbers(pagination={"sorting": {"agent": 1}, "count": 45})
    downwards = await calls.numbers(pagination={"sorting": {"agent": -1}, "count": 45})
    assert upwards[:2] == [1, 2]
    assert upwards[-1] == 45
    assert downwards == upwards[::-1]


@pytest.mark.parametrize(
    ("pagination", "field"),
    [
        ({"sorting": {"started_at": 1}}, "pagination.sorting.started_at"),
        ({"sorting": {"id; DROP TABLE test_calls": 1}}, "pagination.sorting"),
        ({"sorting": {"src\r\nX-Evil: 1": 1}}, "pagination.sorting"),
        ({"sorting": {"src": 2}}, "pagination.sorting"),
        ({"sorting": {"src": True}}, "pagination.sorting"),
        ({"sorting": {"src": {"$gt": ""}}}, "pagination.sorting"),
        ({"sorting": {"src": [1]}}, "pagination.sorting"),
        ({"sorting": "src"}, "pagination.sorting"),
        ({"sorting": [["src", 1]]}, "pagination.sorting"),
        ({"sorting": dict.fromkeys("abcdefghi", 1)}, "pagination.sorting"),
        ({"start": -1}, "pagination.start"),
        ({"start": 1.5}, "pagination.start"),
        ({"start": "1 OR 1"}, "pagination.start"),
        ({"start": 10**30}, "pagination.start"),
        ({"count": -1}, "pagination.count"),
        ({"count": {"$gt": 1}}, "pagination.count"),
        ("rows", "pagination"),
        ([1], "pagination"),
    ],
)
async def test_hostile_pagination_is_refused_by_name(calls: Calls, pagination: Any, field: str) -> None:
    """What is no pagination fails and says where, never with a line end in the name; the table stays."""
    assert await calls.refused(pagination=pagination) == field
    assert (await calls.find()).total == COUNT


async def test_conditions(calls: Calls) -> None:
    """Equality or part of a text, wildcards of LIKE and quotes as themselves, empty matches all."""
    assert (await calls.find(conditions={"from": "0912_3"})).total == 7
    assert (await calls.find(conditions={"from": "912_3"})).total == 0
    assert (await calls.find(alike=True, conditions={"from": "912_3"})).total == 7
    assert (await calls.find(alike="true", conditions=[])).total == COUNT
    for hostile in ("%", "0912?3", "_____3", "' OR 1=1 --", "\\", "0912\\_3"):
        assert (await calls.find(alike=True, conditions={"from": hostile})).total == 0, hostile
    assert await calls.refused(conditions={"from": {"$ne": ""}}) == "conditions.from"
    assert await calls.refused(conditions={"from": ["0912_3"]}) == "conditions.from"


async def test_date_ranges(calls: Calls) -> None:
    """Both ends belong to the range, in either calendar; days alone are whole; an absent end is open."""
    both = {"from": "2026-10-22 12:10", "to": "2026-10-22 12:19"}
    assert sorted(await calls.numbers(date_range=both)) == list(range(10, 20))
    jalali = {"from": "1405-07-30 12:10", "to": "1405-07-30 12:19:00"}
    assert sorted(await calls.numbers(date_range=jalali)) == list(range(10, 20))
    assert (await calls.find(date_range={"from": "2026-10-22", "to": "2026-10-22"})).total == COUNT
    assert (await calls.find(date_range={"from": "2026-10-22 12:40"})).total == 6
    assert (await calls.find(date_range={"to": "2026-10-22 12:05", "from": ""})).total == 5
    assert (await calls.find(date_range=[])).total == COUNT
    assert (await calls.find(date_range={"from": "2026-10-23"})).total == 0
    assert await calls.refused(date_range={"from": "2026-02-30 00:00"}) == "date_range.from"
    assert await calls.refused(date_range={"to": "now()"}) == "date_range.to"
    assert await calls.refused(date_range={"to": 5}) == "date_range.to"


async def test_lenient_names_of_the_range(calls: Calls) -> None:
    """With leniency a range may stand beside alike, in Persian digits; without it that is ignored."""
    assert (await calls.find(lenient=True, from_date="2026-10-22 12:40")).total == 6
    assert (await calls.find(lenient=True, date_range={"from": "۱۴۰۵-۰۷-۳۰ ۱۲:۴۰"})).total == 6
    assert (await calls.find(from_date="2026-10-22 12:40")).total == COUNT


def missing(struct: type[PagedSearch], body: dict[str, Any], *, lenient: bool = False) -> str | None:
    """The field that a request lacks."""
    try:
        model_of(struct).read(body, lenient=lenient)
    except MissingField as failure:
        return failure.field
    return None


def test_dates_that_are_required() -> None:
    """Both ends are asked for by name, also when the whole range is absent; leniency opens them."""
    ends = {"from": "2026-10-22", "to": "2026-10-22"}
    assert missing(DatedSearch, {"alike": True}) == "date_range.from"
    nothing: tuple[Any, ...] = (None, [], {}, "")
    for empty in nothing:
        assert missing(DatedSearch, {"alike": True, "date_range": empty}) == "date_range.from"
    assert missing(DatedSearch, {"alike": True, "date_range": {"from": "2026-10-22"}}) == "date_range.to"
    assert missing(DatedSearch, {"date_range": ends}) == "alike"
    assert missing(DatedSearch, {"alike": True, "date_range": ends}) is None
    assert missing(DatedSearch, {}, lenient=True) is None


def test_a_call_that_is_named_needs_no_dates() -> None:
    """With conditions.cuid the range may be absent; an empty cuid names none."""
    assert missing(Unless, {"alike": True, "conditions": {"cuid": "1677933940.72434"}}) is None
    assert missing(Unless, {"alike": True, "conditions": {"cuid": ""}}) == "date_range.from"
    assert missing(Unless, {"alike": True, "conditions": ["cuid"]}) == "date_range.from"
    assert "date_range" in model_of(DatedSearch).schema()["required"]
    assert "date_range" not in model_of(Unless).schema()["required"]


async def test_an_ordered_feed(calls: Calls) -> None:
    """Twenty rows after an id, upwards; the end echoes what was asked; unknown ids only have a place."""
    first = await calls.after("")
    assert [int(row["_id"], 16) for row in first.rows] == list(range(1, 21))
    assert first.last_id == identity(20)
    last = await calls.after(identity(40))
    assert (len(last.rows), last.last_id) == (5, identity(45))
    end = await calls.after(identity(45))
    assert (end.rows, end.last_id) == ([], identity(45))
    answer = msgspec.json.decode(Ordered({}).body(end))
    assert answer["data"] == {"last_id": identity(45), "data": []}
    assert (await calls.after({"$oid": identity(44)})).last_id == identity(45)
    assert len((await calls.after("f" * 24)).rows) == 0
    for hostile in ("x" * 24, "' OR 1=1", 5, ["a"]):
        with pytest.raises(OperationFailed):
            await calls.after(hostile)
