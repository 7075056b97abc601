"""The product as its users start it: the command ``tamas serve`` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from support.commands import command_process
from support.databases import copied_sqlite
from support.ports import free_port, free_range
from support.tamas_processes import WORKER_NAMES, ForkedServer, forking_process
from support.waiting import eventually
from tamas.engine.running import EngineRecord, read_record
from tamas.sa.accounts import create_account
from tamas.store.changes import Changes
from tamas.store.database import open_database

READY_SECONDS = 45.0
STOP_SECONDS = 50.0
COMMAND_SECONDS = 30.0
LOG_TAIL = 6000
"""Characters of the log that a failure shows."""
ACCOUNT = "tester"


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the Simotel API."""

    username: str
    password: str
    token: str

    def headers(self) -> dict[str, str]:
        """What the mode ``both`` sends beside Basic credentials."""
        return {"X-APIKEY": self.token}


class ApiFailure(AssertionError):
    """The Simotel API answered that something failed."""


class TamasServer:
    """One instance: a state directory, free ports, and the process that serves it.

    ``async with TamasServer(folder) as server:`` starts it, and closes it whatever happens.

    :param command: start the command ``tamas serve`` itself; without it the process is a fork that has
        imported everything already, see ``support/tamas_processes.py``.
    :param template: a migrated, empty SQLite store to begin with; without it the server makes its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str = "",
        workers: int = 0,
        environment: Mapping[str, str] | None = None,
        command: bool = False,
        template: Path | None = None,
    ) -> None:
        rtp = free_range(200)
        self.folder = folder
        self.state_dir = folder / "state"
        self.workers = workers
        self.command = command
        self.http_port = free_port()
        self.sip = ("127.0.0.1", free_port())
        """Where it speaks SIP."""
        self.base_url = f"http://127.0.0.1:{self.http_port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TAMAS_")},
            **{
                name: os.environ[name] for name in ("TAMAS_CACHE_DIR", "TAMAS_ASTERISK") if name in os.environ
            },
            "TAMAS_STATE_DIR": str(self.state_dir),
            "TAMAS_HTTP_HOST": "127.0.0.1",
            "TAMAS_HTTP_PORT": str(self.http_port),
            "TAMAS_SIP_HOST": "127.0.0.1",
            "TAMAS_SIP_PORT": str(self.sip[1]),
            "TAMAS_RTP_PORTS": f"{rtp.start}-{rtp.stop - 1}",
            # A test run by root stays root, so that it can read everything it made.
            "TAMAS_USER": pwd.getpwuid(os.geteuid()).pw_name,
            "PYTHONUNBUFFERED": "1",
            **({"TAMAS_DATABASE_URL": database_url} if database_url else {}),
            **(environment or {}),
        }
        if template is not None:
            copied_sqlite(template, self.state_dir / "tamas.db")
        self.account: Account | None = None
        self.client = httpx.AsyncClient(base_url=self.base_url, timeout=20)
        self._output = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | ForkedServer | None = None
        self._asterisk: tuple[int, int] | None = None

    # -- living ----------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, *, ready: bool = True) -> None:
        """Start ``tamas serve`` and wait until /readyz says yes; make the account at the first start."""
        self.launch()
        if not ready:
            return
        await self.wait_ready()
        if self.account is None:
            self.account = await self._new_account()
            self.client.auth = httpx.BasicAuth(self.account.username, self.account.password)
            self.client.headers.update(self.account.headers())

    async def _new_account(self) -> Account:
        """An account that may do everything; not by the command, which takes longer and has its own tests."""
        database = await open_database(self.database_url)
        try:
            made = await create_account(
                database,
                Changes(database),
                username=ACCOUNT,
                auth="both",
                password=None,
                permissions=["*"],
            )
        finally:
            await database.close()
        assert made.password is not None
        assert made.token is not None
        return Account(username=made.username, password=made.password, token=made.token)

    @property
    def database_url(self) -> str:
        """Of its store."""
        return self.environment.get("TAMAS_DATABASE_URL") or f"sqlite:///{self.state_dir / 'tamas.db'}"

    def launch(self) -> None:
        """Start ``tamas serve`` and wait for nothing."""
        assert self._process is None, "it runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        workers = ("--workers", str(self.workers)) if self.workers else ()
        with self._output.open("ab") as output:
            if not self.command:
                self._process = forking_process().serve(
                    self.workers, env=self.environment, cwd=self.folder, output=output.fileno()
                )
                return
            self._process = subprocess.Popen(
                [*TAMAS, "serve", *workers],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def wait_ready(self, within: float = READY_SECONDS) -> None:
        """Wait until /readyz says that it can take calls."""
        deadline = time.monotonic() + within
        problem = "it was never asked"
        while time.monotonic() < deadline:
            status = None if self._process is None else self._process.poll()
            assert status is None, f"tamas serve ended with {status}:\n{self.log_tail}"
            try:
                answer = await self.client.get("/readyz", timeout=3)
            except httpx.TransportError as error:
                problem = repr(error)
            else:
                if answer.status_code == 200:
                    self._note_asterisk()
                    return
                problem = answer.text
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready within {within} s ({problem}):\n{self.log_tail}")

    async def stop(self) -> int:
        """End it as Ctrl-C does, Asterisk included, and return its exit status."""
        process = self._running()
        self._note_asterisk()
        process.terminate()
        status = await asyncio.to_thread(process.wait, STOP_SECONDS)
        self._process = None
        return status

    async def kill9(self) -> None:
        """Kill every process of ours at once, as a crash would; Asterisk and its calls go on."""
        process = self._running()
        self._note_asterisk()
        ours = [psutil.Process(process.pid), *self.workers_running()]
        process.kill()
        await asyncio.to_thread(process.wait, 10)
        self._process = None
        # The workers are told by the kernel; they must not be there when the next start begins.
        await eventually(
            lambda: not any(_alive(one) for one in ours), within=10, what="the end of all workers"
        )

    async def restart(self) -> None:
        """Start again after :meth:`stop` or :meth:`kill9`, or stop and start."""
        if self._process is not None:
            await self.stop()
        await self.start()

    async def close(self) -> None:
        """End whatever is left of this instance, by whatever means."""
        try:
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    await self.stop()
            if self._process is not None:
                await self.kill9()
        finally:
            self._note_asterisk()
            self.kill_asterisk()
            await self.client.aclose()

    def workers_running(self) -> list[psutil.Process]:
        """The working processes, main worker first; Asterisk is not one of them."""
        try:
            children = psutil.Process(self._running().pid).children()
        except psutil.NoSuchProcess:
            return []
        roles = [(child, _role(child)) for child in children]
        return [child for wanted in ("main", "api") for child, role in roles if role == wanted]

    @property
    def main_worker(self) -> psutil.Process:
        """The process that runs every room: stop it with SIGSTOP to stall it, kill it to see it come back."""
        return self.workers_running()[0]

    # -- Asterisk --------------------------------------------------------------------------------------

    def engine_record(self) -> EngineRecord | None:
        """What is written down about the running Asterisk."""
        return read_record(self.state_dir / "engine.json")

    @property
    def asterisk(self) -> psutil.Process:
        """The running Asterisk."""
        record = self.engine_record()
        assert record is not None, f"no Asterisk is written down:\n{self.log_tail}"
        return psutil.Process(record.pid)

    def kill_asterisk(self) -> None:
        """Kill the last Asterisk that was seen, if it still runs."""
        if self._asterisk is None:
            return
        pid, started = self._asterisk
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if _start_ticks(pid) == started:
                os.kill(pid, signal.SIGKILL)

    def _note_asterisk(self) -> None:
        record = self.engine_record()
        if record is not None:
            self._asterisk = record.pid, record.process_started

    # -- talking ---------------------------------------------------------------------------------------

    async def cli(self, *words: str) -> Any:
        """Run ``tamas WORDS --json`` on this instance and return what it printed.

        :raises AssertionError: it failed; the text says what it said.
        """
        ended = await command_process().run(
            [*words, "--json"], env=self.environment, cwd=self.folder, seconds=COMMAND_SECONDS
        )
        assert ended.returncode == 0, (
            f"tamas {' '.join(words)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )
        return json.loads(ended.stdout)

    async def api(self, service: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call a service of the Simotel API and return the ``data`` of its answer.

        :raises ApiFailure: it answered with anything but success.
        """
        answer = await self.client.post(f"/api/v4/{service}", json=dict(body or {}))
        envelope = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if answer.status_code != 200 or envelope.get("success") != 1:
            raise ApiFailure(f"{service}: {answer.status_code} {answer.text}")
        return envelope["data"]

    async def originate(self, caller: str, callee: str, **fields: Any) -> str:
        """Ask for a two-way call and return its ``originated_call_id``."""
        body = {"caller": caller, "callee": callee, "context": "main_routing", "caller_id": callee, **fields}
        data = await self.api("call/originate/act", body)
        return str(data["originated_call_id"])

    async def calls(self, **options: str) -> list[dict[str, Any]]:
        """Call records, newest first: ``tamas calls list`` with these options (``originated=…``)."""
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        rows: list[dict[str, Any]] = await self.cli("calls", "list", *words)
        return rows

    async def call_record(self, originated: str, *, within: float = 10.0) -> dict[str, Any]:
        """The record of an originated call, once it is over."""

        async def found() -> list[dict[str, Any]]:
            return await self.calls(originated=originated)

        rows: list[dict[str, Any]] = await eventually(found, within=within, what=f"a record of {originated}")
        assert len(rows) == 1, rows
        return rows[0]

    # -- for the reader of a failure -------------------------------------------------------------------

    @property
    def log(self) -> str:
        """Everything it logged since the first start."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def log_tail(self) -> str:
        """The end of the log."""
        return self.log[-LOG_TAIL:]

    report_text = log_tail

    @property
    def alive(self) -> bool:
        """Whether ``tamas serve`` runs."""
        return self._process is not None and self._process.poll() is None

    def _running(self) -> subprocess.Popen[bytes] | ForkedServer:
        assert self._process is not None, "it does not run"
        return self._process


def _tamas_command() -> tuple[str, ...]:
    script = Path(sys.executable).parent / "tamas"
    return (str(script),) if script.exists() else (sys.executable, "-m", "tamas.cli")


TAMAS = _tamas_command()
"""The words that start the command ``tamas``."""


def _alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def _role(process: psutil.Process) -> str | None:
    """What kind of worker it is; ``None`` when it is none."""
    try:
        words, name = process.cmdline(), process.name()
    except psutil.NoSuchProcess:
        return None
    if "tamas.worker" in words:
        return words[words.index("tamas.worker") + 1]
    return next((role for role, forked in WORKER_NAMES.items() if forked == name), None)


def _start_ticks(pid: int) -> int:
    """Start of a process in clock ticks since boot: field 22 of proc(5)'s stat."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
