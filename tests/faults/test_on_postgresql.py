"""The most important faults with the store in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from faults._blow import Victim
from faults._scenarios import between_the_legs, call_arrives_meanwhile, second_leg_rings, strike, talk_goes_on
from faults._scene import Scene, running_scene, talk, tone_of, whole
from support.postgresql import PostgresqlCluster, running_cluster
from support.server import TamasServer
from support.waiting import eventually
from tamas.store.clock import now

pytestmark = pytest.mark.engine

NUMBERS = ("201", "202", "207", "208", "209", "211", "215")


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresqlCluster]:
    """A PostgreSQL of the test's own, which it may stop."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="module")
async def on_postgresql(
    cluster: PostgresqlCluster, tmp_path_factory: pytest.TempPathFactory, sipp: tuple[str, ...]
) -> AsyncIterator[Scene]:
    """A server whose store is in that PostgreSQL."""
    server = TamasServer(tmp_path_factory.mktemp("pg"), database_url=cluster.empty_url(), command=True)
    async with running_scene(server, sipp, NUMBERS) as scene:
        yield scene


@pytest.mark.slow
async def test_restarted_postgresql(on_postgresql: Scene, cluster: PostgresqlCluster) -> None:
    """PostgreSQL goes away in mid-talk and comes back: /readyz says so, then all works as before."""
    scene, server = on_postgresql, on_postgresql.server
    worker, asterisk = server.main_worker.pid, server.asterisk.pid
    talking, first, second = await talk(scene, "201", "202")
    ending, fifth, sixth = await talk(scene, "209", "211")

    async def load() -> None:
        while True:
            await server.client.post("/api/v4/pbx/users/search", json={"conditions": {}, "alike": "no"})

    loading = asyncio.create_task(load())
    await asyncio.to_thread(cluster.stop)

    async def told() -> bool:
        answer = await server.client.get("/readyz")
        return answer.status_code == 503 and answer.json()["database"]["ready"] is False

    await eventually(told, within=5, what="/readyz telling of the lost database")
    assert first.hears(tone_of("202"))
    assert second.hears(tone_of("201"))
    await fifth.hang_up()
    await sixth.until_ended()
    await asyncio.to_thread(cluster.start)
    await server.wait_ready(10)
    loading.cancel()
    await asyncio.wait({loading})
    assert loading.cancelled(), loading.exception()
    await eventually(
        lambda: "Asterisk connects to the database anew" in server.log, within=5, what="Asterisk being told"
    )
    again, third, fourth = await talk(scene, "207", "208")
    for call in (first, third):
        await call.hang_up()
    await asyncio.gather(second.until_ended(), fourth.until_ended())
    await whole(scene, again)
    for originated in (talking, ending):
        assert (await scene.record(originated_call_id=originated))["disposition"] == "ANSWERED"
    await scene.forget()
    await scene.nothing_left()
    assert server.main_worker.pid == worker, "the worker did not outlive it"
    assert server.asterisk.pid == asterisk


async def test_calls_survive(on_postgresql: Scene) -> None:
    """Calls go on, and each leaves one complete record, when all of ours is killed."""
    on_postgresql.began = now()
    scenarios = (talk_goes_on, between_the_legs, second_leg_rings, call_arrives_meanwhile)
    await strike(on_postgresql, Victim.EVERYTHING, scenarios)
