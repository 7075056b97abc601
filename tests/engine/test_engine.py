"""One Asterisk and its supervisor, through every way in which either of them can come and go."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from engine._engines import READY_SECONDS, Watcher, engine_settings, make_engine, running
from support.waiting import eventually
from tamas.engine import log_tail
from tamas.engine.configuration import LOOPBACK, engine_environment
from tamas.engine.engine import Engine, EngineInUse, EngineNotReady
from tamas.engine.fastagi import AgiSession
from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import MAX_SOCKET_PATH, EngineLayout, RunDirectoryTakenError
from tamas.engine.process import AsteriskProcess, FileLock, lock_holders, process_start_time
from tamas.engine.running import read_record, write_record
from tamas.settings import Settings

pytestmark = pytest.mark.engine

HARMLESS: tuple[str, ...] = ()
"""Complaints at a start that mean nothing, each with its reason. None so far; keep it so."""
RESTART_SECONDS = 5.0

OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from engine._engines import make_engine
from tamas.engine.install import ensure_asterisk
from tamas.settings import load_settings

async def main():
    settings = load_settings()
    install = ensure_asterisk(settings.cache_dir, settings.asterisk, lambda text: None)
    engine = make_engine(settings, install)
    await engine.start()
    if "at-once" not in sys.argv:
        await engine.wait_ready(20)
    print("up", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


HOLD_LOCK = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    """Settings of an engine that was never started."""
    return engine_settings(tmp_path / "state", sqlite_url)


@pytest.fixture
def layout(settings: Settings) -> EngineLayout:
    return EngineLayout(state_dir=settings.state_dir)


@pytest.fixture
async def no_leftovers(layout: EngineLayout) -> AsyncIterator[None]:
    """Whatever a test did, no Asterisk of its state directory outlives it."""
    yield
    left = lock_holders(layout.process_lock)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


@asynccontextmanager
async def asterisk_left_running(settings: Settings, install: AsteriskInstall) -> AsyncIterator[int]:
    """An Asterisk whose supervisor has gone; the test takes it over. Gives its pid."""
    engine = make_engine(settings, install)
    await engine.start()
    try:
        await engine.wait_ready(READY_SECONDS)
        pid = engine.status().pid
        assert pid is not None
    finally:
        await engine.close(stop_asterisk=False)
    yield pid


async def start_call(engine: Engine, seconds: int = 60) -> None:
    """A channel that waits."""
    await engine.ami.action(
        "Originate",
        {
            "Channel": "Local/1@tamas-outgoing/n",
            "Application": "Wait",
            "Data": str(seconds),
            "Async": "true",
            "CallerID": "100",
        },
    )


async def channels(engine: Engine) -> int:
    return len(await engine.ami.list_action("CoreShowChannels"))


async def test_fresh_start_is_ready_private_and_quiet(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """A new engine says it has no calls, keeps its files to itself, and Asterisk complains of nothing."""
    watcher = Watcher()
    engine = make_engine(settings, asterisk_install, watcher=watcher)
    assert not engine.ready
    with pytest.raises(EngineNotReady):
        _ = engine.ami
    async with running(engine):
        assert engine.ready
        assert watcher.ready == [False]
        status = engine.status()
        assert (status.state, status.adopted, status.problem) == ("running", False, None)
        assert status.version == asterisk_install.version
        assert status.since is not None
        assert abs(status.since / 1e6 - time.time()) < READY_SECONDS
        for path in settings.state_dir.rglob("*"):
            if path.is_symlink():  # what came with Asterisk is no file of this engine's
                assert path.readlink().parent == asterisk_install.moh_dir, f"{path} leads elsewhere"
                continue
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is open to others"
        # Its first lines come late; this one comes later still.
        await engine.ami.command("core show version")
        complaints = [
            line
            for line in layout.messages.read_text().splitlines()
            if re.search(r"\] (WARNING|ERROR)\[", line) and not any(text in line for text in HARMLESS)
        ]
        assert complaints == []
        assert "declined" not in await engine.ami.command("module show")
        assert "Not Running" not in await engine.ami.command("module show")
    assert status.pid is not None
    assert process_start_time(status.pid) is None
    assert engine.status().state == "stopped"
    assert not layout.record.exists()


async def test_second_engine_on_a_state_directory_is_refused(
    settings: Settings, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """Two supervisors never share an Asterisk, and the refused one disturbs nothing."""
    async with running(make_engine(settings, asterisk_install)) as first:
        second = make_engine(settings, asterisk_install)
        with pytest.raises(EngineInUse, match="stop it first"):
            await second.start()
        await second.close(stop_asterisk=True)
        assert first.ready
        assert "up" in await first.ami.command("core show uptime")


async def test_killed_asterisk_is_back_within_seconds(
    settings: Settings, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """A dead Asterisk is replaced by a fresh one on the same ports, twice in a row too."""
    watcher = Watcher()
    async with running(make_engine(settings, asterisk_install, watcher=watcher)) as engine:
        for starts in (2, 3):
            before = engine.status().pid
            assert before is not None
            began = time.monotonic()
            os.kill(before, signal.SIGKILL)
            await eventually(lambda: not engine.ready, within=2.0)
            await engine.wait_ready(RESTART_SECONDS)
            assert time.monotonic() - began < RESTART_SECONDS
            assert engine.status().pid != before
            assert engine.status().problem is None
            assert watcher.ready == [False] * starts


async def test_supervisor_killed_without_warning_leaves_calls_alone(
    settings: Settings, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """``kill -9`` of our process: Asterisk and its channels live on, and the next start takes them over."""
    other = _other_process(settings)
    try:
        assert await _line(other) == "up"
        record = read_record(EngineLayout(state_dir=settings.state_dir).record)
        assert record is not None
    finally:
        other.kill()
        other.wait()
        assert other.stdout is not None
        other.stdout.close()
    assert process_start_time(record.pid) == record.process_started

    watcher = Watcher()
    started = asyncio.Event()

    async def hold(_session: AgiSession) -> None:
        started.set()
        await asyncio.sleep(60)

    first = make_engine(settings, asterisk_install, agi_handler=hold, watcher=watcher)
    await first.start()
    await first.wait_ready(READY_SECONDS)
    assert first.status().pid == record.pid
    assert first.status().adopted
    assert first.status().since == record.started_at
    assert watcher.ready == [True]
    await start_call(first)
    async with asyncio.timeout(5):
        await started.wait()
    await first.close(stop_asterisk=False)

    async with running(make_engine(settings, asterisk_install, agi_handler=hold)) as second:
        assert second.status().pid == record.pid
        assert await channels(second) == 2
        taken_over = read_record(EngineLayout(state_dir=settings.state_dir).record)
        assert taken_over is not None
        assert taken_over.agi_port == record.agi_port


@pytest.mark.slow
async def test_adopted_asterisk_that_dies_is_replaced(
    settings: Settings, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """Supervision of an Asterisk that is not our child notices its end as well."""
    async with asterisk_left_running(settings, asterisk_install) as pid:
        watcher = Watcher()
        async with running(make_engine(settings, asterisk_install, watcher=watcher)) as engine:
            assert engine.status().pid == pid
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda: not engine.ready, within=2.0)
            await engine.wait_ready(RESTART_SECONDS)
            assert engine.status().pid != pid
            assert not engine.status().adopted
            assert watcher.ready == [True, False]


async def test_taken_agi_port_is_replaced_in_the_running_dialplan(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """When somebody else has our FastAGI port at adoption, calls find the new one, after a reload too."""
    async with asterisk_left_running(settings, asterisk_install):
        record = read_record(layout.record)
        assert record is not None
        called = asyncio.Event()

        async def notice(_session: AgiSession) -> None:
            called.set()

        with socket.create_server((LOOPBACK, record.agi_port)):
            async with running(make_engine(settings, asterisk_install, agi_handler=notice)) as engine:
                changed = read_record(layout.record)
                assert changed is not None
                assert changed.agi_port != record.agi_port
                await engine.ami.command("dialplan reload")
                await start_call(engine)
                async with asyncio.timeout(5):
                    await called.wait()


async def test_changed_settings_wait_for_a_restart(
    settings: Settings, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """A running Asterisk keeps the configuration it has; the status says so until it is restarted."""
    changed = dataclasses.replace(settings, fallback_number="100")
    async with asterisk_left_running(settings, asterisk_install):
        async with running(make_engine(changed, asterisk_install)) as engine:
            assert engine.status().adopted
            assert "restart the engine" in (engine.status().problem or "")
        async with running(make_engine(changed, asterisk_install)) as engine:
            assert engine.status().problem is None


@pytest.mark.slow
async def test_interrupted_start_is_replaced(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """An Asterisk that was started and not yet written down when we died is ended, and a new one started."""
    async with asterisk_left_running(settings, asterisk_install) as pid:
        layout.record.unlink()
        async with running(make_engine(settings, asterisk_install)) as engine:
            assert engine.status().pid != pid
            assert not engine.status().adopted
            assert process_start_time(pid) is None


@pytest.mark.slow
async def test_killed_while_asterisk_boots(
    settings: Settings, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """``kill -9`` of our process right after it started Asterisk: the next start ends up with exactly one."""
    other = _other_process(settings, "at-once")
    try:
        assert await _line(other) == "up"
    finally:
        other.kill()
        other.wait()
        assert other.stdout is not None
        other.stdout.close()
    layout = EngineLayout(state_dir=settings.state_dir)
    async with running(make_engine(settings, asterisk_install)) as engine:
        assert engine.ready
        assert set(lock_holders(layout.process_lock)) == {engine.status().pid}


@pytest.mark.slow
async def test_reused_pid_is_not_taken_for_asterisk(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """After a reboot the written pid may be anybody's: it is left alone."""
    async with asterisk_left_running(settings, asterisk_install) as pid:
        record = read_record(layout.record)
        assert record is not None
        process = AsteriskProcess.find(pid)
        assert process is not None
        await process.end(patience=20)
    bystander = subprocess.Popen(  # noqa: ASYNC220 - takes no time
        [sys.executable, "-c", "import time; time.sleep(60)"]
    )
    try:
        write_record(layout.record, msgspec.structs.replace(record, pid=bystander.pid))
        async with running(make_engine(settings, asterisk_install)) as engine:
            assert engine.status().pid != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.slow
async def test_broken_asterisk_is_replaced_at_adoption(
    settings: Settings,
    asterisk_install: AsteriskInstall,
    no_leftovers: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A running Asterisk that does not let us in is ended and a new one started."""
    monkeypatch.setattr("tamas.engine.engine.ADOPTION_SECONDS", 1.0)
    monkeypatch.setattr("tamas.engine.engine.REPLACE_SECONDS", 0.5)
    async with asterisk_left_running(settings, asterisk_install) as pid:
        os.kill(pid, signal.SIGSTOP)
        async with running(make_engine(settings, asterisk_install)) as engine:
            assert engine.status().pid != pid
            assert not engine.status().adopted


async def test_stop_hangs_up_and_leaves_records(
    settings: Settings, asterisk_install: AsteriskInstall, sqlite_url: str, no_leftovers: None
) -> None:
    """A clean stop ends calls in order: their CDR and the end of their CEL are written."""

    async def answer(session: AgiSession) -> None:
        await session.answer()
        await session.execute("Wait", "60")

    async with running(make_engine(settings, asterisk_install, agi_handler=answer)) as engine:
        await start_call(engine)
        await eventually(
            lambda: _scalar(sqlite_url, "SELECT count(*) FROM cel WHERE eventtype = 'ANSWER'") == 2
        )
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert _scalar(sqlite_url, "SELECT count(*) FROM cel WHERE eventtype = 'LINKEDID_END'") == 1
    assert _scalar(sqlite_url, "SELECT count(*) FROM cdr") >= 1


async def test_lost_record_raises_an_alarm(
    settings: Settings,
    asterisk_install: AsteriskInstall,
    sqlite_url: str,
    no_leftovers: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A CDR or CEL row that the database refuses is counted in the status and logged as an error."""
    async with running(make_engine(settings, asterisk_install)) as engine:
        _scalar(sqlite_url, "ALTER TABLE cel RENAME TO cel_away")
        await start_call(engine, 1)
        await eventually(lambda: "call records" in (engine.status().problem or ""))
        assert engine.ready
    assert any("lost a call record" in record.message for record in caplog.records)


async def test_record_lost_while_nobody_watched_raises_an_alarm(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall, no_leftovers: None
) -> None:
    """Asterisk gave a record up while our process was dead: the next one counts it."""
    first = make_engine(settings, asterisk_install)
    await first.start()
    await first.wait_ready(READY_SECONDS)
    await first.close(stop_asterisk=False)
    with layout.messages.open("a") as messages:
        messages.write(
            "[2026-11-23 06:24:27.437] WARNING[4] cel_odbc.c: Insert failed on 'x:cel'.  CEL failed: x\n"
        )
    async with running(make_engine(settings, asterisk_install)) as engine:
        assert engine.status().adopted
        await eventually(lambda: "1 call records" in (engine.status().problem or ""))


async def test_log_is_carried_over_and_kept_small(
    settings: Settings,
    layout: EngineLayout,
    asterisk_install: AsteriskInstall,
    no_leftovers: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What Asterisk logs appears in our log, also after its file was put aside for being too long."""
    monkeypatch.setattr(log_tail, "MAX_FILE_BYTES", 1)
    monkeypatch.setattr("tamas.engine.engine.ROTATE_EVERY", 1)
    caplog.set_level("INFO")
    async with running(make_engine(settings, asterisk_install)):
        await eventually((layout.log / "messages.log.1").exists)
        await eventually(layout.messages.exists)
        for number in range(5):
            await _log_in_to_ami(layout, f"stranger-{number}")
            await eventually(partial(_was_logged, caplog, f"stranger-{number}"))
        kept = {path.name for path in layout.log.glob("messages.log*")}
        assert kept <= {"messages.log", *(f"messages.log.{n}" for n in range(1, log_tail.KEEP_FILES + 1))}


async def test_a_deep_state_directory_has_its_socket_elsewhere(
    sqlite_url: str, tmp_path: Path, asterisk_install: AsteriskInstall
) -> None:
    """A path too long for a UNIX socket: Asterisk runs all the same, its socket in a private short place."""
    settings = engine_settings(tmp_path / ("d" * 100), sqlite_url)
    layout = EngineLayout(state_dir=settings.state_dir)
    engine = make_engine(settings, asterisk_install)
    await engine.start()
    try:
        await engine.wait_ready(30)
        assert len(bytes(layout.control_socket)) <= MAX_SOCKET_PATH
        assert layout.control_socket.is_socket()
        assert stat.S_IMODE(layout.run.stat().st_mode) == 0o700
    finally:
        await engine.close(stop_asterisk=True)
        shutil.rmtree(layout.run)


async def test_a_socket_directory_open_to_others_is_refused(
    sqlite_url: str, tmp_path: Path, asterisk_install: AsteriskInstall
) -> None:
    """Somebody who made that short place first does not get to see the socket."""
    settings = engine_settings(tmp_path / ("e" * 100), sqlite_url)
    layout = EngineLayout(state_dir=settings.state_dir)
    layout.run.mkdir()
    layout.run.chmod(0o777)
    try:
        with pytest.raises(RunDirectoryTakenError, match="shorter path"):
            await make_engine(settings, asterisk_install).start()
    finally:
        layout.run.rmdir()


async def test_foreign_lock_holder_is_left_alone(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall
) -> None:
    """A process that holds the lock and is no Asterisk of ours is named, not killed."""
    layout.make_directories()
    holder = subprocess.Popen(  # noqa: ASYNC220 - takes no time
        [
            sys.executable,
            "-c",
            HOLD_LOCK,
            str(layout.process_lock),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(EngineInUse, match=str(holder.pid)):
            await make_engine(settings, asterisk_install).start()
        assert holder.poll() is None
        FileLock(layout.owner_lock).close()
    finally:
        holder.kill()
        holder.communicate()


def test_environment_is_ours_alone(layout: EngineLayout, asterisk_install: AsteriskInstall) -> None:
    """Asterisk gets UTC and its own ODBC files, and none of our variables, secrets among them."""
    environment = engine_environment(asterisk_install, layout)
    assert environment["TZ"] == "UTC"
    assert environment["ODBCINI"] == str(layout.odbc / "odbc.ini")
    assert not [name for name in environment if name.startswith("TAMAS_")]


def _other_process(settings: Settings, *words: str) -> subprocess.Popen[str]:
    """The same engine in a process of its own, to be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TAMAS_CACHE_DIR": str(settings.cache_dir),
            "TAMAS_STATE_DIR": str(settings.state_dir),
            "TAMAS_DATABASE_URL": settings.database_url,
            "TAMAS_SIP_HOST": settings.sip_host,
            "TAMAS_SIP_PORT": str(settings.sip_port),
            "TAMAS_HTTP_PORT": str(settings.http_port),
            "TAMAS_RTP_PORTS": str(settings.rtp_ports),
        },
    )


def _was_logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.message for record in caplog.records)


async def _log_in_to_ami(layout: EngineLayout, name: str) -> None:
    """Try to log in as a manager that there is not, which Asterisk notes in its log."""
    record = read_record(layout.record)
    assert record is not None
    _reader, writer = await asyncio.open_connection(LOOPBACK, record.ami_port)
    writer.write(f"Action: Login\r\nUsername: {name}\r\nSecret: x\r\n\r\n".encode())
    await writer.drain()
    writer.close()


async def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 30)).strip()


def _scalar(url: str, statement: str) -> int:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)
    try:
        row = connection.execute(statement).fetchone()
        connection.commit()
        return int(row[0]) if row else 0
    finally:
        connection.close()
