"""The live stream of events: ``/events/stream`` (Server-Sent Events) and ``/events/ws`` (WebSocket).

Beside the SA, not part of it: the same accounts, addresses and credentials, the permission
``/events/stream/read``. Each event is one JSON object, the one that receivers of our own shape get. ``after``
in the query, or ``Last-Event-ID``, is the position to go on from; ``events`` names those that are wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import msgspec

from tamas.events.receivers import ReceiverError, checked_events
from tamas.events.rendering import Told, own_body
from tamas.events.tail import EventTail, Listener, Missed

if TYPE_CHECKING:
    from tamas.sa.gateway import Gateway, Scope, Send

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

STREAM: Final = "/events/stream"
SOCKET: Final = "/events/ws"
PERMISSION: Final = "/events/stream/read"
MAX_LISTENERS: Final = 100
"""Of one process."""
PAUSE_SECONDS: Final = 15.0
"""After which a stream without events shows that it is alive."""
SEND_SECONDS: Final = 30.0
"""How long a listener may take nothing before it is left."""
CHECK_SECONDS: Final = 2.0
"""How often it is asked whether the account may still listen."""
_MAX_POSITION: Final = 2**63 - 1


class _Over(Exception):
    """The stream is at its end."""


class EventStream:
    """Serves listeners; ``stop`` ends them all."""

    def __init__(self, gateway: Gateway, tail: EventTail, stop: asyncio.Event | None = None) -> None:
        self._gateway = gateway
        self._tail = tail
        self._stop = stop or asyncio.Event()

    def serves(self, scope: Scope) -> bool:
        """Whether a request is for us."""
        path = str(scope["path"]).rstrip("/")
        return path == STREAM if scope["type"] == "http" else path == SOCKET and scope["type"] == "websocket"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream."""
        socket = scope["type"] == "websocket"
        if socket:
            await receive()  # websocket.connect
        elif scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, 405, "Method not allowed", socket=False, headers=[(b"allow", b"GET")])
            return
        admitted = await self._gateway.let_in(scope, PERMISSION)
        if admitted.status != 200:
            await _refuse(send, admitted.status, admitted.message, socket=socket, headers=admitted.headers)
            return
        try:
            after, names = _wishes(scope)
        except ValueError as error:
            await _refuse(send, 400, str(error), socket=socket, headers=admitted.headers)
            return
        if self._tail.listening >= MAX_LISTENERS:
            await _refuse(send, 503, "Too many listen already", socket=socket, headers=admitted.headers)
            return
        writer = _Socket(send) if socket else _ServerSentEvents(send)
        async with self._tail.listen(after) as listener:
            try:
                await writer.begin(admitted.headers)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._tell(listener, writer, names))
                    tasks.create_task(_gone(receive))
                    tasks.create_task(self._stopped())
                    tasks.create_task(self._checked(scope))
            except* (_Over, OSError, TimeoutError):
                await writer.end()

    async def _tell(self, listener: Listener, writer: _Writer, names: frozenset[str]) -> None:
        waiting: asyncio.Task[list[Told | Missed]] | None = None
        try:
            while True:
                waiting = waiting or asyncio.create_task(listener.next())
                done, _ = await asyncio.wait({waiting}, timeout=PAUSE_SECONDS)
                async with asyncio.timeout(SEND_SECONDS):
                    if not done:
                        await writer.pause()
                        continue
                    found = [one for one in waiting.result() if isinstance(one, Missed) or one.name in names]
                    waiting = None
                    if found:
                        await writer.tell(found)
        finally:
            if waiting is not None:
                waiting.cancel()

    async def _stopped(self) -> None:
        await self._stop.wait()
        raise _Over

    async def _checked(self, scope: Scope) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not await self._gateway.still_in(scope, PERMISSION):
                raise _Over


class _Writer:
    """How a stream is written."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Accept."""
        raise NotImplementedError

    async def tell(self, found: list[Told | Missed]) -> None:
        """Send events."""
        raise NotImplementedError

    async def pause(self) -> None:
        """Show that the stream is alive."""

    async def end(self) -> None:
        """Take leave, if anybody is there."""


class _ServerSentEvents(_Writer):
    """WHATWG HTML, section 9.2."""

    async def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        own = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": own + headers})
        await self._part(b"retry: 1000\n\n")

    async def tell(self, found: list[Told | Missed]) -> None:
        await self._part(b"".join(map(_as_server_sent, found)))

    async def pause(self) -> None:
        await self._part(b":\n\n")

    async def end(self) -> None:
        try:
            async with asyncio.timeout(1):
                await self._send({"type": "http.response.body", "body": b""})
        except (OSError, TimeoutError):
            pass

    async def _part(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


class _Socket(_Writer):
    """One text message for each event; the server's own pings show that the stream is alive."""

    async def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "websocket.accept", "headers": headers})

    async def tell(self, found: list[Told | Missed]) -> None:
        for one in found:
            await self._send({"type": "websocket.send", "text": _body(one).decode()})

    async def end(self) -> None:
        try:
            async with asyncio.timeout(1):
                await self._send({"type": "websocket.close", "code": 1001})
        except (OSError, TimeoutError, RuntimeError):
            pass


def _body(one: Told | Missed) -> bytes:
    if isinstance(one, Missed):
        return msgspec.json.encode(
            {"type": "missed", "count": one.count, "first": one.first, "last": one.last}
        )
    return own_body(one)


def _as_server_sent(one: Told | Missed) -> bytes:
    position, name = (one.last, "missed") if isinstance(one, Missed) else (one.position, one.name)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (position, name.encode(), _body(one))


def _wishes(scope: Scope) -> tuple[int | None, frozenset[str]]:
    """Position to go on from, and the events that are wanted. :raises ValueError: they make no sense."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    after = next((value for name, value in scope["headers"] if name == b"last-event-id"), b"").decode(
        "latin-1"
    )
    after = after or query.get("after", [""])[-1]
    if after and not (after.isdecimal() and after.isascii() and int(after) <= _MAX_POSITION):
        raise ValueError("after is the position of an event")
    wanted = [name for value in query.get("events", []) for name in value.split(",") if name.strip()]
    try:
        names = checked_events(wanted, shape="own")
    except ReceiverError as error:
        raise ValueError(str(error)) from error
    return int(after) if after else None, names


async def _gone(receive: Receive) -> None:
    """Wait until the listener goes; what it sends does not matter."""
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass
    raise _Over


async def _refuse(
    send: Send, status: int, message: str, *, socket: bool, headers: list[tuple[bytes, bytes]]
) -> None:
    body = msgspec.json.encode({"success": 0, "message": message, "data": None})
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    kind = "websocket.http.response" if socket else "http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": own + headers})
    await send({"type": f"{kind}.body", "body": body})
