"""Keeping numbers unique across everything that can be dialed, inside the transaction that needs them."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from tamas.store.database import Connection, Database
from tamas.store.schema import dialable_numbers


async def claim_number(
    database: Database, transaction: Connection, number: str, *, kind: str, owner: str
) -> str | None:
    """Take a number for an object.

    On PostgreSQL this waits for a transaction that is just taking the same number: of two, exactly one wins.

    :param kind: ``extension``, ``queue``, ...
    :returns: ``None`` when it is taken now, else the kind of what has it.
    """
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    taken = await transaction.execute(
        insert(dialable_numbers)
        .values(number=number, kind=kind, owner_id=owner)
        .on_conflict_do_nothing(index_elements=["number"])
    )
    if taken.rowcount == 1:
        return None
    holder = await transaction.scalar(
        select(dialable_numbers.c.kind).where(dialable_numbers.c.number == number)
    )
    return str(holder)


async def release_number(transaction: Connection, number: str, *, owner: str) -> None:
    """Give up a number of an object."""
    await transaction.execute(
        delete(dialable_numbers).where(
            dialable_numbers.c.number == number, dialable_numbers.c.owner_id == owner
        )
    )
