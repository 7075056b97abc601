"""Searching as every paged service of the SA does it: ``alike``, conditions, ``date_range``, ``pagination``.
And the ``ordered/id`` feeds.

::

    class CdrSearch(DatedSearch, kw_only=True):
        conditions: Annotated[CdrConditions, optional(Nested(CdrConditions), always=True)] = ...

    _LISTING = Listing(
        select=select(_c.id, _c.started_at, _c.src),
        key=_c.id,
        sortable={"starttime": _c.started_at, "src": _c.src},
        sorting={"starttime": -1},
        dated=_c.started_at,
        row=_row,
    )

    @service("reports/cdr/search", op="search", ..., answer=Paged(EXAMPLE, sorting=_LISTING.sorting))
    async def find(context: ServiceContext, request: CdrSearch) -> Page:
        wanted = matching(request.alike, (_c.src, request.conditions.src))
        return await _LISTING.page(context, request, *wanted)

    @service("reports/cdr/ordered/id", op="read", request=OrderedAfter, answer=Ordered(EXAMPLE))
    async def follow(context: ServiceContext, request: OrderedAfter) -> Following:
        return await _LISTING.after(context, request)

What a client names as a column is looked up among ``sortable`` and never stands in a statement. Source: SA
catalogue, ``conventions.pagination`` and README decisions 2, 3, 8, 14, 15, 16.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func

from tamas.sa.dates import BadDate, RowDates, parse_filter_date
from tamas.sa.errors import OperationFailed
from tamas.sa.field_types import BadValue, FieldType, Id, IntOrDigits, Schema, western_digits
from tamas.sa.fields import Nested, alike, optional, required
from tamas.sa.service import Following, Page, ServiceContext

DEFAULT_COUNT = 20
MAX_COUNT = 5000
"""Rows of one page; who asks for more is given these, and told so in ``count``."""
MAX_START = 10**12
MAX_SORT_COLUMNS = 8
ORDERED_COUNT = 20
"""Rows of an ``ordered/id`` answer."""

_SHOWN_COLUMN = re.compile(r"[A-Za-z0-9_]{1,48}")
"""A column's name as it may stand in a header."""
_DIRECTIONS: Mapping[Any, int] = {1: 1, -1: -1, "1": 1, "-1": -1}


def matches(column: Any, text: str, *, like: bool) -> ColumnElement[bool]:
    """A condition on a text column: substring in any case, or equality.

    Wildcards of LIKE in ``text`` stand for themselves.
    """
    if not like:
        return column == text  # type: ignore[no-any-return]
    return func.lower(column).contains(text.lower(), autoescape=True)


def matching(like: bool, *wanted: tuple[Any, str]) -> list[ColumnElement[bool]]:
    """Conditions on text columns; ``""`` is none."""
    return [matches(column, text, like=like) for column, text in wanted if text]


class FilterDate(FieldType):
    """A moment or a day in the Gregorian calendar, or in the Jalali when the year says so."""

    def convert(self, value: Any, *, lenient: bool) -> str:
        if not isinstance(value, str):
            raise BadValue
        text = western_digits(value) if lenient else value
        try:
            parse_filter_date(text, {"timezone": "UTC"})
        except BadDate as error:
            raise BadValue from error
        return text

    def schema(self) -> Schema:
        return {
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$",
            "description": "Local time, with or without seconds, or a day alone; the years 13xx and 14xx are "
            "Jalali.",
        }


class SortColumns(FieldType):
    """``{column: 1 or -1}``, the first counting most; ``[]`` counts as ``{}``. Services get pairs."""

    def convert(self, value: Any, *, lenient: bool) -> tuple[tuple[str, int], ...]:  # noqa: ARG002
        if isinstance(value, str):  # inside a query it is text
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                raise BadValue from error
        if value == [] and isinstance(value, list):
            return ()
        if not isinstance(value, Mapping) or len(value) > MAX_SORT_COLUMNS:
            raise BadValue
        return tuple((column, _direction(given)) for column, given in value.items())

    def schema(self) -> Schema:
        return {
            "type": "object",
            "additionalProperties": {"enum": [1, -1]},
            "maxProperties": MAX_SORT_COLUMNS,
        }


def _direction(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value not in _DIRECTIONS:
        raise BadValue
    return _DIRECTIONS[value]


class Pagination(msgspec.Struct, kw_only=True):
    """Which rows of many."""

    start: Annotated[int, optional(IntOrDigits(high=MAX_START), example=0, note="The first row is 0.")] = 0
    count: Annotated[
        int, optional(IntOrDigits(), example=20, note=f"At most {MAX_COUNT}; 0 is {DEFAULT_COUNT}.")
    ] = DEFAULT_COUNT
    sorting: Annotated[
        tuple[tuple[str, int], ...],
        optional(SortColumns(), example={}, note="By column, 1 upwards, -1 downwards."),
    ] = ()


class DateRange(msgspec.Struct, kw_only=True):
    """From when to when; ``""`` is open."""

    start: Annotated[str, optional(FilterDate(), wire="from", example="2020-06-15 15:16")] = ""
    end: Annotated[str, optional(FilterDate(), wire="to", example="2034-06-22 15:16")] = ""


class RequiredDates(DateRange, kw_only=True):
    """From when to when; while ``sa.lenient`` is on, an end may be left open."""

    start: Annotated[
        str, required(FilterDate(), wire="from", lenient_optional=True, example="2020-06-15 15:16")
    ] = ""
    end: Annotated[
        str, required(FilterDate(), wire="to", lenient_optional=True, example="2034-06-22 15:16")
    ] = ""


class DatesUnlessCuid(DateRange, kw_only=True):
    """As :class:`RequiredDates`, and not asked for when one call is named."""

    start: Annotated[
        str,
        required(
            FilterDate(),
            wire="from",
            lenient_optional=True,
            unless="conditions.cuid",
            example="2020-06-15 15:16",
            note="Not required with conditions.cuid.",
        ),
    ] = ""
    end: Annotated[
        str,
        required(
            FilterDate(),
            wire="to",
            lenient_optional=True,
            unless="conditions.cuid",
            example="2034-06-22 15:16",
            note="Not required with conditions.cuid.",
        ),
    ] = ""


class PagedSearch(msgspec.Struct, kw_only=True):
    """What every paged search takes."""

    alike: Annotated[bool, alike()]
    pagination: Annotated[Pagination, optional(Nested(Pagination), always=True)] = msgspec.field(
        default_factory=Pagination
    )


class _Dated(PagedSearch, kw_only=True):
    """The ends of a range as one client names them, beside ``alike``."""

    from_date: Annotated[str, optional(FilterDate(), lenient_only=True)] = ""
    to_date: Annotated[str, optional(FilterDate(), lenient_only=True)] = ""


class OptionallyDatedSearch(_Dated, kw_only=True):
    """A paged search that may be limited to a time."""

    date_range: Annotated[DateRange, optional(Nested(DateRange), always=True)] = msgspec.field(
        default_factory=DateRange
    )


class DatedSearch(_Dated, kw_only=True):
    """A paged search that must be limited to a time."""

    date_range: Annotated[DateRange, optional(Nested(RequiredDates), always=True)] = msgspec.field(
        default_factory=RequiredDates
    )


class DatedUnlessCuidSearch(_Dated, kw_only=True):
    """A paged search that must be limited to a time, or to one call by ``conditions.cuid``."""

    date_range: Annotated[DateRange, optional(Nested(DatesUnlessCuid), always=True)] = msgspec.field(
        default_factory=DatesUnlessCuid
    )


class OrderedAfter(msgspec.Struct, kw_only=True):
    """After which row an ``ordered/id`` feed goes on."""

    id: Annotated[
        str,
        optional(
            Id(), wire="_id", aliases=("id",), example="", note="last_id of the answer before; empty: all."
        ),
    ] = ""


def date_limits(
    column: ColumnElement[Any], request: _Dated, runtime: Mapping[str, Any]
) -> list[ColumnElement[bool]]:
    """Conditions on a column of microseconds since the epoch; both ends belong to the range.

    :param request: one of the dated searches.
    :param runtime: settings of the store, for the time zone.
    :raises OperationFailed: an end is too far away to be a moment.
    """
    dates: DateRange = request.date_range  # type: ignore[attr-defined]
    limits = []
    if start := dates.start or request.from_date:
        limits.append(column >= _moment(start, runtime, "date_range.from"))
    if end := dates.end or request.to_date:
        limits.append(column <= _moment(end, runtime, "date_range.to", end=True))
    return limits


def _moment(text: str, runtime: Mapping[str, Any], field: str, *, end: bool = False) -> int:
    try:
        return parse_filter_date(text, runtime, end=end)
    except BadDate as error:
        raise OperationFailed(field) from error


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Rows of one kind: where they come from, and by what they can be sorted."""

    select: Select[Any]
    """Their columns, with joins and what always holds; without order."""
    key: ColumnElement[Any]
    """The id, unique and among the columns as ``id``; it decides between equal rows, and of an ``ordered/id``
    feed it is the order: strictly increasing in the order of commits."""
    sortable: Mapping[str, ColumnElement[Any]]
    """Columns by the names that clients use. The default one wants an index."""
    sorting: Mapping[str, int]
    """1 or -1 by column when a request has none."""
    row: Callable[[Any, RowDates], Mapping[str, Any]]
    """Makes an answer's row out of a result row; called outside the event loop."""
    dated: ColumnElement[Any] | None = None
    """The column that ``date_range`` limits, microseconds since the epoch."""
    complete: Callable[[Connection, list[Any]], list[Any]] | None = None
    """Makes of the result rows of an answer what ``row`` gets: with what lies in other tables. Called in the
    same snapshot, outside the event loop."""

    async def page(self, context: ServiceContext, request: PagedSearch, *where: ColumnElement[bool]) -> Page:
        """The page that a request asks for, its date range applied.

        :param where: what its conditions ask for.
        :raises OperationFailed: it names an unknown column, or a date that is no moment.
        """
        asked = request.pagination
        sorting = dict(asked.sorting) or dict(self.sorting)
        order = self._order(sorting)
        if self.dated is not None and isinstance(request, _Dated):
            where = (*where, *date_limits(self.dated, request, context.runtime))
        matching_rows = self.select.where(*where)
        start, count = asked.start, min(asked.count or DEFAULT_COUNT, MAX_COUNT)
        page = matching_rows.order_by(*order).limit(count).offset(start)
        counting = matching_rows.with_only_columns(func.count(), maintain_column_froms=True)

        def read(connection: Connection) -> tuple[list[Any], int]:
            found = list(connection.execute(page))
            completed = found if self.complete is None else self.complete(connection, found)
            if len(found) < count and (found or start == 0):
                return completed, start + len(found)  # the last page says how many there are
            return completed, int(connection.execute(counting).scalar_one())

        found, total = await context.database.long_read(read)
        rows = await asyncio.to_thread(self._rows, found, RowDates(context.runtime))
        return Page(start=start, count=count, sorting=sorting, total=total, rows=rows)

    async def after(self, context: ServiceContext, request: OrderedAfter) -> Following:
        """The rows after the one that a request names, in the order of their ids."""
        statement = self.select.order_by(self.key).limit(ORDERED_COUNT)
        if request.id:
            statement = statement.where(self.key > request.id)
        completed: list[Any]
        if self.complete is None:
            async with context.database.read() as connection:
                found = completed = list(await connection.execute(statement))
        else:
            found, completed = await context.database.long_read(partial(self._completed, statement))
        rows = self._rows(completed, RowDates(context.runtime))
        return Following(last_id=found[-1].id if found else request.id, rows=rows)

    def _completed(self, statement: Select[Any], connection: Connection) -> tuple[list[Any], list[Any]]:
        found = list(connection.execute(statement))
        return found, found if self.complete is None else self.complete(connection, found)

    def _rows(self, found: list[Any], dates: RowDates) -> list[Mapping[str, Any]]:
        return [self.row(line, dates) for line in found]

    def _order(self, sorting: Mapping[str, int]) -> list[ColumnElement[Any]]:
        order = []
        for name, direction in sorting.items():
            column = self.sortable.get(name)
            if column is None:
                shown = f".{name}" if _SHOWN_COLUMN.fullmatch(name) else ""
                raise OperationFailed(f"pagination.sorting{shown}")
            order.append(_ordered(column, direction))
        order.append(self.key.asc() if list(sorting.values())[-1] == 1 else self.key.desc())
        return order


def _ordered(column: ColumnElement[Any], direction: int) -> ColumnElement[Any]:
    """A column's order; nothing comes before everything, on both stores."""
    if not getattr(column, "nullable", True):
        return column.asc() if direction == 1 else column.desc()
    return column.asc().nulls_first() if direction == 1 else column.desc().nulls_last()


__all__ = [
    "DEFAULT_COUNT",
    "MAX_COUNT",
    "ORDERED_COUNT",
    "DateRange",
    "DatedSearch",
    "DatedUnlessCuidSearch",
    "FilterDate",
    "Listing",
    "OptionallyDatedSearch",
    "OrderedAfter",
    "PagedSearch",
    "Pagination",
    "date_limits",
    "matches",
    "matching",
]
