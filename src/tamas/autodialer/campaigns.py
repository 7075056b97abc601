"""Campaigns as their owners handle them: made, changed, run again, paused, removed.

Dialing them is the work of other modules. Between the two lies ``expanded``: whoever changes the numbers of
a round clears it together with ``expansion``, and whoever dials then makes the rows of ``campaign_numbers``
anew, out of ``numbers`` and the lists in ``lists``. Source: autodialer specification, sections 2 and 3.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import delete, func, insert, select, union, update

from tamas.autodialer.groups import Pace, drop_unused
from tamas.autodialer.numbers import numbers_given
from tamas.autodialer.refusals import DialerRefused
from tamas.store.autodialer_schema import (
    campaign_numbers,
    campaigns,
    dial_attempts,
    dialer_group_numbers,
    dialer_groups,
    dialer_reports,
    dialer_sounds,
    trunk_managers,
)
from tamas.store.clock import DAY, now
from tamas.store.database import Connection, Database, Row
from tamas.store.ids import new_id
from tamas.store.json_lists import texts_of_list

MAX_NAME: Final = 80
MAX_TRIES: Final = 100
MAX_TRY_INTERVAL: Final = 30 * 86_400
USUAL_TRY_INTERVAL: Final = 600
USUAL_WINDOW: Final = 3 * DAY
"""From start to end, where none is given."""
MAX_GROUPS: Final = 1000
MAX_QUEUE: Final = 32
MAX_FACTOR: Final = 1000
CALLER_ID: Final = re.compile(r"(\+?[0-9]{1,20})?")

_ONLY_AT_REST: Final = (
    "trunk_manager_id",
    "numbers",
    "groups",
    "interface_context",
    "interface_text",
    "announcement",
    "start_at",
)
"""What stays as it is while a campaign runs."""
_FIELDS: Final = {"start_at": "start", "end_at": "end", "max_tries": "try"}
"""Names in the Simotel API of columns that are called otherwise here."""
_COUNT_TRIES: Final = 5

_c, _g, _n, _a = campaigns.c, dialer_groups.c, campaign_numbers.c, dial_attempts.c


async def add_campaign(
    database: Database,
    *,
    name: str,
    trunk_manager_id: str,
    numbers: Sequence[str] = (),
    groups: Sequence[str] = (),
    **settings: Any,
) -> str:
    """Make a campaign; gives its id.

    :param numbers: as people write them.
    :param groups: ids.
    :param settings: other columns of ``campaigns`` that its owner may set: ``interface_context``,
        ``interface_text``, ``announcement``, ``max_tries``, ``try_interval``, ``start_at``, ``end_at``,
        ``description``, ``caller_id``, ``detects_machines``, ``agent_queue``, ``agent_factor``,
        ``max_abandoned``.
    :raises DialerRefused: something does not fit or is not there.
    """
    at = now()
    start = settings.get("start_at", _start_before(settings.get("end_at"), at))
    values = {
        "interface_context": "",
        "interface_text": "",
        "announcement": "",
        "max_tries": 1,
        "try_interval": USUAL_TRY_INTERVAL,
        "end_at": start + USUAL_WINDOW,
        **settings,
        "name": name,
        "trunk_manager_id": trunk_manager_id,
        "start_at": start,
        "numbers": _json(numbers_given(numbers)),
        "groups": _json(_ids(groups)),
    }
    _check(values)
    identity = new_id()
    async with _counted(database, values["numbers"], values["groups"]) as (tx, lists, count):
        await _check_references(tx, values)
        await tx.execute(
            insert(campaigns).values(
                **values,
                id=identity,
                lists=lists,
                count=count,
                round=1,
                status="waiting",
                expanded=False,
                created_at=at,
                updated_at=at,
            )
        )
    return identity


async def change_campaign(database: Database, identity: str, changes: Mapping[str, Any]) -> int:
    """Change a campaign; gives how many numbers it has.

    While it runs only what does not concern who is called and how may change; what is given as it was, is no
    change.

    :param changes: as the parameters of :func:`add_campaign`; ``None`` stays as it is.
    :raises DialerRefused: there is none, it runs, or something does not fit.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    if "numbers" in given:
        given["numbers"] = _json(numbers_given(given["numbers"]))
    if "groups" in given:
        given["groups"] = _json(_ids(given["groups"]))
    if "numbers" not in given and "groups" not in given:
        async with database.write() as tx:
            before = await _find(tx, identity)
            await _change(tx, before, given)
        return int(before["count"])
    async with database.read() as connection:
        before = await _find(connection, identity, lock=False)
    numbers, groups = (str(given.get(name, before[name])) for name in ("numbers", "groups"))
    if (numbers, groups) == (before["numbers"], before["groups"]):
        # Groups may have changed since, but their numbers are then of the next round.
        return await change_campaign(database, identity, _without(changes, "numbers", "groups"))
    async with _counted(database, numbers, groups) as (tx, lists, count):
        before = await _find(tx, identity)
        new = {"numbers": numbers, "groups": groups}
        await _change(tx, before, {**given, **new})
        fresh: dict[str, Any] = {"count": count}
        if before["status"] == "waiting":
            fresh |= {"lists": lists, "expanded": False, "expansion": ""}
        await tx.execute(update(campaigns).where(_c.serial == before["serial"]).values(**fresh))
    await drop_unused(database, msgspec.json.decode(before["lists"]))
    return count


def _start_before(end: int | None, at: int) -> int:
    """The start of a campaign of which only the end was given, or neither: now, unless that is over."""
    return at if end is None or at < end else end - USUAL_WINDOW


async def _change(tx: Connection, before: Row, given: Mapping[str, Any]) -> None:
    changed = {key: value for key, value in given.items() if value != before[key]}
    if before["status"] == "running":
        for name in _ONLY_AT_REST:
            if name in changed:
                raise DialerRefused(_FIELDS.get(name, name), "it cannot change while the campaign runs")
    after = {**before, **changed}
    _check(after)
    await _check_references(tx, after, changed)
    await tx.execute(
        update(campaigns).where(_c.serial == before["serial"]).values(**changed, updated_at=now())
    )


async def remove_campaign(database: Database, identity: str) -> None:
    """Delete a campaign: no call begins any more, those in progress go on, its reports stay.

    :raises DialerRefused: there is none.
    """
    async with database.write() as tx:
        row = await _find(tx, identity)
        await tx.execute(update(campaigns).where(_c.serial == row["serial"]).values(removed_at=now()))
    await drop_unused(database, msgspec.json.decode(row["lists"]))
    await purge_removed(database)


async def purge_removed(database: Database) -> None:
    """Delete what is left of removed campaigns whose calls are over; whoever dials calls it now and then."""
    calling = select(_a.campaign).where(_a.ended_at.is_(None))
    async with database.read() as connection:
        gone = await connection.rows(
            select(_c.serial).where(_c.removed_at.is_not(None), _c.serial.not_in(calling))
        )
    for row in gone:
        serial, pace, more = row["serial"], Pace(), True
        while more:
            some = select(_n.id).where(_n.campaign == serial).limit(pace.size).scalar_subquery()
            begun = time.monotonic()
            async with database.write() as tx:
                done = await tx.execute(delete(campaign_numbers).where(_n.id.in_(some)))
            pace.took(time.monotonic() - begun)
            more = done.rowcount > 0
            await asyncio.sleep(0)
        async with database.write() as tx:
            await tx.execute(delete(campaigns).where(_c.serial == serial))


async def run_again(
    database: Database, identity: str, *, start_at: int | None = None, end_at: int | None = None
) -> int:
    """Begin the next round of a completed campaign; gives its number.

    It calls the campaign's numbers and those that its groups have now, each again from its first try.

    :param start_at: default: now.
    :param end_at: default: three days after the start.
    :raises DialerRefused: there is none, it is not completed, or what it is made of is gone.
    """
    async with database.read() as connection:
        row = await _find(connection, identity, lock=False)
    start = now() if start_at is None else start_at
    window = {"start_at": start, "end_at": start + USUAL_WINDOW if end_at is None else end_at}
    async with _counted(database, row["numbers"], row["groups"], gone=True) as (tx, lists, count):
        row = await _find(tx, identity)
        if row["status"] != "completed":
            raise DialerRefused("_id", "it is not completed yet")
        _check({**row, **window})
        await _check_references(tx, row)
        await tx.execute(
            update(campaigns)
            .where(_c.serial == row["serial"])
            .values(
                **window,
                lists=lists,
                count=count,
                round=row["round"] + 1,
                status="waiting",
                paused=False,
                expanded=False,
                expansion="",
                completed_at=None,
                updated_at=now(),
            )
        )
    return int(row["round"]) + 1


async def pause_campaign(database: Database, identity: str, *, paused: bool) -> None:
    """Let no further call of a campaign begin, or let them begin again.

    :raises DialerRefused: there is none, or it is completed.
    """
    async with database.write() as tx:
        row = await _find(tx, identity)
        if row["status"] == "completed":
            raise DialerRefused("_id", "it is completed")
        await tx.execute(
            update(campaigns).where(_c.serial == row["serial"]).values(paused=paused, updated_at=now())
        )


def campaign_progress(connection: SyncConnection, row: Row) -> dict[str, int]:
    """How far a campaign's present round came: ``total``, ``done``, ``dialing``, ``waiting`` (for another
    try), ``answered``. Reads a row per number: run it as a long read.

    :param row: of ``campaigns``.
    """
    counted = select(_n.state, func.count().label("times")).where(_n.campaign == row["serial"])
    if not row["expanded"]:  # there may still be rows of the round before
        counted = counted.where(_n.round == row["round"])
    states: dict[str, int] = {
        line.state: line.times for line in connection.execute(counted.group_by(_n.state))
    }
    r = dialer_reports.c
    answered = connection.execute(
        select(func.count()).where(
            r.campaign == row["serial"], r.round == row["round"], r.disposition == "ANSWERED"
        )
    ).scalar_one()
    return {
        "total": int(row["count"]),
        "done": states.get("final", 0),
        "dialing": states.get("dialing", 0),
        "waiting": states.get("waiting", 0),
        "answered": answered,
    }


@asynccontextmanager
async def _counted(
    database: Database, numbers: str, groups: str, *, gone: bool = False
) -> AsyncIterator[tuple[Connection, str, int]]:
    """A transaction in which groups are still the lists that were counted before it.

    Counting a million numbers takes longer than a transaction may.

    :param numbers: :param groups: JSON lists, as they are stored.
    :param gone: whether groups that are not there any more are left out; else they are refused.
    :returns: the transaction, the lists as they are stored, how many numbers there are, each once.
    """
    wanted: list[str] = msgspec.json.decode(groups)
    for _ in range(_COUNT_TRIES):
        async with database.read() as connection:
            lists = await _lists(connection, wanted, gone=gone)
        count = await database.long_read(partial(_count, numbers=numbers, lists=lists))
        if not count:
            raise DialerRefused("numbers", "there is no number to call")
        async with database.write() as tx:
            if await _lists(tx, wanted, gone=gone, lock=True) == lists:
                yield tx, _json(lists), count
                return
    raise DialerRefused("groups", "they are just being changed; try again")


async def _lists(
    connection: Connection, groups: Sequence[str], *, gone: bool, lock: bool = False
) -> list[str]:
    if not groups:
        return []
    statement = select(_g.id, _g.list_id).where(_g.id.in_(groups)).order_by(_g.id)
    rows = await connection.rows(statement.with_for_update(read=True) if lock else statement)
    found = {str(row["id"]): str(row["list_id"]) for row in rows}
    missing = set(groups) - set(found)
    if missing and not gone:
        raise DialerRefused("groups", f"there is no group {min(missing)}")
    return [found[group] for group in groups if group in found]


def _count(connection: SyncConnection, *, numbers: str, lists: Sequence[str]) -> int:
    """How many different numbers there are among these and in these lists."""
    n = dialer_group_numbers.c
    dialect: Any = connection.dialect.name
    rows, _, value = texts_of_list(dialect, numbers)
    given = select(value.label("number")).select_from(rows)
    if not lists:
        return len(msgspec.json.decode(numbers))
    if len(lists) == 1:  # each number of a list is there once
        other = select(func.count()).where(n.list_id == lists[0], n.number.not_in(given))
        return len(msgspec.json.decode(numbers)) + int(connection.execute(other).scalar_one())
    all_of_them = union(given, select(n.number).where(n.list_id.in_(lists))).subquery()
    return int(connection.execute(select(func.count()).select_from(all_of_them)).scalar_one())


async def _find(connection: Connection, identity: str, *, lock: bool = True) -> Row:
    statement = select(campaigns).where(_c.id == identity, _c.removed_at.is_(None))
    row = await connection.row(statement.with_for_update() if lock else statement)
    if row is None:
        raise DialerRefused("_id", "there is no such campaign")
    return row


def _check(values: Mapping[str, Any]) -> None:
    """What can be told without the store. :raises DialerRefused: see there."""
    if not 1 <= len(values["name"]) <= MAX_NAME:
        raise DialerRefused("name", f"a name has 1 to {MAX_NAME} characters")
    for name in ("interface_context", "interface_text"):
        if len(values[name]) > MAX_NAME:
            raise DialerRefused(name, f"it has at most {MAX_NAME} characters")
    if not values["interface_context"] and not values["announcement"]:
        raise DialerRefused("announcement", "either a sound or the context of a route is needed")
    if not 1 <= values["max_tries"] <= MAX_TRIES:
        raise DialerRefused("try", f"it is between 1 and {MAX_TRIES}")
    if not 0 <= values["try_interval"] <= MAX_TRY_INTERVAL:
        raise DialerRefused("try_interval", f"it is between 0 and {MAX_TRY_INTERVAL}")
    if values["start_at"] >= values["end_at"]:
        raise DialerRefused("end", "it has to be after the start")
    if CALLER_ID.fullmatch(values.get("caller_id", "")) is None:
        raise DialerRefused("caller_id", "it is a number of up to 20 digits")
    if len(values.get("agent_queue", "")) > MAX_QUEUE:
        raise DialerRefused("agent_queue", f"it has at most {MAX_QUEUE} characters")
    if not 1 <= values.get("agent_factor", 100) <= MAX_FACTOR:
        raise DialerRefused("agent_factor", f"it is between 1 and {MAX_FACTOR} percent")
    limit = values.get("max_abandoned")
    if limit is not None and not 0 <= limit <= 100:
        raise DialerRefused("max_abandoned", "it is between 0 and 100 percent")


async def _check_references(
    tx: Connection, values: Mapping[str, Any], only: Mapping[str, Any] | None = None
) -> None:
    """What a campaign refers to is there, and stays until the transaction ends.

    :param only: look only at what is among these.
    """
    if only is None or "trunk_manager_id" in only:
        m = trunk_managers.c
        wanted = select(m.id).where(m.id == values["trunk_manager_id"]).with_for_update(read=True)
        if await tx.scalar(wanted) is None:
            raise DialerRefused("trunk_manager_id", "there is no such trunk manager")
    if values["announcement"] and (only is None or "announcement" in only):
        s = dialer_sounds.c
        wanted = select(s.id).where(s.id == values["announcement"]).with_for_update(read=True)
        if await tx.scalar(wanted) is None:
            raise DialerRefused("announcement", "there is no such sound")


def _ids(groups: Sequence[str]) -> list[str]:
    """Each once; clients send ``""`` for none."""
    found = list(dict.fromkeys(group for group in groups if group))
    if len(found) > MAX_GROUPS:
        raise DialerRefused("groups", f"a campaign has at most {MAX_GROUPS} groups")
    return found


def _json(value: Sequence[str]) -> str:
    return msgspec.json.encode(value).decode()


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}


__all__ = [
    "add_campaign",
    "campaign_progress",
    "change_campaign",
    "pause_campaign",
    "purge_removed",
    "remove_campaign",
    "run_again",
]
