"""The HTTP edge: connections that send nothing, half a header, too much, or too slowly."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from support.certificates import certificate
from support.ports import free_port
from support.waiting import eventually
from tamas.http_server import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    HttpLimits,
    HttpServerError,
    serve_http,
)
from tamas.settings import load_settings
from tamas.supervisor import bind_http

QUICK = HttpLimits(header_seconds=1.0, body_seconds=1.0, max_connections=300, max_connections_per_address=3)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

Message = MutableMapping[str, Any]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answers with the length of the body; under /stream the head first, then two parts; WebSockets echo."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})
        return
    if scope["path"] == "/deaf":
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def listening(port: int | None = None) -> socket.socket:
    """A socket that listens on loopback as the product's does."""
    environment = {"TAMAS_HTTP_HOST": "127.0.0.1", "TAMAS_HTTP_PORT": str(port or free_port())}
    return bind_http(load_settings(environment))


@asynccontextmanager
async def serving(
    limits: HttpLimits = QUICK, environment: dict[str, str] | None = None
) -> AsyncIterator[int]:
    """The application on a port of loopback."""
    listener = listening()
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    task = asyncio.create_task(
        serve_http(application, [listener], load_settings(environment or {}), stop=stop, limits=limits)
    )
    try:
        yield port
    finally:
        stop.set()
        await task


async def talk(port: int, *parts: bytes, pause: float = 0.0, within: float = 5.0) -> bytes:
    """Send parts with pauses, and return what comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read())
    try:
        for part in parts:
            if answer.done():
                break
            writer.write(part)
            await asyncio.sleep(pause)
        return await asyncio.wait_for(answer, within)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_two_hundred_silent_connections() -> None:
    """Connections that send nothing or half a header are closed in time; a good one is served at once."""
    loop = asyncio.get_running_loop()
    async with serving() as port:
        began = loop.time()
        idle = [
            asyncio.create_task(talk(port, b"" if number % 2 else b"GET / HTTP/1.1\r\nHost: x\r\nX-Half"))
            for number in range(200)
        ]
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient(trust_env=False) as http:
            asked = loop.time()
            assert (await http.get(f"http://127.0.0.1:{port}/")).status_code == 200
            assert loop.time() - asked < 0.5
        assert await asyncio.gather(*idle) == [b""] * 200
        assert 0.9 < loop.time() - began < 4


async def test_trickled_headers() -> None:
    """A byte now and then does not keep a request for ever, not even on a connection that was good before."""
    loop = asyncio.get_running_loop()
    async with serving() as port:
        began = loop.time()
        assert await talk(port, b"GET / HTTP/1.1\r\nX: ", *[b"x" for _ in range(30)], pause=0.1) == b""
        assert loop.time() - began < 2.5
        answer = await talk(port, GET, b"GET / HTTP/1.1\r\n", *[b"x" for _ in range(30)], pause=0.1)
        assert answer.count(b"HTTP/1.1 200") == 1


async def test_trickled_body() -> None:
    """A body has to be complete in time as well."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    async with serving() as port:
        assert await talk(port, head, *[b"x" for _ in range(30)], pause=0.1) == b""
        slow_but_fine = [head, *[b"x" * 25 for _ in range(4)]]
        answer = await talk(port, *slow_but_fine, b"GET / HTTP/1.0\r\n\r\n", pause=0.1)
        assert b"\r\n\r\n100" in answer


async def test_a_websocket_counts_as_the_connection_it_is() -> None:
    """It outlives the limits on requests, keeps its place among the connections, and gives it back."""
    limits = HttpLimits(header_seconds=0.3, body_seconds=0.3, max_connections=2)
    async with serving(limits) as port:
        url = f"ws://127.0.0.1:{port}/"
        async with connect(url, proxy=None) as first, connect(url, proxy=None) as second:
            await asyncio.sleep(0.5)
            for socket_, text in ((first, "one"), (second, "two")):
                await socket_.send(text)
                assert await socket_.recv() == text
            assert await talk(port, GET) == b""
            await first.close()
            async with httpx.AsyncClient(trust_env=False) as http:
                await eventually(lambda: _answers(http, port), within=2, what="a place that is free again")


async def test_a_websocket_on_a_connection_that_was_used_before() -> None:
    """A proxy may open one where requests have passed; waiting for the next of those does not end it."""
    handshake = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving(HttpLimits(keep_alive_seconds=1, body_seconds=1)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await reader.readexactly(1)
        writer.write(handshake)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        await asyncio.sleep(1.5)
        writer.write(b"\x81\x82\x00\x00\x00\x00hi")  # a masked text frame (RFC 6455, section 5.2)
        assert await asyncio.wait_for(reader.readexactly(4), 2) == b"\x81\x02hi"
        writer.close()


async def _answers(http: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{port}/")).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_websocket_takes_no_large_messages() -> None:
    """What is longer than anything a page sends ends the connection."""
    async with serving() as port, connect(f"ws://127.0.0.1:{port}/", proxy=None) as opened:
        await opened.send("x" * (MAX_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            await opened.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_kept_connections_may_wait_longer_than_headers() -> None:
    """Between requests a connection may be idle beyond the header limit."""
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(GET)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(1) == b"0"
            await asyncio.sleep(QUICK.header_seconds + 0.3)
        writer.close()


async def test_pipelined_requests() -> None:
    """Requests sent in one piece are answered in order."""
    async with serving() as port:
        answer = await talk(port, GET + GET + b"GET / HTTP/1.0\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200") == 3


async def test_large_headers() -> None:
    """Too many or too long headers are refused, complete or not."""
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(MAX_HEADERS + 5))
    async with serving() as port:
        answer = await talk(port, b"GET / HTTP/1.1\r\n" + many + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 431")
        answer = await talk(port, b"GET / HTTP/1.1\r\nX: " + b"x" * (MAX_HEADER_BYTES + 10))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
        answer = await talk(port, b"GET / HTTP/1.1\r\nX: " + b"x" * (MAX_HEADER_BYTES + 10) + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 431")
        answer = await talk(port, b"GET /" + b"x" * (MAX_HEADER_BYTES + 10))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431")


async def test_nonsense_is_refused() -> None:
    """What is not HTTP is a 400 and a closed connection."""
    async with serving() as port:
        for nonsense in (b"\x16\x03\x01\x02\x00\x01", b"HELLO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            answer = await talk(port, nonsense)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_connections_of_all_together_are_capped() -> None:
    """Beyond the cap a new connection is closed without a word; when others leave there is room again."""
    limits = HttpLimits(header_seconds=5, max_connections=3)
    async with serving(limits) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await talk(port, GET) == b""
        held.pop()[1].close()
        await asyncio.sleep(0.1)
        assert b"200" in await talk(port, b"GET / HTTP/1.0\r\n\r\n")
        for _, writer in held:
            writer.close()


async def test_connections_per_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address gets only so many connections; loopback and trusted proxies are exempt."""
    limits = HttpLimits(header_seconds=5, max_connections_per_address=2)
    async with serving(limits) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        await asyncio.sleep(0.1)
        assert b"200" in await talk(port, b"GET / HTTP/1.0\r\n\r\n")
        for _, writer in held:
            writer.close()
    monkeypatch.setattr("tamas.http_server._Edge._exempt", lambda *_: False)
    async with serving(limits) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert await talk(port, GET) == b""
        for _, writer in held:
            writer.close()


async def test_streams_show_their_head_before_the_body() -> None:
    """Joining head and body must not hold the head of a stream back."""
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 0.15)
        assert b"chunked" in head
        assert await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 2) == b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
        writer.close()


async def test_refused_bodies_end_in_time() -> None:
    """A body that nobody reads may not go on for ever."""
    head = b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    async with serving() as port:
        answer = await talk(port, head, *[b"x" for _ in range(30)], pause=0.1)
        assert answer.startswith(b"HTTP/1.1 413")


async def test_an_early_answer_is_not_lost() -> None:
    """Who asks to close and is answered before its body is complete gets the answer, not a reset."""
    head = b"POST /deaf HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10000000\r\n\r\n"
    async with serving() as port:
        for _ in range(5):
            answer = await talk(port, head, b"x" * 5_000_000, b"x" * 5_000_000, pause=0.01)
            assert answer.startswith(b"HTTP/1.1 413")
        began = asyncio.get_running_loop().time()
        assert (await talk(port, head)).startswith(b"HTTP/1.1 413")
        assert asyncio.get_running_loop().time() - began < 3


async def test_idle_connections_end() -> None:
    """A kept connection is closed after a while, also when its last body was answered early."""
    limits = HttpLimits(keep_alive_seconds=1)
    early = [b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", b"01234", b"56789"]
    async with serving(limits) as port:
        assert (await talk(port, GET, within=4)).startswith(b"HTTP/1.1 200")
        assert (await talk(port, *early, pause=0.2, within=4)).startswith(b"HTTP/1.1 413")


async def test_stopping_lets_requests_finish() -> None:
    """A request that runs when the server stops still gets its answer; the port is free afterwards."""
    async with serving() as port:
        asked = asyncio.create_task(talk(port, b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"))
        await asyncio.sleep(0.1)
    assert b"1\r\nb" in await asked
    listening(port).close()


async def test_tls(tmp_path: Path) -> None:
    """With a certificate the same server speaks HTTPS, on WebSockets too, and plain HTTP gets nowhere."""
    certificate_path, key_path = certificate(tmp_path)
    environment = {"TAMAS_HTTP_TLS_CERT": str(certificate_path), "TAMAS_HTTP_TLS_KEY": str(key_path)}
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with serving(environment=environment) as port:
        async with httpx.AsyncClient(verify=context, trust_env=False) as http:
            assert (await http.get(f"https://127.0.0.1:{port}/")).text == "0"
        async with connect(f"wss://127.0.0.1:{port}/", ssl=context, proxy=None) as websocket:
            await websocket.send("sealed")
            assert await websocket.recv() == "sealed"
        assert b"200" not in await talk(port, GET)
        assert await talk(port, b"\x16\x03\x01", within=3) == b""  # a handshake that goes no further
    broken = {"TAMAS_HTTP_TLS_CERT": str(key_path), "TAMAS_HTTP_TLS_KEY": str(key_path)}
    listener = listening()
    try:
        with pytest.raises(HttpServerError, match="TLS"):
            await serve_http(application, [listener], load_settings(broken), stop=asyncio.Event())
    finally:
        listener.close()
