"""Whoever has no business here: at the manager port, the AGI port, the SIP port."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re

import psutil
import pytest

from bad_input._raw_sip import RawCaller
from bad_input._target import Target
from support.waiting import eventually

pytestmark = pytest.mark.engine

STRANGER = "127.0.0.77"
FLOOD = 3000
"""Datagrams."""
SEED = 20261123


def listening(process: psutil.Process) -> set[str]:
    """Addresses at which a process and its children accept TCP."""
    found = set()
    for one in (process, *process.children(recursive=True)):
        for connection in one.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                found.add(f"{connection.laddr.ip}")
    return found


async def said(port: int, *parts: bytes, within: float = 15.0) -> bytes:
    """Send parts to a port of loopback, and return what comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
        await asyncio.wait_for(writer.drain(), within)
        return await asyncio.wait_for(reader.read(), within)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def ports(target: Target) -> tuple[int, int]:
    """AMI and FastAGI."""
    record = target.server.engine_record()
    assert record is not None
    return record.ami_port, record.agi_port


async def still_well(target: Target) -> None:
    """The engine answers, our process answers, and neither was started anew."""
    assert "channels" in await target.ami.command("core show channels count")
    assert await target.server.api("setting/ping/act") is None
    assert "Traceback" not in target.server.log
    assert "failed unexpectedly" not in target.server.log


def test_inner_ports_are_on_loopback_only(target: Target) -> None:
    """AMI and FastAGI accept connections at 127.0.0.1 and nowhere else."""
    assert listening(target.server.asterisk) == {"127.0.0.1"}
    assert listening(target.server.main_worker) == {"127.0.0.1"}


async def test_the_manager_refuses_wrong_secrets_and_other_accounts(target: Target) -> None:
    """A login with a wrong, an empty or no secret is refused, and nothing can be asked without one."""
    port, _ = ports(target)
    attempts = (
        b"Action: Login\r\nUsername: tamas\r\nSecret: wrong\r\n\r\n",
        b"Action: Login\r\nUsername: tamas\r\nSecret: \r\n\r\n",
        b"Action: Login\r\nUsername: tamas\r\n\r\n",
        b"Action: Login\r\nUsername: admin\r\nSecret: admin\r\n\r\n",
        b"Action: Originate\r\nChannel: Local/1@tamas-outgoing\r\nApplication: NoOp\r\n\r\n",
        b"Action: Command\r\nCommand: core stop now\r\n\r\n",
        bytes(range(256)) * 300,
    )
    for answer in await asyncio.gather(*(said(port, attempt) for attempt in attempts)):
        assert b"Success" not in answer
        assert b"Output" not in answer
    await still_well(target)


AGI_NONSENSE = {
    "nothing": b"",
    "noise": bytes(range(256)) * 4,
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a line without end": b"agi_network: " + b"x" * 300_000,
    "lines without end": b"agi_network: yes\n" + b"agi_arg: x\n" * 20_000,
    "no channel": b"agi_network: yes\nagi_request: agi://127.0.0.1/call\n\n",
    "an unknown script": (
        b"agi_network: yes\nagi_network_script: ../../etc\nagi_channel: PJSIP/1-00000001\n\n"
    ),
    "no UTF-8": b"agi_network: yes\nagi_channel: \xff\xfe\nagi_network_script: call\n\n",
    "replies before a question": (
        b"agi_network: yes\nagi_network_script: call\nagi_channel: PJSIP/7000-00000001\nagi_uniqueid: 1.1\n"
        b"agi_context: tamas-outgoing\nagi_extension: 7000\n\n" + b"200 result=0\n" * 5000
    ),
}


@pytest.mark.parametrize("nonsense", AGI_NONSENSE.values(), ids=AGI_NONSENSE.keys())
async def test_the_agi_port_survives_nonsense(target: Target, nonsense: bytes) -> None:
    """A process that is not Asterisk may say anything there: it is hung up on, and we live on."""
    _, port = ports(target)
    before = await target.settled()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(nonsense)
        if writer.can_write_eof():
            with contextlib.suppress(OSError):  # it has hung up on us already
                writer.write_eof()
        await asyncio.wait_for(reader.read(), 15)
    except ConnectionError:
        pass
    finally:
        writer.close()
    assert await target.stored() == before
    await still_well(target)


async def test_nobody_calls_unknown(target: Target) -> None:
    """An INVITE from an address and a user that nobody knows is refused without a channel or a record."""
    before = await target.settled()
    with RawCaller(target.server.sip, address=STRANGER) as stranger:
        for caller in (b"anonymous", b"nobody", b"7999", b"%00", b"'%20OR%201=1--", b"x;tag=1"):
            assert await stranger.call(target.extension["number"].encode(), caller=caller) in {400, 401, 403}
        # The number of an extension asks for its password, whatever comes behind it.
        assert await stranger.call(b"1", caller=target.extension["number"].encode()) == 401
    assert await target.stored() == before
    shown = await target.ami.command("core show channels count")
    assert re.search(r"^0 active channels", shown, re.MULTILINE)


def malformed(draw: random.Random, host: str, port: int) -> bytes:
    """A datagram that is nearly SIP, or not at all."""
    valid = (
        b"INVITE sip:7000@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%d\r\n"
        b"From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:7000@127.0.0.1>\r\nCall-ID: %d\r\nCSeq: 1 INVITE\r\n"
        b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ) % (host.encode(), port, draw.getrandbits(60), draw.getrandbits(60))
    match draw.randrange(6):
        case 0:
            return draw.randbytes(draw.randrange(1, 1400))
        case 1:
            return valid[: draw.randrange(1, len(valid))]
        case 2:
            changed = bytearray(valid)
            for _ in range(draw.randrange(1, 12)):
                changed[draw.randrange(len(changed))] = draw.randrange(256)
            return bytes(changed)
        case 3:
            return valid.replace(b"Content-Length: 0", b"Content-Length: %d" % draw.randrange(1, 2**33))
        case 4:
            return valid.replace(b"CSeq: 1", b"CSeq: " + b"9" * draw.randrange(1, 500))
        case _:
            return valid.replace(b"Max-Forwards: 70", b"X: " + b"y" * 1200 + b"\r\nMax-Forwards: 70")


async def test_a_flood_of_malformed_sip(target: Target) -> None:
    """Thousands of broken datagrams: Asterisk is the same process afterwards and takes requests at once."""
    process = target.server.asterisk
    before = await target.settled()
    draw = random.Random(SEED)  # noqa: S311
    with RawCaller(target.server.sip, address=STRANGER) as stranger:
        for number in range(FLOOD):
            stranger.send(malformed(draw, STRANGER, stranger.port))
            if number % 100 == 0:
                await asyncio.sleep(0.01)

        async def served() -> bool:
            return await stranger.call(b"1", caller=b"nobody") in {401, 403}

        await eventually(served, within=20, what="an answer after the flood")
    assert process.is_running()
    assert process == target.server.asterisk
    assert await target.stored() == before
    await still_well(target)
