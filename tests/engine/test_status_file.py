"""How the engine is, told to processes that do not supervise it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from pathlib import Path

import pytest

from support.waiting import eventually
from tamas.engine.engine import EngineStatus
from tamas.engine.status_file import keep_status, read_status

STATUS = EngineStatus(state="starting", pid=7, version="22.1.0", adopted=False, since=1, problem=None)


async def test_what_changes_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing before it is known, each change soon after, and nothing when its keeper has ended."""
    monkeypatch.setattr("tamas.engine.status_file.LOOK_SECONDS", 0.01)
    path = tmp_path / "status.json"
    path.write_text('{"state": "of a process that was killed"}')
    current: EngineStatus | None = None
    keeping = asyncio.create_task(keep_status(path, lambda: current))
    await eventually(lambda: not path.exists(), within=2, what="an end of what was there before")
    assert read_status(path) is None
    current = STATUS
    await eventually(lambda: read_status(path) == STATUS, within=2, what="the first status")
    assert path.stat().st_mode & 0o777 == 0o600
    current = dataclasses.replace(STATUS, state="running", problem="a\nb")
    await eventually(lambda: read_status(path) == current, within=2, what="the next status")
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert not path.exists()
    assert not path.with_suffix(".new").exists()


async def test_what_cannot_be_written_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full or missing disk is told once and ends nothing; what cannot be understood counts as nothing."""
    monkeypatch.setattr("tamas.engine.status_file.LOOK_SECONDS", 0.01)
    path = tmp_path / "gone" / "status.json"
    keeping = asyncio.create_task(keep_status(path, lambda: STATUS))
    await eventually(lambda: "cannot write down" in caplog.text, within=2, what="the complaint")
    assert not keeping.done()
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert caplog.text.count("cannot write down") == 1
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert read_status(broken) is None
