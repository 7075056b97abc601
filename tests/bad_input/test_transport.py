"""Bytes that are no decent HTTP request, or carry no decent JSON: refused in time, and others are served."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from support.server import TamasServer

pytestmark = pytest.mark.engine

UNPARSEABLE = b'{"success":0,"message":"Unable to parse content","data":null}'
PROMPT_SECONDS = 3.0
"""Generous: the machine may be busy. What is closed for being slow takes ten."""
MIB = 1024 * 1024


def credentials(server: TamasServer) -> bytes:
    """Headers that let the request in."""
    account = server.account
    assert account is not None
    basic = base64.b64encode(f"{account.username}:{account.password}".encode())
    return b"Authorization: Basic %s\r\nX-APIKEY: %s\r\n" % (basic, account.token.encode())


def post(server: TamasServer, body: bytes, *, path: str = "setting/ping/act", more: bytes = b"") -> bytes:
    """A whole request; the connection is to be closed after it."""
    return (
        b"POST /api/v4/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    ) % (path.encode(), credentials(server), more, len(body)) + body


async def talk(server: TamasServer, *parts: bytes, within: float = 20.0) -> bytes:
    """Send parts while reading, and return everything that came until the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port, limit=4 * MIB)

    async def send() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    sending = asyncio.create_task(send())
    received = bytearray()
    try:
        async with asyncio.timeout(within):
            while data := await reader.read(65536):
                received += data
    except ConnectionError:
        pass
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
    return bytes(received)


async def good(server: TamasServer) -> None:
    """A decent request is answered promptly."""
    began = time.monotonic()
    assert b'{"success":1' in await talk(server, post(server, b"{}"))
    assert time.monotonic() - began < PROMPT_SECONDS


def is_unparseable(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 400 Bad Request\r\n") and answer.endswith(UNPARSEABLE)


BODIES = {
    "truncated": b'{"name": "a',
    "no object": b"[1]",
    "a text": b'"{}"',
    "two objects": b"{}{}",
    "a doubled key": b'{"name":"a","name":"b"}',
    "a doubled key inside": b'{"conditions":{"a":1,"a":2}}',
    "NaN": b'{"timeout":NaN}',
    "Infinity": b'{"timeout":-Infinity}',
    "no UTF-8": b'{"name":"\xff"}',
    "an encoded surrogate": b'{"name":"\xed\xa0\x80"}',
    "UTF-16": '{"name":"a"}'.encode("utf-16"),
    "a bare NUL": b"\x00",
    "a control character": b'{"name":"a\x01"}',
    "a comment": b"{/**/}",
    "single quotes": b"{'name':'a'}",
    "a trailing comma": b'{"name":"a",}',
    "an integer of 5000 digits": b'{"timeout":' + b"9" * 5000 + b"}",
    "100,000 brackets": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 open brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "gzip": gzip.compress(b'{"name":"a"}'),
    "a form": b"name=a",
    "just above the limit": b'{"a":"' + b"x" * MIB + b'"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_what_is_no_json_object(server: TamasServer, body: bytes) -> None:
    """The catalogue's 400, promptly, whatever it is."""
    began = time.monotonic()
    assert is_unparseable(await talk(server, post(server, body)))
    assert time.monotonic() - began < PROMPT_SECONDS


ACCEPTED = {
    "nothing": b"",
    "an empty list": b"[]",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "blanks": b" \r\n\t{ } \r\n",
    "unknown fields": b'{"__proto__":{"a":1},"constructor":null,"":[]}',
    "a large unknown number": b'{"x":1e400}',
    "just below the limit": b'{"a":"' + b"x" * (MIB - 100) + b'"}',
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_what_is_odd_but_json(server: TamasServer, body: bytes) -> None:
    """Odd forms of a JSON object are one all the same."""
    assert b'{"success":1' in await talk(server, post(server, body))


async def test_ten_megabytes(server: TamasServer) -> None:
    """10 MB with a length, and in chunks, twenty times: 400 each time, and memory stays where it was."""
    large = b'{"a":"' + b"x" * (10 * MIB) + b'"}'
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    chunked = [
        b"POST /api/v4/setting/ping/act HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" % credentials(server),
        *[chunk] * 160,
        b"0\r\n\r\n",
    ]
    for part in ([post(server, large)], chunked):
        answer = await talk(server, *part)
        assert is_unparseable(answer), answer[:300]
    worker = server.main_worker
    before = worker.memory_info().rss
    for _ in range(10):
        await asyncio.gather(talk(server, post(server, large)), talk(server, *chunked))
    assert worker.memory_info().rss - before < 16 * MIB
    await good(server)


def smuggled(server: TamasServer) -> Iterator[tuple[str, bytes]]:
    """Requests on whose end a proxy and a server might disagree, each with another one inside."""
    inner = post(server, b"{}", path="pbx/users/search")
    head = b"POST /api/v4/setting/ping/act HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + (
        credentials(server)
    )
    yield "CL.TE", head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner
    yield "TE.CL", head + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + inner
    yield "two lengths", head + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}" + inner
    yield "a list of lengths", head + b"Content-Length: 2, 5\r\n\r\n{}" + inner
    yield "a signed length", head + b"Content-Length: +2\r\n\r\n{}" + inner
    yield "a negative length", head + b"Content-Length: -2\r\n\r\n{}" + inner
    yield "a hexadecimal length", head + b"Content-Length: 0x2\r\n\r\n{}" + inner
    yield "an endless length", head + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}" + inner
    yield "a blank before the colon", head + b"Content-Length : 2\r\n\r\n{}" + inner
    yield "an odd coding", head + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner
    yield "chunked in the middle", head + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner
    yield "a signed chunk", head + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + inner
    yield "a bare line feed", head + b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner
    yield (
        "a folded header",
        head + b"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + inner,
    )
    yield "a NUL in a header", head + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + inner
    yield "a carriage return in a header", head + b"X: a\rY: b\r\nContent-Length: 2\r\n\r\n{}" + inner


async def test_requests_within_requests(server: TamasServer) -> None:
    """What could be cut in two ways is refused and the connection closed, or has exactly one reading."""
    for name, request in smuggled(server):
        answer = await talk(server, request)
        statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answer)
        if statuses[:1] == [b"400"] or not statuses:
            assert len(statuses) <= 1, (name, answer)
        else:
            # RFC 9112 lets a folded header and a bare line feed be read; then both requests are whole.
            assert name in {"a folded header", "a bare line feed"}, (name, answer)
            assert statuses == [b"200", b"200"], (name, answer)
    await good(server)


async def test_lengths_that_lie(server: TamasServer) -> None:
    """A body shorter than its length is waited for and nothing is done; a longer one ends the connection."""
    short = post(server, b"{}").replace(b"Content-Length: 2", b"Content-Length: 50")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    writer.write(short)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 15) == b""
    writer.close()
    answer = await talk(
        server, post(server, b'{"a":"' + b"x" * 50 + b'"}').replace(b"Length: 58", b"Length: 2")
    )
    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) in ([b"400"], [b"400", b"400"])
    await good(server)


NO_REQUESTS = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a made-up method": b"HACK /api/v4/setting/ping/act HTTP/1.1\r\nHost: x\r\n\r\n",
    "a version of the future": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bytes in the target": b"GET /api/v4/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in the target": b"GET /api/v4/\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header of 64 KiB": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 65536 + b"\r\n\r\n",
    "a target of 64 KiB": b"GET /" + b"y" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "5000 headers": b"GET / HTTP/1.1\r\nHost: x\r\n"
    + b"".join(b"X%d: 1\r\n" % n for n in range(5000))
    + b"\r\n",
    "sip": b"OPTIONS sip:127.0.0.1 SIP/2.0\r\n\r\n",
}


@pytest.mark.parametrize("request_", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
async def test_what_is_no_request(server: TamasServer, request_: bytes) -> None:
    """A refusal or a closed connection, at once."""
    began = time.monotonic()
    answer = await talk(server, request_)
    assert time.monotonic() - began < PROMPT_SECONDS
    assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), answer[:200]
    await good(server)


PATHS = {
    "/api/v4/%00": 401,
    "/api/v4/%ff%fe": 401,
    "/api/v4/..%2f..%2fetc%2fpasswd": 401,
    "/api/v4/../../etc/passwd": 401,
    "/api/v4/setting/ping/act%0d%0aX-Evil:%201": 401,
    "/api/v4/" + "a" * 4000: 401,
    "/api/v4/%1b[31m": 401,
    "/api/v5/setting/ping/act": 404,
    "/%2e%2e/%2e%2e/etc/passwd": 404,
}


@pytest.mark.parametrize(("path", "status"), PATHS.items(), ids=[path[:24] for path in PATHS])
async def test_odd_paths(server: TamasServer, path: str, status: int) -> None:
    """A path is a name, never a file: 401 to strangers and 501 to accounts, and 404 outside the API."""
    answer = await talk(server, b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    known = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n" % (
        path.encode(),
        credentials(server),
    )
    answer = await talk(server, known)
    assert answer.startswith(b"HTTP/1.1 501 " if status == 401 else b"HTTP/1.1 404 "), answer[:300]
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"x-evil" not in head
    assert b"root:" not in answer


async def test_an_old_client(server: TamasServer) -> None:
    """HTTP/1.0 without a Host gets its answer and a closed connection."""
    request = post(server, b"{}").replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: x\r\n", b"")
    answer = await talk(server, request.replace(b"Connection: close\r\n", b""))
    assert b'{"success":1' in answer


async def test_pipelined_requests(server: TamasServer) -> None:
    """Requests in one piece are answered in order, a bad one among them too."""
    keep = post(server, b"{}").replace(b"Connection: close\r\n", b"")
    bad = post(server, b"{").replace(b"Connection: close\r\n", b"")
    answer = await talk(server, keep + bad + keep + post(server, b"{}"))
    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) == [b"200", b"400", b"200", b"200"]


@asynccontextmanager
async def held(server: TamasServer, count: int, first: bytes) -> Any:
    """Connections that send something and no more; gives their readers."""
    opened = await asyncio.gather(
        *(asyncio.open_connection("127.0.0.1", server.http_port) for _ in range(count))
    )
    try:
        for _, writer in opened:
            writer.write(first)
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


@pytest.mark.slow
async def test_four_hundred_connections_that_never_ask(server: TamasServer) -> None:
    """200 send nothing, 200 half a header: closed in time without a word; others are served promptly."""
    half = b"POST /api/v4/setting/ping/act HTTP/1.1\r\nHost: x\r\nX-Ha"
    began = time.monotonic()
    async with held(server, 200, b"") as silent, held(server, 200, half) as halves:
        for _ in range(5):
            await good(server)
        closed = await asyncio.wait_for(asyncio.gather(*(one.read() for one in (*silent, *halves))), 30)
        assert closed == [b""] * 400
        assert 8 < time.monotonic() - began < 30
    await good(server)


async def test_slow_bodies_hold_nobody_up(server: TamasServer) -> None:
    """Fifty bodies that do not come leave the server free for others."""
    begun = post(server, b'{"a":"' + b"x" * 500).replace(b"Connection: close\r\n", b"")[:-300]
    async with held(server, 50, begun):
        for _ in range(5):
            await good(server)


async def test_odd_credentials(server: TamasServer) -> None:
    """Any bytes in user, password and token are wrong credentials, never an error."""
    account = server.account
    assert account is not None
    pairs = [
        b"\xff\xfe:\xff",
        b":",
        b"a",
        b"\x00:\x00",
        b"tester:\x00",
        b"tester:" + b"x" * 20_000,
        b"'--:' OR 1",
    ]
    headers = [
        *(b"Authorization: Basic " + base64.b64encode(pair) for pair in pairs),
        b"Authorization: Basic",
        b"Authorization: Basic \xff\xfe",
        b"Authorization: Basic ====",
        b"Authorization: Bearer " + account.token.encode(),
        b"Authorization: Digest username=x",
        b"X-APIKEY: \xff\xfe",
        b"X-APIKEY: ' OR '1'='1",
        b"X-APIKEY: " + b"x" * 20_000,
        b"X-APIKEY: %s\r\nX-APIKEY: %s" % (account.token.encode(), account.token.encode()),
    ]
    refused = json.dumps(
        {"success": 0, "message": "BasicAuth or ApiKey is invalid", "data": None}, separators=(",", ":")
    ).encode()
    for header in headers:
        request = (
            b"POST /api/v4/setting/ping/act HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % header
        )
        answer = await talk(server, request)
        assert answer.startswith(b"HTTP/1.1 401 "), (header[:60], answer[:200])
        assert answer.endswith(refused), (header[:60], answer[-200:])
    for blank in (b"Authorization:", b"X-APIKEY:", b"Authorization:  \r\nX-APIKEY: "):
        request = (
            b"POST /api/v4/setting/ping/act HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % blank
        )
        assert b"BasicAuth or ApiKey is missing" in await talk(server, request)


def test_nothing_broke(server: TamasServer) -> None:
    """After all of this the log tells of no failure of ours, and holds no byte that a terminal obeys."""
    log = server.log
    assert "Traceback" not in log
    assert "failed unexpectedly" not in log
    assert "\x1b" not in log
