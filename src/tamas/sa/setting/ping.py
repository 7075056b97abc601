"""``setting/ping/act``: are server and credentials there?"""

from __future__ import annotations

from tamas.events.outbox import Event, emit
from tamas.sa.fields import NoParameters
from tamas.sa.service import Data, ServiceContext, service

PONG = "If the 'Ping' event is enabled in the settings menu, you'll receive it when it's sent"


@service(
    "setting/ping/act",
    op="ping",
    summary="Check the connection and the credentials",
    answer=Data(message=PONG, data=None),
)
async def ping(context: ServiceContext, _request: NoParameters) -> None:
    """Answer, and tell those receivers that selected the event; without one, nothing is written."""
    if "Ping" in context.selected:
        async with context.database.write() as tx:
            await emit(tx, [Event(name="Ping")])
