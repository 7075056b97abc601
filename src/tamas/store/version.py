"""Which schema a store has, asked without loading the migrations."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import asyncpg
from sqlalchemy import URL

from tamas.store.database import StoreError, connect, shown
from tamas.store.schema import SCHEMA_VERSION
from tamas.store_address import parse_address

_QUESTION = "SELECT version_num FROM alembic_version"


async def current_version(url: str) -> str | None:
    """Schema revision of the store at a URL; ``None`` when it is empty or is not there.

    :raises StoreError: a PostgreSQL server cannot be reached, or the file is not a SQLite database.
    """
    parsed = parse_address(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_version(parsed)
        connection = await connect(parsed)
        try:
            version: str | None = await connection.fetchval(_QUESTION)
        except asyncpg.UndefinedTableError:
            return None
        finally:
            await connection.close()
    except (OSError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreError(
            f"cannot read the database at {shown(parsed)}: {str(error) or 'no answer'}"
        ) from error
    return version


def _sqlite_version(url: URL) -> str | None:
    path = Path(url.database or "")
    if not path.is_file():
        return None
    connection = sqlite3.connect(path, timeout=5)
    try:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute(_QUESTION).fetchone() if known else None
    finally:
        connection.close()
    return None if row is None else str(row[0])


async def ensure_schema(url: str) -> None:
    """Prepare a store unless it is at this version already.

    For commands beside a running server, whose Asterisk reads through the views.
    """
    if await current_version(url) != SCHEMA_VERSION:
        from tamas.store.migrate import migrate

        await migrate(url)
