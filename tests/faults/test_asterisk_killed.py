"""``kill -9`` of Asterisk, and a clean stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil
import pytest

from faults._scene import Scene, talk
from support.waiting import eventually
from tamas.store.clock import MICROSECONDS

pytestmark = pytest.mark.engine

BACK_SECONDS = 5.0


async def _back(scene: Scene, former: int) -> None:
    """Ready again with another Asterisk."""

    async def back() -> bool:
        answer = await scene.server.client.get("/readyz")
        record = scene.server.engine_record()
        return answer.status_code == 200 and record is not None and record.pid != former

    await eventually(back, within=BACK_SECONDS, what="Asterisk being back")


@pytest.mark.parametrize("with_us", [False, True], ids=["alone", "with all of ours"])
async def test_asterisk_is_started_again(scene: Scene, with_us: bool) -> None:
    """Within 5 s phones call again without registering; open calls are closed with the reason."""
    talking, first, _ = await talk(scene, "201", "202")
    ringing = await scene.server.originate("203", "204")
    await (await scene.phone("203").incoming()).until_ringing()
    sources = scene.server.state_dir / "recordings" / "source"
    # Asterisk writes in blocks: what it holds back dies with it.
    await eventually(
        lambda: any(source.stat().st_size for source in sources.iterdir()), what="sound in the recording"
    )
    former = scene.server.asterisk.pid
    os.kill(former, signal.SIGKILL)
    died = time.time()
    if with_us:
        await scene.server.kill9()
        await scene.server.start()
        assert scene.server.asterisk.pid != former
        assert (await scene.server.client.get("/readyz")).json()["engine"]["adopted"] is False
    else:
        await _back(scene, former)
    again, caller, callee = await talk(scene, "205", "206")
    await scene.phone("207").register()

    cut_off = await scene.record(originated_call_id=talking)
    assert (cut_off["disposition"], cut_off["reason"]) == ("ANSWERED", "the engine stopped")
    assert first.answered_at is not None
    assert cut_off["ended_at"] / MICROSECONDS == pytest.approx(died, abs=1.0)
    assert cut_off["record"]
    never = await scene.record(originated_call_id=ringing)
    assert (never["disposition"], never["reason"]) == ("FAILED", "the engine stopped")
    await caller.hang_up()
    await callee.until_ended()
    assert (await scene.record(originated_call_id=again))["disposition"] == "ANSWERED"
    assert await scene.count_records() == 3


async def test_clean_stop_ends_everything(scene: Scene) -> None:
    """SIGTERM ends the calls with their records, then Asterisk and every process of ours."""
    talking, first, second = await talk(scene, "201", "202")
    family = psutil.Process(scene.server.main_worker.pid).parents()[0].children(recursive=True)
    assert scene.server.asterisk in family
    assert await scene.server.stop() == 0
    assert not [process for process in family if process.is_running()]
    row = await scene.record(originated_call_id=talking, within=0)
    assert row["disposition"] == "ANSWERED"
    await asyncio.gather(first.until_ended(), second.until_ended())
    await scene.server.start()
    assert (await scene.server.client.get("/readyz")).json()["engine"]["adopted"] is False
    assert await scene.count_records() == 1
