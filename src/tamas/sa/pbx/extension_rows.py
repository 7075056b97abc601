"""Extensions as rows: added, renumbered, changed and removed inside somebody's transaction, one or many.

Many cost few statements: on SQLite Asterisk waits for the same lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, update

from tamas.agents.memberships import forget_extensions, lock_memberships, renumber_extension
from tamas.events.marks import unmark
from tamas.events.of_extensions import exten_added, exten_removed
from tamas.events.outbox import emit
from tamas.sa.pbx.numbers import claim_number, claim_numbers, release_number, release_numbers
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Row
from tamas.store.schema import extensions, ps_contacts

KIND = "extension"
"""What an extension is among dialable numbers."""
EXPIRED = 1
"""An expiration time long past: Asterisk calls such a contact no more and removes it."""

_e = extensions.c


async def insert_rows(database: Database, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert those new extensions whose numbers are free.

    :param rows: all with the same columns.
    :returns: the numbers that something has already.
    """
    owners = {row["number"]: row["id"] for row in rows}
    taken = await claim_numbers(database, tx, owners, kind=KIND)
    free = [row for row in rows if row["number"] not in taken]
    if free:
        await tx.execute(insert(extensions), free)
        await emit(tx, [exten_added(row["number"]) for row in free])
    return taken


async def renumber(database: Database, tx: Connection, row: Row, number: str) -> set[str] | None:
    """Take a new number for an extension and carry over what depends on it, but for the row itself.

    :returns: the queues that the engine must read again; ``None`` when something has the number already.
    """
    if await claim_number(database, tx, number, kind=KIND, owner=row["id"]):
        return None
    await release_number(tx, row["number"], owner=row["id"])
    await lock_memberships(database, tx)
    queues = await renumber_extension(tx, row["number"], number)
    await tx.execute(delete(ps_contacts).where(ps_contacts.c.endpoint == row["number"]))
    await unmark(tx, "extension", [row["number"]])
    await emit(tx, [exten_removed(row["number"]), exten_added(number)])
    return queues


async def update_rows(tx: Connection, rows: Sequence[Row], values: Mapping[str, Any]) -> None:
    """Give extensions the same values; phones that must not be called any more are shut out.

    :param rows: as they are, kept from changing meanwhile.
    :param values: by column.
    """
    shut = [row["number"] for row in rows if _shuts_phones_out(row, values)]
    if shut:
        await tx.execute(
            update(ps_contacts).where(ps_contacts.c.endpoint.in_(shut)).values(expiration_time=EXPIRED)
        )
    await tx.execute(
        update(extensions)
        .where(_e.id.in_([row["id"] for row in rows]))
        .values(**{**values, "updated_at": now()})
    )


async def remove_rows(database: Database, tx: Connection, rows: Sequence[Row]) -> set[str]:
    """Delete extensions with everything that is theirs.

    :returns: the queues that the engine must read again.
    """
    numbers = [row["number"] for row in rows]
    identities = [row["id"] for row in rows]
    await lock_memberships(database, tx)
    queues = await forget_extensions(tx, numbers)
    await tx.execute(delete(ps_contacts).where(ps_contacts.c.endpoint.in_(numbers)))
    await release_numbers(tx, identities)
    await tx.execute(delete(extensions).where(_e.id.in_(identities)))
    await unmark(tx, "extension", numbers)
    await emit(tx, [exten_removed(number) for number in numbers])
    return queues


def _shuts_phones_out(row: Row, values: Mapping[str, Any]) -> bool:
    """Whether phones that registered before must not be called any more."""
    secret_changed = values.get("secret_ha1", row["secret_ha1"]) != row["secret_ha1"]
    after = {**row, **values}
    return bool(secret_changed) or after["active"] != "yes" or after["user_type"] != "SIP"
