"""Indexes that let PostgreSQL find part of a number without reading every call (extension ``pg_trgm``).

Code, not history, as the views are: whenever a store is opened for serving they are made if they are not
there and the extension can be had. Without it a search for part of a number is right all the same, and reads
the calls of the time it is limited to one by one; then it is said once, at the start. SQLite has no such
index and always does that.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

PREFIX = "trgm_"
"""Begins the names of these indexes."""

_COLUMNS = {
    "calls": ("src", "dst"),
    "queue_visits": ("src",),
    "queue_attempts": ("src",),
    "poll_answers": ("src",),
    "dialer_reports": ("number",),
}


def create_search_indexes(connection: Connection) -> bool:
    """Make the indexes, on PostgreSQL; tells whether they are there."""
    if connection.dialect.name != "postgresql":
        return False
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError as error:
        log.warning(
            "PostgreSQL has no extension pg_trgm for us, so searching for part of a number reads every call "
            "of the time it is limited to; install it (package postgresql-contrib, CREATE EXTENSION pg_trgm) "
            "and start again: %s",
            str(error.orig).partition("\n")[0],
        )
        return False
    for table, columns in _COLUMNS.items():
        for column in columns:
            # The expression is that of tamas.sa.search: substrings are looked for in any case.
            connection.execute(
                text(
                    f"CREATE INDEX IF NOT EXISTS {PREFIX}{table}_{column} "
                    f"ON {table} USING gin (lower({column}) gin_trgm_ops)"
                )
            )
    return True
