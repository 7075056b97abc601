"""The SA as an ASGI application: the gateway, its documentation page, and whoever answers the rest."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from tamas.events.tail import EventTail
from tamas.sa.body import Receive
from tamas.sa.documentation import documentation_page
from tamas.sa.event_state import EventState
from tamas.sa.event_stream import EventStream
from tamas.sa.gateway import Gateway, Scope, Send, own_address, path_below_prefix
from tamas.sa.openapi import openapi_document
from tamas.sa.service import Registry, registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal
    from tamas.engine.watch.watcher import EngineWatch
    from tamas.settings import Settings
    from tamas.store.changes import Changes
    from tamas.store.database import Database

SERVICE_MODULES = (
    "tamas.sa.setting.ping",
    "tamas.sa.pbx.users",
    "tamas.sa.pbx.trunks",
    "tamas.sa.pbx.queues",
    "tamas.sa.pbx.agents",
    "tamas.sa.pbx.blacklists",
    "tamas.sa.pbx.whitelists",
    "tamas.sa.pbx.announcements",
    "tamas.sa.pbx.musiconholds",
    "tamas.sa.pbx.faxes",
    "tamas.sa.voicemails.voicemails",
    "tamas.sa.voicemails.inbox",
    "tamas.sa.voicemails.audio",
    "tamas.sa.call.originate",
    "tamas.sa.reports.calls",
    "tamas.sa.reports.queue",
    "tamas.sa.reports.queue_details",
    "tamas.sa.reports.agent",
    "tamas.sa.reports.poll",
    "tamas.sa.reports.audio",
    "tamas.sa.autodialer.contacts",
    "tamas.sa.autodialer.groups",
    "tamas.sa.autodialer.announcements",
    "tamas.sa.autodialer.trunks",
    "tamas.sa.autodialer.campaigns",
    "tamas.sa.autodialer.reports",
)
"""Modules that declare services, in the order of the page: each example works after those before it."""

DOCUMENTATION = "/docs"


def declared_services() -> Registry:
    """The registry with every service of the SA in it, in the order of the page."""
    for module in SERVICE_MODULES:
        importlib.import_module(module)
    # One that somebody imported before was declared out of turn.
    places = {module: place for place, module in enumerate(SERVICE_MODULES)}
    registry.arrange(lambda service: places[service.run.__module__])
    return registry


class SimotelApi:
    """ASGI application that answers ``/api/v4``, ``/docs`` and ``/events``, and hands everything else on.

    Call :meth:`start` before serving and :meth:`close` after.

    :param otherwise: answers what is not ours; without it, that is a plain 404.
    :param stop: ends the live streams of events.
    :param watch: of the engine; without it nobody learns the state of everything.
    """

    def __init__(
        self,
        *,
        database: Database,
        changes: Changes,
        settings: Settings,
        engine: EngineAccess,
        seal: SecretSeal,
        services: Registry | None = None,
        otherwise: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None,
        stop: asyncio.Event | None = None,
        watch: EngineWatch | None = None,
    ) -> None:
        self._services = declared_services() if services is None else services
        self.gateway = Gateway(
            registry=self._services,
            database=database,
            changes=changes,
            settings=settings,
            engine=engine,
            seal=seal,
            openapi=openapi_document,
        )
        self._stream = EventStream(self.gateway, EventTail(database), stop)
        self._state = None if watch is None else EventState(self.gateway, database, watch)
        self._otherwise = otherwise or _not_found

    async def start(self) -> None:
        """Begin background work of the gateway."""
        await self.gateway.start()

    async def close(self) -> None:
        """End background work; the API log is complete afterwards."""
        await self.gateway.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            below = path_below_prefix(path)
            if below is not None:
                await self.gateway.answer(below, scope, receive, send)
                return
            if path.rstrip("/") == DOCUMENTATION and scope["method"] in ("GET", "HEAD"):
                if await self.gateway.admits(scope):
                    await _send_page(send, documentation_page(self._services, own_address(scope)))
                else:
                    await _send_text(send, 403, b"IP is not permitted")
                return
        if scope["type"] in ("http", "websocket") and self._stream.serves(scope):
            await self._stream(scope, receive, send)
            return
        if self._state is not None and self._state.serves(scope):
            await self._state(scope, send)
            return
        await self._otherwise(scope, receive, send)


async def _send_page(send: Send, page: bytes) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(page)),
        (b"cache-control", b"no-cache"),
        (b"x-content-type-options", b"nosniff"),
        (
            b"content-security-policy",
            b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'",
        ),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": page})


async def _not_found(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _send_text(send, 404, b"Not Found")


async def _send_text(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
