"""Fixtures: running SA gateways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from sa._server import RunningSa, running_sa
from support.every_day import keep_on_postgresql

WHERE_STORES_DIFFER = ("test_many_at_once", "test_two_changes_at_once", "test_long_batches")
"""Tests of what the store does itself. `conformance` sees every service on PostgreSQL every day."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_on_postgresql(items, Path(__file__).parent, most=2, always=WHERE_STORES_DIFFER)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sa(
    new_store: Callable[[str, Path], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningSa]:
    """A gateway on SQLite that many tests share; they leave its settings alone."""
    async with running_sa(new_store("sqlite", tmp_path_factory.mktemp("sa"))) as running:
        await running.account("caller", password="secret-pass")
        yield running


@pytest.fixture(autouse=True)
def forgiven(request: pytest.FixtureRequest) -> None:
    """Failures that earlier tests made on purpose do not slow this one."""
    if "sa" in request.fixturenames:
        request.getfixturevalue("sa").api.gateway.throttle._records.clear()


@pytest.fixture
def caller() -> httpx.BasicAuth:
    """Credentials of an account of every gateway here; it may call everything."""
    return httpx.BasicAuth("caller", "secret-pass")


@pytest.fixture
async def own_sa(sqlite_url: str) -> AsyncIterator[RunningSa]:
    """A gateway on SQLite of the test's own, whose settings it may change."""
    async with running_sa(sqlite_url) as running:
        await running.account("caller", password="secret-pass")
        yield running


@pytest.fixture
async def sa_both(database_url: str) -> AsyncIterator[RunningSa]:
    """A gateway of the test's own; the test runs once on SQLite and once on PostgreSQL."""
    async with running_sa(database_url) as running:
        await running.account("caller", password="secret-pass")
        yield running
