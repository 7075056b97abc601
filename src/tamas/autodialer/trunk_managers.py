"""Trunk managers: how fast, how much and when the dialer may use a trunk.

Source: autodialer specification, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import delete, func, insert, select, update

from tamas.autodialer.refusals import DialerRefused
from tamas.store.autodialer_schema import campaigns, dial_attempts, trunk_managers
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.store.schema import trunks

STATUSES: Final = ("active", "inactive")
MAX_TITLE: Final = 80
MAX_CAPACITY: Final = 10_000
MAX_INTERVAL: Final = 86_400
MAX_CACHE: Final = 100_000
DAYS: Final = tuple(str(day) for day in range(1, 8))
"""1 is Monday (:meth:`datetime.date.isoweekday`)."""
HOURS: Final = tuple(str(hour) for hour in range(24))
"""``"10"`` is 10:00:00 to 10:59:59 in the time zone of the system."""
ALWAYS: Final[Mapping[str, list[str]]] = {day: list(HOURS) for day in DAYS}

_m, _c, _a = trunk_managers.c, campaigns.c, dial_attempts.c


def checked_times(value: Any) -> dict[str, list[str]]:
    """Active times: hours by weekday, both as texts and in order; a day without hours is left out.

    :raises DialerRefused: it is nothing of the kind; ``active_times`` is the field.
    """
    if not isinstance(value, Mapping):
        raise DialerRefused("active_times", 'this is no map such as {"1": ["9", "10"]}')
    found: dict[str, set[str]] = {}
    for day, hours in value.items():
        if str(day) not in DAYS or not isinstance(hours, (list, tuple)):
            raise DialerRefused(
                "active_times", f"{day!r:.40} is no weekday from 1 (Monday) to 7 with its hours"
            )
        unknown = [hour for hour in hours if isinstance(hour, bool) or str(hour) not in HOURS]
        if unknown:
            raise DialerRefused("active_times", f"{unknown[0]!r:.40} is no hour from 0 to 23")
        found.setdefault(str(day), set()).update(str(hour) for hour in hours)
    return {day: sorted(found[day], key=int) for day in DAYS if found.get(day)}


async def add_trunk_manager(
    database: Database,
    *,
    title: str,
    trunk_id: str,
    status: str = "active",
    capacity: int = 1,
    dial_interval: int = 1,
    wait_cache_length: int = 100,
    active_times: Mapping[str, Any] = ALWAYS,
) -> str:
    """Make a trunk manager; gives its id.

    :raises DialerRefused: there is no such trunk, or a value does not fit.
    """
    values = _checked(
        {
            "title": title,
            "status": status,
            "capacity": capacity,
            "dial_interval": dial_interval,
            "wait_cache_length": wait_cache_length,
            "active_times": active_times,
        }
    )
    identity, at = new_id(), now()
    async with database.write() as tx:
        if await tx.scalar(select(trunks.c.id).where(trunks.c.id == trunk_id)) is None:
            raise DialerRefused("trunk_id", "there is no such trunk")
        await tx.execute(
            insert(trunk_managers).values(
                id=identity, trunk_id=trunk_id, **values, created_at=at, updated_at=at
            )
        )
    return identity


async def change_trunk_manager(database: Database, identity: str, changes: Mapping[str, Any]) -> None:
    """Change a trunk manager; calls that it has go on.

    :param changes: new values by column; ``None`` stays as it is.
    :raises DialerRefused: there is none, or a value does not fit.
    """
    values = _checked({key: value for key, value in changes.items() if value is not None})
    async with database.write() as tx:
        trunk_id = values.get("trunk_id")
        if trunk_id and await tx.scalar(select(trunks.c.id).where(trunks.c.id == trunk_id)) is None:
            raise DialerRefused("trunk_id", "there is no such trunk")
        done = await tx.execute(
            update(trunk_managers).where(_m.id == identity).values(**values, updated_at=now())
        )
    if not done.rowcount:
        raise DialerRefused("_id", "there is no such trunk manager")


async def remove_trunk_manager(database: Database, identity: str) -> None:
    """Delete a trunk manager.

    :raises DialerRefused: there is none, or a campaign still dials through it.
    """
    async with database.write() as tx:
        # First, so that a campaign which is just being made with it waits, and then finds it gone.
        done = await tx.execute(delete(trunk_managers).where(_m.id == identity))
        user = await tx.scalar(
            select(_c.name)
            .where(_c.trunk_manager_id == identity, _c.status != "completed", _c.removed_at.is_(None))
            .limit(1)
        )
        if user is not None:
            raise DialerRefused("_id", f"the campaign {user} is not completed")
    if not done.rowcount:
        raise DialerRefused("_id", "there is no such trunk manager")


def read_trunk_managers(connection: SyncConnection, *where: Any) -> list[dict[str, Any]]:
    """Trunk managers by title, with ``trunk`` (its name, ``None``: gone) and ``calls`` (in progress now)."""
    calls = (
        select(func.count())
        .where(_a.trunk_manager_id == _m.id, _a.ended_at.is_(None))
        .correlate(trunk_managers)
        .scalar_subquery()
    )
    statement = (
        select(trunk_managers, trunks.c.name.label("trunk"), calls.label("calls"))
        .outerjoin(trunks, trunks.c.id == _m.trunk_id)
        .where(*where)
        .order_by(_m.title, _m.id)
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    for row in rows:
        row["active_times"] = msgspec.json.decode(row["active_times"])
    return rows


_BOUNDS: Final = {
    "capacity": (0, MAX_CAPACITY),
    "dial_interval": (0, MAX_INTERVAL),
    "wait_cache_length": (1, MAX_CACHE),
}


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(values)
    if "title" in checked and not 1 <= len(checked["title"]) <= MAX_TITLE:
        raise DialerRefused("title", f"a title has 1 to {MAX_TITLE} characters")
    if checked.get("status", "active") not in STATUSES:
        raise DialerRefused("status", "it is either active or inactive")
    for name, (low, high) in _BOUNDS.items():
        if name in checked and not low <= int(checked[name]) <= high:
            raise DialerRefused(name, f"it is between {low} and {high}")
    if "active_times" in checked:
        checked["active_times"] = msgspec.json.encode(checked_times(checked["active_times"])).decode()
    return checked
