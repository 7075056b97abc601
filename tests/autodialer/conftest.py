"""One engine for all campaigns that dial."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from autodialer._room import Room, running_room
from dialplan._switchboard import Switchboard, running_switchboard
from tamas.engine.install import AsteriskInstall


@pytest.fixture(scope="session")
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
