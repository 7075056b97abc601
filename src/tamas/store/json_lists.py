"""A JSON list of texts as rows of a statement: one parameter carries thousands of values."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import JSON, BindParameter, ColumnElement, FromClause, Text, cast, func, literal


def texts_of_list(
    dialect: Literal["sqlite", "postgresql"], texts: str | BindParameter[str]
) -> tuple[FromClause, ColumnElement[int], ColumnElement[str]]:
    """The rows of a JSON list: what to select from, each one's position, its text.

    :param texts: the list as JSON, every item a text.
    """
    given: Any = literal(texts) if isinstance(texts, str) else texts
    if dialect == "sqlite":
        rows: Any = func.json_each(given).table_valued("key", "value", name="texts")
        return rows, rows.c.key, rows.c.value
    rows = (
        func.json_array_elements_text(cast(cast(given, Text), JSON))
        .table_valued("value", with_ordinality="key", name="texts")
        .render_derived()
    )
    return rows, rows.c.key - 1, rows.c.value
