"""Events of a running server: selected ones arrive, also when it is killed before it knows of it."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from websockets.asyncio.client import connect

from support.integrator import SILENCE, Integrator, page
from support.receivers import names, receiver_at
from support.server import TamasServer
from support.servers import NewServer
from support.waiting import eventually
from tamas.store.database import open_database

pytestmark = pytest.mark.engine


async def _receiver(server: TamasServer, crm: Integrator, *events: str) -> None:
    database = await open_database(server.database_url)
    try:
        await receiver_at(database, crm.url(), events=frozenset(events), timeout_ms=20_000)
    finally:
        await database.close()


async def _ping(server: TamasServer) -> None:
    answer = await server.client.post("/api/v4/setting/ping/act")
    assert answer.json()["success"] == 1


async def test_killed_between_fact_and_delivery(server: TamasServer) -> None:
    """A receiver that has not answered when our process is killed is told again; nothing is lost."""
    async with Integrator(answers={"/": SILENCE}) as crm:
        await _ping(server)  # not selected by anybody: nothing is told
        await _receiver(server, crm, "Ping")
        await _ping(server)
        await eventually(lambda: len(crm.asked) == 1)
        await _ping(server)
        server.main_worker.kill()
        crm.answers["/"] = page("")
        crm.asked.clear()
        await eventually(lambda: len(crm.asked) == 2, within=30)
        await server.wait_ready()
        await _ping(server)
        await eventually(lambda: len(crm.asked) == 3)
        assert names(crm.asked) == ["Ping"] * 3
        assert crm.asked[0].fields == {"event_name": "Ping"}


@pytest.mark.slow
async def test_told_by_every_worker(new_server: NewServer) -> None:
    """Whichever worker writes an event or serves a listener, it arrives; a stop ends the streams."""
    server = await new_server(workers=2)
    async with Integrator(answers={"/": page("")}) as crm:
        await _receiver(server, crm, "Ping")
        await asyncio.sleep(0.3)
        headers = dict(server.client.headers) | {"authorization": _basic(server)}
        url = server.base_url.replace("http", "ws") + "/events/ws"
        keep = {name: headers[name] for name in headers if name.lower() in ("x-apikey", "authorization")}
        sockets = [await connect(url, additional_headers=keep) for _ in range(6)]
        for _ in range(12):
            await _ping(server)
        await eventually(lambda: len(crm.asked) == 12)
        for socket in sockets:
            told = [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(12)]
            assert [one["type"] for one in told] == ["Ping"] * 12
            assert [one["position"] for one in told] == list(
                range(told[0]["position"], told[0]["position"] + 12)
            )
        async with server.client.stream("GET", "/events/stream") as answer:
            assert answer.status_code == 200
            begin = asyncio.get_running_loop().time()
            assert await server.stop() == 0
            assert asyncio.get_running_loop().time() - begin < 15
        for socket in sockets:
            await socket.close()


def _basic(server: TamasServer) -> str:
    assert server.account is not None
    pair = f"{server.account.username}:{server.account.password}".encode()
    return "Basic " + base64.b64encode(pair).decode()
