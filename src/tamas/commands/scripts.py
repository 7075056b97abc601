"""``tamas scripts``: AGI scripts for the call flow's component AGI."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tamas.commands.output import AsJson, console, print_json, print_table, run
from tamas.dialplan.scripts import (
    MAX_BYTES,
    Script,
    add_script,
    list_scripts,
    remove_script,
    scripts_directory,
)
from tamas.settings import load_settings
from tamas.state import prepare_state_dir
from tamas.store.clock import MICROSECONDS

app = typer.Typer(no_args_is_help=True, help="AGI scripts that the call flow may run.")


def _directory() -> Path:
    settings = load_settings()
    prepare_state_dir(settings.state_dir)
    return scripts_directory(settings.state_dir)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the scripts by the names that a plan uses."""

    async def work() -> list[Script]:
        return list_scripts(_directory())

    rows = [
        {
            "name": script.name,
            "bytes": script.size,
            "added": datetime.fromtimestamp(script.changed_at / MICROSECONDS, UTC).isoformat(" ", "seconds"),
        }
        for script in run(work, as_json=as_json)
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "bytes", "added"), empty="There is no script.")


@app.command()
def add(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A program, or a script beginning with #!.")
    ],
    as_json: AsJson = False,
) -> None:
    """Keep a copy of a script and show the name it got.

    It runs as user nobody where the server is root, else as the server's user, and sees only the programs of
    this system and a folder of its own.
    """

    async def work() -> str:
        with file.open("rb") as opened:
            return add_script(_directory(), file.name, opened.read(MAX_BYTES + 1))

    name = run(work, as_json=as_json)
    if as_json:
        print_json({"name": name})
    else:
        console.print(name, markup=False)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name in the list.")], as_json: AsJson = False) -> None:
    """Delete a script; calls that run it go on."""

    async def work() -> None:
        remove_script(_directory(), name)

    run(work, as_json=as_json)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        console.print(f"Script {name} is removed.", markup=False)
