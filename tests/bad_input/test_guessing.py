"""Somebody guesses passwords from one address: that address waits, all others do not."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from support.server import TamasServer
from support.waiting import eventually

pytestmark = pytest.mark.engine

GUESSER = "127.0.0.2"
OTHERS = ("127.0.0.1", "127.0.0.3")
GUESSES = 60
PING = "/api/v4/setting/ping/act"


@pytest.fixture(scope="module", autouse=True)
async def any_address(server: TamasServer) -> None:
    """Addresses besides 127.0.0.1 may call."""
    await server.cli("settings", "set", "sa.allow_all_ips", "true")


def client(server: TamasServer, address: str, *, password: str, token: str = "") -> httpx.AsyncClient:
    """A client that calls from one address of loopback."""
    assert server.account is not None
    return httpx.AsyncClient(
        base_url=server.base_url,
        transport=httpx.AsyncHTTPTransport(local_address=address, limits=httpx.Limits(max_connections=100)),
        auth=(server.account.username, password),
        headers={"X-APIKEY": token or server.account.token},
        timeout=30,
    )


async def test_one_address_is_slowed_and_no_other(server: TamasServer) -> None:
    """Sixty wrong passwords at once: refused one by one, slower and slower, while others are served."""
    assert server.account is not None
    async with client(server, GUESSER, password="wrong") as guesser:
        guesses = [asyncio.create_task(guesser.post(PING)) for _ in range(GUESSES)]
        for address in OTHERS:
            async with client(server, address, password=server.account.password) as decent:
                began = time.monotonic()
                for _ in range(5):
                    assert (await decent.post(PING)).json()["success"] == 1
                assert time.monotonic() - began < 3.0
        answered, waiting = await asyncio.wait(guesses, timeout=4.0)
        answers = [guess.result() for guess in answered]
        assert len(answers) >= 5
        assert {answer.status_code for answer in answers} == {401}
        assert {answer.json()["message"] for answer in answers} == {"BasicAuth or ApiKey is invalid"}
        assert waiting, "guesses have to wait by now"
        for guess in waiting:
            guess.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with client(server, OTHERS[1], password="wrong once") as mistaken:
        began = time.monotonic()
        assert (await mistaken.post(PING)).status_code == 401
        assert time.monotonic() - began < 1.5


async def test_nothing_of_a_guess_is_kept(server: TamasServer) -> None:
    """Neither the log nor the API log holds what was tried."""
    async with client(server, "127.0.0.4", password="guess-Zq9-secret", token="guess-Zq9-token") as guesser:
        assert (await guesser.post(PING)).status_code == 401

    async def logged() -> list[Any]:
        rows: list[Any] = await server.cli("api-log")
        return [row for row in rows if row["address"] == "127.0.0.4"]

    rows = await eventually(logged, within=10, what="the guess in the API log")
    assert "Zq9" not in str(rows)
    assert "Zq9" not in server.log
