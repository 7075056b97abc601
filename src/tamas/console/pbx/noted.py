"""What the activity log is told of extensions, trunks and queues: their settings, never a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, select

from tamas.console.activity import Facts, Look
from tamas.store.database import Connection, Row

_NO_SETTINGS = frozenset({"id", "secret_ha1", "secret_sealed", "options", "created_at", "updated_at"})


def setting_names(table: Table) -> tuple[str, ...]:
    """Columns of a table that hold settings."""
    return tuple(
        column.name
        for column in table.c
        if column.name not in _NO_SETTINGS and not column.name.startswith("pjsip_")
    )


def looked_at(
    table: Table,
    which: ColumnElement[bool],
    facts: Callable[[Row], Facts],
    secrets: Callable[[Row], Any],
) -> Look:
    """Describes a row for an entry; a secret that was set since the first look is told as such.

    :param facts: what it is, without secrets.
    :param secrets: what differs when a secret was set.
    """
    statement: Select[Any] = select(table).where(which)
    first: list[Any] = []

    async def look(connection: Connection) -> Facts | None:
        row = await connection.row(statement)
        if row is None:
            return None
        known = secrets(row)
        if not first:
            first.append(known)
        return facts(row) if known == first[0] else {**facts(row), "secret_set": True}

    return look


def spans(numbers: Iterable[str]) -> list[str]:
    """Numbers in order, those that follow each other as ``200-299``."""
    told: list[tuple[str, str]] = []
    for number in sorted(numbers, key=lambda text: (len(text), text)):
        if told and len(number) == len(told[-1][1]) and int(number) == int(told[-1][1]) + 1:
            told[-1] = told[-1][0], number
        else:
            told.append((number, number))
    return [first if first == last else f"{first}-{last}" for first, last in told]


def values_before(rows: Sequence[Row], key: str) -> Any:
    """What a setting was in several rows: its value, or the numbers by value where they differ."""
    by_value: dict[str, list[str]] = {}
    for row in rows:
        by_value.setdefault(str(row[key]), []).append(row["number"])
    if len(by_value) == 1:
        return next(iter(by_value))
    return {value: spans(numbers) for value, numbers in by_value.items()}


def named(number: str, name: str) -> str:
    """An extension or queue in words."""
    return number if name == number else f"{number} {name}"


def named_row(row: Row) -> str:
    """The extension or queue of a row in words."""
    return named(row["number"], row["name"])
