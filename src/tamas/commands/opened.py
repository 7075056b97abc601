"""Opening the store for a command that runs beside (or without) a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tamas.settings import Settings, load_settings
from tamas.state import prepare_state_dir
from tamas.store.changes import Changes
from tamas.store.database import Database, open_database
from tamas.store.version import ensure_schema


@dataclass(frozen=True, kw_only=True)
class OpenedStore:
    """The store and what belongs to it."""

    settings: Settings
    database: Database
    changes: Changes


@asynccontextmanager
async def opened_store() -> AsyncIterator[OpenedStore]:
    """The store of the instance that the environment names, created when there is none yet."""
    settings = load_settings()
    prepare_state_dir(settings.state_dir)
    await ensure_schema(settings.database_url)
    database = await open_database(settings.database_url)
    try:
        yield OpenedStore(settings=settings, database=database, changes=Changes(database))
    finally:
        await database.close()
