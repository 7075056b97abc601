"""Bringing a store to the schema of this version: Alembic migrations, then the views."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, make_url
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


async def ensure_schema(url: str) -> None:
    """As :func:`migrate`, but leaves a store alone that is at this version already.

    For commands beside a running server, whose Asterisk reads through the views.
    """
    if await current_version(url) != schema_version():
        await migrate(url)


async def current_version(url: str) -> str | None:
    """Schema revision of the store at a URL; ``None`` when it is empty or is not there.

    :raises StoreError: a PostgreSQL server cannot be reached.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_revision(parsed)
    asynchronous = create_async_engine(parsed)
    try:
        async with asynchronous.connect() as connection:
            return await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )
    except (OSError, OperationalError, asyncpg.PostgresError) as error:
        shown = parsed.render_as_string(hide_password=True)
        raise StoreError(f"cannot reach the database at {shown}: {error}") from error
    finally:
        await asynchronous.dispose()


def _sqlite_revision(url: URL) -> str | None:
    if not Path(url.database or "").is_file():
        return None
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def schema_version() -> str:
    """The newest schema revision this version knows."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""
