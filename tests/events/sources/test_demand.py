"""Live events while nobody wants them, and from the moment on in which somebody does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from events.sources._receiver import receiving
from support.server import TamasServer
from support.servers import NewExtension
from tamas.demo.phone import AutoAnswer, Phone
from tamas.events.demand import LIVE
from tamas.store.database import Row, open_database
from tamas.store.events_schema import events

pytestmark = pytest.mark.engine


async def test_nothing_is_watched_until_somebody_wants_it(
    server: TamasServer, new_extension: NewExtension
) -> None:
    """A call leaves no live event; a receiver that comes then hears what happens next, and not what was."""
    caller = await new_extension(server, "301")
    called = await new_extension(server, "302", manner=AutoAnswer())
    await _talk(caller, "302")
    assert [row["name"] for row in await _told(server) if row["name"] in LIVE] == []
    async with receiving(server) as receiver:
        await _talk(caller, "302")
        await receiver.until("Cdr")
        first = receiver.bodies("NewState")[0]
        assert (first["exten"], first["state"]) == ("301", "InUse")
    assert len(called.calls) == 2


async def _talk(caller: Phone, number: str) -> None:
    call = await caller.call(number)
    await call.until_talking()
    await call.hang_up()


async def _told(server: TamasServer) -> Sequence[Row]:
    database = await open_database(server.database_url)
    try:
        async with database.read() as connection:
            return await connection.rows(select(events))
    finally:
        await database.close()


async def test_who_asks_for_the_state_wants_it(server: TamasServer, new_extension: NewExtension) -> None:
    """Nobody listened until now; the answer waits for the engine to be looked at, and is right."""
    await new_extension(server, "303")
    await server.api("pbx/users/add", {"name": "No phone", "number": "304", "secret": "secret-304-S"})
    answer = await server.client.get("/events/state")
    assert answer.status_code == 200, answer.text
    states = {row["exten"]: row["state"] for row in answer.json()["data"]["extensions"]}
    assert (states["303"], states["304"]) == ("Idle", "Unavailable")
    assert answer.json()["data"]["engine_ready"] is True
