"""Fixtures: running consoles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from console._console import RunningConsole, running_console
from support.every_day import keep_on_postgresql

WHERE_STORES_DIFFER = (
    "test_many_guesses_at_once_gain_nothing",
    "test_two_changes_at_once",
    "test_a_page_of_ten_thousand",
)
"""Tests of what the store does itself."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_on_postgresql(items, Path(__file__).parent, most=1, always=WHERE_STORES_DIFFER)


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
