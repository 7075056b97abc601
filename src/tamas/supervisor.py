"""``tamas serve``: a small parent that keeps the working processes alive.

It binds the HTTP port (so that a restart of a worker refuses nobody), starts one main worker that runs every
room and any number of API-only workers, and watches a heartbeat from the event loop of each. A worker whose
loop stands still for :data:`STALL_SECONDS` is killed, because Asterisk waits for ever on a FastAGI connection
that was accepted (architecture rule 7), and every worker that ends is started again. Workers die with their
parent; Asterisk does not die with either (rule 11).

This module imports nothing heavy: the parent must stay small and must not be able to stall itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from tamas.errors import TamasError
from tamas.settings import Settings

log = logging.getLogger(__name__)

STALL_SECONDS = 5.0
"""A worker silent for longer than this is killed."""
START_SECONDS = 60.0
"""A worker must show its first heartbeat within this time."""
STOP_SECONDS = 40.0
"""A worker has this long to end by itself when asked to."""
RESTART_DELAYS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each restart in a row; the last one repeats."""
STEADY_SECONDS = 30.0
"""A worker that lived this long starts the delays over."""
HTTP_BACKLOG = 1024

PREPARED = b"!"
"""Written into the heartbeat by the main worker when the store is ready for others."""
EXIT_CONFIGURATION = 78
"""Exit status of a worker that cannot run as it is set up (``EX_CONFIG``); it is not started again."""


_PR_SET_PDEATHSIG = 1


class PortTakenError(TamasError):
    """The HTTP port cannot be bound."""


class WorkerProcess(Protocol):
    """What the supervisor does with a process of its own; ``subprocess.Popen`` is one."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Take notice of its end and return its exit status; ``None`` while it runs."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal."""

    def kill(self) -> None:
        """End it at once."""


StartWorker = Callable[[tuple[str, ...], int, int], WorkerProcess]
"""Starts a worker of these arguments with the HTTP listener and the heartbeat pipe, by number."""


@dataclass(kw_only=True)
class _Worker:
    name: str
    arguments: tuple[str, ...]
    process: WorkerProcess | None = None
    heartbeat: int = -1
    started: float = 0.0
    last_beat: float | None = None
    prepared: bool = False
    failures: int = 0
    start_at: float = 0.0


def bind_http(settings: Settings) -> socket.socket:
    """Bind and listen on the HTTP address.

    :raises PortTakenError: somebody else listens there, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.http_host, settings.http_port))
        listener.listen(HTTP_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"cannot listen on {settings.http_host} port {settings.http_port}: {error.strerror}; "
            "set TAMAS_HTTP_PORT to a free port"
        ) from error
    return listener


def die_with_parent(number: signal.Signals = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Have the kernel end this process when its parent dies (prctl(2), PR_SET_PDEATHSIG).

    :param parent: who that is; a process that knows it cannot miss a death before this call.
    """
    if parent is None:
        parent = os.getppid()
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), number)


def start_worker(arguments: tuple[str, ...], http_fd: int, heartbeat_fd: int) -> WorkerProcess:
    """Start ``python -m tamas.worker``, which dies with this process and has nothing else of it."""
    return subprocess.Popen(
        [
            sys.executable,
            "-P",  # what lies in the current folder is not ours
            "-m",
            "tamas.worker",
            *arguments,
            "--http-fd",
            str(http_fd),
            "--heartbeat-fd",
            str(heartbeat_fd),
        ],
        pass_fds=(http_fd, heartbeat_fd),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor alone
        # Before the worker's first line: one that is still importing must not outlive us with the port.
        preexec_fn=partial(die_with_parent, parent=os.getpid()),
    )


class Supervisor:
    """Runs the workers of one ``tamas serve`` until it is told to stop."""

    def __init__(
        self, listener: socket.socket, *, api_workers: int, start: StartWorker = start_worker
    ) -> None:
        self._listener = listener
        self._start_process = start
        self._workers = [_Worker(name="main", arguments=("main",))]
        self._workers += [
            _Worker(name=f"api-{number}", arguments=("api",)) for number in range(1, api_workers + 1)
        ]
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT.

        :returns: exit status: 0 after a clean stop, :data:`EXIT_CONFIGURATION` when a worker cannot run.
        """
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(wake_read, selectors.EVENT_READ, None)
        try:
            while not (self._stopping and all(worker.process is None for worker in self._workers)):
                self._reap()
                if not self._stopping:
                    self._start_due()
                self._wait(wake_read)
                self._kill_stalled()
        finally:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            os.close(wake_read)
            os.close(wake_write)
        return self._status

    def _stop(self, *_: object) -> None:
        self._stopping = True
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is not None:
                worker.start_at = now + STOP_SECONDS
                with contextlib.suppress(ProcessLookupError):
                    worker.process.send_signal(signal.SIGTERM)

    def _start_due(self) -> None:
        now = time.monotonic()
        prepared = self._workers[0].prepared
        for worker in self._workers:
            # API workers need the schema that the main worker prepares.
            if worker.process is None and worker.start_at <= now and (worker.name == "main" or prepared):
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        worker.process = self._start_process(worker.arguments, self._listener.fileno(), write)
        os.close(write)
        worker.heartbeat = read
        worker.started = time.monotonic()
        worker.last_beat = None
        self._selector.register(read, selectors.EVENT_READ, worker)

    def _wait(self, wake_read: int) -> None:
        for key, _ in self._selector.select(timeout=0.2):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 64)
                continue
            worker: _Worker = key.data
            try:
                beat = os.read(worker.heartbeat, 4096)
            except BlockingIOError:
                continue
            if beat:
                worker.last_beat = time.monotonic()
                worker.prepared = worker.prepared or PREPARED in beat
            else:
                self._selector.unregister(worker.heartbeat)
                os.close(worker.heartbeat)
                worker.heartbeat = -1

    def _kill_stalled(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is None:
                continue
            silent = now - (worker.last_beat or worker.started)
            limit = STALL_SECONDS if worker.last_beat is not None else START_SECONDS
            if self._stopping:
                if now > worker.start_at:
                    log.error("worker %s did not stop within %.0f s; killing it", worker.name, STOP_SECONDS)
                    worker.process.kill()
            elif silent > limit:
                log.error(
                    "worker %s (pid %d) stood still for %.1f s; killing it",
                    worker.name,
                    worker.process.pid,
                    silent,
                )
                worker.process.kill()
                worker.last_beat = now  # killed once; the reaper does the rest

    def _reap(self) -> None:
        for worker in self._workers:
            if worker.process is None or worker.process.poll() is None:
                continue
            status = worker.process.returncode
            worker.process = None
            if worker.heartbeat >= 0:
                self._selector.unregister(worker.heartbeat)
                os.close(worker.heartbeat)
                worker.heartbeat = -1
            worker.last_beat = None
            if self._stopping:
                continue
            if status == EXIT_CONFIGURATION:
                self._status = EXIT_CONFIGURATION
                self._stop()
                continue
            if time.monotonic() - worker.started > STEADY_SECONDS:
                worker.failures = 0
            delay = RESTART_DELAYS[min(worker.failures, len(RESTART_DELAYS) - 1)]
            worker.failures += 1
            worker.start_at = time.monotonic() + delay
            log.error("worker %s ended with %s; starting it again in %.1f s", worker.name, status, delay)
