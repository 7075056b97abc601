"""``tamas account``: the accounts that may call the Simotel API."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, print_json, print_table, run, warn
from tamas.sa import accounts
from tamas.sa.permissions import Permissions

app = typer.Typer(no_args_is_help=True, help="Accounts that may call the Simotel API.")

Name = Annotated[str, typer.Argument(help="User name of the account.")]


EVERYTHING: Final = "*"
"""The pattern that every service matches."""


class Auth(StrEnum):
    """What an account must send: SA catalogue, ``authentication.modes``."""

    basic = "basic"
    token = "token"  # noqa: S105 - the mode's name
    both = "both"


def _show(created: accounts.CreatedAccount, *, as_json: bool) -> None:
    value: dict[str, Any] = msgspec.to_builtins(created)
    if as_json:
        print_json(value)
        return
    console.print(f"account   {created.username} ({created.auth})")
    if created.password is not None:
        console.print(f"password  {created.password}", markup=False)
    if created.token is not None:
        console.print(f"token     {created.token}", markup=False)
    console.print(f"may call  {', '.join(created.permissions)}", markup=False)
    console.print("Keep the secrets now: they cannot be shown again.")


@app.command()
def add(
    name: Name,
    auth: Annotated[Auth, typer.Option(help="What the account must send.")] = Auth.basic,
    password: Annotated[str | None, typer.Option(help="Generated when left out.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Services it may call, such as /pbx/users/*; may be repeated. Default: all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an account and show its secrets once."""

    async def work() -> accounts.CreatedAccount:
        async with opened_store() as store:
            return await accounts.create_account(
                store.database,
                store.changes,
                username=name,
                auth=auth.value,
                password=password,
                permissions=allow or [EVERYTHING],
            )

    created = run(work, as_json=as_json)
    _warn_of_idle_patterns(created.permissions)
    _show(created, as_json=as_json)


def _warn_of_idle_patterns(patterns: Iterable[str]) -> None:
    """Tell of permissions that open none of the services there are, as a misspelt one does."""
    if EVERYTHING in patterns:
        return
    from tamas.sa.app import declared_services  # costs every command its import otherwise
    from tamas.sa.event_stream import PERMISSION

    names = [PERMISSION, *(service.permission for service in declared_services())]
    for pattern in patterns:
        if not any(map(Permissions([pattern]).allow, names)):
            warn(f"no service matches {pattern}")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the accounts."""

    async def work() -> list[accounts.Account]:
        async with opened_store() as store:
            return await accounts.list_accounts(store.database)

    rows: list[dict[str, Any]] = [msgspec.to_builtins(account) for account in run(work, as_json=as_json)]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        row["permissions"] = ", ".join(row["permissions"])
    print_table(
        rows,
        ("username", "auth", "enabled", "permissions", "last_used_at"),
        empty="There is no account yet; make one with: tamas account add NAME",
    )


def _switch(name: str, *, enabled: bool, as_json: bool) -> None:
    async def work() -> None:
        async with opened_store() as store:
            await accounts.set_enabled(store.database, store.changes, name, enabled=enabled)

    run(work, as_json=as_json)
    if as_json:
        print_json({"username": name, "enabled": enabled})
    else:
        console.print(f"{name} is {'enabled' if enabled else 'disabled'}.")


@app.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Refuse an account from its next request on."""
    _switch(name, enabled=False, as_json=as_json)


@app.command()
def enable(name: Name, as_json: AsJson = False) -> None:
    """Let a disabled account in again."""
    _switch(name, enabled=True, as_json=as_json)


@app.command()
def rotate(name: Name, as_json: AsJson = False) -> None:
    """Give an account new secrets; the old ones end at once."""

    async def work() -> accounts.CreatedAccount:
        async with opened_store() as store:
            return await accounts.rotate(store.database, store.changes, name)

    _show(run(work, as_json=as_json), as_json=as_json)


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Delete an account."""

    async def work() -> None:
        async with opened_store() as store:
            await accounts.remove_account(store.database, store.changes, name)

    run(work, as_json=as_json)
    if as_json:
        print_json({"username": name, "removed": True})
    else:
        console.print(f"{name} is removed.")
