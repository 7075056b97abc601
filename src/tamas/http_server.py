"""The HTTP edge: uvicorn, with limits on what a connection may take before it has asked anything.

uvicorn waits for ever for a request that never comes. Here a connection is closed when

- the headers of a request are not complete :data:`HEADER_SECONDS` after it was opened (or, on a kept-alive
  connection, after the request's first byte), however slowly they trickle;
- they are longer than :data:`MAX_HEADER_BYTES` or more than :data:`MAX_HEADERS`: answered 431;
- a body is not complete :data:`BODY_SECONDS` after its headers;
- there are more than :data:`MAX_CONNECTIONS` connections, or more than
  :data:`MAX_CONNECTIONS_PER_ADDRESS` from one address that is neither loopback nor a trusted proxy: closed
  without a word.

A connection that becomes a WebSocket goes on counting. What comes in on it is limited to
:data:`MAX_MESSAGE_BYTES` a message, and it is closed when a ping is not answered.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tamas.errors import SetupError
from tamas.sa.addresses import parse_address, within
from tamas.settings import Network, Settings

HEADER_SECONDS = 10.0
BODY_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 75
"""How long a connection may wait for its next request; longer than usual proxies keep theirs."""
MAX_HEADER_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_CONNECTIONS = 4096
MAX_CONNECTIONS_PER_ADDRESS = 256
MAX_SURPLUS_BYTES = 32 * 1024 * 1024
"""Bytes of a refused body that are read and thrown away, so that the client gets to see the answer."""
LINGER_SECONDS = 1.0
"""How long the end of such a body is waited for, when the connection is to end and nothing more comes."""
MAX_MESSAGE_BYTES = 16 * 1024
"""Bytes of one message of a WebSocket, from the client."""
PING_SECONDS = 20.0
"""A WebSocket is pinged this often, and closed when the answer takes as long."""
SHUTDOWN_SECONDS = 5
"""How long running requests may finish when the server stops."""
BACKLOG = 1024

AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]

Awaiting = Literal["headers", "body"]


class HttpServerError(SetupError):
    """The HTTP server cannot start; the text says why."""


@dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """What one connection, one address and all together may take."""

    header_seconds: float = HEADER_SECONDS
    body_seconds: float = BODY_SECONDS
    keep_alive_seconds: int = KEEP_ALIVE_SECONDS
    max_connections: int = MAX_CONNECTIONS
    """At most; fewer when the system lets this process open fewer files."""
    max_connections_per_address: int = MAX_CONNECTIONS_PER_ADDRESS


class _JoinedWrites:
    """The transport as one response sees it: its head goes out together with the first of its body.

    uvicorn writes them apart, which costs a second system call and often a second packet.
    """

    __slots__ = ("_end", "_head_seen", "_held", "_loop", "_transport")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, end: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._end = end
        self._held = b""
        self._head_seen = False

    def write(self, data: bytes) -> None:
        if self._head_seen:
            self._transport.write(self._held + data if self._held else data)
            self._held = b""
            return
        self._head_seen = True
        self._held = data
        self._loop.call_soon(self._flush)  # when no body follows at once

    def close(self) -> None:
        self._flush()
        self._end()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._held and not self._transport.is_closing():  # whoever asked may have gone meanwhile
            self._transport.write(self._held)
        self._held = b""


class _Edge:
    """The connections of one server, counted."""

    def __init__(self, limits: HttpLimits, trusted: Sequence[Network]) -> None:
        self.limits = limits
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._room = min(limits.max_connections, files * 3 // 4)
        self._trusted = trusted
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count a new connection, unless there are too many."""
        if self._total >= self._room:
            return False
        if self._by_address[address] >= self.limits.max_connections_per_address and not self._exempt(address):
            return False
        self._total += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """An admitted connection is gone."""
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _exempt(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and (parsed.is_loopback or within(parsed, self._trusted))


def _protocol_class(edge: _Edge) -> type[asyncio.Protocol]:
    """A protocol class of uvicorn's that keeps the limits; uvicorn makes one instance per connection."""
    limits = edge.limits

    class LimitedProtocol(HttpToolsProtocol):
        _admitted: str | None = None
        _deadline: asyncio.TimerHandle | None = None
        _awaiting: Awaiting | None = "headers"
        """What the client has begun to send and not finished; between requests nothing."""
        _header_bytes = 0
        _surplus = 0
        _lingers_until: float | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]
            address = self.client[0] if self.client else ""
            if not edge.admit(address):
                self.transport.abort()
                return
            self._admitted = address
            self._arm(limits.header_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            if self._admitted is not None:
                edge.leave(self._admitted)
                self._admitted = None
            super().connection_lost(exc)

        def handle_websocket_upgrade(self) -> None:
            self._disarm()
            if self.timeout_keep_alive_task is not None:
                # A request came before on this connection; what waits for the next must not end the socket.
                self.timeout_keep_alive_task.cancel()
                self.timeout_keep_alive_task = None
            self._admitted = None  # the connection counts on, for the protocol that has it now
            super().handle_websocket_upgrade()

        def data_received(self, data: bytes) -> None:
            if self._lingers_until is not None:
                self._surplus += len(data)
                if self._surplus > MAX_SURPLUS_BYTES or self.loop.time() > self._lingers_until:
                    self.transport.abort()
                    return
                self._disarm()
                self._arm(LINGER_SECONDS)
                return
            if self._awaiting == "body":
                if self.cycle.response_complete:
                    self._surplus += len(data)
                    if self._surplus > MAX_SURPLUS_BYTES:
                        self.transport.abort()
                        return
            else:
                self._awaiting = "headers"
                self._header_bytes += len(data)
            super().data_received(data)
            # Only a request that did not come in one piece pays for a timer.
            if self._awaiting is None or self.transport.is_closing():
                return
            if self._awaiting == "headers" and self._header_bytes > MAX_HEADER_BYTES:
                self._refuse_headers()
            elif self._deadline is None:
                self._arm(limits.header_seconds if self._awaiting == "headers" else limits.body_seconds)

        def on_message_begin(self) -> None:
            self._awaiting = "headers"
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._awaiting = "body"
            is_large = self._header_bytes > MAX_HEADER_BYTES
            self._header_bytes = 0
            self._surplus = 0
            self._disarm()
            if len(self.headers) > MAX_HEADERS or (is_large and self._size_of_headers() > MAX_HEADER_BYTES):
                self._refuse_headers()
            if self.transport.is_closing():
                return
            super().on_headers_complete()
            if self.cycle is not None:
                self.cycle.transport = _JoinedWrites(self.transport, self.loop, self._end)  # type: ignore[assignment]

        def on_message_complete(self) -> None:
            self._awaiting = None
            self._disarm()
            if self.cycle is None:
                return
            super().on_message_complete()
            if self.cycle.response_complete and self.timeout_keep_alive_task is None:
                # The rest of a body that was answered early took uvicorn's timer away.
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def _end(self) -> None:
            """End the connection after a response, but not before the client can have read it.

            A client that still sends its body would be reset, and lose the answer (RFC 9112, section 9.6).
            """
            if self._awaiting != "body" or self.transport.is_closing():
                self.transport.close()
                return
            self._lingers_until = self.loop.time() + limits.body_seconds
            self._disarm()
            self._arm(LINGER_SECONDS)
            if self.transport.can_write_eof():
                self.transport.write_eof()

        def _arm(self, seconds: float) -> None:
            self._deadline = self.loop.call_later(seconds, self._too_slow)

        def _disarm(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _too_slow(self) -> None:
            self._deadline = None
            self.transport.abort()

        def _size_of_headers(self) -> int:
            """Asked only when much came in one piece, perhaps with a body or more requests behind."""
            return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

        def _refuse_headers(self) -> None:
            if not self.transport.is_closing():
                self.transport.write(
                    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                    b"content-length: 0\r\nconnection: close\r\n\r\n"
                )
                self.transport.close()

    return LimitedProtocol


def _websocket_class(edge: _Edge) -> type[asyncio.Protocol]:
    """A protocol class of uvicorn's for connections that :func:`_protocol_class` let in."""

    class CountedWebSocket(WebSocketsSansIOProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            edge.leave(self.client[0] if self.client else "")
            super().connection_lost(exc)

    return CountedWebSocket


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: who runs us decides what a signal means."""

    handshake_seconds: float

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it for given sockets, with a limit on the TLS handshake."""
        await self.lifespan.startup()
        config = self.config
        loop = asyncio.get_running_loop()
        self.servers = []
        for listener in sockets or ():
            server = await loop.create_server(
                lambda: config.http_protocol_class(  # type: ignore[call-arg]
                    config=config, server_state=self.server_state, app_state=self.lifespan.state
                ),
                sock=listener,
                ssl=config.ssl,
                backlog=BACKLOG,
                ssl_handshake_timeout=self.handshake_seconds if config.ssl else None,
            )
            self.servers.append(server)
        self.started = True

    def stop(self) -> None:
        """Finish running requests, then return from :meth:`serve`."""
        self.should_exit = True


async def serve_http(
    app: AsgiApp,
    sockets: Sequence[socket.socket],
    settings: Settings,
    *,
    stop: asyncio.Event,
    limits: HttpLimits | None = None,
) -> None:
    """Answer HTTP on listening sockets until ``stop`` is set; then running requests get
    :data:`SHUTDOWN_SECONDS` to finish. The sockets are closed at the end.

    TLS, when the settings name a certificate.

    :raises HttpServerError: certificate or key cannot be used.
    """
    limits = limits or HttpLimits()
    edge = _Edge(limits, settings.trusted_proxies)
    config = uvicorn.Config(
        app,
        http=_protocol_class(edge),
        ws=_websocket_class(edge),
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=limits.keep_alive_seconds,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=settings.http_tls_cert,
        ssl_keyfile=settings.http_tls_key,
        backlog=BACKLOG,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise HttpServerError(f"TAMAS_HTTP_TLS_CERT or TAMAS_HTTP_TLS_KEY: {error}") from error
    server = _Server(config)
    server.handshake_seconds = limits.header_seconds
    stopping = asyncio.create_task(_stop_when_set(stop, server), name="http-stop")
    try:
        await server._serve(list(sockets))  # noqa: SLF001 - serve() would take over our signals
    finally:
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


async def _stop_when_set(stop: asyncio.Event, server: _Server) -> None:
    await stop.wait()
    server.stop()
