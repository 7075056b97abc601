"""The engine as seen from a process that does not supervise it: an API-only worker."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.configuration import AMI_USER, LOOPBACK, load_secrets
from tamas.engine.engine import EngineNotReady
from tamas.engine.layout import EngineLayout
from tamas.engine.running import EngineRecord, read_record

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often ``engine.json`` is read again: a restarted Asterisk may listen on another port."""


class EngineAccess(Protocol):
    """What services need of the engine, whoever supervises it."""

    @property
    def ready(self) -> bool:
        """Whether calls can be made."""

    @property
    def ami(self) -> AmiClient:
        """The manager connection. :raises EngineNotReady: there is none."""


class EngineLink:
    """A manager connection to the Asterisk that the main worker of this state directory runs."""

    def __init__(self, layout: EngineLayout) -> None:
        self._layout = layout
        self._record: EngineRecord | None = None
        self._ami: AmiClient | None = None
        self._connection: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether calls can be made."""
        return self._ami is not None and self._ami.connected

    @property
    def ami(self) -> AmiClient:
        """The manager connection. :raises EngineNotReady: there is none."""
        if self._ami is None:
            raise EngineNotReady("the engine was not started yet")
        return self._ami

    async def run(self) -> None:
        """Follow the engine until cancelled."""
        try:
            while True:
                record = read_record(self._layout.record)
                if record is not None and (self._record is None or record.ami_port != self._record.ami_port):
                    await self._disconnect()
                    self._connect(record)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._disconnect()

    def _connect(self, record: EngineRecord) -> None:
        self._record = record
        self._ami = AmiClient(
            host=LOOPBACK,
            port=record.ami_port,
            username=AMI_USER,
            secret=load_secrets(self._layout).ami,
            on_event=_ignore,
            event_mask="system",
        )
        self._connection = asyncio.create_task(self._ami.run(), name="engine-link")

    async def _disconnect(self) -> None:
        if self._ami is not None:
            await self._ami.close()
        if self._connection is not None:
            await asyncio.gather(self._connection, return_exceptions=True)
        self._ami = self._connection = None


def _ignore(_event: AmiMessage) -> None:
    """The main worker acts on events."""
