"""An originate that was answered with success has a record, whenever we are killed after that."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest

from faults._scene import Scene
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, AutoReject, Ring, Silent

pytestmark = pytest.mark.engine

KILLED_WITHIN = 0.6
"""Seconds after the first request within which the blow falls."""
CALLERS = ("201", "202", "203", "204", "205", "298")
"""The last one is no phone's."""


async def _rounds(scene: Scene, count: int) -> None:
    chance = random.Random(20261123)  # noqa: S311 - moments, not secrets
    scene.phone("201").manner = AutoAnswer(hang_up_after=0.2)
    scene.phone("202").manner = AutoAnswer(after=0.3, hang_up_after=0.2)
    scene.phone("203").manner = AutoReject(status=486)
    scene.phone("204").manner = Silent()
    scene.phone("205").manner = Ring()
    scene.phone("206").manner = AutoAnswer(hang_up_after=0.3)
    await scene.server.api(
        "pbx/users/add", {"name": "Nobody", "number": "298", "secret": "Nobody-sits-here-1"}
    )
    accepted: list[str] = []

    async def ask(caller: str) -> None:
        await asyncio.sleep(chance.uniform(0, KILLED_WITHIN))
        try:
            accepted.append(await scene.server.originate(caller, "206", timeout="2"))
        except httpx.TransportError:
            return  # not accepted: killed before the answer

    for _ in range(count):
        asking = [asyncio.create_task(ask(caller)) for caller in CALLERS]
        await asyncio.sleep(chance.uniform(KILLED_WITHIN / 4, KILLED_WITHIN))
        if chance.random() < 0.5:
            scene.server.main_worker.kill()
        await scene.server.kill9()
        await scene.server.start()
        await asyncio.gather(*asking)
    assert len(accepted) >= count

    for originated in accepted:
        row = await scene.record(originated_call_id=originated, within=15)
        assert row["disposition"] == "ANSWERED" or row["reason"], dict(row)

    # Those whose answer was cut off may have been carried out; they have one record as well.
    await eventually(scene.each_originate_told_once, within=10, what="one record of each originate")


@pytest.mark.slow
async def test_few_rounds(scene: Scene) -> None:
    """Two blows at random moments of several originates each."""
    await _rounds(scene, 2)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_many_rounds(scene: Scene) -> None:
    """Twenty blows at random moments of several originates each."""
    await _rounds(scene, 20)
