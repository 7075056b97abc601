"""A real Asterisk with a small static configuration, for the tests of the AMI client and AGI server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from support.ports import free_port
from support.waiting import eventually
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.install import AsteriskInstall, ensure_asterisk

MANAGER = "tester"

_MODULES = """
    res_timing_timerfd res_speech res_agi res_clioriginate res_musiconhold
    bridge_simple bridge_builtin_features bridge_softmix bridge_holding
    codec_ulaw codec_alaw codec_resample format_pcm format_wav format_sln
    app_dial app_exec app_stack app_userevent app_verbose app_playback app_senddtmf app_queue app_echo
    func_callerid func_channel func_logic func_strings func_global func_uri func_env pbx_config
""".split()  # noqa: SIM905


@lru_cache
def asterisk() -> AsteriskInstall:
    """The Asterisk that Tamas itself would run, from the cache it shares with every test run."""
    named = os.environ.get("TAMAS_CACHE_DIR")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tamas"
    return ensure_asterisk(Path(named) if named else usual, None, lambda text: None)


@dataclass
class Engine:
    """One Asterisk process and the ways to reach it."""

    directory: Path
    manager_port: int
    agi_port: int
    secret: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Asterisk; ready when ``wait_ready`` returns."""
        install = asterisk()
        output = (self.directory / "output").open("ab")
        with output:
            self.process = subprocess.Popen(
                [
                    *install.command,
                    "-C",
                    str(self.directory / "etc/asterisk.conf"),
                    "-f",
                    "-n",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    "TZ": "UTC",
                    "PATH": os.environ.get("PATH", ""),
                    "LANG": "C.UTF-8",
                    **install.environment,
                },
            )

    def kill(self) -> None:
        """End Asterisk at once, as a crash would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(timeout=20)
            self.process = None

    def client(self, **options: object) -> AmiClient:
        """A manager client for this engine that is not running yet."""
        arguments: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.manager_port,
            "username": MANAGER,
            "secret": self.secret,
            "on_event": lambda event: None,
            "event_mask": "system,call,user,agent",
        }
        return AmiClient(**(arguments | options))  # type: ignore[arg-type]


@dataclass
class Running:
    """A manager client with its task and every event it has seen."""

    client: AmiClient
    events: list[AmiMessage] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Running:
        self.task = asyncio.create_task(self.client.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        assert self.task is not None
        await asyncio.wait_for(self.task, 5)

    def find(self, event: str, **fields: str) -> AmiMessage | None:
        """The first event of that name whose headers have these values."""
        for each in list(self.events):
            if each.event == event and all(each.get(name) == value for name, value in fields.items()):
                return each
        return None

    async def event(self, event: str, *, within: float = 10.0, **fields: str) -> AmiMessage:
        """Wait for an event."""
        await eventually(
            lambda: self.find(event, **fields) is not None, within=within, what=f"event {event} {fields}"
        )
        found = self.find(event, **fields)
        assert found is not None
        return found


def running(engine: Engine, **options: object) -> Running:
    """A client of ``engine`` that collects its events, to be used with ``async with``."""
    events: list[AmiMessage] = []
    return Running(client=engine.client(on_event=events.append, **options), events=events)


def make_engine(directory: Path) -> Engine:
    """Write a configuration; nothing is started."""
    engine = Engine(
        directory=directory, manager_port=free_port(), agi_port=free_port(), secret=secrets.token_hex(8)
    )
    install = asterisk()
    for name in ("etc", "lib", "db", "keys", "agi", "spool", "run", "log", "data"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    for entry in install.data_dir.iterdir():
        if entry.name != "sounds":
            (directory / "data" / entry.name).symlink_to(entry)
    (directory / "data/sounds").mkdir(exist_ok=True)
    # Half a second, and half a minute, of silence: sounds that are surely there.
    (directory / "data/sounds/short.sln").write_bytes(bytes(8000))
    (directory / "data/sounds/long.sln").write_bytes(bytes(16000 * 30))
    agi = f"agi://127.0.0.1:{engine.agi_port}"
    files = {
        "asterisk.conf": f"""
[directories]
astetcdir => {directory}/etc
astmoddir => {install.modules_dir}
astvarlibdir => {directory}/lib
astdbdir => {directory}/db
astkeydir => {directory}/keys
astdatadir => {directory}/data
astagidir => {directory}/agi
astspooldir => {directory}/spool
astrundir => {directory}/run
astlogdir => {directory}/log
[options]
nofork = yes
documentation_language = en_US
""",
        "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in _MODULES),
        "logger.conf": "[general]\nqueue_log = no\n[logfiles]\nmessages => notice,warning,error\n",
        "manager.conf": f"""
[general]
enabled = yes
port = {engine.manager_port}
bindaddr = 127.0.0.1
displayconnects = no
[{MANAGER}]
secret = {engine.secret}
read = all
write = all
""",
        "extensions.conf": f"""
[calls]
exten => silence,1,Answer()
 same => n,Wait(600)
exten => brief,1,Answer()
 same => n,Hangup()
exten => digits,1,Answer()
 same => n,Wait(1)
 same => n,SendDTMF(42#)
 same => n,Wait(600)
[agi]
exten => _[a-z].,1,AGI({agi}/${{EXTEN}})
 same => n,UserEvent(AfterAgi,Status: ${{AGISTATUS}},Exten: ${{EXTEN}},Value: ${{RESULT}})
 same => n,Wait(600)
exten => with-query,1,AGI({agi}/a%20b/%D8%B3?node=7&text=x%26y,first,,third)
 same => n,UserEvent(AfterAgi,Status: ${{AGISTATUS}},Exten: ${{EXTEN}})
exten => with-full,1,Set(AGIEXECFULL=1)
 same => n,AGI({agi}/with-full)
exten => h,1,UserEvent(HangupReached,Source: ${{ORIGINAL}},Status: ${{AGISTATUS}})
[variables]
exten => show,1,UserEvent(Shown,Value: ${{SHOWN}})
 same => n,Wait(600)
""",
        "pjproject.conf": "",
        "queues.conf": "[general]\n[sales]\nstrategy = ringall\n[support]\nstrategy = ringall\n",
        "cdr.conf": "[general]\nenable = no\n",
        "cel.conf": "[general]\nenable = no\n",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {directory}/data/sounds\n",
    }
    for empty in (
        "features",
        "acl",
        "ccss",
        "udptl",
        "indications",
        "codecs",
        "cli",
        "cli_permissions",
        "stasis",
    ):
        files[f"{empty}.conf"] = ""
    files["indications.conf"] = "[general]\ncountry = us\n[us]\ndescription = US\nringcadence = 2000,4000\n"
    for name, text in files.items():
        (directory / "etc" / name).write_text(text.lstrip("\n"), encoding="utf-8")
    return engine


def wait_ready(engine: Engine, *, within: float = 20.0) -> None:
    """Block until the manager port answers."""
    deadline = time.monotonic() + within
    while True:
        assert engine.process is not None
        assert engine.process.poll() is None, (engine.directory / "output").read_text(errors="replace")[
            -2000:
        ]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", engine.manager_port), 1):
            return
        assert time.monotonic() < deadline, "Asterisk did not open its manager port"
        time.sleep(0.02)


def start_engine(directory: Path) -> Iterator[Engine]:
    """A running engine, killed at the end; to be wrapped in a fixture."""
    engine = make_engine(directory)
    engine.start()
    try:
        wait_ready(engine)
        yield engine
    finally:
        engine.kill()


async def local_call(client: AmiClient, extension: str, *, far: str = "silence") -> None:
    """Originate a call into context ``agi`` whose other half sits in context ``calls``."""
    await client.action(
        "Originate",
        {
            "Channel": f"Local/{far}@calls/n",
            "Context": "agi",
            "Exten": extension,
            "Priority": "1",
            "Async": "true",
            "Variable": f"ORIGINAL={extension}",
        },
    )


@contextlib.asynccontextmanager
async def stand_in(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
) -> AsyncIterator[int]:
    """A TCP server on a free port that stands in for a peer whose faults cannot be made for real."""
    tasks: set[asyncio.Task[object]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def one() -> None:
            try:
                result = answer(reader, writer)
                if asyncio.iscoroutine(result):
                    await result
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.transport.abort()

        task: asyncio.Task[object] = asyncio.create_task(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
