"""What the searches of the switchboard share: matching a condition, and the order of numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func


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
