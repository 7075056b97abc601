"""``kill -9`` between a promised call and its making."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from faults._scene import CARRIER, Scene, tone_of

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def _node(identity: str, kind: str, params: dict[str, Any], *outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": identity,
        "sheet": "s",
        "type": kind,
        "name": identity,
        "params": params,
        "outputs": list(outputs),
    }


@pytest.fixture
async def promising(scene: Scene, tmp_path: Path) -> AsyncIterator[Scene]:
    """Who calls from outside is phoned back after some seconds, and comes to 201."""
    before, plan = tmp_path / "before.json", tmp_path / "plan.json"
    await scene.server.cli("dialplan", "export", "-o", str(before))
    back = {"method": "caller", "trunk": CARRIER, "caller_id": "8000", "delay": 4}
    nodes = [
        _node("in", "IncomingRoute", {}, {"key": "any", "match": {"cid": "", "did": ""}, "target": "back"}),
        _node("back", "CallBack", back, {"key": "next", "target": "ring"}),
        _node("ring", "Extension", {"extension": "201"}),
    ]
    plan.write_text(json.dumps({"format": 1, "sheets": [{"id": "s", "name": "S"}], "nodes": nodes}))
    await scene.server.cli("dialplan", "import", str(plan), "--publish")
    yield scene
    if not scene.server.alive:
        await scene.server.start()
    await scene.server.cli("dialplan", "import", str(before), "--publish")


async def test_a_call_back_outlives_us(promising: Scene) -> None:
    """All of ours dies after the caller was hung up on: the next start phones him once, linked."""
    scene = promising
    call = await scene.carrier.call("8000", caller="02188123456")
    await call.until_ended()
    asked = await scene.record(type="incoming")
    await scene.server.kill9()
    await scene.server.start()
    back = await scene.carrier.answer(within=20)
    assert back.remote_number == "8000"
    reached = await scene.phone("201").answer()
    await back.until_heard(tone_of("201"))
    await reached.until_heard(tone_of(CARRIER))
    await reached.hang_up()
    await back.until_ended()
    made = await scene.record(type="outgoing")
    assert made["comment"] == f"{made['originated_call_id']} after {asked['cuid']}"
    assert made["disposition"] == "ANSWERED"
    assert len([each for each in scene.carrier.calls if each.incoming]) == 1
