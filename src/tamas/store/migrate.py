"""Bringing a store to the schema of this version: Alembic migrations, then the views."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from tamas.store.database import StoreError
from tamas.store.views import create_views

_MIGRATIONS = Path(__file__).with_name("migrations")


async def migrate(url: str) -> None:
    """Upgrade the store at a ``TAMAS_DATABASE_URL`` to this version, creating it when it is empty.

    :raises StoreError: it cannot be reached, or was written by a newer version.
    """
    parsed = make_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            await asyncio.to_thread(_migrate_sqlite, url)
        else:
            engine = create_async_engine(parsed)
            try:
                async with engine.begin() as connection:
                    await connection.run_sync(_upgrade)
            finally:
                await engine.dispose()
    except (OSError, OperationalError, asyncpg.PostgresError) as error:
        shown = parsed.render_as_string(hide_password=True)
        raise StoreError(f"cannot prepare the database at {shown}: {error}") from error


def _migrate_sqlite(url: str) -> None:
    path = Path(make_url(url).database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # trunk passwords are readable in it
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 30})
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
