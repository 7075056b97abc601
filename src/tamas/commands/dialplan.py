"""``tamas dialplan``: the call-flow graph from the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tamas.commands.opened import OpenedStore, opened_store
from tamas.commands.output import AsJson, console, errors, fail, print_json, print_table, run, time_text
from tamas.dialplan.component_form import document, form_of, in_palette, markdown
from tamas.dialplan.graph import Plan, PlanUnreadable, read_plan, write_plan
from tamas.dialplan.publishing import (
    PlanRefused,
    Published,
    keep,
    load,
    publish,
    publish_kept,
    restore,
    versions,
)
from tamas.dialplan.validation import Finding, check, has_errors
from tamas.dialplan.variables import list_variables, remove_variable, set_variable
from tamas.dialplan.world import VariableType, load_world

ACCOUNT: Final = "command line"
"""Who made a version that came from here; whoever may run commands may do everything."""

app = typer.Typer(no_args_is_help=True, help="The call flow: its plan, versions and variables.")
variables_app = typer.Typer(no_args_is_help=True, help="Values that several nodes of the plan share.")
app.add_typer(variables_app, name="variables")

File = Annotated[
    Path,
    typer.Argument(help="JSON; - reads standard input."),
]
Comment = Annotated[str, typer.Option(help="What was changed, for the list of versions.")]


def _read(file: Path, *, as_json: bool) -> Plan:
    try:
        return read_plan(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except OSError as error:
        fail(f"{file}: {error.strerror}", as_json=as_json)
    except PlanUnreadable as error:
        fail(f"{file}: {error}", as_json=as_json)


def _row(finding: Finding) -> dict[str, str]:
    return {
        "level": finding.level.value,
        "node": finding.node,
        "name": finding.name,
        "field": finding.field,
        "text": finding.text,
    }


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = " ".join(part for part in (finding.name or finding.node, finding.field) if part)
        text = f"{finding.level.value}: {where + ': ' if where else ''}{finding.text}"
        errors.print(
            text, style="red" if finding.level == "error" else "yellow", markup=False, soft_wrap=True
        )


def _refuse(error: PlanRefused, *, as_json: bool) -> None:
    """Say everything that is wrong with a plan, and end."""
    if as_json:
        print_json({"error": str(error), "findings": [_row(each) for each in error.findings]})
    else:
        _print_findings(error.findings)
    raise typer.Exit(1) from error


def _tell(published: Published, *, live: bool, as_json: bool) -> None:
    number = published.version
    if as_json:
        print_json(
            {
                "version": number,
                "changed": published.changed,
                "live": live or not published.changed,
                "findings": [_row(each) for each in published.findings],
            }
        )
        return
    _print_findings(published.findings)
    if not published.changed:
        console.print(f"Nothing to do: that is version {number}, which is live.")
    elif live:
        console.print(f"Version {number} is live. Calls in progress go on with the version they began with.")
    else:
        console.print(f"Version {number} is kept; 'tamas dialplan publish' makes it live.")


@app.command()
def export(
    version: Annotated[int | None, typer.Option(min=0, help="Which; the live one when left out.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a version of the plan as JSON, to a file or to standard output."""

    async def work() -> Plan:
        async with opened_store() as store:
            return await load(store.database, version)

    text = write_plan(run(work, as_json=as_json)) + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{output}: {error.strerror}", as_json=as_json)
    if as_json:
        print_json({"file": str(output)})


@app.command(name="check")
def check_(file: File, as_json: AsJson = False) -> None:
    """Tell what is wrong with a plan in a file; status 1 when it could not go live. Changes nothing."""
    plan = _read(file, as_json=as_json)

    async def work() -> list[Finding]:
        async with opened_store() as store:
            return check(plan, await load_world(store.database))

    findings = run(work, as_json=as_json)
    if as_json:
        print_json({"good": not has_errors(findings), "findings": [_row(each) for each in findings]})
    else:
        _print_findings(findings)
        if not has_errors(findings):
            console.print(f"The plan can go live: {len(plan.nodes)} nodes on {len(plan.sheets)} sheets.")
    if has_errors(findings):
        raise typer.Exit(1)


@app.command(name="import")
def import_(
    file: File,
    comment: Comment = "",
    publish_now: Annotated[bool, typer.Option("--publish", help="Make it live at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a plan in a file and keep it as a new version, which 'publish' makes live."""
    plan = _read(file, as_json=as_json)

    async def work(store: OpenedStore) -> Published:
        if publish_now:
            return await publish(
                store.database,
                store.changes,
                plan,
                account=ACCOUNT,
                comment=comment,
                administrator=True,
            )
        return await keep(store.database, plan, account=ACCOUNT, comment=comment, administrator=True)

    _publishing(work, live=publish_now, as_json=as_json)


@app.command(name="publish")
def publish_(
    version: Annotated[
        int | None, typer.Argument(min=1, help="Which; the one imported last when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an imported version live, for the calls that come from now on."""

    async def work(store: OpenedStore) -> Published:
        return await publish_kept(store.database, store.changes, version, administrator=True)

    _publishing(work, live=True, as_json=as_json)


@app.command(name="restore")
def restore_(
    version: Annotated[int, typer.Argument(min=0, help="0 is the plan that Tamas brings along.")],
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Make a copy of an old version live, as a new version."""

    async def work(store: OpenedStore) -> Published:
        return await restore(
            store.database, store.changes, version, account=ACCOUNT, comment=comment, administrator=True
        )

    _publishing(work, live=True, as_json=as_json)


def _publishing(work: Any, *, live: bool, as_json: bool) -> None:
    async def opened() -> Published | PlanRefused:
        async with opened_store() as store:
            try:
                return await work(store)  # type: ignore[no-any-return]
            except PlanRefused as error:
                return error

    done = run(opened, as_json=as_json)
    if isinstance(done, PlanRefused):
        _refuse(done, as_json=as_json)
    else:
        _tell(done, live=live, as_json=as_json)


@app.command(name="versions")
def versions_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the versions of the plan, newest first; times are UTC."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            return [
                {
                    "version": each.version,
                    "live": each.live,
                    "created_at": time_text(each.created_at, "seconds"),
                    "published_at": time_text(each.published_at, "seconds"),
                    "account": each.account,
                    "comment": each.comment,
                }
                for each in await versions(store.database, limit=limit)
            ]

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "live": "live" if row["live"] else ""} for row in rows]
    print_table(shown, ("version", "live", "created_at", "published_at", "account", "comment"), empty="")


@app.command()
def components(
    kind: Annotated[str | None, typer.Argument(metavar="TYPE", help="Only this one.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Pages for people.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what plans are made of: each component with its parameters and outputs.

    With --json it is what a designer needs for its forms.
    """
    found = [each for each in in_palette() if kind is None or each.kind.lower() == kind.lower()]
    if not found:
        fail(f"there is no component {kind!r}", as_json=as_json)
    if as_json:
        forms = [form_of(each) for each in found]
        print_json(forms if kind is None else forms[0])
    elif kind is not None:
        sys.stdout.write(markdown(found))
    elif as_markdown:
        sys.stdout.write(document(found))
    else:
        rows = [
            {
                "type": each.kind,
                "group": each.group.value,
                "outputs": " ".join((*each.outputs, *(["rows"] if each.row else []))),
                "what it does": each.doc.partition("\n")[0],
            }
            for each in found
        ]
        print_table(rows, ("type", "group", "outputs", "what it does"), empty="")


# -- variables ---------------------------------------------------------------------------------------------


@variables_app.command(name="list")
def variables_list(as_json: AsJson = False) -> None:
    """List the variables, and the nodes of the live plan that use them."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            return [
                {
                    "name": each.name,
                    "type": each.type.value,
                    "value": each.value,
                    "description": each.description,
                    "used_by": each.used_by,
                }
                for each in await list_variables(store.database)
            ]

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "used_by": ", ".join(row["used_by"])} for row in rows]
    print_table(shown, ("name", "type", "value", "description", "used_by"), empty="There is no variable.")


@variables_app.command(name="set")
def variables_set(
    name: Annotated[str, typer.Argument(help="Name of the variable.")],
    value: Annotated[str, typer.Argument(help="Its value.")],
    kind: Annotated[
        VariableType | None, typer.Option("--type", help="Stays when left out; of a new one: string.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a variable, or change it; calls obey from their next step on."""

    async def work() -> bool:
        async with opened_store() as store:
            return await set_variable(
                store.database, store.changes, name, value, type=kind, description=description
            )

    new = run(work, as_json=as_json)
    if as_json:
        print_json({"name": name, "value": value, "new": new})
    else:
        console.print(f"{name} = {value}", markup=False)


@variables_app.command(name="remove")
def variables_remove(
    name: Annotated[str, typer.Argument(help="Name of the variable.")], as_json: AsJson = False
) -> None:
    """Delete a variable that the live plan does not use."""

    async def work() -> None:
        async with opened_store() as store:
            await remove_variable(store.database, store.changes, name)

    run(work, as_json=as_json)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        console.print(f"Variable {name} is removed.", markup=False)
