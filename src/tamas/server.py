"""Putting the rooms together: what one worker process runs.

Order of starting: store, HTTP (so that ``/healthz`` answers and clients learn that the engine is not ready
yet), engine, records. Stopping goes the other way round.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
import shutil
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tamas.autodialer.pacing import Pacer
from tamas.console.account_types import ensure_account_types
from tamas.console.accounts import FIRST_USERNAME, ensure_administrator, first_password_file
from tamas.console.activity_retention import keep_activity_short
from tamas.console.app import ConsoleApi
from tamas.console.live.hub import LiveHub
from tamas.console.live.stream import Stream
from tamas.console.problems import collected_problems
from tamas.dialplan.flow import CallFlow
from tamas.dialplan.jobs import JobServices, JobWorker
from tamas.dialplan.originate import CAUSE_FAILED
from tamas.dialplan.queue_keys import QueueKeys
from tamas.engine.engine import Engine
from tamas.engine.install import AsteriskInstall, ensure_asterisk
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineAccess, EngineLink, EngineSlot
from tamas.engine.music import link_stock_music, record_music
from tamas.engine.sip_secrets import SecretSeal, open_seal
from tamas.engine.status_file import keep_status
from tamas.engine.watch.watcher import EngineWatch
from tamas.engine_events import WANTED_EVENTS, EngineEvents
from tamas.events.delivery import Delivery
from tamas.events.demand import Demand
from tamas.fax_sender import FaxSender
from tamas.http_server import serve_http
from tamas.live_events import LiveEvents
from tamas.recordings.care import RecordingCare
from tamas.recordings.folders import RecordingFolders
from tamas.records.ingest import Ingestion
from tamas.records.originates import close_failed
from tamas.sa.app import SimotelApi
from tamas.sa.uploads import clear_incoming
from tamas.settings import Settings, default_state_dir
from tamas.state import prepare_state_dir
from tamas.store.changes import Changes
from tamas.store.database import STORE_ERRORS, Database, open_database
from tamas.store.migrate import migrate
from tamas.store.runtime_settings import load_runtime_settings
from tamas.voicemail.work import voicemail_work
from tamas.web import web_routes

log = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0
"""How long a clean stop waits for the records of the calls it ended."""


@dataclass(frozen=True, kw_only=True)
class OpenStore:
    """The store of a worker and what every room shares."""

    settings: Settings
    database: Database
    changes: Changes
    seal: SecretSeal


@asynccontextmanager
async def _open_store(settings: Settings) -> AsyncIterator[OpenStore]:
    database = await open_database(settings.database_url)
    changes = Changes(database)
    await changes.start()
    seal = open_seal(settings.state_dir)
    try:
        async with collected_problems(database):
            yield OpenStore(settings=settings, database=database, changes=changes, seal=seal)
    finally:
        await changes.close()
        await database.close()


async def serve_main(
    settings: Settings,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    prepared: Callable[[], object],
) -> None:
    """Run every room until ``stop`` is set; then stop Asterisk too.

    :param prepared: called once the store is ready for other workers.
    :raises SetupError: it cannot run as it is set up.
    :raises TamasError: something it needs is not there now. Either may come in an ``ExceptionGroup``.
    """
    layout = EngineLayout(state_dir=settings.state_dir)
    prepare_state_dir(settings.state_dir)
    clear_incoming(settings.state_dir)
    await migrate(settings.database_url)
    async with _open_store(settings) as store:
        await ensure_account_types(store.database)
        if await ensure_administrator(store.database, settings.state_dir):
            _say_what_next(settings)
        prepared()
        slot = EngineSlot()
        watch = EngineWatch(slot, store.database)
        live = LiveEvents(store.database)
        pacer = Pacer(store.database, slot)
        ingestion = Ingestion(store.database, all_told=live.all_told, on_attempts=pacer.wake)
        events = EngineEvents(store.database, ingestion)
        care = RecordingCare(store.database, RecordingFolders(root=layout.recordings))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_serve_http(store, slot, listener, stop, watch), name="http")
            log.info("serving at %s", settings.http_address)
            background = [
                tasks.create_task(store.database.keep_checkpointing(), name="checkpoints"),
                tasks.create_task(ingestion.run(), name="ingestion"),
                tasks.create_task(events.run(), name="engine-events"),
                tasks.create_task(
                    live.run(watch, Demand(store.database, store.changes).live), name="live-events"
                ),
                tasks.create_task(
                    Delivery(store.database, store.changes, store.seal.open_text).run(), name="event-delivery"
                ),
                tasks.create_task(care.run(), name="recordings"),
                tasks.create_task(keep_activity_short(store.database), name="activity-retention"),
                tasks.create_task(FaxSender(store.database, slot).run(), name="fax-sender"),
                tasks.create_task(QueueKeys(slot).run(), name="queue-keys"),
                tasks.create_task(JobWorker(_job_services(store, slot)).run(), name="call-jobs"),
                tasks.create_task(
                    keep_status(layout.status, slot.status),
                    name="engine-status",
                ),
                *(
                    tasks.create_task(work, name=name)
                    for name, work in voicemail_work(store.database, layout, slot, store.seal).items()
                ),
            ]
            dialing = tasks.create_task(pacer.run(), name="autodialer")
            background.append(dialing)
            install = await _install(settings, stop)
            if install is not None:
                await _keep_music(store, layout, install)
                flow = CallFlow(store.database, store.settings, store.changes, store.seal, slot)
                slot.engine = engine = _engine(store, install, events, flow)
                await engine.start()
                supervision = tasks.create_task(engine.run(), name="engine-supervision")
                await stop.wait()
                log.info("stopping")
                dialing.cancel()  # no call begins that the stop would end
                supervision.cancel()
                await engine.close(stop_asterisk=True)
                await flow.close()
                await ingestion.drain(DRAIN_SECONDS)
            for task in background:
                task.cancel()


async def _keep_music(store: OpenStore, layout: EngineLayout, install: AsteriskInstall) -> None:
    link_stock_music(layout, install)
    try:
        await record_music(store.database, layout)
    except STORE_ERRORS as error:
        log.warning("what music there is was not written down: %s", error)


def _job_services(store: OpenStore, engine: EngineAccess) -> JobServices:
    async def close(originated_call_id: str, reason: str) -> None:
        await close_failed(store.database, originated_call_id, reason=reason, cause=CAUSE_FAILED)

    return JobServices(
        database=store.database,
        engine=engine,
        runtime=partial(load_runtime_settings, store.database),
        close_originate=close,
    )


def _engine(store: OpenStore, install: AsteriskInstall, events: EngineEvents, flow: CallFlow) -> Engine:
    async def on_ready(adopted: bool) -> None:
        await events.on_engine_ready(
            engine.ami,
            adopted=adopted,
            started_at=engine.status().since,
            ended_at=engine.ended_at,
        )

    engine = Engine(
        store.settings,
        store.settings.database_url,
        install,
        agi_handler=flow.handle,
        on_event=events.on_event,
        only_events=WANTED_EVENTS,
        on_ready=on_ready,
    )
    store.changes.on_return = lambda: events.on_store_return(lambda: engine.ami, lambda: on_ready(True))
    return engine


async def serve_api(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer the API beside the main worker until ``stop`` is set."""
    async with _open_store(settings) as store:
        link = EngineLink(EngineLayout(state_dir=settings.state_dir), store.database)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(link.run(), name="engine-link"),
                tasks.create_task(_serve_http(store, link, listener, stop), name="http"),
            ]
            await stop.wait()
            for task in running:
                task.cancel()


async def _serve_http(
    store: OpenStore,
    engine: EngineAccess,
    listener: socket.socket,
    stop: asyncio.Event,
    watch: EngineWatch | None = None,
) -> None:
    live = LiveHub(store.database, engine, watch)
    console = ConsoleApi(
        database=store.database,
        changes=store.changes,
        settings=store.settings,
        engine=engine,
        seal=store.seal,
        live=live,
        stream=Stream(live),
        otherwise=web_routes(store.database, engine),
    )
    api = SimotelApi(
        database=store.database,
        changes=store.changes,
        settings=store.settings,
        engine=engine,
        seal=store.seal,
        otherwise=console,
        stop=stop,
        watch=live.engine,
    )
    await api.start()
    try:
        await serve_http(api, [listener], store.settings, stop=stop)
    finally:
        await live.close()
        await api.close()
        console.close()


async def _install(settings: Settings, stop: asyncio.Event) -> AsteriskInstall | None:
    """Find or fetch Asterisk; ``None`` when ``stop`` came first.

    The thread is not waited for then: an interrupted fetch leaves nothing half-done.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[AsteriskInstall] = loop.create_future()

    def settle(install: AsteriskInstall | None, error: Exception | None) -> None:
        if found.done():
            return
        if install is not None:
            found.set_result(install)
        elif error is not None:
            found.set_exception(error)

    def fetch() -> None:
        def progress(step: str) -> None:
            log.info("asterisk: %s", step)

        try:
            install = ensure_asterisk(settings.cache_dir, settings.asterisk, progress)
        except Exception as error:  # noqa: BLE001 - carried over to the loop
            loop.call_soon_threadsafe(settle, None, error)
        else:
            loop.call_soon_threadsafe(settle, install, None)

    threading.Thread(target=fetch, name="fetch-asterisk", daemon=True).start()
    stopping = asyncio.create_task(stop.wait())
    either: tuple[asyncio.Future[Any], ...] = (found, stopping)
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if found.done():
        return found.result()
    found.cancel()
    return None


def _say_what_next(settings: Settings) -> None:
    """Tell the administrator of a fresh instance what to do.

    The password is shown on a terminal only; elsewhere (a journal) the text says in which file it is.
    """
    password_file = first_password_file(settings.state_dir)
    password = password_file.read_text().strip() if sys.stdout.isatty() else f"in {password_file}"
    sys.stdout.write(
        f"""
Tamas is set up in {settings.state_dir}. What to do next:

  1. Make an account for the program that will use the API:
       {_own_command(settings)} account add NAME
  2. Read the API's description:
       {settings.http_address}/docs
  3. Add two extensions, register a phone for each at port {settings.sip_port}, and call.

  Console: {settings.http_address}/console   user {FIRST_USERNAME}, password {password}

"""
    )
    sys.stdout.flush()


def _own_command(settings: Settings) -> str:
    """The command ``tamas`` as it has to be typed to reach this instance."""
    program = Path(sys.executable).with_name("tamas")
    command = "tamas" if shutil.which("tamas") == str(program) else str(program)
    if settings.state_dir == default_state_dir():
        return command
    return f"TAMAS_STATE_DIR={shlex.quote(str(settings.state_dir))} {command}"
