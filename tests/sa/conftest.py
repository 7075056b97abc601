"""Fixtures: a running SA gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from sa._server import RunningSa, running_sa


@pytest.fixture
async def sa(sqlite_url: str) -> AsyncIterator[RunningSa]:
    """A running gateway on SQLite, where the dialect makes no difference to the test."""
    async with running_sa(sqlite_url) as running:
        yield running


@pytest.fixture
async def sa_both(database_url: str) -> AsyncIterator[RunningSa]:
    """A running gateway; the test runs once on SQLite and once on PostgreSQL."""
    async with running_sa(database_url) as running:
        yield running


@pytest.fixture
async def caller(sa: RunningSa) -> httpx.BasicAuth:
    """Credentials of an account that may call everything."""
    made = await sa.account("caller", password="secret-pass")
    assert made.password is not None
    return httpx.BasicAuth(made.username, made.password)
