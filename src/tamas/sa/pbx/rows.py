"""What the searches of the switchboard share: conditions, reading, the form of rows, the order of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func

from tamas.sa.dates import RowDates


def matches(column: Any, text: str, *, like: bool) -> ColumnElement[bool]:
    """A condition on a text column: substring in any case, or equality.

    Wildcards of LIKE in ``text`` stand for themselves.
    """
    if not like:
        return column == text  # type: ignore[no-any-return]
    return func.lower(column).contains(text.lower(), autoescape=True)


def number_order(number: str) -> tuple[int, str]:
    """Sort key: numbers by length, then by digits, as people read them."""
    return len(number), number


def fetch(statement: Select[Any]) -> Callable[[Connection], list[tuple[Any, ...]]]:
    """The reading of a statement, for :meth:`tamas.store.database.Database.long_read`."""
    return lambda connection: [tuple(row) for row in connection.execute(statement)]


def plain_rows(found: Sequence[Sequence[Any]], keys: Sequence[str], dates: RowDates) -> list[dict[str, Any]]:
    """Rows of an answer: values by key, ``date`` in words."""
    rows = [dict(zip(keys, line, strict=True)) for line in found]
    for row in rows:
        row["date"] = dates.text(row["date"])
    return rows
