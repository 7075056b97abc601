"""API-only workers beside the main one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from faults._scene import Scene, assert_answered, running_scene, tone_of
from support.server import TamasServer
from support.waiting import eventually

pytestmark = pytest.mark.engine

AT_ONCE_SECONDS = 0.5
"""A changed setting is in force within 100 ms in every worker; the rest is the busy machine."""


@pytest.fixture(scope="module")
async def several(tmp_path_factory: pytest.TempPathFactory, sipp: tuple[str, ...]) -> AsyncIterator[Scene]:
    """A server with two API-only workers."""
    server = TamasServer(tmp_path_factory.mktemp("workers"), workers=2, command=True)
    async with running_scene(server, sipp, ("201", "202")) as scene:
        await eventually(lambda: len(server.workers_running()) == 3, what="three workers")
        yield scene


async def _asked(server: TamasServer, service: str) -> tuple[int, dict[str, object]]:
    """One request over a connection of its own, so that any worker may get it."""
    assert server.account is not None
    async with httpx.AsyncClient(
        base_url=server.base_url,
        auth=(server.account.username, server.account.password),
        headers=server.account.headers(),
        timeout=20,
    ) as client:
        answer = await client.post(f"/api/v4/{service}", json={})
        return answer.status_code, answer.json()


async def test_originate_through_api_workers(several: Scene) -> None:
    """With the main worker held still, an API worker starts the call; the main one then connects it."""
    server = several.server

    async def ready() -> bool:
        answers = await asyncio.gather(*(_readyz(server) for _ in range(10)))
        return all(answer == 200 for answer in answers)

    await eventually(ready, what="every worker being ready")
    main = server.main_worker
    await _hold_still(server)
    try:
        originated = await _originate(server)
        first = await several.phone("201").incoming()
    finally:
        os.kill(main.pid, signal.SIGCONT)
    await first.answer()
    second = await several.phone("202").answer()
    await first.until_heard(tone_of("202"))
    await second.hang_up()
    await first.until_ended()
    assert_answered(await several.record(originated_call_id=originated), talk=second)
    assert server.main_worker.pid == main.pid


async def _hold_still(server: TamasServer) -> None:
    """Stop the main worker while it does not hold the store's lock, for which others would wait."""
    main = server.main_worker

    def held() -> bool:
        os.kill(main.pid, signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(server.state_dir / "tamas.db", timeout=0)) as store:
            try:
                store.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                os.kill(main.pid, signal.SIGCONT)
                return False
        return True

    await eventually(held, what="the main worker at rest")


async def _readyz(server: TamasServer) -> int:
    async with httpx.AsyncClient(base_url=server.base_url, timeout=5) as client:
        return (await client.get("/readyz")).status_code


async def _originate(server: TamasServer) -> str:
    """Originate over a new connection, which the stopped main worker cannot take."""
    server.client, former = (
        httpx.AsyncClient(
            base_url=server.base_url, timeout=10, auth=server.client.auth, headers=server.client.headers
        ),
        server.client,
    )
    await former.aclose()
    return await server.originate("201", "202")


async def test_changed_settings_are_seen_by_all(several: Scene) -> None:
    """A setting made on the command line is obeyed by every worker at once."""
    server = several.server
    await server.cli("settings", "set", "sa.allowed_ips", "192.0.2.1")
    await asyncio.sleep(AT_ONCE_SECONDS)
    refused = await asyncio.gather(*(_asked(server, "setting/ping/act") for _ in range(20)))
    assert {status for status, _ in refused} == {403}, refused
    await server.cli("settings", "set", "sa.allowed_ips", "127.0.0.1")
    await asyncio.sleep(AT_ONCE_SECONDS)
    allowed = await asyncio.gather(*(_asked(server, "setting/ping/act") for _ in range(20)))
    assert {status for status, _ in allowed} == {200}, allowed


async def test_death_of_an_api_worker_goes_unnoticed(several: Scene) -> None:
    """Clients that try again once see nothing of the death of an API worker."""
    server = several.server
    deadline = time.monotonic() + 2.0
    served = 0

    async def client() -> None:
        nonlocal served
        while time.monotonic() < deadline:
            for left in (1, 0):
                try:
                    status, _ = await _asked(server, "setting/ping/act")
                except httpx.TransportError:
                    assert left, "the second try failed too"
                else:
                    assert status == 200
                    served += 1
                    break

    killed = server.workers_running()[1].pid
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(client())
        await asyncio.sleep(0.3)
        os.kill(killed, signal.SIGKILL)
    assert served >= 5

    def replaced() -> bool:
        running = [worker.pid for worker in server.workers_running()]
        return len(running) == 3 and killed not in running

    await eventually(replaced, what="a new API worker")
