"""The Asterisk process: starting it so that it outlives us, finding it again, watching and ending it.

A lock file says whether an Asterisk of a state directory lives. We lock it, Asterisk inherits the descriptor
and keeps it open, so the kernel frees the lock when the last of us is gone, whoever dies first
(architecture rule 11). All of this is Linux: flock(2), pidfd_open(2), proc(5).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tamas.errors import TamasError

_START_TIME_FIELD: Final = 21
"""Position of ``starttime`` in /proc/PID/stat, counted from 0; see proc(5)."""
_INHERITED_SIGNALS: Final = (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class ProcessStartFailed(TamasError):
    """The program of Asterisk could not be started; the text says why."""


class LockHeldError(TamasError):
    """Another process holds the lock."""


class FileLock:
    """An exclusive flock(2) on a file, held until closed by every process that has the descriptor."""

    def __init__(self, path: Path) -> None:
        """Take the lock. :raises LockHeldError: somebody else has it."""
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise LockHeldError(f"{path} is locked by another process") from error

    @property
    def descriptor(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"the lock {self._path} was given up")
        return self._descriptor

    def close(self) -> None:
        """Give our part of the lock up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class AsteriskProcess:
    """A running Asterisk, started by us or found."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.started = process_start_time(pid) or 0
        self._descriptor: int | None = descriptor
        self._exited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(descriptor, self._on_exit)

    @classmethod
    def start(
        cls, command: Sequence[str], *, environment: Mapping[str, str], output: Path, lock: FileLock
    ) -> AsteriskProcess:
        """Start a program in its own session, holding ``lock``, its output appended to a file.

        :raises ProcessStartFailed: see there.
        """
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        # What Asterisk writes (logs, recordings) is its owner's only.
        mask = os.umask(0o077)
        try:
            pid = os.posix_spawn(
                command[0],
                [*command],
                {**environment},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, descriptor, 1),
                    (os.POSIX_SPAWN_DUP2, descriptor, 2),
                    # To itself: clears close-on-exec in the child alone.
                    (os.POSIX_SPAWN_DUP2, lock.descriptor, lock.descriptor),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=_INHERITED_SIGNALS,
            )
        except OSError as error:
            raise ProcessStartFailed(f"{command[0]} could not be started: {error}") from error
        finally:
            os.umask(mask)
            os.close(descriptor)
        return cls(pid, os.pidfd_open(pid))

    @classmethod
    def find(cls, pid: int) -> AsteriskProcess | None:
        """Attach to a running process; None when there is none of that number."""
        try:
            return cls(pid, os.pidfd_open(pid))
        except ProcessLookupError:
            return None

    @property
    def running(self) -> bool:
        return not self._exited.done()

    async def wait(self) -> str:
        """Wait for its end and return how it ended, in words."""
        return await asyncio.shield(self._exited)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended."""
        if self._descriptor is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    async def end(self, *, patience: float) -> None:
        """Ask it to end (SIGTERM: Asterisk hangs up first), and kill it after ``patience`` seconds."""
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await self.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.wait()

    def leave(self) -> None:
        """Stop watching; the process goes on."""
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _on_exit(self) -> None:
        if self._descriptor is None:
            return
        how = "ended"
        # Who is not its parent does not learn its status; who is must take it, or it stays a zombie.
        with contextlib.suppress(ChildProcessError):
            result = os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED | os.WNOHANG)
            if result is not None:
                how = _ending(result.si_code, result.si_status)
        self.leave()
        if not self._exited.done():
            self._exited.set_result(how)


def _ending(code: int, status: int) -> str:
    if code == os.CLD_EXITED:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(status).name}"


def process_start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process; None when there is none of that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything, blanks and parentheses too.
    after_name = stat.rpartition(")")[2].split()
    return int(after_name[_START_TIME_FIELD - 2])


def lock_holders(lock: Path) -> list[int]:
    """Return the processes that have a lock file open, ourselves left out.

    Sees processes of our own user only, unless we are root.
    """
    try:
        wanted = lock.stat()
    except FileNotFoundError:
        return []
    others = (
        each for each in Path("/proc").iterdir() if each.name.isdigit() and int(each.name) != os.getpid()
    )
    return [int(each.name) for each in others if _has_open(each, wanted)]


def _has_open(process: Path, file: os.stat_result) -> bool:
    return any((each.st_dev, each.st_ino) == (file.st_dev, file.st_ino) for each in _open_files(process))


def _open_files(process: Path) -> Iterator[os.stat_result]:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            yield descriptor.stat()
