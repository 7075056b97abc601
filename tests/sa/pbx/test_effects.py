"""Telling the engine of changes: an engine that hangs keeps nobody waiting for long."""

from __future__ import annotations

import time

import pytest

from support.server import TamasServer
from support.waiting import eventually
from tamas.engine.effects import EFFECTS_SECONDS

pytestmark = pytest.mark.engine


@pytest.mark.slow
async def test_a_hung_engine_holds_a_request_up_once(server: TamasServer) -> None:
    """With Asterisk stopped in its tracks, a batch for many agents is done after one time limit in all."""
    for queue in ("900", "901"):
        await server.api("pbx/queues/add", {"name": queue, "number": queue})
    items = []
    for number in ("101", "102", "103"):
        await server.api("pbx/users/add", {"name": number, "number": number, "secret": "s"})
        items += [{"queue": queue, "source": number, "agent": number} for queue in ("900", "901")]
    asterisk = server.asterisk
    asterisk.suspend()
    try:
        for service in ("batchaddagent", "batchpauseagent"):
            began = time.monotonic()
            answer = await server.api(f"pbx/queues/{service}", {"agents": items})
            assert [item["ok"] for item in answer["Data"]] == [1] * len(items)
            assert EFFECTS_SECONDS * 0.9 < time.monotonic() - began < EFFECTS_SECONDS + 1.5
    finally:
        asterisk.resume()
    assert "did not reach the engine" in server.log
    assert "and 5 more" in server.log

    async def answers() -> bool:
        began = time.monotonic()
        await server.api("pbx/queues/batchresumeagent", {"agents": items})
        return time.monotonic() - began < EFFECTS_SECONDS / 2

    await eventually(answers, within=15, what="an engine that answers again")
