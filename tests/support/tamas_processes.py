"""``tamas serve`` and its workers without the seconds that their imports take.

One process has imported what a worker imports, and forks for each server; the supervisor that runs in the
fork forks its workers the same way. Everything from ``tamas.serve.main`` and ``tamas.worker.main`` on is the
product's. A fork is made to look like a program that was just started: a session of its own, its own
environment and folder, the signals of a fresh process, and no file but those that it is meant to have.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

_MAX_REQUEST = 1 << 20
_PR_SET_NAME = 15
WORKER_NAMES = {"main": "tamas-main", "api": "tamas-api"}
"""Names of forked workers by their role, as ``ps -o comm`` shows them."""
_shared: list[ForkingProcess] = []


class ForkedServer:
    """A forked ``tamas serve``, with what is used of ``subprocess.Popen``."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self.pid = int(channel.recv(16))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status; ``None`` while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. :raises subprocess.TimeoutExpired: it takes longer."""
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("tamas serve", timeout or 0)
        return status

    def terminate(self) -> None:
        """End it as Ctrl-C does."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            self._channel.settimeout(seconds)
            with contextlib.suppress(TimeoutError, BlockingIOError):
                said = self._channel.recv(16)
                self.returncode = int(said) if said else -signal.SIGKILL
                self._channel.close()
        return self.returncode


class ForkingProcess:
    """The process that forks."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(theirs):
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def serve(self, api_workers: int, *, env: Mapping[str, str], cwd: Path, output: int) -> ForkedServer:
        """Start a server that writes to the file ``output``."""
        request = json.dumps({"workers": str(api_workers), "env": dict(env), "cwd": str(cwd)}).encode()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(theirs):
            socket.send_fds(self._ours, [request], [output, theirs.fileno()])
        return ForkedServer(ours)

    def close(self) -> None:
        """End it, and what servers there are."""
        self._ours.close()
        self._process.wait()


def forking_process() -> ForkingProcess:
    """The process that the tests of a session share."""
    if not _shared:
        _shared.append(ForkingProcess())
    return _shared[0]


@pytest.fixture(scope="session", autouse=True)
def forks_end() -> Iterator[None]:
    """End the shared process with the session."""
    yield
    while _shared:
        _shared.pop().close()


# -- in the process that forks -------------------------------------------------------------------------


class _ForkedWorker:
    """A child of the supervisor, with what is used of ``subprocess.Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _fork(name: str, body: Callable[[], int], keep: Collection[int]) -> int:
    """Run ``body`` in a process that looks freshly started, and return its id.

    :param keep: files that it has beside standard input, output and error.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
        return child
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        for handled in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(handled, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode())
        for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
            if number > 2 and number not in keep:
                with contextlib.suppress(OSError):  # the one that read the folder
                    os.close(number)
        code = body()
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - nobody above would say it
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        # The frames below belong to whoever forked.
        os._exit(code)


def _serve(request: Mapping[str, object], output: int) -> int:
    from tamas import serve

    for position in (1, 2):
        os.dup2(output, position)
    os.close(output)
    environment, workers = request["env"], request["workers"]
    assert isinstance(environment, dict)
    assert isinstance(workers, str)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(str(request["cwd"]))
    sys.argv = ["tamas.serve", workers]
    return serve.main([workers], start=_fork_worker)


def _fork_worker(arguments: tuple[str, ...], http_fd: int, heartbeat_fd: int) -> _ForkedWorker:
    from tamas import worker
    from tamas.supervisor import die_with_parent

    parent = os.getpid()

    def work() -> int:
        die_with_parent(parent=parent)
        sys.argv = [
            "tamas.worker",
            *arguments,
            "--http-fd",
            str(http_fd),
            "--heartbeat-fd",
            str(heartbeat_fd),
        ]
        return worker.main()

    return _ForkedWorker(_fork(WORKER_NAMES[arguments[0]], work, (http_fd, heartbeat_fd)))


def _run(channel: socket.socket) -> None:
    import tamas.worker  # noqa: F401 - for the forks
    from tamas.console.app import declared_services as declare_console
    from tamas.sa.app import declared_services as declare_sa

    declare_sa()
    declare_console()
    gc.collect()
    gc.freeze()
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a process with threads cannot be forked"
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    running: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == wake:
                    os.read(wake, 4096)
                    _tell_ends(running)
                    continue
                request, (*files,), _, _ = socket.recv_fds(channel, _MAX_REQUEST, 2)
                if not request:
                    for pid in running:
                        os.kill(pid, signal.SIGKILL)
                    return
                output, told = files
                pid = _fork("tamas-serve", partial(_serve, json.loads(request), output), (output,))
                os.close(output)
                running[pid] = socket.socket(fileno=told)
                running[pid].send(str(pid).encode())


def _tell_ends(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with closing(running.pop(pid)) as told, contextlib.suppress(OSError):
                told.send(str(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    _run(socket.socket(fileno=int(sys.argv[1])))
