"""Calls that a blow meets: each scenario brings one into a state, and sees it through to its record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from faults._blow import Blow, Victim
from faults._scene import (
    AGENT,
    CARRIER,
    DESERTED,
    STAFFED,
    Scene,
    Talk,
    assert_answered,
    recorded_seconds,
    tone_of,
)
from support.waiting import eventually
from tamas.demo.call import CallState

Scenario = Callable[[Scene, Blow], Coroutine[None, None, None]]


async def talk_goes_on(scene: Scene, blow: Blow) -> None:
    """A recorded two-way talk is not touched, and is reported whole after it ended."""
    originated = await scene.server.originate("201", "202")
    first = await scene.phone("201").answer()
    second = await scene.phone("202").answer()
    await first.until_heard(tone_of("202"))
    await second.until_heard(tone_of("201"))
    async with Talk(first, second, (tone_of("201"), tone_of("202"))).unbroken():
        await blow.falls()
        await blow.is_over()
    await second.hang_up()
    await first.until_ended()
    row = await scene.record(originated_call_id=originated)
    assert_answered(row, talk=second)
    assert (row["src"], row["dst"], row["type"]) == ("201", "202", "local")
    assert await recorded_seconds(scene.server, row["record"]) == pytest.approx(row["billsec"] / 1e6, abs=1.0)


async def _talk_ends_meanwhile(scene: Scene, blow: Blow) -> None:
    """A talk that ends while nothing of ours runs is reported with the time at which it ended."""
    call = await scene.phone("203").call("204")
    other = await scene.phone("204").answer()
    await call.until_talking()
    await other.until_heard(tone_of("203"))
    await blow.falls()
    await other.hang_up()
    await blow.is_over()
    await call.until_ended()
    row = await scene.record(src="203", dst="204")
    assert_answered(row, talk=other)


async def _first_leg_rings(scene: Scene, blow: Blow) -> None:
    """An originated call whose first party is ringing goes on when it answers later."""
    originated = await scene.server.originate("205", "206")
    first = await scene.phone("205").incoming()
    await first.until_ringing()
    await blow.falls()
    await blow.is_over()
    await first.answer()
    second = await scene.phone("206").answer()
    await second.until_heard(tone_of("205"))
    await first.hang_up()
    await second.until_ended()
    assert_answered(await scene.record(originated_call_id=originated), talk=second)


async def between_the_legs(scene: Scene, blow: Blow) -> None:
    """The first party answers while nothing of ours runs: the second is rung when we are back."""
    originated = await scene.server.originate("207", "208")
    first = await scene.phone("207").incoming()
    await first.until_ringing()
    await blow.falls()
    await first.answer()
    await eventually(lambda: first.rtp.listener.seconds > 0.2, what="music for who waits")
    await blow.is_over()
    second = await scene.phone("208").answer()
    await first.until_heard(tone_of("208"))
    await second.until_heard(tone_of("207"))
    await first.hang_up()
    await second.until_ended()
    row = await scene.record(originated_call_id=originated)
    assert_answered(row, talk=second)
    assert len(scene.phone("208").calls) == 1


async def second_leg_rings(scene: Scene, blow: Blow) -> None:
    """The second party rings on, answers after the blow, and is not rung twice."""
    originated = await scene.server.originate("209", "211")
    first = await scene.phone("209").answer()
    second = await scene.phone("211").incoming()
    await second.until_ringing()
    await blow.falls()
    await blow.is_over()
    await second.answer()
    await first.until_heard(tone_of("211"))
    await second.until_heard(tone_of("209"))
    await second.hang_up()
    await first.until_ended()
    assert_answered(await scene.record(originated_call_id=originated), talk=second)
    assert len(scene.phone("211").calls) == 1


async def _agent_answers_meanwhile(scene: Scene, blow: Blow) -> None:
    """A queue's agent who answers while nothing of ours runs talks to the caller."""
    call = await scene.phone("212").call(STAFFED)
    agent = await scene.phone(AGENT).incoming()
    await agent.until_ringing()
    await blow.falls()
    await agent.answer()
    await agent.until_heard(tone_of("212"))
    await blow.is_over()
    await call.until_heard(tone_of(AGENT))
    await agent.hang_up()
    await call.until_ended()
    row = await scene.record(src="212", dst=STAFFED)
    assert_answered(row, talk=agent)
    assert (row["queue"], row["agent"]) == (STAFFED, AGENT)
    assert await recorded_seconds(scene.server, row["record"]) > 0


async def _caller_waits_in_queue(scene: Scene, blow: Blow) -> None:
    """A caller who waits in a queue keeps waiting, and gets the agent who comes after the blow."""
    call = await scene.phone("213").call(DESERTED)
    await call.until_talking()

    async def waits() -> bool:
        return await scene.in_queue(DESERTED) == 1

    await eventually(waits, what="the caller in the queue")
    await blow.falls()
    await blow.is_over()
    assert await waits()
    await scene.server.api("pbx/queues/addagent", {"queue": DESERTED, "source": "214", "agent": "214"})
    try:
        agent = await scene.phone("214").answer()
        await agent.until_heard(tone_of("213"))
        await call.hang_up()
        await agent.until_ended()
        row = await scene.record(src="213", dst=DESERTED)
        assert_answered(row, talk=agent)
        assert (row["queue"], row["agent"]) == (DESERTED, "214")
    finally:
        await scene.server.api("pbx/queues/removeagent", {"queue": DESERTED, "agent": "214"})


async def call_arrives_meanwhile(scene: Scene, blow: Blow) -> None:
    """A trunk's call that comes while nothing of ours runs hears music and is routed when we are back."""
    await blow.falls()
    call = await scene.carrier.call("215", caller="09120000000")
    await eventually(lambda: call.rtp.listener.seconds > 0.2, what="music before anybody answers")
    assert call.state is not CallState.TALKING
    await blow.is_over()
    callee = await scene.phone("215").answer()
    await callee.until_heard(tone_of(CARRIER))
    await call.until_heard(tone_of("215"))
    await callee.hang_up()
    await call.until_ended()
    row = await scene.record(type="incoming", did="215")
    assert_answered(row, talk=callee)
    assert (row["src"], row["entry_point"]) == ("09120000000", CARRIER)


SCENARIOS: tuple[Scenario, ...] = (
    talk_goes_on,
    _talk_ends_meanwhile,
    _first_leg_rings,
    between_the_legs,
    second_leg_rings,
    _agent_answers_meanwhile,
    _caller_waits_in_queue,
    call_arrives_meanwhile,
)


async def strike(scene: Scene, victim: Victim, scenarios: tuple[Scenario, ...] = SCENARIOS) -> None:
    """Let the blow meet all these calls at once; each goes on, and leaves one complete record."""
    blow = Blow(scene.server, victim, len(scenarios))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(blow.strike(), name="the blow")
        for scenario in scenarios:
            tasks.create_task(scenario(scene, blow), name=scenario.__name__)
    await scene.nothing_left()
    assert await scene.count_records() == len(scenarios), "a call was reported twice, or not at all"
