"""A TCP proxy that can fall silent: the peer is still there, but nothing comes through any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class StallingProxy:
    """Passes bytes on to a port of this machine unless it is silent. Make it with :func:`stalling_proxy`."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def fall_silent(self) -> None:
        """Pass nothing on, in connections that are there and in new ones, and tell nobody."""
        self._open.clear()

    def speak(self) -> None:
        """Pass everything on again, what was held back included."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there = None
        try:
            await self._open.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(reader, there))
                ways.create_task(self._pass_on(back, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            for one in (writer, there):
                if one is not None:
                    one.close()
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        await self._open.wait()
        with suppress(OSError):
            writer.write_eof()

    async def end(self) -> None:
        """Drop every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def stalling_proxy(target: int) -> AsyncIterator[StallingProxy]:
    """A running proxy in front of a port of 127.0.0.1."""
    proxy = StallingProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
