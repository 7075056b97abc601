"""``tamas group``: PBX groups, extensions under one name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tamas.agents.groups import add_group, list_groups, remove_group
from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, print_json, print_table, run

app = typer.Typer(no_args_is_help=True, help="Groups of extensions.")

Name = Annotated[str, typer.Argument(help="Name of the group.")]


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the groups."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            return await list_groups(store.database)

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "users": ", ".join(row["users"])} for row in rows]
    print_table(shown, ("name", "users", "description"), empty="There is no group.")


@app.command()
def add(
    name: Name,
    users: Annotated[list[str], typer.Argument(help="Numbers of extensions.")],
    description: Annotated[str, typer.Option(help="For people.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a group of extensions."""

    async def work() -> dict[str, Any]:
        async with opened_store() as store:
            return await add_group(store.database, name=name, users=users, description=description)

    row = run(work, as_json=as_json)
    if as_json:
        print_json(row)
    else:
        console.print(f"Group {name} has {len(row['users'])} extensions.", markup=False)


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Delete a group; its extensions stay."""

    async def work() -> None:
        async with opened_store() as store:
            await remove_group(store.database, name)

    run(work, as_json=as_json)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        console.print(f"Group {name} is removed.", markup=False)
