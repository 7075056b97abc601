"""The services of voicemail, on both stores, with the engine away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sa.pbx.conftest import Api, EngineAway, open_api
from tamas.store.database import Database


@pytest.fixture
async def api(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """Services of a fresh store."""
    async with open_api(database, database_url, tmp_path, EngineAway()) as running:
        yield running
