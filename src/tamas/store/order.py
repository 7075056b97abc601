"""Lining up the transactions that give ids which increase in commit order (architecture rule 5)."""

from __future__ import annotations

from typing import Final

from sqlalchemy.dialects import postgresql

from tamas.store.database import Connection, Dialect
from tamas.store.schema import leases

_ORDER: Final = "records.order"
"""A row of ``leases`` that nobody holds: locking it lines the transactions up."""


async def line_up(tx: Connection, dialect: Dialect) -> None:
    """Wait until no other transaction that gives such ids is open (SQLite has one writer anyway)."""
    await take_turn(tx, dialect, _ORDER)


async def take_turn(tx: Connection, dialect: Dialect, name: str) -> None:
    """Wait until no other transaction that took a turn of this name is open.

    :param name: of a row of ``leases`` that nobody holds.
    """
    if dialect == "postgresql":
        insert = postgresql.insert(leases).values(name=name, holder="", expires_at=0)
        await tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"expires_at": 0}))
