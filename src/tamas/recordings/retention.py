"""Forgetting recordings, the oldest first: those that are too old, and those beyond their share of the disk.

Files go first, then the row says so: whoever dies in between leaves a row that is taken up again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tamas.recordings.folders import RecordingFolders, read_name
from tamas.recordings.rows import lose
from tamas.store.clock import DAY, now
from tamas.store.database import Database, Row
from tamas.store.recordings_schema import recordings

log = logging.getLogger(__name__)

BATCH = 100
"""Recordings per transaction: some milliseconds, for Asterisk waits for the same lock on SQLite."""
PAUSE_SECONDS = 0.05
"""Between transactions, so that Asterisk and requests get the lock."""

_c = recordings.c
_HELD = _c.state.in_(("kept", "broken"))


async def forget_recordings(database: Database, folders: RecordingFolders, runtime: Mapping[str, Any]) -> int:
    """Remove what is too old or too much, as ``recordings.days`` and ``recordings.disk_percent`` say.

    :returns: how many were removed.
    """
    removed = 0
    if days := int(runtime["recordings.days"]):
        removed += await _forget_old(database, folders, days)
    if percent := int(runtime["recordings.disk_percent"]):
        total = (await asyncio.to_thread(shutil.disk_usage, folders.root)).total
        removed += await _forget_beyond(database, folders, total * percent // 100)
    if removed:
        log.info("removed %d recordings, the oldest ones", removed)
    return removed


async def _forget_old(database: Database, folders: RecordingFolders, days: int) -> int:
    cutoff = now() - days * DAY
    removed = 0
    while True:
        async with database.read() as connection:
            rows = await connection.rows(_oldest().where(_c.recorded_at < cutoff))
        await _remove(database, folders, rows, f"older than {days} days")
        removed += len(rows)
        if len(rows) < BATCH:
            return removed
        await asyncio.sleep(PAUSE_SECONDS)


async def _forget_beyond(database: Database, folders: RecordingFolders, limit: int) -> int:
    used = await database.long_read(
        lambda connection: int(connection.scalar(select(func.sum(_c.bytes)).where(_HELD)) or 0)
    )
    removed = 0
    while used > limit:
        async with database.read() as connection:
            rows = await connection.rows(_oldest())
        if not rows:
            break
        beyond: list[Row] = []
        for row in rows:
            if used <= limit:
                break
            used -= row["bytes"] or 0
            beyond.append(row)
        await _remove(database, folders, beyond, "recordings took more of the disk than they may")
        removed += len(beyond)
        await asyncio.sleep(PAUSE_SECONDS)
    return removed


def _oldest() -> Any:
    return select(_c.name, _c.cuid, _c.bytes).where(_HELD).order_by(_c.recorded_at).limit(BATCH)


async def _remove(database: Database, folders: RecordingFolders, rows: Sequence[Row], why: str) -> None:
    if not rows:
        return
    await asyncio.to_thread(_unlink, folders, [row["name"] for row in rows])
    async with database.write() as tx:
        await lose(tx, {row["name"]: row["cuid"] for row in rows}, "gone", why)


def _unlink(folders: RecordingFolders, names: Sequence[str]) -> None:
    emptied: set[Path] = set()
    for each in names:
        name = read_name(each)
        if name is None:
            continue
        kept = folders.kept(name)
        for path in (folders.kept_dual(name), kept, folders.broken(each), folders.source(each)):
            path.unlink(missing_ok=True)
        emptied.add(kept.parent)
    for folder in emptied:
        with contextlib.suppress(OSError):  # something is left in it
            folder.rmdir()
