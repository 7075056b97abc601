"""The console as an ASGI application: its API, its live stream, its pages, and whoever answers the rest."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from tamas.console.authentication import Authentication
from tamas.console.context import SignedIn
from tamas.console.errors import ConsoleFailure
from tamas.console.gateway import PREFIX, ConsoleGateway, Scope
from tamas.console.openapi import openapi_document
from tamas.console.service import ConsoleRegistry, registry
from tamas.console.site import SITE, Site
from tamas.sa.app import declared_services as declared_sa_services
from tamas.sa.body import Receive
from tamas.sa.gateway import Send

if TYPE_CHECKING:
    from tamas.console.live.hub import LiveHub
    from tamas.console.passwords import Passwords
    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal
    from tamas.settings import Settings
    from tamas.store.changes import Changes
    from tamas.store.database import Database

SERVICE_MODULES = (
    "tamas.console.session_services",
    "tamas.console.pbx.users",
    "tamas.console.pbx.user_ranges",
    "tamas.console.pbx.trunks",
    "tamas.console.pbx.queues",
    "tamas.console.pbx.queue_agents",
    "tamas.console.api_accounts",
    "tamas.console.simotel_settings",
    "tamas.console.api_logs",
    "tamas.console.calls",
    "tamas.console.home",
    "tamas.console.account_services",
    "tamas.console.account_type_services",
    "tamas.console.activity_services",
)
"""Modules that declare services."""

STREAM = f"{PREFIX}/stream"
REFUSED = 4403
"""Code of closing, which nobody sees: the handshake fails."""


class LiveStream(Protocol):
    """Tells browsers what changes on their screens."""

    async def serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        who: SignedIn,
        check: Callable[[], Awaitable[SignedIn | None]],
    ) -> None:
        """Serve one WebSocket whose handshake was let in, from its ``websocket.connect`` on.

        :param check: tells the session as it is now, ``None`` when it has ended.
        """


def declared_services() -> ConsoleRegistry:
    """The registry with every service of the console in it."""
    for module in SERVICE_MODULES:
        importlib.import_module(module)
    return registry


class ConsoleApi:
    """ASGI application that answers ``/api/console/v1`` and ``/console`` and hands everything else on.

    Call :meth:`close` after serving.

    :param live: what can be seen of the engine.
    :param stream: serves live streams.
    :param otherwise: answers what is not ours.
    """

    def __init__(
        self,
        *,
        database: Database,
        changes: Changes,
        settings: Settings,
        engine: EngineAccess,
        seal: SecretSeal,
        live: LiveHub,
        stream: LiveStream,
        otherwise: Callable[[Scope, Receive, Send], Awaitable[None]],
        passwords: Passwords | None = None,
        services: ConsoleRegistry | None = None,
    ) -> None:
        self.authentication = Authentication(database, seal, passwords=passwords)
        self.gateway = ConsoleGateway(
            registry=declared_services() if services is None else services,
            database=database,
            changes=changes,
            settings=settings,
            engine=engine,
            seal=seal,
            sa_services=declared_sa_services(),
            live=live,
            authentication=self.authentication,
            openapi=openapi_document,
        )
        self._stream = stream
        self._site = Site()
        self._otherwise = otherwise

    def close(self) -> None:
        """Let threads end."""
        self.authentication.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if scope["type"] == "websocket":
            await self._open_stream(path, scope, receive, send)
        elif path.startswith(PREFIX + "/"):
            await self.gateway.answer(path[len(PREFIX) + 1 :], scope, receive, send)
        elif path == SITE or path.startswith(SITE + "/"):
            await self._site(scope, receive, send)
        else:
            await self._otherwise(scope, receive, send)

    async def _open_stream(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a stream begin, or refuse its handshake with 403, as closing before accepting does."""
        try:
            admitted = await self.gateway.admit(scope) if path == STREAM else None
        except ConsoleFailure:
            admitted = None
        if admitted is None:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": REFUSED})
            return
        caller, who = admitted
        await self._stream.serve(scope, receive, send, who=who, check=lambda: self.gateway.still(caller))
