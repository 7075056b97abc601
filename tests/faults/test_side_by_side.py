"""Two instances on one machine."""

from __future__ import annotations

import asyncio

import pytest

from faults._scene import Scene, assert_answered, running_scene, talk, tone_of
from support.server import TamasServer
from tamas.demo.call import CallState

pytestmark = pytest.mark.engine


async def test_two_instances(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, sipp: tuple[str, ...]
) -> None:
    """Same numbers in both, each its own calls and records; the end of one leaves the other alone."""
    async with running_scene(
        TamasServer(tmp_path_factory.mktemp("other"), command=True), sipp, ("201", "202")
    ) as other:
        (mine, first, second), (theirs, third, fourth) = await asyncio.gather(
            talk(scene, "201", "202"), talk(other, "201", "202")
        )
        assert scene.server.asterisk.pid != other.server.asterisk.pid
        await third.hang_up()
        await fourth.until_ended()
        assert_answered(await other.record(originated_call_id=theirs), talk=fourth)
        await other.nothing_left()
        assert await other.server.stop() == 0
        assert first.state is CallState.TALKING
        assert first.hears(tone_of("202"))
        await second.hang_up()
        await first.until_ended()
        assert_answered(await scene.record(originated_call_id=mine), talk=second)
        assert await scene.count_records() == 1
        assert await other.count_records() == 1
