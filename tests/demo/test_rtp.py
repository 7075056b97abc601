"""Two audio sockets talk to each other."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from support.waiting import eventually
from tamas.demo.rtp import RtpSocket

pytestmark = pytest.mark.usefixtures("no_task_left")


async def test_tones_and_digits_cross() -> None:
    """Each side hears the other's tone, and digits (a repeated one too) arrive once each and in order."""
    left, right = await RtpSocket.open(440), await RtpSocket.open(660)
    try:
        left.send_to("127.0.0.1", right.port)
        right.send_to("127.0.0.1", left.port)
        left.dial("11*0")
        await eventually(lambda: left.listener.heard(660) and right.listener.heard(440), what="both tones")
        await eventually(lambda: right.digits == "11*0", what="digits")
        assert left.digits == ""
    finally:
        await asyncio.gather(left.close(), right.close())


async def test_a_held_stream_stops() -> None:
    """Port 0 in SDP means that nothing is to be sent."""
    left, right = await RtpSocket.open(440), await RtpSocket.open(0)
    try:
        left.send_to("127.0.0.1", right.port)
        await eventually(lambda: right.packets_received >= 3, what="packets")
        left.send_to("127.0.0.1", 0)
        await asyncio.sleep(0.04)
        seen = right.packets_received
        await asyncio.sleep(0.1)
        assert right.packets_received == seen
    finally:
        await asyncio.gather(left.close(), right.close())


async def test_noise_is_ignored() -> None:
    """Datagrams that are no RTP, and payloads of unknown type, count for nothing."""
    ear = await RtpSocket.open(0)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for data in (b"", b"\x80", b"\x00" * 40, struct.pack("!BBHII", 0x80, 96, 1, 1, 1) + b"x" * 160):
                sender.sendto(data, ("127.0.0.1", ear.port))
        await eventually(lambda: ear.packets_received == 1, what="the one RTP packet")
        assert ear.listener.seconds == 0
    finally:
        await ear.close()


async def test_letters_are_no_digits() -> None:
    """What has no telephone event cannot be dialed."""
    ear = await RtpSocket.open(0)
    with pytest.raises(ValueError, match="no telephone events for 'xy'"):
        ear.dial("1xy")
    await ear.close()
