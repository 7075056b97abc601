"""The supervisor with stand-in workers: real processes that beat, stall, die or refuse."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.waiting import eventually

WORKER = """
    import os, signal, sys, time
    heartbeat = int(sys.argv[sys.argv.index("--heartbeat-fd") + 1])
    with open(os.environ["STARTS"], "a") as starts:
        print(os.getpid(), sys.argv[1], file=starts)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if os.environ["BEHAVIOUR"] == "refuse":
        sys.exit(78)
    while os.environ["BEHAVIOUR"] == "prepare" and not os.path.exists(os.environ["STARTS"] + ".go"):
        os.write(heartbeat, b".")
        time.sleep(0.05)
    os.write(heartbeat, b"!")
    while True:
        os.write(heartbeat, b".")
        time.sleep(0.05)
"""

PARENT = """
    import os, socket, sys
    sys.path.insert(0, os.environ["SOURCE"])
    from tamas import supervisor
    supervisor.STALL_SECONDS = 1.0
    original = supervisor.subprocess.Popen
    def stand_in(words, **options):
        return original([sys.executable, os.environ["WORKER"], *words[4:]], **options)
    supervisor.subprocess.Popen = stand_in
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    sys.exit(supervisor.Supervisor(listener, api_workers=int(os.environ["API_WORKERS"])).run())
"""

SOURCE = Path(__file__).parents[1] / "src"


class Supervised:
    """A supervisor process with stand-in workers."""

    def __init__(self, folder: Path, *, behaviour: str = "beat", api_workers: int = 0) -> None:
        (folder / "worker.py").write_text(textwrap.dedent(WORKER))
        (folder / "parent.py").write_text(textwrap.dedent(PARENT))
        self.starts = folder / "starts"
        self.starts.touch()
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "parent.py")],
            env=os.environ
            | {
                "SOURCE": str(SOURCE),
                "WORKER": str(folder / "worker.py"),
                "STARTS": str(self.starts),
                "BEHAVIOUR": behaviour,
                "API_WORKERS": str(api_workers),
            },
        )

    def started(self) -> list[tuple[int, str]]:
        """Process id and role of every worker so far."""
        lines = [line.split() for line in self.starts.read_text().splitlines()]
        return [(int(pid), role) for pid, role in lines]

    def end(self) -> None:
        """Kill whatever is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_dead_worker_is_started_again_at_once(tmp_path: Path) -> None:
    """kill -9 of the main worker: another one runs within a second."""
    supervised = Supervised(tmp_path)
    try:
        await eventually(lambda: len(supervised.started()) == 1)
        os.kill(supervised.started()[0][0], signal.SIGKILL)
        await eventually(lambda: len(supervised.started()) == 2, within=2)
    finally:
        supervised.end()


async def test_a_stalled_worker_is_killed_and_replaced(tmp_path: Path) -> None:
    """A stopped process cannot even run a thread of its own; the supervisor kills it."""
    supervised = Supervised(tmp_path)
    try:
        await eventually(lambda: len(supervised.started()) == 1)
        first = supervised.started()[0][0]
        await asyncio.sleep(0.3)  # its first heartbeat has been seen
        os.kill(first, signal.SIGSTOP)
        await eventually(lambda: len(supervised.started()) == 2, within=6)
        assert gone(first)
    finally:
        supervised.end()


async def test_workers_die_with_their_supervisor(tmp_path: Path) -> None:
    """kill -9 of the parent leaves nothing of ours running."""
    supervised = Supervised(tmp_path, api_workers=2)
    try:
        await eventually(lambda: len(supervised.started()) == 3)
        assert [role for _, role in supervised.started()] == ["main", "api", "api"]
        supervised.process.kill()
        await eventually(lambda: all(gone(pid) for pid, _ in supervised.started()), within=3)
    finally:
        supervised.end()


@pytest.mark.slow
async def test_api_workers_wait_for_the_store(tmp_path: Path) -> None:
    """Heartbeats alone do not start them; the main worker's word that the store is prepared does."""
    supervised = Supervised(tmp_path, behaviour="prepare", api_workers=1)
    try:
        await eventually(lambda: len(supervised.started()) == 1)
        await asyncio.sleep(0.5)
        assert [role for _, role in supervised.started()] == ["main"]
        supervised.starts.with_name("starts.go").touch()
        await eventually(lambda: [role for _, role in supervised.started()] == ["main", "api"])
    finally:
        supervised.end()


async def test_a_stop_is_passed_on_and_waited_for(tmp_path: Path) -> None:
    """SIGTERM ends the workers and then the supervisor, with status 0."""
    supervised = Supervised(tmp_path, api_workers=1)
    try:
        await eventually(lambda: len(supervised.started()) == 2)
        supervised.process.send_signal(signal.SIGTERM)
        assert supervised.process.wait(10) == 0
        assert all(gone(pid) for pid, _ in supervised.started())
    finally:
        supervised.end()


async def test_a_worker_that_cannot_run_is_not_tried_again(tmp_path: Path) -> None:
    """A wrong setting ends the supervisor with the status of a configuration error."""
    supervised = Supervised(tmp_path, behaviour="refuse")
    try:
        assert supervised.process.wait(10) == 78
        assert len(supervised.started()) == 1
    finally:
        supervised.end()


def test_a_taken_port_is_said_plainly() -> None:
    """The text names the address and the setting that changes it."""
    from tamas.settings import load_settings
    from tamas.supervisor import PortTakenError, bind_http

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"{port}.*TAMAS_HTTP_PORT"):
            bind_http(load_settings({"TAMAS_HTTP_PORT": str(port)}))
