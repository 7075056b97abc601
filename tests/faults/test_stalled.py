"""A worker that stands still is killed by the supervisor, and its calls go on (architecture rule 7)."""

from __future__ import annotations

import os
import signal

import pytest

from faults._scene import Scene, Talk, assert_answered, tone_of
from support.waiting import eventually

pytestmark = pytest.mark.engine

KILLED_SECONDS = 8.0
"""The supervisor allows 5 s of silence."""


@pytest.mark.slow
async def test_stalled_worker_is_replaced(scene: Scene) -> None:
    """A talk goes on; a call whose flow hangs in the stalled worker gets its second leg from the next one."""
    talking = await scene.server.originate("201", "202")
    one = await scene.phone("201").answer()
    other = await scene.phone("202").answer()
    await one.until_heard(tone_of("202"))
    await other.until_heard(tone_of("201"))
    originated = await scene.server.originate("203", "204")
    first = await scene.phone("203").incoming()
    await first.until_ringing()
    stalled, asterisk = scene.server.main_worker, scene.server.asterisk.pid

    async with Talk(one, other, (tone_of("201"), tone_of("202"))).unbroken():
        os.kill(stalled.pid, signal.SIGSTOP)
        await first.answer()
        await eventually(lambda: not stalled.is_running(), within=KILLED_SECONDS, what="its end")
        await scene.server.wait_ready()
        second = await scene.phone("204").answer()
        await first.until_heard(tone_of("204"))
        await second.until_heard(tone_of("203"))
    assert scene.server.main_worker.pid != stalled.pid
    assert scene.server.asterisk.pid == asterisk
    await second.hang_up()
    await first.until_ended()
    await other.hang_up()
    await one.until_ended()
    assert_answered(await scene.record(originated_call_id=originated), talk=second)
    assert_answered(await scene.record(originated_call_id=talking), talk=other)
    assert await scene.count_records() == 2
