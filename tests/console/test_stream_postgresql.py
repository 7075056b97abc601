"""The live stream on PostgreSQL: a call and the request that asked for it."""

from __future__ import annotations

import pytest

from console._stream import live_stream, story
from support.console import administrator
from support.server import TamasServer
from support.servers import NewExtension

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_a_two_way_call_and_its_request_are_seen(
    postgresql_server: TamasServer, new_extension: NewExtension
) -> None:
    """Names, the call's way and the row of the API log come out of this store as out of the other."""
    server = postgresql_server
    first, second = await new_extension(server, "201"), await new_extension(server, "202")
    async with administrator(server) as browser, live_stream(browser, "calls", "phones", "api_log") as stream:
        await stream.until(lambda: len(stream.snapshots) == 3)
        originated = await server.originate("201", "202")
        await first.answer(after=0.2)
        talk = await second.answer(after=0.2)
        call = await stream.call(originated_call_id=originated, state="talking")
        assert (call["caller"]["name"], call["callee"]["name"]) == ("Phone 201", "Phone 202")
        await stream.until(lambda: stream.phones["202"] == {"registered": True, "state": "in_use"})
        await talk.hang_up()
        call = await stream.call(originated_call_id=originated, state="ended")
        assert story(call)[-2:] == ["hung_up 202", "ended 201"]
        await stream.until(lambda: "call/originate/act" in [row["service"] for row in stream.rows])
