"""A receiver of events that costs nearly nothing: it takes every request and remembers when it came.

``python -m bench.receiver PORT`` answers any request with 204, ``GET /taken`` with a JSON list of what came
so far: for each request its time (seconds since the epoch, at its first byte), path and body.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httptools
import msgspec
import uvloop

TAKEN = "/taken"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"

_taken: list[tuple[float, str, str]] = []


class Receiver(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self._parser = httptools.HttpRequestParser(self)
        self._came = 0.0

    def data_received(self, data: bytes) -> None:
        if not self._came:
            self._came = time.time()
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._path, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._path.decode() == TAKEN:
            body = msgspec.json.encode(_taken)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            _taken.clear()
        else:
            _taken.append((self._came, self._path.decode(), self._body.decode()))
            self._transport.write(NOTHING)
        self._came = 0.0


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
