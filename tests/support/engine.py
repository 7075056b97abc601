"""An engine inside the test process, for what lies below the server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from support.ports import free_port, free_range
from tamas.engine.ami import AmiMessage
from tamas.engine.engine import Engine
from tamas.engine.fastagi import AgiSession
from tamas.engine.install import AsteriskInstall
from tamas.settings import Settings, load_settings

READY_SECONDS = 20.0


def instance_settings(state_dir: Path, database_url: str, **environment: str) -> Settings:
    """Settings of an instance on loopback with ports of the test's own."""
    rtp = free_range(100)
    return load_settings(
        {
            "HOME": os.environ.get("HOME", "/"),
            "TAMAS_STATE_DIR": str(state_dir),
            "TAMAS_DATABASE_URL": database_url,
            "TAMAS_HTTP_PORT": str(free_port()),
            "TAMAS_SIP_HOST": "127.0.0.1",
            "TAMAS_SIP_PORT": str(free_port()),
            "TAMAS_RTP_PORTS": f"{rtp.start}-{rtp.stop - 1}",
            **environment,
        }
    )


@asynccontextmanager
async def running_engine(
    settings: Settings,
    install: AsteriskInstall,
    *,
    agi_handler: Callable[[AgiSession], Awaitable[None]] | None = None,
    on_event: Callable[[AmiMessage], None] = lambda _event: None,
    on_ready: Callable[[bool], Awaitable[None]] | None = None,
) -> AsyncIterator[Engine]:
    """A ready engine on a migrated store, ended with its Asterisk afterwards.

    :param agi_handler: the call flow; without one each call's flow ends at once.
    """

    async def end_at_once(_session: AgiSession) -> None:
        return

    async def nothing_to_do(_adopted: bool) -> None:
        return

    engine = Engine(
        settings,
        settings.database_url,
        install,
        agi_handler=agi_handler or end_at_once,
        on_event=on_event,
        on_ready=on_ready or nothing_to_do,
    )
    await engine.start()
    try:
        await engine.wait_ready(READY_SECONDS)
        yield engine
    finally:
        await engine.close(stop_asterisk=True)
