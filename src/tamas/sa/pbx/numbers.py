"""Keeping numbers unique across everything that can be dialed, inside the transaction that needs them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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
    if not await claim_numbers(database, transaction, {number: owner}, kind=kind):
        return None
    holder = await transaction.scalar(
        select(dialable_numbers.c.kind).where(dialable_numbers.c.number == number)
    )
    return str(holder)


async def claim_numbers(
    database: Database, transaction: Connection, owners: Mapping[str, str], *, kind: str
) -> set[str]:
    """Take numbers for objects, as far as they are free.

    On PostgreSQL this waits as :func:`claim_number` does.

    :param owners: id of the object by the number that it wants.
    :returns: the numbers that something has already.
    """
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    taken = await transaction.rows(
        insert(dialable_numbers)
        .on_conflict_do_nothing(index_elements=["number"])
        .returning(dialable_numbers.c.number),
        # In one order, so that two who take the same numbers never wait for each other.
        [{"number": number, "kind": kind, "owner_id": owners[number]} for number in sorted(owners)],
    )
    return owners.keys() - {row["number"] for row in taken}


async def release_numbers(transaction: Connection, owners: Collection[str]) -> None:
    """Give up every number of objects, named by their ids."""
    await transaction.execute(delete(dialable_numbers).where(dialable_numbers.c.owner_id.in_(owners)))


async def release_number(transaction: Connection, number: str, *, owner: str) -> None:
    """Give up a number of an object."""
    await transaction.execute(
        delete(dialable_numbers).where(
            dialable_numbers.c.number == number, dialable_numbers.c.owner_id == owner
        )
    )
