"""Extensions and carriers as the fixtures give them, on one running server."""

from __future__ import annotations

from typing import Any

import pytest

from support.server import TamasServer
from support.servers import NewCarrier, NewExtension
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_extensions_call_each_other(server: TamasServer, new_extension: NewExtension) -> None:
    """Two extensions added through the API talk at once, and the call is recorded in a row."""
    first = await new_extension(server, "301", tone_hz=440)
    second = await new_extension(server, "302", tone_hz=660, manner=AutoAnswer())
    call = await first.call("302")
    await call.until_heard(660)
    await second.last_call.until_heard(440)
    await first.hang_up()

    async def records() -> list[dict[str, Any]]:
        return await server.calls(number="301")

    rows = await eventually(records, within=15, what="a call record")
    assert [(row["src"], row["dst"], row["disposition"]) for row in rows] == [("301", "302", "ANSWERED")]


async def test_a_carrier_is_called_and_calls(
    server: TamasServer, new_extension: NewExtension, new_carrier: NewCarrier
) -> None:
    """A trunk added through the API carries a call out, and one in."""
    phone = await new_extension(server, "301", tone_hz=440)
    carrier = await new_carrier(server, "carrier1", tone_hz=880, manner=AutoAnswer())
    outgoing = await phone.call("09121234567")
    await outgoing.until_heard(880)
    assert carrier.last_call.invite is not None
    assert "09121234567" in carrier.last_call.invite.uri
    await phone.hang_up()
    incoming = await carrier.call("301", caller="09350000000")
    answered = await phone.answer()
    await answered.until_heard(880)
    assert answered.remote_number == "09350000000"
    await incoming.hang_up()
