"""``tamas feature-code``: codes that people dial to do something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, print_json, print_table, run, warn
from tamas.dialplan.code_books import (
    add_feature_code,
    change_feature_code,
    clash,
    list_feature_codes,
    remove_feature_code,
)
from tamas.dialplan.feature_codes import Auth, CodeType, WhichQueue, WhoseNumber
from tamas.engine.sip_secrets import open_seal
from tamas.store.database import Row

app = typer.Typer(no_args_is_help=True, help="Codes that people dial to do something.")

Code = Annotated[str, typer.Argument(help="What is dialed: digits, * and #.")]
TypeOption = Annotated[CodeType | None, typer.Option("--type", help="What it does.")]
AuthOption = Annotated[Auth | None, typer.Option(help="What is asked for first.")]
PasswordOption = Annotated[str | None, typer.Option(help="The code's own, digits; with --auth password.")]
AgentOption = Annotated[
    WhoseNumber | None, typer.Option(help="For whoever sits at the phone, or for an agent who is asked for.")
]
QueueOption = Annotated[
    WhichQueue | None, typer.Option(help="Whether the queue is asked for, or is that of --queue-number.")
]
NumberOption = Annotated[str | None, typer.Option(help="Number of the queue the code acts in.")]

_COLUMNS = ("code", "type", "auth", "agent", "queue", "queue_number")


def _show(row: Row, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print_table([row], _COLUMNS, empty="")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the feature codes; passwords are not shown."""

    async def work() -> Sequence[Row]:
        async with opened_store() as store:
            return await list_feature_codes(store.database)

    rows = run(work, as_json=as_json)
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, empty="There is no feature code.")


@app.command()
def add(
    code: Code,
    type_: Annotated[CodeType, typer.Option("--type", help="What it does.")],
    auth: Annotated[Auth, typer.Option(help="What is asked for first.")] = Auth.NONE,
    password: PasswordOption = None,
    agent: Annotated[
        WhoseNumber, typer.Option(help="For whoever sits at the phone, or for an agent who is asked for.")
    ] = WhoseNumber.PHONE,
    queue: QueueOption = None,
    queue_number: NumberOption = None,
    as_json: AsJson = False,
) -> None:
    """Add a code. Queue codes also work behind a queue's number: 345# is code # for queue 345."""

    async def work() -> tuple[Row, str | None]:
        async with opened_store() as store:
            other = await clash(store.database, code)
            row = await add_feature_code(
                store.database,
                open_seal(store.settings.state_dir),
                code=code,
                type_=type_,
                auth=auth,
                password=password or "",
                agent=agent,
                queue=queue,
                queue_number=queue_number or "",
            )
            return row, other

    row, other = run(work, as_json=as_json)
    if other is not None:
        warn(f"{code} is also the number of a {other}, which the code hides")
    _show(row, as_json=as_json)


@app.command()
def change(
    code: Code,
    new_code: Annotated[str | None, typer.Option(help="Another code for it.")] = None,
    type_: TypeOption = None,
    auth: AuthOption = None,
    password: PasswordOption = None,
    agent: AgentOption = None,
    queue: QueueOption = None,
    queue_number: NumberOption = None,
    as_json: AsJson = False,
) -> None:
    """Change a code; what is left out stays."""

    async def work() -> Row:
        async with opened_store() as store:
            return await change_feature_code(
                store.database,
                open_seal(store.settings.state_dir),
                code,
                password=password,
                changes={
                    "code": new_code,
                    "type": type_,
                    "auth": auth,
                    "agent": agent,
                    "queue": queue,
                    "queue_number": queue_number,
                },
            )

    _show(run(work, as_json=as_json), as_json=as_json)


@app.command()
def remove(code: Code, as_json: AsJson = False) -> None:
    """Delete a code."""

    async def work() -> None:
        async with opened_store() as store:
            await remove_feature_code(store.database, code)

    run(work, as_json=as_json)
    if as_json:
        print_json({"code": code, "removed": True})
    else:
        console.print(f"Feature code {code} is removed.", markup=False)
