"""The story of the demo, told on a server that runs as users run it."""

from __future__ import annotations

import dataclasses
import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from support.server import TamasServer
from tamas.demo.story import DemoFailed, DemoServer, RecordedCall, Story, Teller

pytestmark = pytest.mark.engine


def _demo_server(server: TamasServer) -> DemoServer:
    async def fetch(originated: str) -> RecordedCall | None:
        rows = await server.calls(originated=originated)
        if not rows:
            return None
        row = rows[0] | {name: round(rows[0][name] * 1e6) for name in ("wait", "billsec")}
        return SimpleNamespace(**row)

    assert server.account is not None
    return DemoServer(
        base_url=server.base_url,
        sip=server.sip,
        username=server.account.username,
        password=server.account.password,
        token=server.account.token,
        recordings=server.state_dir / "recordings",
        fetch_call=fetch,
    )


async def test_the_story_comes_true_twice(server: TamasServer, sipp: tuple[str, ...]) -> None:
    """Every step is told, with the call's record at the end; told again, it works on what the first left."""
    for _ in range(2):
        told = io.StringIO()
        teller = Teller(Console(file=told, width=200))
        async with Story(_demo_server(server), teller, sipp=sipp) as story:
            call = await story.tell()
        assert (call.src, call.dst, call.disposition) == ("1001", "1002", "ANSWERED")
        assert call.record
        assert call.record in told.getvalue()
        assert told.getvalue().count("✓") == 12, told.getvalue()


async def test_a_story_that_fails_says_why(server: TamasServer, sipp: tuple[str, ...]) -> None:
    """With a wrong password the first request is refused, and the demo names it."""
    wrong = dataclasses.replace(_demo_server(server), password="wrong", token="wrong")
    async with Story(wrong, Teller(Console(file=io.StringIO())), sipp=sipp) as story:
        with pytest.raises(DemoFailed, match="pbx/users/search answered 401"):
            await story.tell()


async def test_phones_that_do_not_start(server: TamasServer) -> None:
    """What goes wrong with the phones themselves is told in plain words too."""
    teller = Teller(Console(file=io.StringIO()))
    async with Story(_demo_server(server), teller, sipp=("/nonexistent/sipp",)) as story:
        with pytest.raises(DemoFailed, match="the phones could not be switched on: SIPp ended"):
            await story.tell()
