"""The services of the autodialer, on both stores, with the engine away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sa.autodialer._dialer import Dialer
from sa.pbx.conftest import EngineAway, open_api
from tamas.store.database import Database


@pytest.fixture
async def dialer(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Dialer]:
    """Services of a fresh store, on each of both in turn."""
    async with open_api(database, database_url, tmp_path, EngineAway()) as running:
        yield Dialer(running)


@pytest.fixture
async def dialer_once(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Dialer]:
    """The same on SQLite, where the store makes no difference."""
    async with open_api(sqlite_database, sqlite_url, tmp_path, EngineAway()) as running:
        yield Dialer(running)
