"""One engine for all call scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import delete

from dialplan._helpers import Helpers
from dialplan._switchboard import Switchboard, running_switchboard
from support.every_day import keep_for_every_day
from tamas.engine.install import AsteriskInstall
from tamas.store.dialplan_schema import call_jobs
from tamas.store.schema import originates

HERE = Path(__file__).parent
EVERY_DAY = {
    "test_access_calls": 2,
    "test_burst_calls": 1,
    "test_call_back_calls": 1,
    "test_completion_calls": 1,
    "test_condition_calls": 2,
    "test_conference_calls": 1,
    "test_custom_plan_calls": 1,
    "test_feature_codes": 3,
    "test_follow_me_calls": 1,
    "test_listening_calls": 2,
    "test_menu_calls": 6,
    "test_pick_up_calls": 2,
    "test_poll_calls": 2,
    "test_queue_calls": 3,
    "test_ring_group_calls": 2,
    "test_reserved_place_calls": 1,
    "test_script_calls": 2,
    "test_voicemail_calls": 6,
    "test_voicemail_resume": 1,
    "test_web_component_calls": 6,
}
"""How many scenarios of a module, from its first, are for every day: each component has one there.

A scenario with phones takes seconds in which it mostly waits; all of them are run by ``make test-slow``.
"""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_for_every_day(items, HERE, EVERY_DAY)


@pytest.fixture(scope="package")
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
