"""``tamas recordings``: what became of recordings of calls."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, print_json, print_table, run, time_text
from tamas.recordings.rows import count_recordings, list_recordings
from tamas.store.database import Row

app = typer.Typer(no_args_is_help=True, help="Recordings of calls.")


class _State(StrEnum):
    WAITING = "waiting"
    KEPT = "kept"
    BROKEN = "broken"
    GONE = "gone"


def _shown(row: Row) -> dict[str, Any]:
    duration = row["duration"]
    return {
        "name": row["name"],
        "cuid": row["cuid"],
        "recorded_at": time_text(row["recorded_at"], "seconds"),
        "state": row["state"],
        "bytes": row["bytes"],
        "duration": None if duration is None else round(duration / 1e6, 3),
        "dual": bool(row["dual"]),
        "reason": row["reason"],
    }


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    state: Annotated[_State | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the latest recordings; times are UTC, durations seconds. Broken ones lie in the folder removed."""

    async def work() -> Sequence[Row]:
        async with opened_store() as store:
            return await list_recordings(
                store.database, limit=limit, state=None if state is None else state.value
            )

    rows = [_shown(row) for row in run(work, as_json=as_json)]
    if as_json:
        print_json(rows)
        return
    columns = ("recorded_at", "name", "state", "bytes", "duration", "dual", "reason")
    print_table(rows, columns, empty="There is no such recording.")


@app.command()
def count(as_json: AsJson = False) -> None:
    """Count recordings by state: waiting for conversion, kept, broken, gone."""

    async def work() -> dict[str, dict[str, int]]:
        async with opened_store() as store:
            return await count_recordings(store.database)

    counts = run(work, as_json=as_json)
    if as_json:
        print_json(counts)
        return
    print_table(
        [{"state": state, **figures} for state, figures in counts.items()],
        ("state", "count", "bytes"),
        empty="",
    )
