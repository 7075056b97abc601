"""Fixtures: running consoles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console._console import RunningConsole, running_console


@pytest.fixture
async def console(sqlite_url: str, tmp_path: Path) -> AsyncIterator[RunningConsole]:
    """A console on SQLite, where the dialect makes no difference to the test."""
    async with running_console(sqlite_url, tmp_path) as running:
        yield running


@pytest.fixture
async def console_both(database_url: str, tmp_path: Path) -> AsyncIterator[RunningConsole]:
    """A console; the test runs once on SQLite and once on PostgreSQL."""
    async with running_console(database_url, tmp_path) as running:
        yield running
