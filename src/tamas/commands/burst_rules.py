"""``tamas burst-rule``: areas whose calls get a ready answer (Spit Detection, manual rules)."""

from __future__ import annotations

from typing import Annotated

import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, print_json, print_table, run
from tamas.dialplan.burst_rules import add_burst_rule, list_burst_rules, remove_burst_rule
from tamas.store.database import Row

app = typer.Typer(no_args_is_help=True, help="Areas whose calls get a ready answer (Spit Detection).")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the rules."""

    async def work() -> list[Row]:
        async with opened_store() as store:
            return await list_burst_rules(store.database)

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
    else:
        print_table(
            [{**row, "pre_codes": ", ".join(row["pre_codes"])} for row in rows],
            ("id", "title", "pre_codes", "enabled", "announcement"),
            empty="There is no rule.",
        )


@app.command()
def add(
    title: Annotated[str, typer.Argument(help="What the rule is called.")],
    pre_codes: Annotated[
        list[str],
        typer.Argument(help="Beginnings of numbers as dialed in this region, at least four digits."),
    ],
    announcement: Annotated[str, typer.Option(help="Sound that these callers hear.")] = "",
    disabled: Annotated[bool, typer.Option("--disabled", help="Keep it without using it.")] = False,
    comment: Annotated[str, typer.Option(help="For those who read the list.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a rule; the next call obeys it."""
    codes = [code for given in pre_codes for code in given.replace(",", " ").split()]

    async def work() -> str:
        async with opened_store() as store:
            return await add_burst_rule(
                store.database,
                title=title,
                pre_codes=codes,
                announcement=announcement,
                enabled=not disabled,
                comment=comment,
            )

    rule_id = run(work, as_json=as_json)
    if as_json:
        print_json({"id": rule_id})
    else:
        console.print(f"Rule {title} is added.", markup=False)


@app.command()
def remove(
    rule: Annotated[str, typer.Argument(help="Id or title.")],
    as_json: AsJson = False,
) -> None:
    """Delete a rule."""

    async def work() -> None:
        async with opened_store() as store:
            await remove_burst_rule(store.database, rule)

    run(work, as_json=as_json)
    if as_json:
        print_json({"rule": rule, "removed": True})
    else:
        console.print(f"Rule {rule} is removed.", markup=False)
