"""Leases: work that must happen once is done by whoever holds its lease (architecture rule 10)."""

from __future__ import annotations

import os
import secrets
import socket

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database
from tamas.store.schema import leases

PROCESS_ID = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[-64:]
"""Names this process among all that share the store."""


async def acquire_lease(database: Database, name: str, *, seconds: float, holder: str = PROCESS_ID) -> bool:
    """Take or renew a lease.

    :param seconds: how long it is ours unless renewed.
    :returns: whether we hold it now. It is refused while another holder's lease has not expired.
    """
    at = now()
    expires = at + int(seconds * MICROSECONDS)
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    async with database.write() as tx:
        await tx.execute(
            insert(leases).values(name=name, holder=holder, expires_at=expires).on_conflict_do_nothing()
        )
        result = await tx.execute(
            update(leases)
            .where(leases.c.name == name, or_(leases.c.holder == holder, leases.c.expires_at < at))
            .values(holder=holder, expires_at=expires)
        )
        return result.rowcount == 1


async def release_lease(database: Database, name: str, *, holder: str = PROCESS_ID) -> None:
    """Give a lease back, so that another need not wait for its expiry."""
    async with database.write() as tx:
        await tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
