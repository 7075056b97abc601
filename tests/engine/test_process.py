"""Processes that outlive us: sessions, locks, signals, exit, with a small program in Asterisk's place."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from support.waiting import eventually
from tamas.engine.process import (
    AsteriskProcess,
    FileLock,
    LockHeldError,
    ProcessStartFailed,
    lock_holders,
    process_start_time,
)
from tamas.engine.running import EngineRecord, read_record, write_record

PROGRAM = """
import os, signal, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getsid(0) == os.getpid(), sorted(os.environ), flush=True)
open("made", "w").close() if "make" in sys.argv else None
print("ready", flush=True)
time.sleep(float(sys.argv[1]))
sys.exit(7)
"""


def start(tmp_path: Path, lock: FileLock, *words: str) -> AsteriskProcess:
    return AsteriskProcess.start(
        [sys.executable, "-c", PROGRAM, *words],
        environment={"TZ": "UTC"},
        output=tmp_path / "output.log",
        lock=lock,
    )


async def wait_ready(tmp_path: Path) -> None:
    await eventually(lambda: "ready" in (tmp_path / "output.log").read_text())


async def test_process_stands_alone_and_keeps_the_lock(tmp_path: Path) -> None:
    """It has its own session and only the variables given; the lock is held until it ends."""
    lock = FileLock(tmp_path / "lock")
    process = start(tmp_path, lock, "60")
    try:
        await wait_ready(tmp_path)
        first = (tmp_path / "output.log").read_text().splitlines()[0]
        assert first.startswith("True")
        assert "TZ" in first
        assert "HOME" not in first
        assert stat.S_IMODE((tmp_path / "output.log").stat().st_mode) == 0o600
        lock.close()
        with pytest.raises(LockHeldError):
            FileLock(tmp_path / "lock")
        assert lock_holders(tmp_path / "lock") == [process.pid]
    finally:
        await process.end(patience=10)
    FileLock(tmp_path / "lock").close()
    assert lock_holders(tmp_path / "lock") == []


async def test_end_is_noticed_and_reaped(tmp_path: Path) -> None:
    """A child's exit status is told, and no zombie stays."""
    lock = FileLock(tmp_path / "lock")
    process = start(tmp_path, lock, "0")
    async with asyncio.timeout(10):
        assert await process.wait() == "ended with status 7"
    assert not process.running
    assert process_start_time(process.pid) is None
    process.send(signal.SIGTERM)  # nothing happens
    lock.close()


async def test_stubborn_process_is_killed(tmp_path: Path) -> None:
    """Who does not listen to SIGTERM is killed when patience ends."""
    lock = FileLock(tmp_path / "lock")
    process = start(tmp_path, lock, "60", "stubborn")
    await wait_ready(tmp_path)
    async with asyncio.timeout(10):
        await process.end(patience=0.2)
        assert await process.wait() == "was killed by SIGKILL"
    lock.close()


async def test_found_process_is_watched_like_a_child(tmp_path: Path) -> None:
    """A process attached to by its number is watched too; watching twice harms nobody."""
    lock = FileLock(tmp_path / "lock")
    process = start(tmp_path, lock, "60")
    found = AsteriskProcess.find(process.pid)
    assert found is not None
    assert found.started == process.started == process_start_time(process.pid)
    process.send(signal.SIGKILL)
    async with asyncio.timeout(10):
        endings = {await process.wait(), await found.wait()}
    assert "was killed by SIGKILL" in endings
    assert AsteriskProcess.find(process.pid) is None
    lock.close()


async def test_left_process_goes_on(tmp_path: Path) -> None:
    """To stop watching is not to stop the process."""
    lock = FileLock(tmp_path / "lock")
    process = start(tmp_path, lock, "60")
    process.leave()
    found = AsteriskProcess.find(process.pid)
    assert found is not None
    os.kill(process.pid, 0)
    await found.end(patience=10)
    lock.close()


async def test_missing_program_is_named(tmp_path: Path) -> None:
    """A program that is not there is a named error, and the lock stays usable."""
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(ProcessStartFailed, match="/nowhere"):
        AsteriskProcess.start(
            ["/nowhere/asterisk"], environment={}, output=tmp_path / "output.log", lock=lock
        )
    lock.close()
    with pytest.raises(ValueError, match="given up"):
        _ = lock.descriptor


def test_start_time_survives_odd_names(tmp_path: Path) -> None:
    """A process's start is found, and a number nobody has gives none."""
    assert (process_start_time(os.getpid()) or 0) > 0
    assert process_start_time(2**22 + 1) is None
    assert lock_holders(tmp_path / "never made") == []


def test_record_is_whole_or_nothing(tmp_path: Path) -> None:
    """What is written down comes back; what cannot be understood counts as nothing."""
    path = tmp_path / "engine.json"
    assert read_record(path) is None
    record = EngineRecord(
        pid=1,
        process_started=2,
        ami_port=3,
        agi_port=4,
        config_digest="d",
        version="22.10.1",
        origin="here",
        started_at=5,
    )
    write_record(path, record)
    assert read_record(path) == record
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for damaged in ("", "{", '{"pid": "x"}', "[]"):
        path.write_text(damaged)
        assert read_record(path) is None
