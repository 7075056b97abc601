"""The care of recordings, for as long as a process holds its lease: converting, tidying up, forgetting."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence

from sqlalchemy import select, update

from tamas.recordings.conversion import Conversion, kept_size
from tamas.recordings.folders import RecordingFolders, RecordingName, read_name
from tamas.recordings.retention import forget_recordings
from tamas.recordings.rows import lose, note_recordings
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Database
from tamas.store.leases import HeldLease
from tamas.store.recordings_schema import recordings
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

LEASE = "recordings"
LEASE_SECONDS = 5.0
"""Two that work at once do the same work twice, and no harm: the lease need not outlast a conversion."""
POLL_SECONDS = 1.0
TIDY_SECONDS = 3600.0
FORGET_SECONDS = 300.0
TROUBLE_SECONDS = 2.0
STRAY_SECONDS = 6 * 3600.0
"""For so long a source must not have changed that no call of record knows of."""
ABANDONED_SECONDS = 3600.0
"""After which what lies in ``converting`` is nobody's work any more."""
_AT_ONCE = 200

_CUID = re.compile(r"[0-9]{8}_(?P<cuid>[0-9]+\.[0-9]+)(?:\.[0-9]+)?")
_c = recordings.c


class RecordingCare:
    """Cares for recordings while :meth:`run` runs."""

    def __init__(self, database: Database, folders: RecordingFolders, *, holder: str | None = None) -> None:
        self._database = database
        self._folders = folders
        self._conversion = Conversion(database, folders)
        self._lease = HeldLease(database, LEASE, seconds=LEASE_SECONDS, holder=holder)
        self._tidy_at = 0.0
        self._forget_at = 0.0

    async def run(self) -> None:
        """Work until cancelled."""
        trouble = StoreTrouble(log, "recordings have to wait")
        try:
            while True:
                pause = TROUBLE_SECONDS
                with trouble.told():
                    pause = 0 if await self.step() else POLL_SECONDS
                await asyncio.sleep(pause)
        finally:
            await self._lease.release()

    async def step(self) -> int:
        """Do what is due; returns how many recordings were converted or put off."""
        if not await self._lease.hold():
            return 0
        at = time.monotonic()
        runtime = await load_runtime_settings(self._database)
        if at >= self._tidy_at:
            await self.tidy_up()
            self._tidy_at = at + TIDY_SECONDS
        if at >= self._forget_at:
            await forget_recordings(self._database, self._folders, runtime)
            self._forget_at = at + FORGET_SECONDS
        return await self._conversion.step(runtime)

    # -- tidying up -----------------------------------------------------------------------------------------

    async def tidy_up(self) -> None:
        """Finish what somebody who died left half-done, and measure what was kept before there were rows."""
        await asyncio.to_thread(_clear_abandoned, self._folders)
        sources = await asyncio.to_thread(lambda: list(self._folders.list_sources()))
        for start in range(0, len(sources), _AT_ONCE):
            some = {name.name: (name, state.st_mtime) for name, state in sources[start : start + _AT_ONCE]}
            async with self._database.read() as connection:
                known = await connection.rows(select(_c.name, _c.state).where(_c.name.in_(list(some))))
            for row in known:
                name, _ = some.pop(row["name"])
                if row["state"] in ("kept", "gone"):
                    await asyncio.to_thread(self._folders.source(name.name).unlink, missing_ok=True)
            await self._adopt(list(some.values()))
        await self._measure()

    async def _adopt(self, strays: Sequence[tuple[RecordingName, float]]) -> None:
        """Note sources of calls that left no record."""
        old = time.time() - STRAY_SECONDS
        made = {
            name.name: (match["cuid"], int(changed * MICROSECONDS))
            for name, changed in strays
            if changed < old and (match := _CUID.fullmatch(name.stem)) is not None
        }
        if made:
            log.info("%d recordings belong to calls that left no record", len(made))
            async with self._database.write() as tx:
                await note_recordings(tx, self._database.dialect, made)

    async def _measure(self) -> None:
        unknown = select(_c.name, _c.cuid).where(_c.state == "kept", _c.bytes.is_(None)).limit(_AT_ONCE)
        while True:
            async with self._database.read() as connection:
                rows = await connection.rows(unknown)
            if not rows:
                return
            for row in rows:
                name = read_name(row["name"])
                size = None if name is None else await asyncio.to_thread(kept_size, self._folders, name)
                async with self._database.write() as tx:
                    if size is None:
                        await lose(tx, {row["name"]: row["cuid"]}, "gone", "there is no file")
                    else:
                        await tx.execute(update(recordings).where(_c.name == row["name"]).values(bytes=size))


def _clear_abandoned(folders: RecordingFolders) -> None:
    folders.converting.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = time.time() - ABANDONED_SECONDS
    for path in folders.converting.iterdir():
        try:
            if path.stat().st_mtime < old:
                path.unlink()
        except FileNotFoundError:
            continue
