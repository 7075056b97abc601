"""The API log: one row per request, written in batches, searchable, bounded in age and size.

Nothing of a request's body, query or headers goes in: only service, message and the name of a wrong field.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.schema import api_accounts, api_log

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.25
"""How far the stored log may be behind."""
RECOVERY_SECONDS = 1.0
"""Pause after a failure that nobody foresaw."""
BUFFER_ROWS = 20_000
"""Rows that may wait to be written; more are dropped and counted."""
BATCH_ROWS = 500
"""Rows of one transaction, so that the store's lock is never held long."""
PRUNE_SECONDS = 30.0
PRUNE_BATCH = 1000
USED_SECONDS = 60
"""``last_used_at`` of an account is written at most this often."""
MAX_SERVICE = 96
DAY = 86_400 * MICROSECONDS


class Entry(NamedTuple):
    """One request. Times in microseconds."""

    at: int
    request_id: str
    account: str | None
    address: str
    service: str
    method: str
    status: int
    success: int | None
    message: str | None
    error_field: str | None
    duration: int


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """A row of the log as it is shown; times in microseconds, ``at`` since the epoch, UTC."""

    id: int
    at: int
    request_id: str
    account: str | None
    address: str
    service: str
    method: str
    status: int
    success: int | None
    message: str | None
    error_field: str | None
    duration: int


class ApiLog:
    """Collects entries and writes them behind the requests' back.

    :param clock: microseconds since the epoch.
    """

    def __init__(self, database: Database, *, clock: Callable[[], int] = now) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[Entry] = []
        self._dropped = 0
        self._used: dict[str, int] = {}
        self._used_to_write: dict[str, int] = {}
        self._writer: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._complained = False

    def add(self, entry: Entry) -> None:
        """Take one entry; never waits."""
        waiting = self._waiting
        if not waiting:
            self._wake.set()
        if len(waiting) < BUFFER_ROWS:
            waiting.append(entry)
        else:
            self._dropped += 1

    def account_used(self, account_id: str, at: int) -> None:
        """Note that an account was let in, ``at`` microseconds since the epoch."""
        if at - self._used.get(account_id, 0) >= USED_SECONDS * MICROSECONDS:
            self._used[account_id] = at
            self._used_to_write[account_id] = at
            self._wake.set()

    @property
    def dropped(self) -> int:
        """Entries lost because the store could not keep up, and not yet reported."""
        return self._dropped

    async def start(self) -> None:
        """Begin writing."""
        self._writer = asyncio.create_task(self._run(), name="sa-api-log")

    async def close(self) -> None:
        """Write what waits, then stop."""
        if self._writer is None:
            return
        self._closing = True
        self._wake.set()
        await self._writer
        self._writer = None

    async def flush(self) -> None:
        """Write what waits now. What cannot be written stays for the next time."""
        while self._waiting or self._used_to_write:
            batch, used = self._waiting[:BATCH_ROWS], dict(self._used_to_write)
            try:
                await self._write(batch, used)
            except STORE_ERRORS as error:
                if not self._complained:
                    log.warning("the API log cannot be written: %s", error)
                self._complained = True
                return
            del self._waiting[: len(batch)]
            for account_id, at in used.items():
                if self._used_to_write.get(account_id) == at:
                    del self._used_to_write[account_id]
            await asyncio.sleep(0)  # requests first
            if self._complained:
                log.info("the API log is written again")
            self._complained = False
        if self._dropped:
            log.warning("%d entries of the API log were dropped: the store could not keep up", self._dropped)
            self._dropped = 0

    async def prune(self) -> int:
        """Delete what is too old or too much, in small batches between which the log is written.

        :returns: the number of deleted rows.
        """
        deleted = 0
        while True:
            batch = await self._prune_batch()
            deleted += batch
            if batch < PRUNE_BATCH or self._closing:
                return deleted
            await self.flush()

    async def _prune_batch(self) -> int:
        settings = await load_runtime_settings(self._database)
        oldest = self._clock() - settings["api_log.days"] * DAY
        async with self._database.write() as tx:
            last = await tx.scalar(select(func.max(api_log.c.id)))
            if last is None:
                return 0
            too_many = api_log.c.id <= last - settings["api_log.rows"]
            for surplus in (too_many, api_log.c.at < oldest):
                victims = select(api_log.c.id).where(surplus).order_by(api_log.c.at).limit(PRUNE_BATCH)
                result = await tx.execute(delete(api_log).where(api_log.c.id.in_(victims)))
                if result.rowcount:
                    return result.rowcount
        return 0

    async def _run(self) -> None:
        next_prune = self._clock() + int(PRUNE_SECONDS * MICROSECONDS)
        while not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), PRUNE_SECONDS)
            self._wake.clear()
            if not self._closing:
                await asyncio.sleep(FLUSH_SECONDS / 2)
            await self._survive(self.flush)
            if self._waiting:  # the store is down: try again, but not at once
                self._wake.set()
                await asyncio.sleep(FLUSH_SECONDS)
            if self._clock() >= next_prune and not self._closing:
                next_prune = self._clock() + int(PRUNE_SECONDS * MICROSECONDS)
                await self._survive(self.prune)
        await self._survive(self.flush)

    async def _survive(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do a part of the writer's work; what goes wrong in it is told and ends neither it nor the log."""
        try:
            await work()
        except STORE_ERRORS as error:
            log.warning("the API log cannot be shortened: %s", error)
        except Exception:
            log.exception("the writer of the API log failed unexpectedly; it goes on")
            if not self._closing:
                await asyncio.sleep(RECOVERY_SECONDS)

    async def _write(self, batch: list[Entry], used: dict[str, int]) -> None:
        async with self._database.write() as tx:
            if batch:
                await tx.execute(insert(api_log), [entry._asdict() for entry in batch])
            for account_id, at in used.items():
                await tx.execute(
                    update(api_accounts).where(api_accounts.c.id == account_id).values(last_used_at=at)
                )


async def search_api_log(
    database: Database,
    *,
    account: str | None = None,
    service: str | None = None,
    status: int | None = None,
    address: str | None = None,
    since: int | None = None,
    until: int | None = None,
    limit: int = 100,
    before_id: int | None = None,
) -> list[LogEntry]:
    """Requests that match every given condition, the latest first.

    :param since: :param until: microseconds since the epoch, UTC; ``until`` is not included.
    :param before_id: continue after the page whose last ``id`` this is.
    """
    conditions: list[Any] = []
    for column, value in (
        (api_log.c.account, account),
        (api_log.c.service, service),
        (api_log.c.status, status),
        (api_log.c.address, address),
    ):
        if value is not None:
            conditions.append(column == value)
    if since is not None:
        conditions.append(api_log.c.at >= since)
    if until is not None:
        conditions.append(api_log.c.at < until)
    if before_id is not None:
        conditions.append(api_log.c.id < before_id)
    statement = select(api_log).where(*conditions).order_by(api_log.c.id.desc()).limit(limit)
    rows = await database.long_read(lambda connection: list(connection.execute(statement).mappings()))
    return [LogEntry(**row) for row in rows]
