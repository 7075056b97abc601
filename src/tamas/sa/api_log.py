"""The API log: one row per request, written in batches, searchable, bounded in age and size.

Nothing of a request's body, query or headers goes in: only service, message and the name of a wrong field.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, or_, select, update

from tamas.errors import TamasError
from tamas.sa.addresses import parse_address, within
from tamas.settings import Network
from tamas.store.clock import DAY, MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Database
from tamas.store.distinct import distinct_values
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
SCAN_ROWS = 1_000_000
"""Rows that one search looks at when no index leads to them."""
MAX_NAMES = 1000
"""Names of accounts that :func:`accounts_in_log` gives."""

_BEGINNING = re.compile(r"[0-9A-Fa-f.:]{1,45}|unknown")


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


Outcome = Literal["done", "failed", "refused"]
"""A service did what was asked; it did not, or there was none to ask; whoever asked may not."""

_REFUSED = api_log.c.status.in_((401, 403))
_DONE = and_(api_log.c.status < 400, func.coalesce(api_log.c.success, 1) == 1)
_OUTCOMES: Mapping[Outcome, ColumnElement[bool]] = {
    "done": _DONE,
    "failed": and_(not_(_DONE), not_(_REFUSED)),
    "refused": _REFUSED,
}


class BadAddress(TamasError):
    """A text is neither an address nor a network nor how addresses begin."""


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
                async with asyncio.timeout(PRUNE_SECONDS):
                    await self._wake.wait()
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


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """Which requests are looked for; ``None``: any. Times in microseconds since the epoch, UTC."""

    account: str | None = None
    service: str | None = None
    status: int | None = None
    """An HTTP status, or the class of it from 1 to 5."""
    outcome: Outcome | None = None
    address: str | None = None
    """An address, a network, or how addresses begin."""
    since: int | None = None
    until: int | None = None
    """Not included."""

    @property
    def scans(self) -> bool:
        """Whether rows have to be looked at one by one."""
        return any(value is not None for value in (self.status, self.outcome, self.address))


async def search_api_log(
    database: Database, wanted: LogFilter | None = None, *, limit: int = 100, before_id: int | None = None
) -> list[LogEntry]:
    """Requests that fit, the latest first.

    A filter that has to look at rows one by one looks at :data:`SCAN_ROWS` of them.

    :param before_id: continue after the page whose last ``id`` this is.
    :raises BadAddress: the address of the filter can be none.
    """
    asked = wanted or LogFilter()
    network = None if asked.address is None or "/" not in asked.address else _network(asked.address)
    conditions = _conditions(asked, network)

    def read(connection: Connection) -> list[Any]:
        bounds = [*conditions, *_window(connection, asked, before_id)]
        ordered = select(api_log).order_by(api_log.c.at.desc(), api_log.c.id.desc())
        if network is None:
            return list(connection.execute(ordered.where(*bounds).limit(limit)).mappings())
        ids = _ids_within(connection, network, bounds, limit)
        return list(connection.execute(ordered.where(api_log.c.id.in_(ids))).mappings())

    return [LogEntry(**row) for row in await database.long_read(read)]


def _conditions(wanted: LogFilter, network: Network | None) -> list[ColumnElement[bool]]:
    columns = api_log.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.account is not None:
        conditions.append(columns.account == wanted.account)
    if wanted.service is not None:
        conditions.append(columns.service == wanted.service)
    if wanted.status is not None:
        low, high = (wanted.status, wanted.status) if wanted.status > 9 else _class_of(wanted.status)
        conditions.append(columns.status.between(low, high))
    if wanted.outcome is not None:
        conditions.append(_OUTCOMES[wanted.outcome])
    if network is not None:
        conditions.append(_may_be_within(network))
    elif wanted.address is not None:
        conditions.append(_is_or_begins(wanted.address))
    if wanted.since is not None:
        conditions.append(columns.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.at < wanted.until)
    return conditions


def _class_of(digit: int) -> tuple[int, int]:
    return digit * 100, digit * 100 + 99


def _is_or_begins(text: str) -> ColumnElement[bool]:
    """:raises BadAddress: no address begins so."""
    address = None if text.endswith((".", ":")) else parse_address(text)
    if address is not None:
        return api_log.c.address == str(address)
    if _BEGINNING.fullmatch(text) is None:
        raise BadAddress(f"{text!r} is neither an address nor a network nor how addresses begin")
    return api_log.c.address.startswith(text.lower(), autoescape=True)


def _network(text: str) -> Network:
    """:raises BadAddress: it is none."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise BadAddress(f"{text!r} is no network") from error


def _may_be_within(network: Network) -> ColumnElement[bool]:
    """What the text of each address in a network fulfils, and that of few others."""
    if network.version == 6:
        return api_log.c.address.contains(":")
    whole = str(network.network_address).split(".")[: min(network.prefixlen // 8, 3)]
    return api_log.c.address.startswith("".join(octet + "." for octet in whole))


def _ids_within(
    connection: Connection, network: Network, conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[int]:
    """Ids of the latest rows whose address lies in a network."""
    verdicts: dict[str, bool] = {}
    found: list[int] = []
    rows = connection.execute(
        select(api_log.c.id, api_log.c.address)
        .where(*conditions)
        .order_by(api_log.c.at.desc(), api_log.c.id.desc())
        .execution_options(yield_per=PRUNE_BATCH)
    )
    for row_id, text in rows:
        verdict = verdicts.get(text)
        if verdict is None:
            address = parse_address(text)
            verdict = verdicts[text] = address is not None and within(address, (network,))
        if verdict:
            found.append(row_id)
            if len(found) == limit:
                break
    rows.close()
    return found


def _window(connection: Connection, wanted: LogFilter, before_id: int | None) -> list[ColumnElement[bool]]:
    """Where in the log to look: behind the page before, and not endlessly far."""
    columns = api_log.c
    conditions: list[ColumnElement[bool]] = []
    if before_id is not None:
        at = connection.scalar(select(columns.at).where(columns.id == before_id))
        behind = columns.id < before_id
        # Rows are shown by the start of their request, and written when it ended.
        conditions.append(behind if at is None else or_(columns.at < at, and_(columns.at == at, behind)))
        if at is not None:
            conditions.append(columns.at <= at)
    if wanted.scans:
        first = select(columns.id).order_by(columns.at.desc(), columns.id.desc()).limit(1)
        if wanted.until is not None:
            first = first.where(columns.at < wanted.until)
        latest = connection.scalar(first.where(*conditions))
        if latest is not None and latest > SCAN_ROWS:
            oldest = select(columns.at).where(columns.id > latest - SCAN_ROWS).order_by(columns.id).limit(1)
            conditions.append(columns.at >= connection.scalar(oldest))
    return conditions


async def accounts_in_log(database: Database) -> list[str]:
    """Names of all accounts that have entries, by name."""
    statement = distinct_values(api_log.c.account, limit=MAX_NAMES)
    async with database.read() as connection:
        return [row["value"] for row in await connection.rows(statement)]
