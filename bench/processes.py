"""Starting, placing and ending the processes of a bench."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from bench.figures import BenchBroken

T = TypeVar("T")

STOP_SECONDS = 60.0
POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], T], *, within: float, what: str) -> T:
    """Ask until the answer is truthy and return it. :raises BenchBroken: it was not in time."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise BenchBroken(f"{what} did not come true within {within:.0f} s")
        time.sleep(POLL_SECONDS)
    return answer


@contextmanager
def running(
    words: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is asked to end afterwards, and killed when it does not."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else {**os.environ, **env},
            cwd=cwd,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_bare_server(port: int, folder: Path) -> Iterator[int]:
    """The bare endpoint on a port of loopback; gives its process id."""
    with running([sys.executable, "-m", "bench.bare", str(port)], log=folder / "bare.log") as process:
        wait_until(lambda: accepts(port), within=20, what="the bare server")
        yield process.pid


def accepts(port: int) -> bool:
    """Whether somebody takes TCP connections on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cpus() -> list[int]:
    """The processors this process may use."""
    return sorted(os.sched_getaffinity(0))


def place(pid: int, processors: Sequence[int]) -> None:
    """Bind every thread of a process to some processors."""
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, processors)


def resident_memory(pid: int) -> int:
    """Bytes of a process that lie in memory (RSS). Unlike PSS it does not change with other processes."""
    return int(psutil.Process(pid).memory_info().rss)
