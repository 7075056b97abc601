"""The cable between SIPp and the server: it carries SIP datagrams both ways unchanged and lets us watch.

The server sees one address for a phone, whichever process plays it; a button is a datagram that enters the
cable at SIPp's end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tamas.demo.sip_message import SipMessage, parse_message

Direction = Literal["in", "out"]
"""As the phone sees it: ``in`` comes from the server."""

TRACE_LENGTH = 400
"""Messages kept for the reader of a failure."""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A message that went through the cable."""

    at: float
    """Seconds since the epoch."""
    direction: Direction
    message: SipMessage


class Wire:
    """The cable of one phone. Make it with :meth:`open`."""

    def __init__(self, server: tuple[str, int], watch: Callable[[Direction, SipMessage], None]) -> None:
        self.trace: list[Passed] = []
        self.cut = False
        """While true nothing passes, as when somebody pulled the plug."""
        self._server = server
        self._watch = watch
        self._phone: tuple[str, int] | None = None
        self._outer: asyncio.DatagramTransport
        self._inner: asyncio.DatagramTransport
        self._answers: dict[str, asyncio.Future[SipMessage]] = {}

    @classmethod
    async def open(
        cls,
        server: tuple[str, int],
        local: tuple[str, int],
        watch: Callable[[Direction, SipMessage], None],
    ) -> Wire:
        """Bind the end that the server sees (``local``; port 0 takes a free one) and the end for SIPp."""
        wire = cls(server, watch)
        loop = asyncio.get_running_loop()
        wire._outer, _ = await loop.create_datagram_endpoint(
            lambda: _End(wire._from_server), local_addr=local
        )
        wire._inner, _ = await loop.create_datagram_endpoint(
            lambda: _End(wire._from_phone), local_addr=("127.0.0.1", 0)
        )
        return wire

    @property
    def address(self) -> tuple[str, int]:
        """Where the server reaches the phone."""
        host, port = self._outer.get_extra_info("sockname")[:2]
        return str(host), int(port)

    def plug_in(self, phone: tuple[str, int]) -> None:
        """Say where SIPp listens."""
        self._phone = phone

    def press(self, button: bytes) -> None:
        """Hand a datagram to SIPp."""
        if self._phone is not None:
            self._inner.sendto(button, self._phone)

    async def ask(self, request: bytes, call_id: str, within: float) -> SipMessage:
        """Hand SIPp a request of our own and return its response, which does not reach the server.

        :raises TimeoutError: none came.
        """
        answer = self._answers[call_id] = asyncio.get_running_loop().create_future()
        try:
            self.press(request)
            return await asyncio.wait_for(answer, within)
        finally:
            del self._answers[call_id]

    def close(self) -> None:
        """Free both ports."""
        self._outer.close()
        self._inner.close()

    def _from_server(self, data: bytes) -> None:
        self._carry("in", data)

    def _from_phone(self, data: bytes) -> None:
        self._carry("out", data)

    def _carry(self, direction: Direction, data: bytes) -> None:
        if self.cut:
            return
        message = parse_message(data)
        if message is not None:
            waiting = self._answers.get(message.call_id) if direction == "out" else None
            if waiting is not None:
                if not waiting.done():
                    waiting.set_result(message)
                return
            self.trace.append(Passed(at=time.time(), direction=direction, message=message))
            del self.trace[:-TRACE_LENGTH]
        if direction == "out":
            self._outer.sendto(data, self._server)
        elif self._phone is not None:
            self._inner.sendto(data, self._phone)
        if message is not None:
            self._watch(direction, message)


class _End(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def connection_made(self, transport: Any) -> None:
        """The transport is kept by whoever made the endpoint."""

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._receive(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the other end just now; SIP sends again."""
