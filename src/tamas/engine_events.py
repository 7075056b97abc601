"""What engine events mean for call records: failed originates, and calls that the engine took with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tamas.autodialer.searching import lose_all
from tamas.engine.ami import AmiClient, AmiError, AmiMessage
from tamas.engine.engine import EngineNotReady
from tamas.engine.live import catch_up, store_came_back
from tamas.records.ingest import Ingestion
from tamas.records.originates import close_open_originates, on_originate_response
from tamas.records.orphans import close_orphans
from tamas.records.retention import prune_inbox
from tamas.store.clock import now
from tamas.store.database import STORE_ERRORS, Database

log = logging.getLogger(__name__)

INBOX_DAYS = 7.0
"""How long rows that have become call records are kept."""
PRUNE_SECONDS = 3600.0
LIST_SECONDS = 10.0
RETRY_SECONDS = 1.0
WANTED_EVENTS = frozenset({"Hangup", "OriginateResponse"})
"""The AMI events that :meth:`EngineEvents.on_event` does something with; the others need not be sent."""


class EngineEvents:
    """Carries what the engine tells into call records. Hold :meth:`run` in a task."""

    def __init__(self, database: Database, ingestion: Ingestion) -> None:
        self._database = database
        self._ingestion = ingestion
        self._work: asyncio.Queue[Callable[[], Coroutine[Any, Any, object]]] = asyncio.Queue()

    def on_event(self, event: AmiMessage) -> None:
        """Take one AMI event; returns at once."""
        if event.event not in WANTED_EVENTS:
            return
        self._ingestion.wake()
        if event.event == "OriginateResponse" and event.get("Response") != "Success":
            self._work.put_nowait(lambda: on_originate_response(self._database, event))

    async def on_engine_ready(
        self, ami: AmiClient, *, adopted: bool, started_at: int | None, ended_at: int | None
    ) -> None:
        """Settle what happened while we did not look.

        :param adopted: whether this Asterisk was running before; a new one has no calls.
        :param started_at: when it started, microseconds UTC.
        :param ended_at: when the one before ended, microseconds UTC, if that is known.
        :raises AmiError: the engine went away again.
        """
        at = now()
        uniqueids: set[str] = set()
        linkedids: set[str] = set()
        if adopted:
            for channel in await ami.list_action("CoreShowChannels", {}, timeout=LIST_SECONDS):
                uniqueids.add(channel.get("Uniqueid", ""))
                linkedids.add(channel.get("Linkedid", ""))
        reason = "lost while the contact center was away" if adopted else "the engine stopped"

        async def settle() -> None:
            orphans = await close_orphans(
                self._database, linkedids, at, reason, stopped_at=None if adopted else ended_at
            )
            originates = await close_open_originates(self._database, uniqueids, reason=reason, before=at)
            attempts = 0 if adopted else await lose_all(self._database, before=at, reason=reason)
            if orphans or originates or attempts:
                log.info(
                    "closed %d calls, %d originates and %d calls of campaigns: %s",
                    orphans,
                    originates,
                    attempts,
                    reason,
                )

        self._work.put_nowait(settle)
        self._ingestion.wake()
        if started_at is not None:
            self._work.put_nowait(lambda: self._catch_up(ami, started_at))

    def on_store_return(self, ami: Callable[[], AmiClient], settle: Callable[[], Awaitable[None]]) -> None:
        """The database is back after it was away, and what Asterisk wrote meanwhile is lost.

        :param ami: gives the manager connection; raises ``EngineNotReady`` when there is none.
        :param settle: calls :meth:`on_engine_ready` for the running Asterisk.
        """

        async def work() -> None:
            try:
                await store_came_back(ami())
                log.info("the database is back; Asterisk connects to the database anew")
                await settle()
            except (AmiError, EngineNotReady) as error:  # the next connection settles it
                log.warning("the engine is not told of the database's return: %s", error)

        self._work.put_nowait(work)

    async def run(self) -> None:
        """Do the work that events bring, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._prune(), name="prune-inbox")
            while True:
                work = await self._work.get()
                tasks.create_task(self._persist(work), name="engine-event")

    async def _catch_up(self, ami: AmiClient, started_at: int) -> None:
        try:
            async with ami.apart() as own:
                await catch_up(own, self._database, since=started_at)
        except AmiError as error:  # the next connection begins anew
            log.warning("changes made while the engine was out of reach are not all told yet: %s", error)

    async def _persist(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        while True:
            try:
                await work()
            except STORE_ERRORS as error:
                log.warning("a call record has to wait for the store: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _prune(self) -> None:
        while True:
            try:
                await prune_inbox(self._database, days=INBOX_DAYS)
            except STORE_ERRORS as error:
                log.warning("pruning has to wait for the store: %s", error)
            await asyncio.sleep(PRUNE_SECONDS)
