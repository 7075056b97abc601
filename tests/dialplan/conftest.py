"""One engine for all call scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete

from dialplan._helpers import Helpers
from dialplan._switchboard import Switchboard, running_switchboard
from tamas.engine.install import AsteriskInstall
from tamas.store.dialplan_schema import call_jobs
from tamas.store.schema import originates


@pytest.fixture(scope="session")
async def _running(
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    asterisk_install: AsteriskInstall,
    sipp: tuple[str, ...],
) -> AsyncIterator[Switchboard]:
    directory = tmp_path_factory.mktemp("flow")
    url = new_store("sqlite", directory)
    async with running_switchboard(directory, url, asterisk_install, sipp) as board:
        yield board


@pytest.fixture
async def board(_running: Switchboard) -> AsyncIterator[Switchboard]:
    """The switchboard, with nobody talking and nothing changed."""
    await _running.rest()
    yield _running
    await _running.rest()


@pytest.fixture
async def helpers(board: Switchboard) -> AsyncIterator[Helpers]:
    """Job worker and key listener."""
    running = Helpers(board)
    running.start()
    yield running
    await running.stop()
    async with board.database.write() as tx:
        await tx.execute(delete(call_jobs))
        await tx.execute(delete(originates))
