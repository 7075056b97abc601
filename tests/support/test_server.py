"""The server fixture itself."""

from __future__ import annotations

import psutil
import pytest

from support.server import ApiFailure
from support.servers import NewServer

pytestmark = pytest.mark.engine


@pytest.mark.slow
async def test_a_life_of_a_server(new_server: NewServer) -> None:
    """Started, killed, started again on the Asterisk that lived on, stopped; its account stays good."""
    server = await new_server()
    assert server.account is not None
    await server.api("setting/ping/act")
    with pytest.raises(ApiFailure, match=r"pbx/users/add: 200 .*is missing"):
        await server.api("pbx/users/add")
    before = server.asterisk
    await server.kill9()
    assert not server.alive
    assert before.is_running()
    await server.start()
    assert server.asterisk == before
    await server.api("setting/ping/act")
    assert await server.stop() == 0
    assert not _runs(before)


@pytest.mark.slow
async def test_two_servers_side_by_side_on_both_databases(new_server: NewServer) -> None:
    """Instances with different folders and ports do not meet."""
    first = await new_server()
    second = await new_server("postgresql")
    assert first.asterisk.pid != second.asterisk.pid
    await first.api("pbx/users/add", {"name": "One", "number": "201", "secret": "aSecret-of-201"})
    assert await second.api("pbx/users/search", {"alike": False, "conditions": {"number": "201"}}) == []


def _runs(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
