"""What the searches of the switchboard share: reading, the form of rows, the order of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Select

from tamas.sa.dates import RowDates
from tamas.sa.search import matches


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


__all__ = ["fetch", "matches", "number_order", "plain_rows"]
