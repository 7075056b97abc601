"""From what Asterisk wrote to what is kept, once the call is over.

Each recording that waits has a row. Its files are written beside, synced, renamed; then the row says so; only
then the source goes. Whoever dies in between leaves a row that still waits and is taken up again, with the
same result; whoever works on the same one at the same time does the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Update, bindparam, select, text, update

from tamas.events.outbox import Event, emit
from tamas.media.apart import RecordingOrder, recordings_apart
from tamas.media.formats import SAMPLE_BYTES
from tamas.media.refusals import MediaRefused, NotUnderstood
from tamas.recordings.folders import RecordingFolders, RecordingName, read_name
from tamas.recordings.rows import lose
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, HotQuery, Row
from tamas.store.recordings_schema import recordings

log = logging.getLogger(__name__)

BATCH = 12
"""Recordings for one process: starting one costs as much as some minutes of talk."""
QUIET_SECONDS = 3.0
"""For so long a source must not have changed: Asterisk gathers before it writes, also the last part."""
MAX_TRIES = 3
"""Of conversions whose process died; then the recording is broken."""
TROUBLE_SECONDS = 30.0
"""After which it is tried again when the disk is full, or the like."""

_c = recordings.c
_ANY_DUE = HotQuery(
    select(select(_c.name).where(text("state = 'waiting'"), _c.due_at <= bindparam("at")).exists())
)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One recording to be converted."""

    row: Row
    name: RecordingName
    source: Path
    state: os.stat_result
    order: RecordingOrder


class _StillChanging(Exception):
    """A source was written to meanwhile."""


class Conversion:
    """Converts recordings that wait."""

    def __init__(self, database: Database, folders: RecordingFolders) -> None:
        self._database = database
        self._folders = folders
        self._troubled = False

    async def step(self, runtime: Mapping[str, Any]) -> int:
        """Take up some that are due, the longest waiting first; returns how many.

        :raises StoreError: and whatever else the store raises; nothing is lost then.
        """
        ((any_due,),) = await self._database.hot(_ANY_DUE, now())
        if not any_due:
            return 0
        due = (
            select(recordings)
            .where(_c.state == "waiting", _c.due_at <= now())
            .order_by(_c.due_at)
            .limit(BATCH)
        )
        async with self._database.read() as connection:
            rows = await connection.rows(due)
        if not rows:
            return 0
        # One whose process died may have been the others' death: it is tried alone.
        rows = rows[:1] if rows[0]["tries"] else [row for row in rows if not row["tries"]]
        work = []
        for row in rows:
            one = await self._look_at(row, dual=bool(runtime["recordings.dual_channel"]))
            if one is not None:
                work.append(one)
        if work:
            outcomes = await recordings_apart([one.order for one in work])
            for one, outcome in zip(work, outcomes, strict=True):
                await self._settle(one, outcome)
        return len(rows)

    async def _look_at(self, row: Row, *, dual: bool) -> _Work | None:
        """What is to be done for a row; ``None`` when that was nothing much, and is done."""
        name = read_name(row["name"])
        assert name is not None  # noqa: S101 - others are not noted
        source = self._folders.source(name.name)
        try:
            state = await asyncio.to_thread(source.lstat)
        except FileNotFoundError:
            await self._without_source(row, name)
            return None
        if time.time() - state.st_mtime < QUIET_SECONDS:
            await self._put_off(row, QUIET_SECONDS, None)
            return None
        token = secrets.token_hex(4)
        folder = self._folders.converting
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        order = RecordingOrder(
            source=source,
            mixed=folder / f"{name.stem}.{token}.{name.form}",
            dual=folder / f"{name.stem}.{token}.dual.{name.form}" if dual else None,
            to=name.form,
        )
        return _Work(row=row, name=name, source=source, state=state, order=order)

    async def _without_source(self, row: Row, name: RecordingName) -> None:
        """Somebody died, or was faster, behind the last step; or Asterisk never wrote anything."""
        kept, broken = self._folders.kept(name), self._folders.broken(name.name)
        if await asyncio.to_thread(kept.is_file):
            await self._keep(name, size=await asyncio.to_thread(_size, self._folders, name), duration=None)
        elif await asyncio.to_thread(broken.is_file):
            await self._lose(row, "broken", "it could not be converted", size=broken.stat().st_size)
        else:
            log.info("nothing was recorded as %s", name.name)
            await self._lose(row, "gone", "nothing was recorded")

    async def _settle(self, one: _Work, outcome: int | MediaRefused | OSError) -> None:
        if isinstance(outcome, int):
            try:
                size = await asyncio.to_thread(_put_in_place, self._folders, one)
            except _StillChanging:
                await self._put_off(one.row, QUIET_SECONDS, None)
            except OSError as error:
                await self._trouble(one, error)
            else:
                await self._keep(one.name, size=size, duration=outcome, dual=one.order.dual is not None)
                await asyncio.to_thread(one.source.unlink, missing_ok=True)
                self._troubled = False
        elif isinstance(outcome, OSError):
            await self._trouble(one, outcome)
        elif isinstance(outcome, NotUnderstood) and one.state.st_size < SAMPLE_BYTES:
            await self._lose(one.row, "gone", str(outcome))
            await asyncio.to_thread(one.source.unlink, missing_ok=True)
        elif isinstance(outcome, NotUnderstood) or one.row["tries"] + 1 >= MAX_TRIES:
            await self._set_aside(one, str(outcome))
        else:
            await self._put_off(one.row, _wait(one.row), str(outcome), failed=True)

    async def _set_aside(self, one: _Work, reason: str) -> None:
        target = self._folders.broken(one.name.name)
        log.warning("recording %s is broken (%s); what there is of it: %s", one.name.name, reason, target)
        await asyncio.to_thread(target.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(one.source.replace, target)
        await self._lose(one.row, "broken", reason, size=one.state.st_size)

    async def _trouble(self, one: _Work, error: OSError) -> None:
        """The disk is full, or the like: no fault of the recording, which waits."""
        if not self._troubled:
            log.warning("recordings cannot be converted: %s; trying on", error.strerror or error)
        self._troubled = True
        await self._put_off(one.row, TROUBLE_SECONDS, error.strerror or str(error))

    async def _put_off(self, row: Row, seconds: float, reason: str | None, *, failed: bool = False) -> None:
        values = {
            "due_at": now() + int(seconds * MICROSECONDS),
            "reason": reason,
            "tries": row["tries"] + failed,
        }
        await self._change(row["name"], values)

    async def _keep(
        self, name: RecordingName, *, size: int, duration: int | None, dual: bool | None = None
    ) -> None:
        if dual is None:
            dual = await asyncio.to_thread(self._folders.kept_dual(name).is_file)
        values = {"state": "kept", "bytes": size, "duration": duration, "dual": dual, "reason": None}
        fetched = await asyncio.to_thread(lambda: self._folders.kept(name).stat().st_size)
        async with self._database.write() as tx:
            row = await tx.row(_waiting(name.name).values(**values).returning(_c.cuid))
            if row is not None:
                await emit(tx, [recording_ready(name.name, row["cuid"], size=fetched, duration=duration)])

    async def _change(self, name: str, values: Mapping[str, Any]) -> None:
        async with self._database.write() as tx:
            await tx.execute(_waiting(name).values(**values))

    async def _lose(self, row: Row, state: Any, reason: str, *, size: int = 0) -> None:
        async with self._database.write() as tx:
            await lose(tx, {row["name"]: row["cuid"]}, state, reason, size=size)


def _waiting(name: str) -> Update:
    """The change of a recording, if it still waits."""
    return update(recordings).where(_c.name == name, _c.state == "waiting")


def recording_ready(name: str, cuid: str, *, size: int, duration: int | None) -> Event:
    """The event that a recording can be fetched.

    :param size: bytes of what is fetched.
    :param duration: microseconds; ``None``: unknown.
    """
    fields = {
        "unique_id": cuid,
        "record": name,
        "duration": None if duration is None else duration // MICROSECONDS,
        "bytes": size,
        "date": now(),
    }
    return Event(name="RecordingReady", fields=fields, call=cuid)


def _wait(row: Row) -> float:
    """Seconds until what killed its process is tried again."""
    return float(2 ** (int(row["tries"]) + 1))


def _put_in_place(folders: RecordingFolders, one: _Work) -> int:
    """Rename what was written to where it is kept; returns its bytes.

    :raises _StillChanging: the source is not what was converted; nothing is kept.
    """
    order = one.order
    written = [
        (path, target)
        for path, target in ((order.dual, folders.kept_dual(one.name)), (order.mixed, folders.kept(one.name)))
        if path is not None
    ]
    try:
        if one.source.lstat().st_size != one.state.st_size:
            raise _StillChanging
        folder = folders.kept(one.name).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = 0
        for path, target in written:
            size += path.stat().st_size
            path.replace(target)
    finally:
        for path, _ in written:
            path.unlink(missing_ok=True)
    sync_folder(folder)
    sync_folder(folders.root)
    return size


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(folders: RecordingFolders, name: RecordingName) -> int:
    return kept_size(folders, name) or 0


def kept_size(folders: RecordingFolders, name: RecordingName) -> int | None:
    """Bytes of what is kept of a recording; ``None`` when that is nothing."""
    sizes: Sequence[int] = [
        path.stat().st_size for path in (folders.kept(name), folders.kept_dual(name)) if path.is_file()
    ]
    return sum(sizes) if sizes else None
