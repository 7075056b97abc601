"""PBX groups: extensions under one name, by which reports are filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from tamas.errors import TamasError
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.dialplan_schema import pbx_groups
from tamas.store.ids import new_id
from tamas.store.schema import extensions

MAX_NAME: Final = 80
MAX_USERS: Final = 5_000

_g = pbx_groups.c


class GroupRefused(TamasError):
    """A group cannot be kept as it was given, or is not there."""


async def list_groups(database: Database) -> list[dict[str, Any]]:
    """Every group with the numbers of its extensions."""
    async with database.read() as connection:
        rows = await connection.rows(select(_g.id, _g.name, _g.users, _g.description).order_by(_g.name))
    return [{**row, "users": msgspec.json.decode(row["users"])} for row in rows]


async def add_group(
    database: Database, *, name: str, users: Sequence[str], description: str = ""
) -> dict[str, Any]:
    """Make a group. :raises GroupRefused: the name is taken, or an extension is not there."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise GroupRefused(f"a name has 1 to {MAX_NAME} printable characters")
    if len(users) > MAX_USERS:
        raise GroupRefused(f"a group has at most {MAX_USERS} extensions")
    numbers = list(dict.fromkeys(users))
    at = now()
    row = {"id": new_id(), "name": name, "description": description}
    try:
        async with database.write() as tx:
            known = await tx.rows(select(extensions.c.number).where(extensions.c.number.in_(numbers)))
            missing = set(numbers) - {str(each["number"]) for each in known}
            if missing:
                raise GroupRefused(f"there is no extension {', '.join(sorted(missing))}")
            text = msgspec.json.encode(numbers).decode()
            await tx.execute(insert(pbx_groups).values(**row, users=text, created_at=at, updated_at=at))
    except IntegrityError as error:
        raise GroupRefused(f"there is a group {name} already") from error
    return {**row, "users": numbers}


async def remove_group(database: Database, name: str) -> None:
    """Delete a group. :raises GroupRefused: there is none."""
    async with database.write() as tx:
        if not (await tx.execute(delete(pbx_groups).where(_g.name == name))).rowcount:
            raise GroupRefused(f"there is no group {name}")
