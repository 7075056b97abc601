"""``tamas speed-dial``: short codes for numbers."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, fail, print_json, print_table, run, warn
from tamas.dialplan.code_books import (
    add_speed_dial,
    clash,
    import_speed_dials,
    list_speed_dials,
    remove_speed_dial,
)
from tamas.store.database import Row

app = typer.Typer(no_args_is_help=True, help="Short codes for numbers.")

Code = Annotated[str, typer.Argument(help="What is dialed: digits, * and #.")]

_COLUMNS = ("code", "number", "name")
_FIELDS = ("name", "code", "number")


def _warn_of(code: str, other: str | None) -> None:
    if other is not None:
        wins = "wins over it" if other == "feature code" else "it hides"
        warn(f"{code} is also the number of a {other}, which {wins}")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the speed dials."""

    async def work() -> Sequence[Row]:
        async with opened_store() as store:
            return await list_speed_dials(store.database)

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, empty="There is no speed dial.")


@app.command()
def add(
    code: Code,
    number: Annotated[str, typer.Argument(help="What it stands for.")],
    name: Annotated[str, typer.Option(help="Whose number it is; default: the number.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a speed dial; warns when something else has that number."""

    async def work() -> tuple[Row, str | None]:
        async with opened_store() as store:
            row = await add_speed_dial(store.database, name=name or number, code=code, number=number)
            return row, await clash(store.database, code)

    row, other = run(work, as_json=as_json)
    _warn_of(code, other)
    if as_json:
        print_json({**row, "clash": other})
    else:
        print_table([row], _COLUMNS, empty="")


@app.command()
def remove(code: Code, as_json: AsJson = False) -> None:
    """Delete a speed dial."""

    async def work() -> None:
        async with opened_store() as store:
            await remove_speed_dial(store.database, code)

    run(work, as_json=as_json)
    if as_json:
        print_json({"code": code, "removed": True})
    else:
        console.print(f"Speed dial {code} is removed.", markup=False)


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="CSV with the columns name, code, number; - reads standard input."),
    ],
    as_json: AsJson = False,
) -> None:
    """Take in speed dials from a CSV file, all or none; codes that are there already are changed."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be read: {error}", as_json=as_json)
    entries = _entries(text, as_json=as_json)

    async def work() -> tuple[dict[str, int], list[tuple[str, str | None]]]:
        async with opened_store() as store:
            counts = await import_speed_dials(store.database, entries)
            return counts, [(code, await clash(store.database, code)) for _, code, _ in entries]

    counts, others = run(work, as_json=as_json)
    for code, other in others:
        _warn_of(code, other)
    if as_json:
        print_json({**counts, "clashes": {code: other for code, other in others if other is not None}})
    else:
        console.print(f"{counts['added']} added, {counts['changed']} changed.")


def _entries(text: str, *, as_json: bool) -> list[tuple[str, str, str]]:
    """Name, code and number of each line; a first line that names the columns may order them anew."""
    lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text)) if any(line)]
    order: Sequence[str] = _FIELDS
    if lines and set(_FIELDS) <= {cell.lower() for cell in lines[0]}:
        order = [cell.lower() for cell in lines.pop(0)]
    entries = []
    for position, line in enumerate(lines, start=1):
        if len(line) < len(_FIELDS):
            fail(f"line {position} has fewer than {len(_FIELDS)} columns", as_json=as_json)
        found = dict(zip(order, line, strict=False))
        entries.append((found["name"], found["code"], found["number"]))
    return entries
