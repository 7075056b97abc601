"""Finding what people name: by its id, or by a name that nothing else of its kind has."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Table, or_, select

from tamas.autodialer.refusals import DialerRefused
from tamas.store.autodialer_schema import campaigns, dialer_groups, dialer_sounds, trunk_managers
from tamas.store.database import Database, Row
from tamas.store.schema import trunks

_KINDS: Final[dict[str, tuple[Table, ColumnElement[Any]]]] = {
    "campaign": (campaigns, campaigns.c.name),
    "group": (dialer_groups, dialer_groups.c.name),
    "sound": (dialer_sounds, dialer_sounds.c.name),
    "trunk": (trunks, trunks.c.name),
    "trunk manager": (trunk_managers, trunk_managers.c.title),
}
_ID_LENGTH: Final = 24


async def named(database: Database, kind: str, text: str) -> Row:
    """The row of what is named.

    :param kind: ``campaign``, ``group``, ``sound``, ``trunk`` or ``trunk manager``.
    :param text: its id or its name.
    :raises DialerRefused: there is none, or the name is that of several; ``field`` is the kind.
    """
    table, name = _KINDS[kind]
    which = name == text
    if len(text) == _ID_LENGTH:
        which = or_(which, table.c.id == text.lower())
    statement = select(table).where(which).limit(2)
    if kind == "campaign":
        statement = statement.where(campaigns.c.removed_at.is_(None))
    async with database.read() as connection:
        rows = await connection.rows(statement)
    if not rows:
        raise DialerRefused(kind, f"there is none called {text}")
    if len(rows) > 1:
        raise DialerRefused(kind, f"several are called {text}; say the id")
    return rows[0]
