"""A manager connection of the test's own to the Asterisk of a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.server import TamasServer
from tamas.engine.ami import AmiClient
from tamas.engine.configuration import AMI_USER, LOOPBACK, load_secrets
from tamas.engine.layout import EngineLayout


@asynccontextmanager
async def manager(server: TamasServer) -> AsyncIterator[AmiClient]:
    """A connection without events, whoever of Tamas lives."""
    record = server.engine_record()
    assert record is not None, "no Asterisk is written down"
    client = AmiClient(
        host=LOOPBACK,
        port=record.ami_port,
        username=AMI_USER,
        secret=load_secrets(EngineLayout(state_dir=server.state_dir)).ami,
        on_event=lambda _event: None,
        event_mask="off",
    )
    running = asyncio.create_task(client.run())
    try:
        await client.wait_connected(10)
        yield client
    finally:
        await client.close()
        await asyncio.gather(running, return_exceptions=True)
