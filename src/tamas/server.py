"""Putting the rooms together: what one worker process runs.

Order of starting: store, HTTP (so that ``/healthz`` answers and clients learn that the engine is not ready
yet), engine, records. Stopping goes the other way round.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tamas.console_accounts import ensure_administrator, first_password_file
from tamas.dialplan.flow import CallFlow
from tamas.engine.engine import Engine
from tamas.engine.install import AsteriskInstall, AsteriskUnusableError, ensure_asterisk
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineAccess, EngineLink
from tamas.engine.sip_secrets import SecretSeal, load_or_create_seal_key
from tamas.engine_events import EngineEvents
from tamas.errors import TamasError
from tamas.http_server import serve_http
from tamas.records.ingest import Ingestion
from tamas.sa.app import SimotelApi
from tamas.settings import Settings
from tamas.state import StateError, prepare_state_dir
from tamas.store.changes import Changes
from tamas.store.database import Database, open_database
from tamas.store.migrate import migrate
from tamas.web import web_routes

log = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0
"""How long a clean stop waits for the records of the calls it ended."""


class ConfigurationError(TamasError):
    """The process cannot run as it is set up; trying again would not help."""


@dataclass(frozen=True, kw_only=True)
class OpenStore:
    """The store of a worker and what every room shares."""

    settings: Settings
    database: Database
    changes: Changes
    seal: SecretSeal


@asynccontextmanager
async def _open_store(settings: Settings) -> AsyncIterator[OpenStore]:
    try:
        prepare_state_dir(settings.state_dir)
    except StateError as error:
        raise ConfigurationError(str(error)) from error
    database = await open_database(settings.database_url)
    changes = Changes(database)
    await changes.start()
    seal = SecretSeal(load_or_create_seal_key(settings.state_dir / "secrets" / "seal.key"))
    try:
        yield OpenStore(settings=settings, database=database, changes=changes, seal=seal)
    finally:
        await changes.close()
        await database.close()


async def serve_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Run every room until ``stop`` is set; then stop Asterisk too.

    :raises ConfigurationError: it cannot run as it is set up.
    :raises TamasError: something it needs is not there now.
    """
    prepare_state_dir(settings.state_dir)
    await migrate(settings.database_url)
    async with _open_store(settings) as store:
        if await ensure_administrator(store.database, settings.state_dir):
            _say_what_next(settings)
        install = await _install(settings)
        ingestion = Ingestion(store.database)
        events = EngineEvents(store.database, ingestion)
        flow = CallFlow(store.database, settings, store.changes)

        async def on_ready(adopted: bool) -> None:
            await events.on_engine_ready(
                engine.ami,
                adopted=adopted,
                started_at=engine.status().since,
                ended_at=engine.ended_at,
            )

        engine = Engine(
            settings,
            settings.database_url,
            install,
            agi_handler=flow.handle,
            on_event=events.on_event,
            on_ready=on_ready,
        )
        store.changes.on_return = lambda: events.on_store_return(lambda: engine.ami, lambda: on_ready(True))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_serve_http(store, engine, listener, stop), name="http")
            background = [
                tasks.create_task(ingestion.run(), name="ingestion"),
                tasks.create_task(events.run(), name="engine-events"),
            ]
            await engine.start()
            engine_task = tasks.create_task(engine.run(), name="engine-supervision")
            log.info("serving at %s", settings.http_address)
            await stop.wait()
            log.info("stopping")
            engine_task.cancel()
            await engine.close(stop_asterisk=True)
            await ingestion.drain(DRAIN_SECONDS)
            for task in background:
                task.cancel()


async def serve_api(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer the API beside the main worker until ``stop`` is set."""
    async with _open_store(settings) as store:
        link = EngineLink(EngineLayout(state_dir=settings.state_dir))
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(link.run(), name="engine-link"),
                tasks.create_task(_serve_http(store, link, listener, stop), name="http"),
            ]
            await stop.wait()
            for task in running:
                task.cancel()


async def _serve_http(
    store: OpenStore, engine: EngineAccess, listener: socket.socket, stop: asyncio.Event
) -> None:
    api = SimotelApi(
        database=store.database,
        changes=store.changes,
        settings=store.settings,
        engine=engine,
        seal=store.seal,
        otherwise=web_routes(store.database, engine),
    )
    await api.start()
    try:
        await serve_http(api, [listener], store.settings, stop=stop)
    finally:
        await api.close()


async def _install(settings: Settings) -> AsteriskInstall:
    def progress(step: str) -> None:
        log.info("asterisk: %s", step)

    try:
        return await asyncio.to_thread(ensure_asterisk, settings.cache_dir, settings.asterisk, progress)
    except AsteriskUnusableError as error:
        raise ConfigurationError(str(error)) from error


def _say_what_next(settings: Settings) -> None:
    """Tell the administrator of a fresh instance what to do.

    The password is shown on a terminal only; elsewhere (a journal) the text says in which file it is.
    """
    password_file = first_password_file(settings.state_dir)
    password = password_file.read_text().strip() if sys.stdout.isatty() else f"in {password_file}"
    sys.stdout.write(
        f"""
Tamas is set up in {settings.state_dir}. What to do next:

  1. Make an account for the program that will use the API:   tamas account add NAME
  2. Read the API's description:                              {settings.http_address}/docs
  3. Add two extensions, register a phone for each at port {settings.sip_port}, and call.

  Console: {settings.http_address}/console   user admin, password {password}

"""
    )
    sys.stdout.flush()
