"""One engine for all campaigns that dial."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from autodialer._room import Room, running_room
from dialplan._switchboard import Switchboard, running_switchboard
from support.every_day import keep_for_every_day
from tamas.engine.install import AsteriskInstall

HERE = Path(__file__).parent
EVERY_DAY = {
    "test_dispositions_calls": 2,
    "test_killed": 0,
    "test_limits_calls": 1,
    "test_pacing_calls": 4,
    "test_route_calls": 3,
}
"""How many scenarios of a module, from its first, are for every day; they take seconds in which they wait."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_for_every_day(items, HERE, EVERY_DAY)


@pytest.fixture(scope="package")
async def _switchboard(
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    asterisk_install: AsteriskInstall,
    sipp: tuple[str, ...],
) -> AsyncIterator[Switchboard]:
    directory = tmp_path_factory.mktemp("dialer")
    url = new_store("sqlite", directory)
    async with running_switchboard(directory, url, asterisk_install, sipp) as board:
        yield board


@pytest.fixture
async def room(_switchboard: Switchboard) -> AsyncIterator[Room]:
    """A dialer with nothing to do yet."""
    await _switchboard.rest()
    async with running_room(_switchboard) as room:
        await room.forget()
        yield room
        await room.forget()
        await _switchboard.rest()
