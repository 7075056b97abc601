"""Fixtures: a running server seen by an account that may do everything, and by one that may do nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx
import pytest

from conformance.world import RECORDING, World
from support.server import TamasServer
from support.sounds import tone_wav
from tamas.settings import load_settings
from tamas.store.database import open_database

EVERY_DAY = {"sqlite": "gregorian", "postgresql": "jalali"}
"""The calendar in which each store is seen in the everyday suite; the other combinations are slow."""
ON_BOTH = "test_each_accepted_method_does_it"
"""What each service shows on PostgreSQL as well every day."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        given: Mapping[str, str] = callspec.params if callspec is not None else {}
        if "world" not in given:
            continue
        store = given["either_server"]
        if EVERY_DAY[store] != given["world"] or (store != "sqlite" and not item.name.startswith(ON_BOTH)):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", params=["gregorian", "jalali"])
async def world(either_server: TamasServer, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The server, with one extension, trunk and queue in it; once for each database and calendar."""
    await either_server.cli("settings", "set", "calendar", request.param)
    await either_server.cli("settings", "set", "sa.allowed_ips", "127.0.0.0/8")
    account = either_server.account
    assert account is not None
    client = httpx.Client(
        base_url=either_server.base_url,
        auth=(account.username, account.password),
        headers=account.headers(),
        timeout=20,
    )
    with client:
        world = World(client, calendar=request.param)
        world.extension()
        world.queue()
        world.trunk()
        world.entry("pbx/blacklists")
        world.entry("pbx/whitelists")
        world.announcement()
        world.presence()
        world.done("pbx/faxes/add", world.fax())
        keep_recording(either_server)
        database = await open_database(load_settings(either_server.environment).database_url)
        try:
            await world.calls(database)
            await world.left_message(database, either_server.state_dir / "voicemail")
            await world.campaigns(database)
        finally:
            await database.close()
        yield world


def keep_recording(server: TamasServer) -> None:
    """Let a recording of two channels lie where those of calls do."""
    name = RECORDING.replace(".mp3", ".wav")
    day = server.state_dir / "recordings" / name[:8]
    day.mkdir(parents=True, exist_ok=True)
    (day / name).write_bytes(tone_wav(440, 880, seconds=0.2))


@pytest.fixture(scope="module")
async def stranger(either_server: TamasServer) -> AsyncIterator[httpx.Client]:
    """A client whose account may call one service only, and none of those that are tested with it."""
    made = await either_server.cli("account", "add", "stranger", "--allow", "/autodialer/trunks/add")
    with httpx.Client(
        base_url=either_server.base_url, auth=(made["username"], made["password"]), timeout=20
    ) as client:
        yield client
