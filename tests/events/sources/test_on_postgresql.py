"""The same on PostgreSQL, once."""

from __future__ import annotations

import pytest

from events.sources._receiver import in_order, receiving
from sa.reports._floor import SALES, open_floor
from support.server import TamasServer

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_a_call_through_a_queue(postgresql_server: TamasServer, sipp: tuple[str, ...]) -> None:
    """From the trunk to an agent, recorded, killed and started again: all in its order, nothing twice."""
    server = postgresql_server
    async with receiving(server) as told, open_floor(server, sipp) as floor:
        await told.until("NewState", exten="202", state="Idle")
        await floor.staffed(SALES, "202")
        caller, call = await floor.somebody_calls(SALES)
        agent = await floor.phones["202"].answer(after=0.3)
        await agent.until_heard(1500)
        await told.until("NewState", exten="202", state="InUse")
        await server.kill9()
        await server.start()
        await agent.hang_up()
        await call.until_ended()
        cdr = await told.until("Cdr", src=caller)
        lines = told.of_call(cdr["unique_id"])
        assert len(lines) == len(set(lines)), lines
        in_order(
            lines,
            "IncomingCall",
            "NewState 202 Ringing",
            "NewState 202 InUse",
            "NewState 202 Idle",
            "CdrQueue",
            "Cdr",
        )
        await told.until("RecordingReady", record=cdr["record"], within=20)
        await floor.rest()
