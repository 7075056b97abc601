"""Bringing a store to the schema of this version: Alembic migrations, then views and search indexes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import OperationalError

from tamas.store.database import StoreError, postgresql_engine, shown
from tamas.store.search_indexes import create_search_indexes
from tamas.store.views import create_views
from tamas.store_address import parse_address

_MIGRATIONS = Path(__file__).with_name("migrations")


async def migrate(url: str) -> None:
    """Upgrade the store at a ``TAMAS_DATABASE_URL`` to this version, creating it when it is empty.

    :raises StoreError: it cannot be reached, or was written by a newer version.
    """
    parsed = parse_address(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            await asyncio.to_thread(_migrate_sqlite, parsed)
        else:
            engine = postgresql_engine(parsed)
            try:
                async with engine.begin() as connection:
                    await connection.run_sync(_upgrade)
            finally:
                await engine.dispose()
    except (OSError, OperationalError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreError(
            f"cannot prepare the database at {shown(parsed)}: {str(error) or 'no answer'}"
        ) from error


def _migrate_sqlite(url: URL) -> None:
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # trunk passwords are readable in it
    engine = create_engine(
        url, hide_parameters=True, isolation_level="AUTOCOMMIT", connect_args={"timeout": 30}
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                _upgrade(connection)
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(f"the database was written by a newer Tamas (schema {current}); upgrade this one")
    command.upgrade(config, "head")
    create_views(connection)
    create_search_indexes(connection)
