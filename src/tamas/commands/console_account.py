"""``tamas console``: accounts of people who sign in to the console."""

from __future__ import annotations

from typing import Annotated

import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, print_json, run
from tamas.console.accounts import FIRST_USERNAME, reset_password

app = typer.Typer(no_args_is_help=True, help="Accounts of people who sign in to the console.")


@app.callback()
def _group() -> None:
    """Keep ``reset-password`` a subcommand while it is the only one."""


@app.command(name="reset-password")
def reset_password_(
    username: Annotated[str, typer.Argument(help="Console account.")] = FIRST_USERNAME,
    as_json: AsJson = False,
) -> None:
    """Generate a new password for somebody who lost theirs."""

    async def work() -> str:
        async with opened_store() as store:
            return await reset_password(store.database, store.changes, store.settings.state_dir, username)

    password = run(work, as_json=as_json)
    if as_json:
        print_json({"username": username, "password": password})
    else:
        console.print(f"{username}: {password}", markup=False)
        console.print("It has to be changed at the next sign-in.")
