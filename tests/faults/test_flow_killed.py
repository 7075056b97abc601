"""``kill -9`` of everything of ours with fifty calls in the plan: in menus, in a queue, in talks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from faults._scene import CARRIER, DESERTED, NUMBERS, Scene, tone_of
from support.server import TamasServer
from support.sounds import tone_wav
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer
from tamas.store.schema import calls, poll_answers

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(400)]

MENU, CHOSEN, SURVEY = 1000, 1150, 1300
"""Tones of announcements, unlike any phone's."""
MENUS, WAITING, TALKS = 20, 15, len(NUMBERS)


async def _add_sound(server: TamasServer, name: str, hz: int) -> None:
    answer = await server.client.post(
        "/api/v4/pbx/announcements/upload", files={"file": (f"{name}.wav", tone_wav(hz, seconds=1.5))}
    )
    filename = answer.json()["data"]["filename"]
    await server.api("pbx/announcements/add", {"name": name, "filename": filename})


def _node(identity: str, kind: str, params: dict[str, Any] | None = None, **wires: str) -> dict[str, Any]:
    keys = {"next_": "next", "one": "1"}
    outputs: list[dict[str, Any]] = []
    for key, target in wires.items():
        key = keys.get(key, key)
        output: dict[str, Any] = {"key": key, "target": target}
        if key.isdigit():
            output["match"] = {"case": key}
        outputs.append(output)
    return {
        "id": identity,
        "sheet": "s",
        "type": kind,
        "name": identity,
        "params": params or {},
        "outputs": outputs,
    }


def _plan() -> dict[str, Any]:
    menu = {"announcement": "menu", "timeout": 4, "repeat": 20, "max_digits": 1}
    rows = [
        {"key": "menu", "match": {"did": "71x", "cid": ""}, "target": "menu-up"},
        {"key": "queue", "match": {"did": "72x", "cid": ""}, "target": "queue-up"},
        {"key": "talk", "match": {"did": "", "cid": ""}, "target": "ring"},
    ]
    return {
        "format": 1,
        "sheets": [{"id": "s", "name": "S"}],
        "nodes": [
            _node("in", "IncomingRoute", {"context": "incoming"}) | {"outputs": rows},
            _node("menu-up", "Answer", next_="menu"),
            _node("menu", "IVR", menu, one="chosen"),
            _node("chosen", "Announcement", {"announcement": "chosen"}),
            _node("queue-up", "Answer", next_="queue"),
            _node("queue", "Queue", {"queue": DESERTED}),
            _node("ring", "Extension", S="survey"),
            _node("survey", "Poll", {"label": "after", "announcement_before": "survey", "timeout": 5}),
        ],
    }


@pytest.fixture
async def planned(scene: Scene, tmp_path: Path) -> AsyncIterator[Scene]:
    """The scene with the plan of these tests; afterwards with that of a fresh system."""
    for name, hz in (("menu", MENU), ("chosen", CHOSEN), ("survey", SURVEY)):
        await _add_sound(scene.server, name, hz)
    before = tmp_path / "before.json"
    await scene.server.cli("dialplan", "export", "-o", str(before))
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(_plan()))
    await scene.server.cli("dialplan", "import", str(plan), "--publish")
    yield scene
    if not scene.server.alive:
        await scene.server.start()
    await scene.server.cli("dialplan", "import", str(before), "--publish")


async def _each(calls_: list[PhoneCall], hz: int, within: float = 15) -> None:
    await asyncio.gather(*(call.until_heard(hz, within=within) for call in calls_))


async def test_fifty_calls_survive_us(planned: Scene) -> None:
    """Talks and waits go on unbroken; menus start again and take digits; surveys follow talks that ended."""
    scene, carrier = planned, planned.carrier
    for number in NUMBERS:
        scene.phone(number).manner = AutoAnswer()
    menus = [await carrier.call(f"71{turn:02d}") for turn in range(MENUS)]
    waits = [await carrier.call(f"72{turn:02d}") for turn in range(WAITING)]
    talks = {number: await carrier.call(number) for number in NUMBERS}
    await _each(menus, MENU)
    await asyncio.gather(*(call.until_heard(tone_of(number)) for number, call in talks.items()))

    async def all_wait() -> bool:
        return await scene.in_queue(DESERTED) == WAITING

    await eventually(all_wait, within=15, what="every caller in the queue")

    await scene.server.kill9()
    heard = {call: call.rtp.listener.seconds for call in (*talks.values(), *waits)}
    await asyncio.sleep(3)
    for call, before in heard.items():
        assert call.rtp.listener.seconds - before > 1.5, "a talk or the music of the queue broke off"
    assert await scene.in_queue(DESERTED) == WAITING
    for number, call in talks.items():
        assert call.hears(tone_of(number))
    ended = NUMBERS[:5]
    for number in ended:
        (leg,) = scene.phone(number).calls
        await leg.hang_up()
    late = await carrier.call("7199")

    await scene.server.start()
    await _each([*menus, late], MENU)
    for call in (*menus, late):
        call.dial("1")
    await _each([*menus, late], CHOSEN)
    await _survey([talks[number] for number in ended])
    for number in NUMBERS[5:]:
        assert talks[number].hears(tone_of(number)), "a talk did not go on"
        (leg,) = scene.phone(number).calls
        await leg.hang_up()
    await _survey([talks[number] for number in NUMBERS[5:]])
    assert await scene.in_queue(DESERTED) == WAITING
    await asyncio.gather(*(call.hang_up() for call in waits))
    await eventually(lambda: _told(scene), within=20, what="every record and every answer")


async def _survey(callers: list[PhoneCall]) -> None:
    await _each(callers, SURVEY)
    for call in callers:
        call.dial("4")
    await asyncio.gather(*(call.until_ended(within=15) for call in callers))


async def _told(scene: Scene) -> bool:
    async with scene.store.read() as connection:
        records = await connection.scalar(
            select(func.count()).where(calls.c.started_at >= scene.began, calls.c.entry_point == CARRIER)
        )
        points = await connection.rows(
            select(poll_answers.c.point).where(poll_answers.c.answered_at >= scene.began)
        )
    return records == MENUS + WAITING + TALKS + 1 and [row["point"] for row in points] == [4] * TALKS
