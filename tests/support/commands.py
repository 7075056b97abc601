"""``tamas …`` as a process of its own, without the second that its imports take.

One process has imported everything and forks for each command, which gets its own environment, folder, output
and exit status, as if it had been started from a shell.
"""

from __future__ import annotations

import asyncio
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

_MAX_REQUEST = 1 << 20
_shared: list[CommandProcess] = []


@dataclass(frozen=True)
class Ended:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


class CommandProcess:
    """The process that forks. One command at a time; others wait."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._turn = asyncio.Lock()
        with closing(theirs):
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    async def run(self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float) -> Ended:
        """Run ``tamas WORDS``. :raises TimeoutError: it took longer; it and its process are gone."""
        async with self._turn:
            return await asyncio.to_thread(self.run_now, words, env=env, cwd=cwd, seconds=seconds)

    def run_now(self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float) -> Ended:
        """The same, for tests without a loop."""
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
            request = json.dumps({"words": list(words), "env": dict(env), "cwd": str(cwd)}).encode()
            socket.send_fds(self._ours, [request], [said.fileno(), complained.fileno()])
            self._ours.settimeout(seconds)
            try:
                status = self._ours.recv(16)
            except TimeoutError:
                self.close()
                raise
            assert status, "the process of commands is gone"
            said.seek(0)
            complained.seek(0)
            return Ended(int(status), said.read().decode(), complained.read().decode())

    def close(self) -> None:
        """End it, and the command that it runs."""
        self._ours.close()
        self._process.kill()
        self._process.wait()
        if self in _shared:
            _shared.remove(self)


def command_process() -> CommandProcess:
    """The process that the tests of a session share."""
    if not _shared:
        _shared.append(CommandProcess())
    return _shared[0]


@pytest.fixture(scope="session", autouse=True)
def commands_end() -> Iterator[None]:
    """End the shared process with the session."""
    yield
    while _shared:
        _shared[0].close()


def _serve(channel: socket.socket) -> None:
    import tamas.commands
    from tamas import cli

    for module in pkgutil.iter_modules(tamas.commands.__path__):
        import_module(f"tamas.commands.{module.name}")
    while True:
        request, outputs, _, _ = socket.recv_fds(channel, _MAX_REQUEST, 2)
        if not request:
            return
        child = os.fork()
        if child == 0:
            channel.close()
            _become(json.loads(request), outputs, cli.main)
        for output in outputs:
            os.close(output)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, object], outputs: Sequence[int], main: object) -> None:
    """Be the command, in this forked process; does not return."""
    code = 70
    try:
        for position, output in enumerate(outputs, 1):
            os.dup2(output, position)
            os.close(output)
        environment, words = request["env"], request["words"]
        assert isinstance(environment, dict)
        assert isinstance(words, list)
        assert callable(main)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(str(request["cwd"]))
        sys.argv = ["tamas", *words]
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(socket.socket(fileno=int(sys.argv[1])))
