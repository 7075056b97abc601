"""One contact center with a dozen phones for all fault tests: it has to survive them anyway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

pytest.register_assert_rewrite("faults._scene", "faults._blow")

from faults._scene import Scene, running_scene  # noqa: E402 - its asserts are rewritten
from support.every_day import keep_for_every_day  # noqa: E402
from support.server import TamasServer  # noqa: E402
from tamas.store.clock import now  # noqa: E402

EVERY_DAY = {
    "test_accepted_originate": 0,
    "test_api_workers": 0,
    "test_asterisk_killed": 1,
    "test_killed": 1,
    "test_on_postgresql": 0,
    "test_side_by_side": 0,
    "test_stalled": 0,
}
"""How many tests of a module, from its first, are for every day: each takes half a minute or more."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_for_every_day(items, Path(__file__).parent, EVERY_DAY)


@pytest.fixture(scope="package")
async def _running_scene(
    tmp_path_factory: pytest.TempPathFactory, sipp: tuple[str, ...]
) -> AsyncIterator[Scene]:
    async with running_scene(TamasServer(tmp_path_factory.mktemp("faults"), command=True), sipp) as scene:
        yield scene


@pytest.fixture
async def scene(_running_scene: Scene) -> AsyncIterator[Scene]:
    """A running server on SQLite with phones; nothing may be left of a test's calls."""
    _running_scene.began = now()
    yield _running_scene
    if not _running_scene.server.alive:
        await _running_scene.server.restart()
    await _running_scene.server.wait_ready()
    await _running_scene.forget()
    await _running_scene.nothing_left()
