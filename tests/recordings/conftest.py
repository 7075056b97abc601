"""An archive of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from recordings._archive import Archive
from support.every_day import keep_on_postgresql
from tamas.recordings.folders import RecordingFolders
from tamas.store.database import Database


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_on_postgresql(items, Path(__file__).parent, most=1)


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> Archive:
    """An archive in which nothing lies, on SQLite and on PostgreSQL."""
    return Archive(database=database, folders=RecordingFolders(root=tmp_path / "recordings"))


@pytest.fixture
def sqlite_archive(sqlite_database: Database, tmp_path: Path) -> Archive:
    """The same on SQLite only."""
    return Archive(database=sqlite_database, folders=RecordingFolders(root=tmp_path / "recordings"))
