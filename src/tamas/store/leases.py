"""Leases: work that must happen once is done by whoever holds its lease (architecture rule 10)."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
import time

from sqlalchemy import bindparam, delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.schema import leases

log = logging.getLogger(__name__)

# Made once: leases are renewed all the time.
_TAKE = {
    dialect: made.values(
        name=bindparam("which"), holder=bindparam("by"), expires_at=bindparam("until")
    ).on_conflict_do_nothing()
    for dialect, made in (("sqlite", sqlite.insert(leases)), ("postgresql", postgresql.insert(leases)))
}
_RENEW = (
    update(leases)
    .where(
        leases.c.name == bindparam("which"),
        or_(leases.c.holder == bindparam("by"), leases.c.expires_at < bindparam("at")),
    )
    .values(holder=bindparam("by"), expires_at=bindparam("until"))
)


def process_id() -> str:
    """Names this process among all that share the store."""
    return _name_of(os.getpid())


@functools.cache
def _name_of(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{secrets.token_hex(4)}"[-64:]


async def acquire_lease(database: Database, name: str, *, seconds: float, holder: str | None = None) -> bool:
    """Take or renew a lease.

    :param seconds: how long it is ours unless renewed.
    :param holder: who takes it; ``None``: this process.
    :returns: whether we hold it now. It is refused while another holder's lease has not expired.
    """
    at = now()
    values = {"which": name, "by": holder or process_id(), "until": at + int(seconds * MICROSECONDS)}
    async with database.write() as tx:
        await tx.execute(_TAKE[database.dialect], values)
        result = await tx.execute(_RENEW, values | {"at": at})
        return result.rowcount == 1


async def release_lease(database: Database, name: str, *, holder: str | None = None) -> None:
    """Give a lease back, so that another need not wait for its expiry."""
    ours = leases.c.name == name, leases.c.holder == (holder or process_id())
    async with database.write() as tx:
        await tx.execute(delete(leases).where(*ours))


class HeldLease:
    """A lease that one worker takes, keeps while it works, and gives back."""

    def __init__(self, database: Database, name: str, *, seconds: float, holder: str | None) -> None:
        """
        :param seconds: how long it is ours unless renewed.
        :param holder: as for :func:`acquire_lease`.
        """
        self._database = database
        self._name = name
        self._seconds = seconds
        self._holder = holder
        self._until = 0.0

    @property
    def held(self) -> bool:
        """Whether it was ours when it was last asked for."""
        return bool(self._until)

    async def hold(self) -> bool:
        """Take it, or renew it when half of it is gone; tells whether it is ours.

        Raises one of :data:`~tamas.store.database.STORE_ERRORS` when the store is away.
        """
        at = time.monotonic()
        if at < self._until - self._seconds / 2:
            return True
        held = await acquire_lease(self._database, self._name, seconds=self._seconds, holder=self._holder)
        self._until = at + self._seconds if held else 0.0
        return held

    async def release(self) -> None:
        """Give it back if it is ours; when the store is away it expires by itself."""
        if not self.held:
            return
        self._until = 0.0
        try:
            await release_lease(self._database, self._name, holder=self._holder)
        except STORE_ERRORS as error:
            log.warning("cannot give the lease of %s back: %s; it expires by itself", self._name, error)
