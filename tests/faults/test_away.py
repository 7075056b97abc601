"""Nothing of ours runs for longer than the calls wait."""

from __future__ import annotations

import pytest

from faults._scene import CARRIER, Scene, assert_answered, tone_of
from support.waiting import eventually
from tamas.demo.call import CallState

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_static_fallback(scene: Scene) -> None:
    """After 30 s of music a trunk's call rings the dialed extension without us, and is reported later."""
    await scene.server.kill9()
    call = await scene.carrier.call("201", caller="09120000000")
    await eventually(lambda: call.rtp.listener.seconds > 1.0, what="music")
    callee = await scene.phone("201").incoming(within=45)
    assert callee.started_at - call.started_at > 29
    assert call.state is not CallState.TALKING
    await callee.answer()
    await callee.until_heard(tone_of(CARRIER))
    await call.until_heard(tone_of("201"))
    await callee.hang_up()
    await call.until_ended()
    assert not await scene.channels()
    await scene.server.start()
    row = await scene.record(type="incoming")
    assert_answered(row, talk=callee)
    assert (row["src"], row["dst"], row["entry_point"]) == ("09120000000", "201", CARRIER)
