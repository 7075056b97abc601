"""The ear and the mouth of a phone: a UDP socket that sends a tone as RTP and listens to what arrives.

RFC 3550 (RTP), RFC 3551 payload type 0 (G.711 µ-law), RFC 4733 (telephone events).
"""

from __future__ import annotations

import asyncio
import random
import struct
import time
from typing import Any

from tamas.demo.tone import FRAME_SAMPLES, SAMPLE_RATE, Listener, one_second

PCMU = 0
TELEPHONE_EVENT = 101
EVENT_DIGITS = "0123456789*#ABCD"
"""Event codes 0 to 15 of RFC 4733, section 3.2."""

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_VERSION = 0x80
_MARKER = 0x80
_EVENT_END = 0x80
_EVENT_VOLUME = 10
_END_PACKETS = 3
_FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE
_DIGIT_FRAMES = 5
_PAUSE_FRAMES = 4


class RtpSocket(asyncio.DatagramProtocol):
    """One end of an audio stream on a port of the loopback interface. Make it with :meth:`open`."""

    def __init__(self, tone_hz: int) -> None:
        self.listener = Listener()
        self.digits = ""
        """Digits that the other side sent as telephone events."""
        self.packets_received = 0
        self.packets_sent = 0
        self._tone = one_second(tone_hz)
        self._transport: asyncio.DatagramTransport | None = None
        self._sender: asyncio.Task[None] | None = None
        self._target: tuple[str, int] | None = None
        self._sequence = random.getrandbits(16)  # RFC 3550 wants it different each time, not secret
        self._timestamp = random.getrandbits(32)
        self._source = random.getrandbits(32)
        self._position = 0
        self._dialing: list[str] = []
        self._last_event: int | None = None

    @classmethod
    async def open(cls, tone_hz: int, address: str = "127.0.0.1") -> RtpSocket:
        """Bind a free port. ``tone_hz`` is what it will send; 0 is silence."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: cls(tone_hz), local_addr=(address, 0))
        return protocol

    @property
    def port(self) -> int:
        """The port to name in SDP."""
        assert self._transport is not None  # noqa: S101 - set before open() returns
        return int(self._transport.get_extra_info("sockname")[1])

    def send_to(self, address: str, port: int) -> None:
        """Begin to send the tone there, or go on there; port 0 (a stream that is off) stops sending."""
        self._target = (address, port) if port else None
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_frames(), name="rtp-tone")

    def dial(self, digits: str) -> None:
        """Send digits as telephone events, each 100 ms, between frames of the tone."""
        unknown = set(digits) - set(EVENT_DIGITS)
        if unknown:
            raise ValueError(f"no telephone events for {''.join(sorted(unknown))!r}")
        self._dialing.extend(digits)

    async def close(self) -> None:
        """Stop sending and free the port."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
            self._sender = None
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def error_received(self, exc: Exception) -> None:
        """The other side closed its port first, which ends every call some milliseconds early."""

    def datagram_received(self, data: bytes, _address: object) -> None:
        if len(data) < _HEADER.size or data[0] & 0xC0 != _VERSION:
            return
        flags, kind, _, timestamp, _ = _HEADER.unpack_from(data)
        payload = data[_HEADER.size + 4 * (flags & 0x0F) :]
        self.packets_received += 1
        if kind & 0x7F == PCMU:
            self.listener.add(payload)
        elif kind & 0x7F == TELEPHONE_EVENT and len(payload) >= _EVENT.size:
            event, end, _ = _EVENT.unpack_from(payload)
            if end & _EVENT_END and timestamp != self._last_event and event < len(EVENT_DIGITS):
                self._last_event = timestamp
                self.digits += EVENT_DIGITS[event]

    async def _send_frames(self) -> None:
        due = time.monotonic()
        marker = _MARKER
        while True:
            if self._dialing:
                due = await self._send_digit(self._dialing.pop(0), due)
                marker = _MARKER
                continue
            audio = self._tone[self._position : self._position + FRAME_SAMPLES]
            self._position = (self._position + FRAME_SAMPLES) % SAMPLE_RATE
            self._send(marker | PCMU, audio, self._timestamp)
            marker = 0
            due = await self._frame_over(due)

    async def _send_digit(self, digit: str, due: float) -> float:
        begin = self._timestamp
        event = EVENT_DIGITS.index(digit)
        for frame in range(1, _DIGIT_FRAMES + 1):
            payload = _EVENT.pack(event, _EVENT_VOLUME, frame * FRAME_SAMPLES)
            self._send((_MARKER if frame == 1 else 0) | TELEPHONE_EVENT, payload, begin)
            due = await self._frame_over(due)
        for _ in range(_END_PACKETS):
            payload = _EVENT.pack(event, _EVENT_END | _EVENT_VOLUME, _DIGIT_FRAMES * FRAME_SAMPLES)
            self._send(TELEPHONE_EVENT, payload, begin)
        for _ in range(_PAUSE_FRAMES):
            due = await self._frame_over(due)
        return due

    def _send(self, kind: int, payload: bytes, timestamp: int) -> None:
        if self._transport is None or self._target is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = _HEADER.pack(_VERSION, kind, self._sequence, timestamp, self._source)
        self._transport.sendto(header + payload, self._target)
        self.packets_sent += 1

    async def _frame_over(self, due: float) -> float:
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        due += _FRAME_SECONDS
        late = time.monotonic() - due
        if late > 1.0:
            due += late  # the machine was busy; catching up would be a burst
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return due
