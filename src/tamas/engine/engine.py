"""The engine: one Asterisk, supervised, and the two connections over which we and it talk.

Asterisk outlives us (architecture rule 11): :meth:`Engine.start` takes a running one over with the
configuration it has, or starts a new one; when it dies it is started again; :meth:`Engine.close` ends it or
leaves it running.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from tamas.engine.ami import AmiClient, AmiError, AmiMessage
from tamas.engine.configuration import (
    AMI_USER,
    LOOPBACK,
    ConfigDigest,
    EnginePorts,
    EngineSecrets,
    configuration_digest,
    engine_environment,
    load_secrets,
    write_agi_url,
    write_configuration,
)
from tamas.engine.fastagi import AgiSession, FastAgiServer
from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.engine.log_tail import POLL_SECONDS, AsteriskLog
from tamas.engine.ports import NoFreePortError, candidate_ports, free_port, is_free, is_listening
from tamas.engine.process import AsteriskProcess, FileLock, LockHeldError, lock_holders, process_start_time
from tamas.engine.running import EngineRecord, read_record, write_record
from tamas.errors import TamasError
from tamas.outgoing.backoff import BackOff
from tamas.settings import Settings
from tamas.store.clock import now

log = logging.getLogger(__name__)

EngineState = Literal["stopped", "starting", "running", "restarting", "stopping"]

BOOT_SECONDS: Final = 60.0
"""Time for a new Asterisk to load everything; ten thousand extensions take seven seconds."""
ADOPTION_SECONDS: Final = 15.0
"""Time for a running Asterisk to let us in before it is taken for broken and replaced."""
STOP_SECONDS: Final = 30.0
"""Time to hang up and end; Asterisk itself waits up to 15 s for its channels."""
REPLACE_SECONDS: Final = 10.0
STEADY_SECONDS: Final = 30.0
"""An Asterisk that ran so long and then died is started again without waiting."""
AGI_GRACE_SECONDS: Final = 1.0
LISTEN_POLL_SECONDS: Final = 0.02
ROTATE_EVERY: Final = 60
"""The size of the log is looked at each so many polls."""
RESTARTS: Final = BackOff(first=1.0, factor=2.0, cap=30.0)
RECONNECTS: Final = BackOff(first=0.05, factor=2.0, cap=0.5)
"""Short, because a dead Asterisk is back within two seconds."""


class EngineError(TamasError):
    """The engine cannot do what was asked; the text says why."""


class EngineInUse(EngineError):
    """Another Tamas process runs the engine of this state directory."""


class EngineNotReady(EngineError):
    """Asterisk is not ready, or was not within the time limit."""


@dataclass(frozen=True, kw_only=True)
class EngineStatus:
    """How the engine is, for ``/readyz`` and people."""

    state: EngineState
    pid: int | None
    version: str
    adopted: bool
    """Whether this Asterisk was running before we were."""
    since: int | None
    """Start of this Asterisk, microseconds since the epoch, UTC."""
    problem: str | None
    """What is wrong, in plain words; also set while the engine runs."""


class Engine:
    """Supervises the Asterisk of one state directory.

    ``on_event`` gets each AMI event (of ``only_events``, unless that is empty), in order, and must return
    quickly. ``on_ready`` is awaited whenever the manager connection to a fully booted Asterisk has come up,
    before :attr:`ready`; its argument is False for an Asterisk that has just started and so has no calls.
    ``agi_handler`` serves each FastAGI connection.
    """

    def __init__(
        self,
        settings: Settings,
        database_url: str,
        install: AsteriskInstall,
        *,
        agi_handler: Callable[[AgiSession], Awaitable[None]],
        on_event: Callable[[AmiMessage], None],
        on_ready: Callable[[bool], Awaitable[None]],
        only_events: Collection[str] = (),
    ) -> None:
        self._settings = dataclasses.replace(settings, database_url=database_url)
        self._install = install
        self._agi_handler = agi_handler
        self._on_event = on_event
        self._only_events = only_events
        self._on_ready = on_ready
        self._layout = EngineLayout(state_dir=settings.state_dir)
        self._owner: FileLock | None = None
        self._lock: FileLock | None = None
        self._process: AsteriskProcess | None = None
        self._record: EngineRecord | None = None
        self._secrets: EngineSecrets | None = None
        self._digest: ConfigDigest | None = None
        self._agi: FastAgiServer | None = None
        self._agi_port = 0
        self._ami: AmiClient | None = None
        self._ami_port = 0
        self._ami_task: asyncio.Task[None] | None = None
        self._log: AsteriskLog | None = None
        self._log_task: asyncio.Task[None] | None = None
        self._supervising: asyncio.Task[None] | None = None
        self._booted = asyncio.Event()
        self._state: EngineState = "stopped"
        self._adopted = False
        self._fresh = True
        self._failure: str | None = None
        self._lost_records = 0
        self._ended_at: int | None = None

    @property
    def ami(self) -> AmiClient:
        """The manager connection. Ask for it anew each time: a restart may replace it.

        :raises EngineNotReady: the engine was not started.
        """
        if self._ami is None:
            raise EngineNotReady("the engine was not started")
        return self._ami

    @property
    def ended_at(self) -> int | None:
        """When the Asterisk before this one ended, if we saw it end; microseconds UTC."""
        return self._ended_at

    @property
    def ready(self) -> bool:
        """Whether Asterisk is fully booted and we are logged in, so that calls can be made."""
        return self._ami is not None and self._ami.connected and self._state == "running"

    async def start(self) -> None:
        """Take over the running Asterisk or start one, and supervise it from now on.

        Returns when its process is there; :meth:`wait_ready` waits until it can make calls.

        :raises EngineInUse: another process supervises this state directory.
        :raises TamasError: the configuration cannot be written or the program not be started.
        """
        if self._state != "stopped":
            raise EngineError("the engine was started already")
        self._layout.make_directories()
        try:
            self._owner = FileLock(self._layout.owner_lock)
        except LockHeldError as error:
            raise EngineInUse(
                f"another Tamas process runs the engine in {self._layout.state_dir}; stop it first"
            ) from error
        self._state = "starting"
        try:
            await self._begin()
        except BaseException:
            if self._process is not None and self._fresh:
                await self._process.end(patience=0)
            await self._release()
            self._state = "stopped"
            raise

    async def run(self) -> None:
        """Wait until supervision ends; raises what ended it, which is a bug or a full disk."""
        if self._supervising is None or self._log_task is None:
            raise EngineNotReady("the engine was not started")
        done, _ = await asyncio.wait({self._supervising, self._log_task}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled():
                task.result()

    async def wait_ready(self, timeout: float) -> None:
        """Wait for :attr:`ready`. :raises EngineNotReady: it did not come within ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not self.ready:
                    await self._wait_connected()
        except TimeoutError as error:
            problem = self.status().problem or "it is still starting"
            raise EngineNotReady(f"Asterisk was not ready within {timeout:g} s: {problem}") from error

    def status(self) -> EngineStatus:
        """How things are now."""
        process, record = self._process, self._record
        alive = process is not None and process.running
        return EngineStatus(
            state=self._state,
            pid=process.pid if process is not None and alive else None,
            version=record.version if record is not None else self._install.version,
            adopted=self._adopted,
            since=record.started_at if record is not None and alive else None,
            problem=self._problem(),
        )

    async def close(self, *, stop_asterisk: bool) -> None:
        """End supervision, and Asterisk too or leave it running with its calls.

        Stopping refuses new calls, hangs up, lets records be written, and kills what is left after
        :data:`STOP_SECONDS`.
        """
        if self._state == "stopped":
            return
        self._state = "stopping"
        await _cancelled(self._supervising)
        if stop_asterisk:
            await self._stop_asterisk()
        await self._release()
        self._state = "stopped"

    # -- starting --------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._secrets = load_secrets(self._layout)
        self._digest = configuration_digest(self._settings, self._install, self._secrets)
        self._log = AsteriskLog(
            messages=self._layout.messages,
            output=self._layout.output,
            position=self._layout.log_position,
            on_lost_record=self._on_lost_record,
        )
        self._log_task = asyncio.create_task(self._carry_log(self._log), name="asterisk-log")
        if found := self._find_running():
            self._process, self._record = found
            self._adopted, self._fresh = True, False
            log.info("taking over the running Asterisk %s (pid %d)", self._record.version, self._process.pid)
            if self._record.config_digest != self._digest:
                log.warning(
                    "settings or the program of Asterisk changed since the engine was started; "
                    "it keeps its configuration: restart the engine to apply them"
                )
            await self._start_agi(self._record.agi_port)
            self._open_ami(self._record.ami_port)
        else:
            await self._end_half_started()
            await self._start_agi(None)
            await self._spawn()
        self._supervising = asyncio.create_task(self._supervise(), name="engine")

    def _find_running(self) -> tuple[AsteriskProcess, EngineRecord] | None:
        """The Asterisk that an earlier process of ours left running."""
        record = read_record(self._layout.record)
        if record is None or process_start_time(record.pid) != record.process_started:
            return None
        process = AsteriskProcess.find(record.pid)
        if process is None or process.started != record.process_started:
            return None
        return process, record

    async def _end_half_started(self) -> None:
        """End an Asterisk that nobody wrote down: we died between starting it and doing so."""
        for pid in lock_holders(self._layout.process_lock):
            if str(self._layout.etc) not in _command_line(pid):
                continue
            process = AsteriskProcess.find(pid)
            if process is not None:
                log.warning("ending an Asterisk (pid %d) whose start was interrupted", pid)
                await process.end(patience=REPLACE_SECONDS)
        self._take_lock()

    def _take_lock(self) -> FileLock:
        if self._lock is None:
            try:
                self._lock = FileLock(self._layout.process_lock)
            except LockHeldError as error:
                holders = ", ".join(map(str, lock_holders(self._layout.process_lock))) or "of another user"
                raise EngineInUse(
                    f"{self._layout.process_lock} is held by a process that Tamas cannot take over "
                    f"(pid {holders}); end it first"
                ) from error
        return self._lock

    async def _start_agi(self, wanted: int | None) -> None:
        """Listen for FastAGI, on the port that a running Asterisk knows if possible."""
        avoid = frozenset({self._settings.sip_port, self._settings.http_port})
        ports = candidate_ports(avoid=avoid)
        for port in ports if wanted is None else (wanted, *ports):
            server = FastAgiServer(self._agi_handler, host=LOOPBACK, port=port)
            try:
                self._agi_port = await server.start()
            except OSError as error:
                log.debug("FastAGI cannot listen on port %d: %s", port, error)
                continue
            self._agi = server
            return
        raise NoFreePortError("no free TCP port was found for FastAGI")

    async def _spawn(self) -> None:
        """Write the configuration and start a new Asterisk with it."""
        assert self._secrets is not None  # noqa: S101 - set by _begin
        lock = self._take_lock()
        ports = EnginePorts(ami=self._choose_ami_port(), agi=self._agi_port)
        self._digest = write_configuration(self._settings, self._install, ports, self._secrets)
        # A socket that a killed Asterisk left behind.
        self._layout.control_socket.unlink(missing_ok=True)
        self._layout.record.unlink(missing_ok=True)
        self._booted.clear()
        self._adopted, self._fresh = False, True
        command = (*self._install.command, "-C", str(self._layout.etc / "asterisk.conf"), "-f", "-n")
        self._process = AsteriskProcess.start(
            command,
            environment=engine_environment(self._install, self._layout),
            output=self._layout.output,
            lock=lock,
        )
        self._record = EngineRecord(
            pid=self._process.pid,
            process_started=self._process.started,
            ami_port=ports.ami,
            agi_port=ports.agi,
            config_digest=self._digest,
            version=self._install.version,
            origin=self._install.origin,
            started_at=now(),
        )
        write_record(self._layout.record, self._record)
        log.info("Asterisk %s started (pid %d)", self._install.version, self._process.pid)
        self._open_ami(ports.ami)

    def _choose_ami_port(self) -> int:
        """The port of the last start when it is free, so that the manager connection just comes back."""
        if self._record is not None and is_free(LOOPBACK, self._record.ami_port):
            return self._record.ami_port
        avoid = frozenset({self._settings.sip_port, self._settings.http_port, self._agi_port})
        return free_port(LOOPBACK, avoid=avoid)

    # -- watching --------------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        """Start Asterisk again whenever it ends, for ever."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            how = await self._watch()
            self._ended_at = now()
            if asyncio.get_running_loop().time() - began > STEADY_SECONDS:
                failures = 0
            self._state = "restarting"
            self._failure = f"Asterisk {how}"
            log.error("Asterisk %s; starting it again", how)
            # Unique ids are made of the second and a number that begins anew: not twice in one second.
            await asyncio.sleep(1 - time.time() % 1)
            if failures:
                await asyncio.sleep(RESTARTS.delay(failures - 1, random.random()))  # noqa: S311 - no secret
            failures += 1
            try:
                await self._spawn()
            except (TamasError, OSError) as error:
                self._failure = f"Asterisk cannot be started: {error}"
                log.error("Asterisk cannot be started: %s", error)  # noqa: TRY400 - the text says it all

    async def _watch(self) -> str:
        """Return how the present process ended; one that does not get ready in time is ended."""
        process = self._process
        if process is None or not process.running:
            return "is not running"
        limit = ADOPTION_SECONDS if self._adopted else BOOT_SECONDS
        ended = asyncio.create_task(process.wait())
        booted = asyncio.create_task(self._booted.wait())
        try:
            await asyncio.wait({ended, booted}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if booted.done() or ended.done():
                return await ended
            log.error("Asterisk (pid %d) was not ready within %g s; ending it", process.pid, limit)
            await process.end(patience=REPLACE_SECONDS)
            return f"was not ready within {limit:g} s"
        finally:
            await _cancelled(ended)
            await _cancelled(booted)

    def _open_ami(self, port: int) -> None:
        """See to a manager client for this port; the one there is reconnects by itself."""
        assert self._secrets is not None  # noqa: S101 - set by _begin
        if self._ami is not None and self._ami_port == port and self._ami_task is not None:
            return
        previous, previous_task = self._ami, self._ami_task
        client = AmiClient(
            host=LOOPBACK,
            port=port,
            username=AMI_USER,
            secret=self._secrets.ami,
            on_event=self._on_event,
            only_events=self._only_events,
            on_connect=self._on_connect,
            on_disconnect=self._on_disconnect,
            backoff=RECONNECTS,
        )
        self._ami, self._ami_port = client, port
        self._ami_task = asyncio.create_task(
            self._run_ami(client, port, previous, previous_task), name="engine-ami"
        )

    async def _run_ami(
        self,
        client: AmiClient,
        port: int,
        previous: AmiClient | None,
        previous_task: asyncio.Task[None] | None,
    ) -> None:
        if previous is not None:
            await previous.close()
        await _cancelled(previous_task)
        # An Asterisk that is just starting does not listen yet, and that is no outage worth a warning.
        while not is_listening(port):  # noqa: ASYNC110 - nothing tells us of it
            await asyncio.sleep(LISTEN_POLL_SECONDS)
        await client.run()

    async def _on_connect(self) -> None:
        self._booted.set()
        record = self._record
        if record is not None and record.agi_port != self._agi_port:
            url = EnginePorts(ami=record.ami_port, agi=self._agi_port).agi_url
            write_agi_url(self._layout, url)  # first: whoever reloads the dialplan reads it again
            await self.ami.action("Setvar", {"Variable": "TAMAS_AGI", "Value": url})
            self._record = msgspec.structs.replace(record, agi_port=self._agi_port)
            write_record(self._layout.record, self._record)
            log.info("Asterisk now sends calls to %s", url)
        await self._on_ready(not self._fresh)
        self._fresh = False
        self._failure = None
        if self._state != "stopping":
            self._state = "running"

    def _on_disconnect(self) -> None:
        if self._state == "running":
            self._state = "restarting"

    async def _wait_connected(self) -> None:
        if self._supervising is None or self._ami is None:
            raise EngineNotReady("the engine was not started")
        connected = asyncio.create_task(self._ami.wait_connected(ADOPTION_SECONDS))
        try:
            await asyncio.wait({connected, self._supervising}, return_when=asyncio.FIRST_COMPLETED)
            if self._supervising.done():
                raise EngineNotReady("the engine was closed, or its supervision failed")
            with contextlib.suppress(AmiError):
                await connected
        finally:
            await _cancelled(connected)

    def _problem(self) -> str | None:
        found = []
        if self._failure is not None:
            found.append(self._failure)
        elif self._state == "restarting":
            found.append("the manager connection to Asterisk is down")
        if self._supervising is not None and self._supervising.done() and self._state != "stopped":
            found.append("supervision of Asterisk has ended")
        if self._lost_records:
            found.append(
                f"Asterisk could not write {self._lost_records} call records into the database, see its log"
            )
        if self._adopted and self._record is not None and self._record.config_digest != self._digest:
            found.append(
                "Asterisk runs with an earlier configuration; restart the engine to apply the new one"
            )
        return "; ".join(found) or None

    def _on_lost_record(self, text: str) -> None:
        self._lost_records += 1
        log.error("Asterisk lost a call record: %s", text)

    async def _carry_log(self, asterisk_log: AsteriskLog) -> None:
        polls = 0
        while True:
            while asterisk_log.carry():  # noqa: ASYNC110 - lets others run between portions
                await asyncio.sleep(0)
            polls += 1
            if polls % ROTATE_EVERY == 0 and self.ready and asterisk_log.rotate():
                try:
                    await self.ami.command("logger reload")
                except (AmiError, EngineNotReady) as error:
                    # Asterisk goes on writing into the renamed file until the next try.
                    log.warning("Asterisk did not open its log anew: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    # -- ending ----------------------------------------------------------------------------------------

    async def _stop_asterisk(self) -> None:
        process = self._process
        if process is None or not process.running:
            return
        if self._ami is not None:
            await self._ami.close()  # its end is no outage to report
        # At this signal Asterisk refuses new calls, hangs up, waits for its channels, and ends.
        await process.end(patience=STOP_SECONDS)
        self._layout.record.unlink(missing_ok=True)
        log.info("Asterisk stopped")

    async def _release(self) -> None:
        """Give up everything but the Asterisk process."""
        await _cancelled(self._supervising)
        if self._agi is not None:
            await self._agi.close(grace=AGI_GRACE_SECONDS)
            self._agi = None
        if self._ami is not None:
            await self._ami.close()
        await _cancelled(self._ami_task)
        await _cancelled(self._log_task)
        if self._log is not None:
            while self._log.carry():
                pass
            self._log.close()
            self._log = None
        if self._process is not None:
            self._process.leave()
            self._process = None
        # In this order: who gets the second lock must find the first one held by Asterisk only.
        for lock in (self._lock, self._owner):
            if lock is not None:
                lock.close()
        self._lock = self._owner = None


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


async def _cancelled(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait until it is gone; one that failed before is not ours to report."""
    if task is None:
        return
    task.cancel()
    await asyncio.wait({task})
