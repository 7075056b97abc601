"""Fixtures: one server of each database for everything that can be thrown at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from bad_input._target import Target, aimed_at
from support.server import TamasServer

EVERY_DAY_ON_BOTH = ("test_races.py",)
"""Modules about what the store does itself; the others meet PostgreSQL in the slow suite."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        store = callspec.params.get("target", "") if callspec is not None else ""
        if store == "postgresql" and item.path.name not in EVERY_DAY_ON_BOTH:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
async def target(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    sqlite_template: Path,
) -> AsyncIterator[Target]:
    """A running server on SQLite, then one on PostgreSQL, each shared by the tests of this folder."""
    folder = tmp_path_factory.mktemp("target")
    if request.param == "sqlite":
        made = TamasServer(folder, template=sqlite_template)
    else:
        made = TamasServer(folder, database_url=new_store("postgresql", folder))
    async with made as server, aimed_at(server) as aimed:
        yield aimed
