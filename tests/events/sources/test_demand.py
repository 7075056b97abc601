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
