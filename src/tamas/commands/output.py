"""How commands speak: tables and sentences for people, one JSON value on standard output for scripts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tamas.errors import TamasError

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value for scripts.")]

_PIPE_WIDTH = 240
"""Columns when standard output is no terminal: what is read by other programs is not cut."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
errors = Console(stderr=True, highlight=False)


def time_text(at: int | None, timespec: str = "milliseconds") -> str | None:
    """A time of the store (microseconds UTC) as ISO 8601 with its zone; none stays none.

    :param timespec: as of :meth:`datetime.datetime.isoformat`.
    """
    return None if at is None else datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec=timespec)


def print_json(value: object) -> None:
    """Print one JSON value, indented."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2)
    sys.stdout.write(text.decode() + "\n")


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> None:
    """Print rows as a table, or a sentence when there are none. Their values are text, never markup."""
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text("" if row.get(column) is None else str(row[column])) for column in columns))
    console.print(table)


def warn(message: str) -> None:
    """Say, on standard error, what may not be what was meant."""
    errors.print(f"[yellow]warning:[/yellow] {escape(message)}", soft_wrap=True)


def fail(message: str, *, as_json: bool, status: int = 1) -> NoReturn:
    """Say what went wrong and end with a status other than 0."""
    if as_json:
        print_json({"error": message})
    else:
        errors.print(f"[red]error:[/red] {escape(message)}", soft_wrap=True)
    raise typer.Exit(status)


def run(work: Callable[[], Coroutine[Any, Any, T]], *, as_json: bool) -> T:
    """Run a coroutine; an expected failure becomes a message and exit status 1."""
    try:
        return asyncio.run(work())
    except TamasError as error:
        fail(str(error), as_json=as_json)
