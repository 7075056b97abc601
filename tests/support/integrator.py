"""An integrator's web server, good or bad: a real HTTP/1.1 server that answers as a test tells it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(kw_only=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """What the request says: its JSON body, else its query."""
        return dict(json.loads(self.body)) if self.body else dict(self.query)


Writer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Raw:
    """What writes to the connection by itself, which is closed afterwards."""

    write: Writer


Answer = Mapping[str, Any] | bytes | Raw
"""An object sent as JSON, a whole answer in bytes, or what writes by itself."""


def page(body: bytes | str, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


async def _say_nothing(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


SILENCE = Raw(_say_nothing)
"""Never answers."""


@dataclass(kw_only=True)
class Integrator:
    """``async with Integrator() as integrator``: ``integrator.answers["/path"]`` says what comes back.

    A list of answers is given one after the other, its last one again and again.
    """

    answers: dict[str, Answer | list[Answer] | Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None
    """Its certificate, if it speaks HTTPS."""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def url(self, path: str = "/") -> str:
        """Address of a path."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"

    async def start(self) -> None:
        """Begin to listen, on the port it had before if it had one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and end what is being answered."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._server = None

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    def forget(self) -> None:
        """Forget answers and what was asked."""
        self.answers.clear()
        self.asked.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(method=method, path=parts.path, query=query, headers=headers, body=body)
        self.asked.append(asked)
        answer = self.answers.get(parts.path, page("", status="404 Not Found"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if not isinstance(answer, Mapping | bytes | Raw):
            answer = answer(asked)
        if isinstance(answer, Mapping):
            answer = page(json.dumps(answer), "Content-Type: application/json")
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
            return True
        await answer.write(writer)
        return False
