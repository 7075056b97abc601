"""Fixtures: one server of each database for everything that can be thrown at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from bad_input._target import Target, aimed_at
from support.server import TamasServer


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """What the document promises does not depend on the store: every day it is tried on one of them."""
    for item in items:
        if item.name == "test_generated_requests[postgresql]":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
async def target(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
) -> AsyncIterator[Target]:
    """A running server on SQLite, then one on PostgreSQL, each shared by the tests of this folder."""
    folder = tmp_path_factory.mktemp("target")
    url = "" if request.param == "sqlite" else new_store("postgresql", folder)
    server = TamasServer(folder, database_url=url)
    try:
        await server.start()
        async with aimed_at(server) as aimed:
            yield aimed
    finally:
        await server.close()
