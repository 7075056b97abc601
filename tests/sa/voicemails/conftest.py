"""The services of voicemail, on both stores, with the engine away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sa.pbx.conftest import Api, EngineAway, open_api
from tamas.store.database import Database


@pytest.fixture
async def api(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """Services of a fresh store, on each of both in turn."""
    async with open_api(database, database_url, tmp_path, EngineAway()) as running:
        yield running


@pytest.fixture
async def api_once(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The same on SQLite, where the store makes no difference."""
    async with open_api(sqlite_database, sqlite_url, tmp_path, EngineAway()) as running:
        yield running
