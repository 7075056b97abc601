"""Engines for tests: a state directory, free ports, and a running Asterisk."""

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


def cache_dir() -> Path:
    """The cache that Tamas itself uses, so that a machine fetches Asterisk once."""
    return load_settings().cache_dir


def engine_settings(state_dir: Path, database_url: str, **more: str) -> Settings:
    """Process settings on loopback and on ports of the test's own."""
    rtp = free_range(20)
    return load_settings(
        {
            "HOME": os.environ.get("HOME", "/"),
            "TAMAS_STATE_DIR": str(state_dir),
            "TAMAS_DATABASE_URL": database_url,
            "TAMAS_SIP_HOST": "127.0.0.1",
            "TAMAS_SIP_PORT": str(free_port()),
            "TAMAS_HTTP_PORT": str(free_port()),
            "TAMAS_RTP_PORTS": f"{rtp.start}-{rtp.stop - 1}",
            **more,
        }
    )


async def no_call(_session: AgiSession) -> None:
    """Serve an AGI connection by ending it."""


class Watcher:
    """Keeps what an engine tells its owner."""

    def __init__(self) -> None:
        self.events: list[AmiMessage] = []
        self.ready: list[bool] = []

    def on_event(self, event: AmiMessage) -> None:
        self.events.append(event)

    async def on_ready(self, adopted: bool) -> None:
        self.ready.append(adopted)


def make_engine(
    settings: Settings,
    install: AsteriskInstall,
    *,
    agi_handler: Callable[[AgiSession], Awaitable[None]] = no_call,
    watcher: Watcher | None = None,
) -> Engine:
    """An engine that is not started yet."""
    watcher = watcher or Watcher()
    return Engine(
        settings,
        settings.database_url,
        install,
        agi_handler=agi_handler,
        on_event=watcher.on_event,
        on_ready=watcher.on_ready,
    )


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Engine]:
    """Start an engine, wait until it is ready, and stop it with its Asterisk afterwards."""
    await engine.start()
    try:
        await engine.wait_ready(READY_SECONDS)
        yield engine
    finally:
        await engine.close(stop_asterisk=True)
