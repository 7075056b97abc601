"""What all lists of the console share: search, order, a window of rows, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from tamas.console.errors import Invalid
from tamas.console.field_types import Truth, Whole
from tamas.sa.fields import Text, optional
from tamas.sa.pbx.rows import matches
from tamas.store.database import Database, Row

DEFAULT_COUNT = 100
MAX_COUNT = 500

T = TypeVar("T")


class ListQuery(msgspec.Struct, kw_only=True):
    """Which rows of a list, and in which order."""

    search: Annotated[str, optional(Text(max=80), note="Part of any of the texts in a row.")] = ""
    start: Annotated[int, optional(Whole(), note="Rows to leave out, from the first.")] = 0
    count: Annotated[int, optional(Whole(low=1, high=MAX_COUNT))] = DEFAULT_COUNT
    sort: Annotated[str, optional(Text(max=32), note="Name of a column.")] = ""
    descending: Annotated[bool, optional(Truth())] = False


class Window(msgspec.Struct, Generic[T], kw_only=True):
    """Rows of a list."""

    rows: list[T]
    total: int
    """Rows that match, in the window or not."""
    start: int


async def read_window(
    database: Database,
    query: ListQuery,
    statement: Select[Any],
    *,
    row: Callable[[Row], T],
    sortable: Mapping[str, ColumnElement[Any] | tuple[ColumnElement[Any], ...]],
    searched: tuple[ColumnElement[Any], ...] = (),
    key: ColumnElement[Any],
) -> Window[T]:
    """Read the rows that a query asks for, in one snapshot.

    :param statement: every row; filters of the list are in it already.
    :param row: makes a row of the answer.
    :param sortable: columns by the name that ``sort`` gives them; the first is the order without ``sort``.
    :param searched: columns in which ``search`` is looked for.
    :param key: unique; decides between rows that are otherwise equal.
    :raises Invalid: there is no such column to sort by.
    """
    name = query.sort or next(iter(sortable))
    if name not in sortable:
        raise Invalid(f"the list cannot be sorted by {name!r}", field="sort")
    order = sortable[name]
    columns = order if isinstance(order, tuple) else (order,)
    if query.search:
        statement = statement.where(or_(*(matches(column, query.search, like=True) for column in searched)))
    counting = select(func.count()).select_from(statement.order_by(None).subquery())
    ordered = statement.order_by(
        *(column.desc() if query.descending else column.asc() for column in (*columns, key))
    )
    windowed = ordered.offset(query.start).limit(query.count)

    def read(connection: Connection) -> tuple[list[Row], int]:
        return list(connection.execute(windowed).mappings()), int(connection.scalar(counting) or 0)  # type: ignore[arg-type]

    found, total = await database.long_read(read)
    return Window(rows=[row(one) for one in found], total=total, start=query.start)


def by_number(column: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """Order of phone numbers as people read them: shorter ones first, then by digits."""
    return func.length(column), column
