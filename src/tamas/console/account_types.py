"""Account types: what the holders of an account may do, page by page.

Four are ours and always there. The administrator's is fixed: it grants everything, also on pages that come
later. The others start with the rights below and may be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.console.rights import (
    ACTIVITY,
    API_LOGS,
    CALLS,
    HOME,
    PLAY,
    QUEUES,
    READ,
    TRUNKS,
    UPDATE,
    USERS,
    Right,
    Rights,
)
from tamas.errors import TamasError
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.ids import new_id
from tamas.store.schema import console_account_types, console_accounts

ADMINISTRATOR: Final = "administrator"
"""Name of the type that may do everything."""

_t = console_account_types


class UnknownAccountType(TamasError):
    """There is no such account type."""


class FixedAccountType(TamasError):
    """It is one of ours: the administrator's cannot be changed, none of them removed."""


class AccountTypeInUse(TamasError):
    """There are accounts of that type."""


@dataclass(frozen=True, kw_only=True)
class AccountType:
    """An account type."""

    id: str
    name: str
    title: str
    description: str
    builtin: bool
    rights: Rights
    accounts: int = 0
    """How many accounts are of this type."""


def builtin_types() -> Mapping[str, tuple[str, str, Rights]]:
    """Our own types by name: title, description and first rights."""
    return {
        ADMINISTRATOR: ("Administrator", "May do everything.", Rights.everything()),
        "supervisor": (
            "Supervisor",
            "Watches calls and recordings, and runs the queues.",
            Rights(
                {
                    HOME.id: (READ,),
                    CALLS.id: (READ, UPDATE, PLAY),
                    USERS.id: (READ,),
                    TRUNKS.id: (READ,),
                    QUEUES.id: (READ, UPDATE),
                }
            ),
        ),
        "agent": ("Agent", "Sees calls and queues.", Rights({HOME.id: (READ,), QUEUES.id: (READ,)})),
        "auditor": (
            "Auditor",
            "Reads the logs and listens to recordings.",
            Rights(
                {
                    HOME.id: (READ,),
                    CALLS.id: (READ, PLAY),
                    API_LOGS.id: (READ,),
                    ACTIVITY.id: (READ,),
                }
            ),
        ),
    }


async def ensure_account_types(database: Database) -> None:
    """Make those of our own types that are not there."""
    insert_ = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    at = now()
    async with database.write() as tx:
        for name, (title, description, rights) in builtin_types().items():
            await tx.execute(
                insert_(_t)
                .values(
                    id=new_id(),
                    name=name,
                    title=title,
                    description=description,
                    builtin=True,
                    rights=_stored(rights),
                    created_at=at,
                    updated_at=at,
                )
                .on_conflict_do_nothing(index_elements=["name"])
            )


async def list_account_types(database: Database) -> list[AccountType]:
    """All types, ours first, then by title."""
    counts = (
        select(console_accounts.c.role, func.count().label("accounts"))
        .group_by(console_accounts.c.role)
        .subquery()
    )
    statement = (
        select(_t, func.coalesce(counts.c.accounts, 0).label("accounts"))
        .select_from(_t.join(counts, counts.c.role == _t.c.name, isouter=True))
        .order_by(_t.c.builtin.desc(), _t.c.created_at, _t.c.id)
    )
    async with database.read() as connection:
        return [_account_type(row) for row in await connection.rows(statement)]


async def read_account_type(connection: Connection, type_id: str) -> AccountType | None:
    """One type by its id."""
    row = await connection.row(select(_t).where(_t.c.id == type_id))
    return None if row is None else _account_type(row)


async def rights_of_type(connection: Connection, name: str) -> Rights | None:
    """What a type grants, by its name; ``None`` when there is none of that name."""
    row = await connection.row(select(_t).where(_t.c.name == name))
    return None if row is None else _account_type(row).rights


async def is_account_type(connection: Connection, name: str) -> bool:
    """Whether there is a type of that name."""
    return bool(await connection.scalar(select(func.count()).select_from(_t).where(_t.c.name == name)))


async def add_account_type(
    database: Database, changes: Changes, *, type_id: str, title: str, description: str, rights: Rights
) -> None:
    """Make a type.

    :param type_id: a new id, which is its name too.
    """
    at = now()
    async with database.write() as tx:
        await changes.bump(tx)
        await tx.execute(
            insert(_t).values(
                id=type_id,
                name=type_id,
                title=title,
                description=description,
                builtin=False,
                rights=_stored(rights),
                created_at=at,
                updated_at=at,
            )
        )


async def update_account_type(
    database: Database,
    changes: Changes,
    type_id: str,
    *,
    title: str | None = None,
    description: str | None = None,
    rights: Rights | None = None,
) -> None:
    """Change what is given; in force for everybody of that type from the next request on.

    :raises UnknownAccountType: there is none with that id.
    :raises FixedAccountType: it is the administrator's.
    """
    values: dict[str, Any] = {"updated_at": now()}
    if title is not None:
        values["title"] = title
    if description is not None:
        values["description"] = description
    if rights is not None:
        values["rights"] = _stored(rights)
    async with database.write() as tx:
        await changes.bump(tx)
        found = await _needed(tx, type_id)
        if found.name == ADMINISTRATOR:
            raise FixedAccountType("the administrator's type cannot be changed")
        await tx.execute(update(_t).where(_t.c.id == type_id).values(**values))


async def remove_account_type(database: Database, changes: Changes, type_id: str) -> None:
    """Delete a type that nobody has.

    :raises UnknownAccountType: there is none with that id.
    :raises FixedAccountType: it is one of ours.
    :raises AccountTypeInUse: there are accounts of that type.
    """
    async with database.write() as tx:
        await changes.bump(tx)
        found = await _needed(tx, type_id)
        if found.builtin:
            raise FixedAccountType(f"{found.title} cannot be removed")
        holders = select(func.count()).select_from(console_accounts)
        if await tx.scalar(holders.where(console_accounts.c.role == found.name)):
            raise AccountTypeInUse(f"there are accounts of the type {found.title}")
        await tx.execute(delete(_t).where(_t.c.id == type_id))


async def _needed(tx: Connection, type_id: str) -> AccountType:
    found = await read_account_type(tx, type_id)
    if found is None:
        raise UnknownAccountType("there is no such account type")
    return found


def _stored(rights: Rights) -> str:
    return msgspec.json.encode(rights.shown()).decode()


def _account_type(row: Mapping[str, Any]) -> AccountType:
    name = row["name"]
    granted = msgspec.json.decode(row["rights"], type=dict[str, list[Right]])
    return AccountType(
        id=row["id"],
        name=name,
        title=row["title"],
        description=row["description"],
        builtin=bool(row["builtin"]),
        rights=Rights.everything() if name == ADMINISTRATOR else Rights(granted),
        accounts=row.get("accounts", 0),
    )
