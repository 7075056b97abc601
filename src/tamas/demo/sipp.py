"""One SIPp process that plays a phone."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamas.errors import TamasError

SCENARIO = Path(__file__).with_name("scenarios") / "phone.xml"
LATENESS_NS = 10_000_000
"""How late SIPp's own timers may be; they are of hundreds of milliseconds, a message wakes it at once."""


class SippError(TamasError):
    """SIPp did not start or ended by itself; the text carries what it said."""


@dataclass(frozen=True, kw_only=True)
class PhoneIdentity:
    """What the scenario needs to know about its phone."""

    number: str
    secret: str
    server: tuple[str, int]
    contact: tuple[str, int]
    """Where the server reaches the phone."""


class SippProcess:
    """SIPp running the phone scenario. Make it with :meth:`start`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, port: int) -> None:
        self._process = process
        self._folder = folder
        self.address = ("127.0.0.1", port)
        """Where it speaks SIP; nothing but the phone's own wire talks to it."""

    @classmethod
    async def start(cls, sipp: Sequence[str], identity: PhoneIdentity) -> SippProcess:
        """Start it; it may need some milliseconds more to listen.

        :param sipp: the words that start SIPp.
        :raises SippError: the program is not there.
        """
        folder = Path(tempfile.mkdtemp(prefix="tamas-phone-"))
        port, control_port = _free_udp_ports(2)
        fields = folder / "phone.csv"
        server, contact = (f"{host}:{number}" for host, number in (identity.server, identity.contact))
        values = (identity.number, identity.secret, server, contact, identity.contact[0])
        if any(set(value) & set(";\r\n") for value in values):
            raise SippError("a phone's number and secret cannot hold ';' or line ends")
        fields.touch(mode=0o600)
        fields.write_text(f"SEQUENTIAL\n{';'.join(values)}\n", encoding="utf-8")
        words = [
            *_ends_with_us(),
            *sipp,
            *("-sf", str(SCENARIO), "-inf", str(fields), "-auth_uri", server),
            *("-i", "127.0.0.1", "-p", str(port), "-bind_local", "-t", "u1"),
            *("-ci", "127.0.0.1", "-cp", str(control_port)),
            *("-nostdin", "-skip_rlimit", "-default_behaviors", "none", "-timer_resol", "5"),
            *("-trace_err", "-error_file", str(folder / "errors.log"), "-f", "3600"),
        ]
        with (folder / "output.log").open("wb") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *words,
                    cwd=folder,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                shutil.rmtree(folder)
                raise SippError(f"cannot start {sipp[0]}: {error}") from error
        _wake_seldom(process.pid)
        return cls(process, folder, port)

    def check(self) -> None:
        """:raises SippError: it has ended."""
        if self._process.returncode is not None:
            raise SippError(f"SIPp ended with status {self._process.returncode}:\n{self.complaints()}")

    def complaints(self) -> str:
        """The end of what it wrote about errors."""
        texts = [
            path.read_text(encoding="utf-8", errors="replace")
            for path in (self._folder / "errors.log", self._folder / "output.log")
            if path.exists()
        ]
        return "\n".join(text[-2000:] for text in texts if text)

    async def kill(self) -> None:
        """End it at once and remove its files."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _ends_with_us() -> tuple[str, ...]:
    """A prefix that lets the kernel end SIPp when we die without a chance to; see setpriv(1)."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def _wake_seldom(pid: int) -> None:
    """Let the kernel wake an idle SIPp a hundred times a second, where SIPp itself asks for a thousand.

    It looks for messages with a limit of one millisecond that no option changes; dozens of idle phones keep a
    processor busy with that. See proc(5), timerslack_ns; what may not write it goes on as before.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/timerslack_ns").write_text(str(LATENESS_NS), encoding="ascii")


def _free_udp_ports(count: int) -> list[int]:
    probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
