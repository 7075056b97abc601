"""``tamas calls``: call records, newest first."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, fail, print_json, print_table, run, time_text
from tamas.records import calls

app = typer.Typer(no_args_is_help=True, help="Call records.")


def _row(call: calls.Call) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(call)
    for name in ("started_at", "answered_at", "ended_at"):
        row[name] = time_text(row[name])
    for name in ("wait", "billsec"):
        row[name] = round(row[name] / 1e6, 3)
    return row


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    number: Annotated[str | None, typer.Option(help="Only calls from or to this number.")] = None,
    originated: Annotated[str | None, typer.Option(help="Only this originated_call_id.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the latest calls; times are UTC, durations seconds."""

    async def work() -> list[calls.Call]:
        async with opened_store() as store:
            return await calls.list_calls(
                store.database, limit=limit, number=number, originated_call_id=originated
            )

    rows = [_row(call) for call in run(work, as_json=as_json)]
    if as_json:
        print_json(rows)
        return
    print_table(
        rows,
        ("started_at", "src", "dst", "type", "disposition", "wait", "billsec", "record", "cuid"),
        empty="No call has ended yet.",
    )


@app.command()
def show(
    cuid: Annotated[str, typer.Argument(help="Unique id of the call.")],
    as_json: AsJson = False,
) -> None:
    """Show everything about one call."""

    async def work() -> calls.Call | None:
        async with opened_store() as store:
            return await calls.get_call(store.database, cuid)

    call = run(work, as_json=as_json)
    if call is None:
        fail(f"there is no call {cuid}", as_json=as_json)
    row = _row(call)
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        console.print(f"{name:20} {'' if value is None else value}", markup=False)
