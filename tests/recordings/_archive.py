"""Recordings on disk and their rows, without a call."""

from __future__ import annotations

import os
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from support.sounds import tone_samples
from tamas.recordings.folders import RecordingFolders, RecordingName, read_name
from tamas.recordings.rows import note_recordings
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Database, Row
from tamas.store.ids import new_id
from tamas.store.recordings_schema import recordings
from tamas.store.runtime_settings import SETTINGS
from tamas.store.schema import calls

CALLER, CALLEE = 440, 880
BEGAN = 1763870000
"""2025-11-23 03:53:20 UTC."""


@dataclass(kw_only=True)
class Archive:
    """Recordings of an instance."""

    database: Database
    folders: RecordingFolders
    runtime: dict[str, Any] = field(
        default_factory=lambda: {key: spec.default for key, spec in SETTINGS.items()}
    )

    def name(self, serial: int, form: str = "mp3") -> RecordingName:
        """Name of the recording of call number ``serial``."""
        name = read_name(f"20251123_{BEGAN}.{serial}.{form}")
        assert name is not None
        return name

    def write_source(self, name: RecordingName, content: bytes | None = None, *, age: float = 60.0) -> Path:
        """What Asterisk wrote, last ``age`` seconds ago."""
        source = self.folders.source(name.name)
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(two_tones() if content is None else content)
        os.utime(source, (time.time() - age, time.time() - age))
        return source

    async def note(self, *names: RecordingName, ended: int = BEGAN + 60) -> None:
        """The calls of recordings are over: their rows."""
        async with self.database.write() as tx:
            for name in names:
                cuid = name.stem.partition("_")[2]
                await tx.execute(insert(calls).values(call_row(cuid, name.name, ended * MICROSECONDS)))
                made = {name.name: (cuid, ended * MICROSECONDS)}
                assert await note_recordings(tx, self.database.dialect, made) == frozenset()

    async def row(self, name: RecordingName) -> Row:
        """What is known of a recording."""
        async with self.database.read() as connection:
            row = await connection.row(select(recordings).where(recordings.c.name == name.name))
        assert row is not None
        return row

    async def reported(self, name: RecordingName) -> str | None:
        """What the report of its call says."""
        statement = select(calls.c.record).where(calls.c.cuid == name.stem.partition("_")[2])
        async with self.database.read() as connection:
            value: str | None = await connection.scalar(statement)
        return value

    def files(self) -> set[str]:
        """Everything that lies there."""
        root = self.folders.root
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def two_tones(seconds: float = 1.0) -> bytes:
    """As MixMonitor writes: by turns a sample of whoever answered and one of whoever called."""
    answered, called = (tone_samples(hertz, seconds=seconds) for hertz in (CALLEE, CALLER))
    return array("h", (each for pair in zip(answered, called, strict=True) for each in pair)).tobytes()


def call_row(cuid: str, record: str, ended_at: int) -> dict[str, Any]:
    """A call that was recorded."""
    return {
        "id": new_id(),
        "cuid": cuid,
        "type": "local",
        "src": "201",
        "dst": "202",
        "started_at": BEGAN * MICROSECONDS,
        "ended_at": ended_at,
        "wait": 0,
        "billsec": 0,
        "disposition": "ANSWERED",
        "record": record,
    }
