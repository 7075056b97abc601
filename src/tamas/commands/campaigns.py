"""``tamas campaign``: campaigns of the autodialer."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import select

from tamas.autodialer.campaigns import (
    USUAL_TRY_INTERVAL,
    add_campaign,
    campaign_progress,
    pause_campaign,
    remove_campaign,
    run_again,
)
from tamas.autodialer.groups import add_group, remove_group, write_list
from tamas.autodialer.naming import named
from tamas.autodialer.numbers import Tally, numbers_in, texts_of
from tamas.autodialer.refusals import DialerRefused
from tamas.commands.opened import OpenedStore, opened_store
from tamas.commands.output import AsJson, console, errors, fail, print_json, print_table, run
from tamas.dialplan.plans import autodialer_contexts
from tamas.sa.dates import RowDates, parse_filter_date
from tamas.store.autodialer_schema import campaigns
from tamas.store.database import Row
from tamas.store.runtime_settings import load_runtime_settings

app = typer.Typer(no_args_is_help=True, help="Campaigns of the autodialer.")

WATCH_SECONDS = 1.0

Which = Annotated[str, typer.Argument(help="Its name or id.")]
_DATE = "Local time as 2026-11-23 15:16; the years 13xx and 14xx are Jalali."
ManagerOption = Annotated[str, typer.Option(help="Title or id of the trunk manager.")]
AnnouncementOption = Annotated[str, typer.Option(help="Sound of the autodialer, name or id, to be played.")]
ContextOption = Annotated[
    str, typer.Option(help="Context of an Autodialer Route, where answered calls begin.")
]
TextOption = Annotated[str, typer.Option(help="Row of that component; left out: the row any.")]
TriesOption = Annotated[int, typer.Option(help="Calls that a number gets at most.")]
IntervalOption = Annotated[int, typer.Option(help="Seconds between two tries of a number.")]
StartOption = Annotated[str, typer.Option(help=f"{_DATE} Left out: now.")]
EndOption = Annotated[str, typer.Option(help=f"{_DATE} Left out: three days after the start.")]
DescriptionOption = Annotated[str, typer.Option(help="For people.")]
CallerIdOption = Annotated[
    str, typer.Option(help="Number that its calls show; left out: autodialer.caller_id.")
]
MachinesOption = Annotated[bool, typer.Option("--detect-machines", help="Hang up on answering machines.")]
QueueOption = Annotated[
    str, typer.Option(help="Queue to which its route leads: no more calls than its free agents.")
]
FactorOption = Annotated[int, typer.Option(help="With --agent-queue: calls per free agent, in percent.")]
AbandonedOption = Annotated[
    int | None, typer.Option(help="Percent of answered calls that may reach nobody, before it waits.")
]

_SETTINGS: Final = {
    "text": "interface_text",
    "tries": "max_tries",
    "interval": "try_interval",
    "description": "description",
    "caller_id": "caller_id",
    "detect_machines": "detects_machines",
    "agent_queue": "agent_queue",
    "agent_factor": "agent_factor",
    "max_abandoned": "max_abandoned",
}
"""Options that every new campaign may be given, and the columns that they set."""
_COLUMNS = ("name", "id", "manager", "status", "round", "start", "end", "done", "total", "answered")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the campaigns, the newest first."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            c = campaigns.c
            statement = select(campaigns).where(c.removed_at.is_(None)).order_by(c.created_at.desc(), c.id)
            async with store.database.read() as connection:
                rows = await connection.rows(statement)
            return await _shown(store, rows)

    _print(run(work, as_json=as_json), as_json=as_json)


@app.command()
def show(
    which: Which,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until it is completed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a campaign and how far it came."""
    if watch and as_json:
        fail("--watch is for people", as_json=True)

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            return await _shown(store, [await named(store.database, "campaign", which)])

    (shown,) = run(work, as_json=as_json)
    _print([shown], as_json=as_json)
    if watch:
        try:
            run(lambda: _watch(shown["id"]), as_json=False)
        except KeyboardInterrupt:
            raise typer.Exit from None


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    trunk_manager: ManagerOption,
    number: Annotated[
        list[str] | None, typer.Option(help="Number to call; several times for several.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="Group to call, name or id; several times.")] = None,
    announcement: AnnouncementOption = "",
    context: ContextOption = "",
    text: TextOption = "",
    tries: TriesOption = 1,
    interval: IntervalOption = USUAL_TRY_INTERVAL,
    start: StartOption = "",
    end: EndOption = "",
    description: DescriptionOption = "",
    caller_id: CallerIdOption = "",
    detect_machines: MachinesOption = False,
    agent_queue: QueueOption = "",
    agent_factor: FactorOption = 100,
    max_abandoned: AbandonedOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a campaign; it begins at its start by itself."""
    settings = _settings(locals())

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            groups = [str((await named(store.database, "group", each))["id"]) for each in group or ()]
            settings.update(await _references(store, trunk_manager, announcement, context, start, end))
            identity = await add_campaign(
                store.database, name=name, numbers=number or (), groups=groups, **settings
            )
            return await _shown(store, [await named(store.database, "campaign", identity)])

    _print(run(work, as_json=as_json), as_json=as_json)


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="CSV with one column of numbers, or vCards; - reads standard input."),
    ],
    trunk_manager: ManagerOption,
    name: Annotated[str, typer.Option(help="Of the campaign and its group; left out: the file's.")] = "",
    announcement: AnnouncementOption = "",
    context: ContextOption = "",
    text: TextOption = "",
    tries: TriesOption = 1,
    interval: IntervalOption = USUAL_TRY_INTERVAL,
    start: StartOption = "",
    end: EndOption = "",
    description: DescriptionOption = "",
    caller_id: CallerIdOption = "",
    detect_machines: MachinesOption = False,
    agent_queue: QueueOption = "",
    agent_factor: FactorOption = 100,
    max_abandoned: AbandonedOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a group of the numbers in a file, as many as there are, and a campaign that calls it."""
    called = (name or ("Import" if str(file) == "-" else file.stem))[:80]
    settings = _settings(locals())

    async def work() -> dict[str, Any]:
        async with opened_store() as store:
            # First, so that nobody waits for a million numbers to hear that a name is wrong.
            settings.update(await _references(store, trunk_manager, announcement, context, start, end))
            with _opened(file, as_json=as_json) as numbers, _bar(file, numbers, quiet=as_json) as progress:
                tally = Tally()
                written = await write_list(
                    store.database, numbers_in(texts_of(numbers), tally), tally=tally, progress=progress
                )
            group = await add_group(
                store.database, name=called, description=f"Imported from {file.name}", numbers=written
            )
            try:
                identity = await add_campaign(store.database, name=called, groups=[group], **settings)
            except BaseException:
                await remove_group(store.database, group)
                raise
            return {
                "campaign": identity,
                "group": group,
                "accepted": tally.accepted,
                "duplicates": tally.duplicates,
                "rejected": tally.rejected,
            }

    made = run(work, as_json=as_json)
    if as_json:
        print_json(made)
        return
    console.print(
        f"{made['accepted']} numbers accepted, {made['duplicates']} duplicates, {made['rejected']} rejected."
    )
    console.print(f"Campaign {called} ({made['campaign']}) waits for its start.", markup=False)


@app.command()
def start(
    which: Which,
    begin: Annotated[str, typer.Option("--start", help=f"Of a further round. {_DATE}")] = "",
    end: Annotated[str, typer.Option(help=f"Of a further round. {_DATE}")] = "",
    as_json: AsJson = False,
) -> None:
    """Let a stopped campaign go on, or a completed one begin its next round."""

    async def work() -> tuple[list[dict[str, Any]], str]:
        async with opened_store() as store:
            row = await named(store.database, "campaign", which)
            if row["status"] == "completed":
                window = _window(begin, end, await load_runtime_settings(store.database))
                number = await run_again(store.database, row["id"], **window)
                done = f"Round {number} of {row['name']} waits for its start."
            elif row["paused"]:
                await pause_campaign(store.database, row["id"], paused=False)
                done = f"{row['name']} goes on."
            else:
                done = f"{row['name']} is {row['status']} already."
            return await _shown(store, [await named(store.database, "campaign", row["id"])]), done

    shown, done = run(work, as_json=as_json)
    _print(shown, as_json=as_json, said=done)


@app.command()
def stop(which: Which, as_json: AsJson = False) -> None:
    """Let no further call of a campaign begin until it is started again; calls in progress go on."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            row = await named(store.database, "campaign", which)
            await pause_campaign(store.database, row["id"], paused=True)
            return await _shown(store, [await named(store.database, "campaign", row["id"])])

    shown = run(work, as_json=as_json)
    _print(shown, as_json=as_json, said=f"No further call of {shown[0]['name']} begins.")


@app.command()
def remove(which: Which, as_json: AsJson = False) -> None:
    """Delete a campaign; calls in progress go on, and its reports stay."""

    async def work() -> str:
        async with opened_store() as store:
            row = await named(store.database, "campaign", which)
            await remove_campaign(store.database, row["id"])
            return str(row["id"])

    identity = run(work, as_json=as_json)
    if as_json:
        print_json({"id": identity, "removed": True})
    else:
        console.print(f"Campaign {which} is removed.", markup=False)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a campaign from the options of a command."""
    return {column: given[option] for option, column in _SETTINGS.items()}


async def _references(
    store: OpenedStore, manager: str, announcement: str, context: str, start: str, end: str
) -> dict[str, Any]:
    """Columns of what a campaign refers to, and its window.

    :raises DialerRefused: something of it is not there.
    """
    if context and context not in (known := await autodialer_contexts(store.database)):
        there = ", ".join(sorted(known)) or "none"
        raise DialerRefused("context", f"the live plan has no Autodialer Route {context}; it has {there}")
    found: dict[str, Any] = {"interface_context": context}
    found["trunk_manager_id"] = str((await named(store.database, "trunk manager", manager))["id"])
    if announcement:
        found["announcement"] = str((await named(store.database, "sound", announcement))["id"])
    return found | _window(start, end, await load_runtime_settings(store.database))


def _window(start: str, end: str, runtime: Mapping[str, Any]) -> dict[str, int]:
    """:raises BadDate: one is no date."""
    window = {}
    if start:
        window["start_at"] = parse_filter_date(start, runtime)
    if end:
        window["end_at"] = parse_filter_date(end, runtime, end=":" not in end)
    return window


async def _shown(store: OpenedStore, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Campaigns as they are printed."""
    dates = RowDates(await load_runtime_settings(store.database))
    shown = []
    for row in rows:
        progress = await store.database.long_read(
            lambda connection, row=row: campaign_progress(connection, row)  # type: ignore[misc]
        )
        try:
            manager = str((await named(store.database, "trunk manager", row["trunk_manager_id"]))["title"])
        except DialerRefused:
            manager = ""
        shown.append(
            {
                "name": row["name"],
                "id": row["id"],
                "manager": manager,
                "status": row["status"],
                "paused": bool(row["paused"]),
                "round": row["round"],
                "start": dates.text(row["start_at"]),
                "end": dates.text(row["end_at"]),
                "expanded": bool(row["expanded"]),
                **progress,
            }
        )
    return shown


def _print(rows: Sequence[Mapping[str, Any]], *, as_json: bool, said: str = "") -> None:
    if as_json:
        print_json(rows)
        return
    if said:
        console.print(said, markup=False)
        return
    in_words = [
        {
            **row,
            "manager": row["manager"] or "(gone)",
            "status": f"{row['status']}, stopped" if row["paused"] else row["status"],
        }
        for row in rows
    ]
    print_table(in_words, _COLUMNS, empty="There is no campaign.")


async def _watch(identity: str) -> None:
    """Show how a campaign comes on until it is completed or gone."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[more]}", markup=False),
        TimeElapsedColumn(),
    )
    async with opened_store() as store:
        with Progress(*columns, console=console, auto_refresh=False) as bar:
            task = bar.add_task("", total=None, more="")
            while True:
                (now,) = await _shown(store, [await named(store.database, "campaign", identity)])
                more = f"{now['dialing']} calling, {now['waiting']} again later, {now['answered']} answered"
                paused = ", stopped" if now["paused"] else ""
                bar.update(
                    task,
                    description=f"{now['name']}: {now['status']}{paused}",
                    completed=now["done"],
                    total=now["total"],
                    more=more,
                    refresh=True,
                )
                if now["status"] == "completed":
                    return
                await asyncio.sleep(WATCH_SECONDS)


@contextmanager
def _opened(file: Path, *, as_json: bool) -> Iterator[BinaryIO]:
    try:
        if str(file) != "-":
            with file.open("rb") as opened:
                yield opened
            return
        with tempfile.TemporaryFile() as copy:  # what is read is gone back in
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            yield copy
    except OSError as error:
        fail(f"{file} cannot be read: {error}", as_json=as_json)


@contextmanager
def _bar(file: Path, opened: BinaryIO, *, quiet: bool) -> Iterator[Callable[[Tally], None] | None]:
    """A progress bar on standard error, by the bytes that were read."""
    if quiet:
        yield None
        return
    opened.seek(0, 2)
    size = opened.tell()
    opened.seek(0)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[numbers]} numbers"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(file.name, total=size, numbers=0)
        yield lambda tally: bar.update(task, completed=opened.tell(), numbers=tally.accepted)
