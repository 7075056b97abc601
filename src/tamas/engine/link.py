"""The engine as seen from a process that does not supervise it: an API-only worker."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.configuration import AMI_USER, LOOPBACK, load_secrets
from tamas.engine.engine import Engine, EngineNotReady, EngineStatus
from tamas.engine.layout import EngineLayout
from tamas.engine.live import catch_up
from tamas.engine.running import EngineRecord, read_record
from tamas.engine.status_file import read_status
from tamas.store.clock import now
from tamas.store.database import Database

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

    def status(self) -> EngineStatus | None:
        """How the engine is; ``None`` while nobody knows."""


class EngineSlot:
    """The engine of the main worker, also before it is there: Asterisk may have to be fetched first."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    @property
    def ready(self) -> bool:
        """Whether calls can be made."""
        return self.engine is not None and self.engine.ready

    @property
    def ami(self) -> AmiClient:
        """The manager connection. :raises EngineNotReady: there is none."""
        if self.engine is None:
            raise EngineNotReady("Asterisk is being made ready")
        return self.engine.ami

    def status(self) -> EngineStatus | None:
        """How the engine is; ``None`` while there is none."""
        return None if self.engine is None else self.engine.status()


class EngineLink:
    """A manager connection to the Asterisk that the main worker of this state directory runs."""

    def __init__(self, layout: EngineLayout, database: Database) -> None:
        self._layout = layout
        self._database = database
        self._told_until = now()
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

    def status(self) -> EngineStatus | None:
        """What the process that supervises the engine says; ``None`` while it says nothing."""
        return read_status(self._layout.status)

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
            on_connect=self._catch_up,
            on_disconnect=self._lost,
            event_mask="system",
        )
        self._connection = asyncio.create_task(self._ami.run(), name="engine-link")

    async def _catch_up(self) -> None:
        """Tell Asterisk what this worker was asked to change while it could not."""
        if self._ami is not None:
            await catch_up(self._ami, self._database, since=self._told_until)

    def _lost(self) -> None:
        self._told_until = now()

    async def _disconnect(self) -> None:
        if self._ami is not None:
            await self._ami.close()
        if self._connection is not None:
            await asyncio.gather(self._connection, return_exceptions=True)
        self._ami = self._connection = None


def _ignore(_event: AmiMessage) -> None:
    """The main worker acts on events."""
