"""Faxes to real carriers that are no fax machines, and a server that is killed while it sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.manager import manager
from support.server import TamasServer
from support.servers import NewCarrier
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, AutoReject, Manner, Ring

pytestmark = pytest.mark.engine

NUMBER = "02112345678"


async def fax(server: TamasServer, trunk: str, **fields: str) -> str:
    """Ask for a fax; gives its id."""
    body = {"to": NUMBER, "trunk_name": trunk, "text": "A letter", **fields}
    return str((await server.api("pbx/faxes/add", body))["_id"])


async def row_of(server: TamasServer, identity: str) -> dict[str, Any]:
    page = await server.api("pbx/faxes/search", {"alike": False, "pagination": {"count": 100}})
    return next(row for row in page["data"] if row["_id"] == identity)


async def settled(server: TamasServer, identity: str, *, within: float = 20) -> tuple[str, str]:
    """Status and reason of a fax, once it is over."""

    async def over() -> bool:
        return bool((await row_of(server, identity))["status"] != "SENDING")

    await eventually(over, within=within, what=f"the end of fax {identity}")
    row = await row_of(server, identity)
    return row["status"], row["description"]


@pytest.mark.slow
async def test_a_fax_that_is_not_taken_fails_with_the_reason(
    server: TamasServer, new_carrier: NewCarrier
) -> None:
    """Busy, rejected, not answered, unreachable, hung up midway; each call is in the reports as outgoing."""
    await server.cli("settings", "set", "fax.answer_seconds", "5")
    await server.cli("settings", "set", "fax.caller_id", "02188")
    manners: dict[str, Manner] = {
        "busy": AutoReject(status=486),
        "rejecting": AutoReject(status=603),
        "ringing": Ring(),
        "leaving": AutoAnswer(hang_up_after=2.5),
    }
    for place, (name, manner) in enumerate(manners.items(), 20):
        await new_carrier(server, name, manner=manner, address=f"127.0.0.{place}")
    gone = await new_carrier(server, "gone", address="127.0.0.30")
    await gone.close()
    asked = {name: await fax(server, name) for name in (*manners, "gone")}
    over = dict(
        zip(
            asked,
            await asyncio.gather(*(settled(server, each, within=45) for each in asked.values())),
            strict=True,
        )
    )
    assert over == {
        "busy": ("FAILED", f"fax to {NUMBER}: the line is busy"),
        "rejecting": ("FAILED", f"fax to {NUMBER}: the call was rejected"),
        "ringing": ("FAILED", f"fax to {NUMBER}: nobody answered"),
        "leaving": ("FAILED", "the far end hung up during the fax"),
        "gone": ("FAILED", f"fax to {NUMBER}: nobody answered"),
    }
    rows = await server.calls()
    mine = {row["outgoing_point"]: row for row in rows if row["dst"] == NUMBER}
    assert mine.keys() == asked.keys()
    assert {(row["type"], row["src"]) for row in mine.values()} == {("outgoing", "02188")}
    assert mine["busy"]["disposition"] == "BUSY"


async def test_an_inner_extension_is_dialed_after_the_answer(
    server: TamasServer, new_carrier: NewCarrier
) -> None:
    """The digits arrive as tones, and the number shown is the one that is set."""
    await server.cli("settings", "set", "fax.caller_id", "02188")
    await server.cli("settings", "set", "fax.digit_gap_ms", "100")
    await server.cli("settings", "set", "fax.seconds_before_digits", "0")
    carrier = await new_carrier(server, "switchboard", manner=AutoAnswer(), address="127.0.0.31")
    identity = await fax(server, "switchboard", ext="558")
    call = await carrier.incoming()

    async def dialed() -> bool:
        return call.digits == "558"

    await eventually(dialed, within=10, what="the digits")
    assert call.remote_number == "02188"
    await call.hang_up()
    assert await settled(server, identity) == ("FAILED", "the call ended before the fax began")


@pytest.mark.slow
async def test_a_server_that_is_killed_settles_what_it_was_sending(
    server: TamasServer, new_carrier: NewCarrier
) -> None:
    """Killed while a fax is on the line and another waits: neither is sent twice, both get their end."""
    await server.cli("settings", "set", "fax.calls_per_trunk", "1")
    await server.cli("settings", "set", "fax.seconds_after_digits", "0")
    carrier = await new_carrier(server, "patient", manner=AutoAnswer(), address="127.0.0.32")
    under_way, waits = await fax(server, "patient"), await fax(server, "patient")
    call = await carrier.incoming()
    async with manager(server) as ami:

        async def sending() -> bool:
            return "SendFAX" in await ami.command("core show channels concise")

        await eventually(sending, within=10, what="the fax on the line")
        await server.kill9()
        assert await sending()
    await call.hang_up()  # while nobody of ours is there
    carrier.manner = AutoReject(status=486)
    await server.start()
    assert await settled(server, under_way) == ("FAILED", "the far end hung up during the fax")
    assert await settled(server, waits, within=30) == ("FAILED", f"fax to {NUMBER}: the line is busy")
    assert len(carrier.calls) == 2
