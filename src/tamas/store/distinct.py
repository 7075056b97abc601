"""The few values of an indexed column of many rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select


def distinct_values(column: ColumnElement[Any], *, limit: int) -> Select[Any]:
    """A statement for the first ``limit`` values of a column in their order, as ``value``; null is none.

    Each step looks the next one up in the index; ``DISTINCT`` would read all of it.
    """
    values = select(func.min(column).label("value")).cte("distinct_values", recursive=True)
    following = select(func.min(column)).where(column > values.c.value).scalar_subquery()
    values = values.union_all(select(following).where(values.c.value.is_not(None)))
    return select(values.c.value).where(values.c.value.is_not(None)).limit(limit)
