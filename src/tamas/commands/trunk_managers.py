"""``tamas trunk-manager``: how fast and when the autodialer may use a trunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from tamas.autodialer.naming import named
from tamas.autodialer.trunk_managers import (
    ALWAYS,
    add_trunk_manager,
    change_trunk_manager,
    read_trunk_managers,
    remove_trunk_manager,
)
from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, fail, print_json, print_table, run
from tamas.store.autodialer_schema import trunk_managers
from tamas.store.database import Database

app = typer.Typer(no_args_is_help=True, help="How fast and when the autodialer may use a trunk.")


class Status(StrEnum):
    """Whether calls may begin."""

    ACTIVE = "active"
    INACTIVE = "inactive"


Which = Annotated[str, typer.Argument(help="Its title or id.")]
_HOURS = (
    "When it may call: weekdays and hours as 1-5:9-17 (1 is Monday, hour 17 ends at 17:59:59); several times "
    "for several, or always, or never."
)
CapacityOption = Annotated[int | None, typer.Option(help="Most calls of the dialer at the same time.")]
IntervalOption = Annotated[int | None, typer.Option(help="Seconds between two calls; 0: none.")]
CacheOption = Annotated[int | None, typer.Option("--cache", help="Numbers read at a time.")]
HoursOption = Annotated[list[str] | None, typer.Option("--hours", help=_HOURS)]
StatusOption = Annotated[Status | None, typer.Option(help="inactive: no call of its campaigns begins.")]

_KEYS = (
    "id",
    "title",
    "trunk_id",
    "trunk",
    "status",
    "calls",
    "capacity",
    "dial_interval",
    "wait_cache_length",
    "active_times",
)
_COLUMNS = ("title", "id", "trunk", "status", "calls", "capacity", "dial_interval", "hours")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the trunk managers with the calls they have now."""

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            return await store.database.long_read(read_trunk_managers)

    _show(run(work, as_json=as_json), as_json=as_json)


@app.command()
def add(
    title: Annotated[str, typer.Argument(help="What people call it.")],
    trunk: Annotated[str, typer.Option(help="Name or id of the trunk.")],
    capacity: CapacityOption = None,
    interval: IntervalOption = None,
    cache: CacheOption = None,
    hours: HoursOption = None,
    status: StatusOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a trunk manager; unless told otherwise it may always call, one call at a time."""
    settings = _settings(None, capacity, interval, cache, hours, status, as_json=as_json)

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            trunk_id = str((await named(store.database, "trunk", trunk))["id"])
            identity = await add_trunk_manager(store.database, title=title, trunk_id=trunk_id, **settings)
            return await _one(store.database, identity)

    _show(run(work, as_json=as_json), as_json=as_json)


@app.command(name="set")
def set_(
    which: Which,
    title: Annotated[str | None, typer.Option(help="Its new title.")] = None,
    trunk: Annotated[str | None, typer.Option(help="Name or id of another trunk.")] = None,
    capacity: CapacityOption = None,
    interval: IntervalOption = None,
    cache: CacheOption = None,
    hours: HoursOption = None,
    status: StatusOption = None,
    as_json: AsJson = False,
) -> None:
    """Change a trunk manager; what is left out stays, and calls in progress go on."""
    settings = _settings(title, capacity, interval, cache, hours, status, as_json=as_json)

    async def work() -> list[dict[str, Any]]:
        async with opened_store() as store:
            identity = str((await named(store.database, "trunk manager", which))["id"])
            if trunk is not None:
                settings["trunk_id"] = str((await named(store.database, "trunk", trunk))["id"])
            await change_trunk_manager(store.database, identity, settings)
            return await _one(store.database, identity)

    _show(run(work, as_json=as_json), as_json=as_json)


@app.command()
def remove(which: Which, as_json: AsJson = False) -> None:
    """Delete a trunk manager that no waiting or running campaign needs."""

    async def work() -> str:
        async with opened_store() as store:
            row = await named(store.database, "trunk manager", which)
            await remove_trunk_manager(store.database, str(row["id"]))
            return str(row["id"])

    identity = run(work, as_json=as_json)
    if as_json:
        print_json({"id": identity, "removed": True})
    else:
        console.print(f"Trunk manager {which} is removed.", markup=False)


async def _one(database: Database, identity: str) -> list[dict[str, Any]]:
    return await database.long_read(
        lambda connection: read_trunk_managers(connection, trunk_managers.c.id == identity)
    )


def _show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json([{key: row[key] for key in _KEYS} for row in rows])
        return
    print_table(
        [
            {**row, "trunk": row["trunk"] or "(gone)", "hours": hours_in_words(row["active_times"])}
            for row in rows
        ],
        _COLUMNS,
        empty="There is no trunk manager.",
    )


def _settings(
    title: str | None,
    capacity: int | None,
    interval: int | None,
    cache: int | None,
    hours: Sequence[str] | None,
    status: Status | None,
    *,
    as_json: bool,
) -> dict[str, Any]:
    given: dict[str, Any] = {
        "title": title,
        "capacity": capacity,
        "dial_interval": interval,
        "wait_cache_length": cache,
        "status": None if status is None else status.value,
    }
    if hours:
        try:
            given["active_times"] = times_of(hours)
        except ValueError as error:
            fail(f"--hours {error} is not like 1-5:9-17, always or never", as_json=as_json)
    return {key: value for key, value in given.items() if value is not None}


def times_of(texts: Sequence[str]) -> dict[str, list[str]]:
    """Active times out of texts such as ``1-5:9-17`` and ``6,7:10``.

    :raises ValueError: with the text that is none.
    """
    times: dict[str, list[str]] = {}
    for text in texts:
        if text == "always":
            return {day: list(hours) for day, hours in ALWAYS.items()}
        if text == "never":
            continue
        days, colon, hours = text.partition(":")
        try:
            if not colon:
                raise ValueError(text)  # noqa: TRY301 - one message for whatever is wrong
            for day in _range(days, 1, 7):
                times.setdefault(str(day), []).extend(str(hour) for hour in _range(hours, 0, 23))
        except ValueError as error:
            raise ValueError(text) from error
    return times


def _range(text: str, low: int, high: int) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = int(first), int(last or first)
        if not low <= begin <= end <= high:
            raise ValueError(part)
        yield from range(begin, end + 1)


def hours_in_words(times: Mapping[str, Sequence[str]]) -> str:
    """As they are given to ``--hours``."""
    if not times:
        return "never"
    if all(len(times.get(day, ())) == len(hours) for day, hours in ALWAYS.items()):
        return "always"
    days: dict[str, list[int]] = {}
    for day, hours in times.items():
        days.setdefault(_ranges([int(hour) for hour in hours]), []).append(int(day))
    return " ".join(f"{_ranges(found)}:{hours}" for hours, found in days.items())


def _ranges(numbers: Sequence[int]) -> str:
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
