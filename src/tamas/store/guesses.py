"""Counting guesses at short secrets: what counts is how often one may guess.

A try is counted before the secret is looked at, so that neither a restart nor many calls at once gain
anything. See ``docs/decisions/0015-mailbox-passwords.md``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database

TRIES: Final = 3
"""Of one call; from this failure on further tries are refused for a while."""
FIRST_WAIT: Final = 60
"""Seconds after :data:`TRIES` failures; each further one doubles it."""
LONGEST_WAIT: Final = 3600


async def count_guess(database: Database, tx: Connection, table: Table, **key: str) -> bool:
    """Count a try as failed for now; tells whether it may be made.

    :param table: one with ``failures`` and ``refused_until`` besides its key.
    :param key: values of its primary key.
    """
    insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    here = [table.c[name] == value for name, value in key.items()]
    # The row is what tries of one key wait for.
    await tx.execute(insert(table).values(**key, failures=0, refused_until=0).on_conflict_do_nothing())
    known = await tx.row(select(table.c.failures, table.c.refused_until).where(*here).with_for_update())
    at = now()
    if known is None or known["refused_until"] > at:
        return False
    failures = known["failures"] + 1
    wait = 0 if failures < TRIES else min(FIRST_WAIT << min(failures - TRIES, 16), LONGEST_WAIT)
    await tx.execute(
        update(table).where(*here).values(failures=failures, refused_until=at + wait * MICROSECONDS)
    )
    return True
