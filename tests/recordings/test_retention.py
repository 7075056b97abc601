"""Recordings are forgotten by age and by their share of the disk, the oldest first."""

from __future__ import annotations

import shutil
from collections import namedtuple
from typing import Any

import pytest
from sqlalchemy import update

from recordings._archive import Archive
from tamas.recordings import retention
from tamas.recordings.folders import RecordingName
from tamas.recordings.retention import forget_recordings
from tamas.store.clock import MICROSECONDS, now
from tamas.store.recordings_schema import recordings

DAY = 86_400


async def _keep(archive: Archive, serial: int, *, days_ago: float, state: str = "kept") -> RecordingName:
    """A recording of 300 bytes; a broken one has its source only."""
    name = archive.name(serial)
    await archive.note(name, ended=now() // MICROSECONDS - int(days_ago * DAY))
    files = (
        [archive.folders.broken(name.name)]
        if state == "broken"
        else [archive.folders.kept(name), archive.folders.kept_dual(name)]
    )
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * (300 // len(files)))
    async with archive.database.write() as tx:
        change = update(recordings).where(recordings.c.name == name.name)
        await tx.execute(change.values(state=state, bytes=300))
    return name


async def test_by_age(archive: Archive) -> None:
    """Older ones go with all their files, and reports stop naming them; by default everything stays."""
    old, broken = await _keep(archive, 1, days_ago=31), await _keep(archive, 2, days_ago=40, state="broken")
    young = await _keep(archive, 3, days_ago=29)
    assert await forget_recordings(archive.database, archive.folders, archive.runtime) == 0
    runtime = archive.runtime | {"recordings.days": 30}
    assert await forget_recordings(archive.database, archive.folders, runtime) == 2
    for name in (old, broken):
        row = await archive.row(name)
        assert (row["state"], row["reason"], row["bytes"]) == ("gone", "older than 30 days", 0)
        assert await archive.reported(name) is None
    assert await archive.reported(young) == young.name
    assert archive.files() == {f"20251123/{young.name}", f"20251123/{young.stem}.dual.mp3"}
    assert await forget_recordings(archive.database, archive.folders, runtime) == 0


async def test_by_share_of_the_disk(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of the oldest go as are too much; an emptied day loses its folder."""
    names = [await _keep(archive, serial, days_ago=10 - serial) for serial in range(5)]
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(total=2000, used=0, free=0))
    runtime = archive.runtime | {"recordings.disk_percent": 50}  # 1000 of 1500 bytes
    assert await forget_recordings(archive.database, archive.folders, runtime) == 2
    states = [(await archive.row(name))["state"] for name in names]
    assert states == ["gone", "gone", "kept", "kept", "kept"]
    assert (await archive.row(names[0]))["reason"] == "recordings took more of the disk than they may"
    off = archive.runtime | {"recordings.disk_percent": 0}
    assert await forget_recordings(archive.database, archive.folders, off) == 0
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(total=1, used=0, free=0))
    assert await forget_recordings(archive.database, archive.folders, runtime) == 3
    assert not (archive.folders.root / "20251123").exists()


async def test_killed_between_file_and_row(sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are gone, the row is not told: the next process tells it."""
    archive = sqlite_archive
    name = await _keep(archive, 1, days_ago=31)
    runtime = archive.runtime | {"recordings.days": 30}

    async def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention, "lose", die)
        with pytest.raises(KeyboardInterrupt):
            await forget_recordings(archive.database, archive.folders, runtime)
    assert archive.files() == set()
    assert (await archive.row(name))["state"] == "kept"
    assert await forget_recordings(archive.database, archive.folders, runtime) == 1
    assert await archive.reported(name) is None
