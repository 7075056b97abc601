"""``tamas console``: accounts of people who sign in to the console."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, print_json, print_table, run
from tamas.console.accounts import FIRST_USERNAME, ConsoleAccount, list_console_accounts, reset_password

app = typer.Typer(no_args_is_help=True, help="Accounts of people who sign in to the console.")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the accounts."""

    async def work() -> list[ConsoleAccount]:
        async with opened_store() as store:
            return await list_console_accounts(store.database)

    rows: list[dict[str, Any]] = [msgspec.to_builtins(account) for account in run(work, as_json=as_json)]
    if as_json:
        print_json(rows)
        return
    print_table(
        rows,
        ("username", "name", "account_type", "enabled", "totp", "must_change_password"),
        empty="There is no account yet; the first start of the server makes one.",
    )


@app.command(name="reset-password")
def reset_password_(
    username: Annotated[str, typer.Argument(help="Console account.")] = FIRST_USERNAME,
    without_second_step: Annotated[
        bool, typer.Option("--without-second-step", help="Also for somebody who lost their phone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Generate a new password for somebody who lost theirs; their sessions end."""

    async def work() -> str:
        async with opened_store() as store:
            return await reset_password(
                store.database,
                store.changes,
                store.settings.state_dir,
                username,
                without_second_step=without_second_step,
            )

    password = run(work, as_json=as_json)
    if as_json:
        print_json({"username": username, "password": password})
    else:
        console.print(f"{username}: {password}", markup=False)
        console.print("It has to be changed at the next sign-in.")
