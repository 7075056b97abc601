"""A contact center with phones, and what the fault tests want to know of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from support.server import TamasServer
from support.waiting import eventually
from tamas.demo.call import CallState, PhoneCall, PhoneTimeout
from tamas.demo.phone import Phone, Ring, close_phones, open_phones
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.configuration import AMI_USER, LOOPBACK, load_secrets
from tamas.engine.layout import EngineLayout
from tamas.media.audio import probe
from tamas.store.clock import MICROSECONDS
from tamas.store.database import Database, Row, open_database
from tamas.store.schema import calls, cdr, cel, originates

CARRIER = "carrier"
CARRIER_ADDRESS = "127.0.0.9"
STAFFED = "500"
"""A queue; its agent sits at :data:`AGENT`."""
DESERTED = "501"
"""A queue without agents that lets callers wait."""
AGENT = "210"
NUMBERS = tuple(str(number) for number in range(201, 216))

QUIET_SECONDS = 0.8
"""Longer without a packet of audio is a break in the talk."""
TIME_SLACK = 0.8
"""What a phone and Asterisk may differ in the time of one event on a busy machine, seconds."""


def tone_of(number: str) -> int:
    """What the phone of a number sends, Hz."""
    return 1500 if number == CARRIER else 400 + 70 * (int(number) - 200)


class Talk:
    """Listens to both sides of a talk: whether each hears the other's tone all the time."""

    def __init__(self, one: PhoneCall, other: PhoneCall, tones: tuple[int, int]) -> None:
        self._ears = ((one, tones[1]), (other, tones[0]))
        self._breaks: list[str] = []
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def unbroken(self) -> AsyncIterator[None]:
        """The tones go on in both directions for as long as the block runs."""
        began = time.monotonic()
        before = [call.rtp.listener.seconds for call, _ in self._ears]
        async with asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(self._listen(call, hz)) for call, hz in self._ears]
            yield
            for each in listening:
                each.cancel()
        elapsed = time.monotonic() - began
        for (call, hz), at_first in zip(self._ears, before, strict=True):
            came = call.rtp.listener.seconds - at_first
            assert came > 0.9 * elapsed - QUIET_SECONDS, f"{came:.1f} s of {hz} Hz in {elapsed:.1f} s"
        assert not self._breaks, self._breaks

    async def _listen(self, call: PhoneCall, hz: int) -> None:
        newest, at = call.rtp.listener.seconds, time.monotonic()
        while True:
            await asyncio.sleep(0.05)
            seconds, now = call.rtp.listener.seconds, time.monotonic()
            if seconds > newest:
                newest, at = seconds, now
            elif now - at > QUIET_SECONDS:
                self._breaks.append(f"no audio for {now - at:.1f} s")
                return
            if call.state is not CallState.TALKING or not call.hears(hz):
                self._breaks.append(f"{hz} Hz was not heard any more; the call is {call.state.value}")
                return


@dataclass(kw_only=True)
class Scene:
    """A running server, its store, and phones that are its extensions and its carrier."""

    server: TamasServer
    store: Database
    phones: dict[str, Phone] = field(default_factory=dict)
    began: int = 0
    """Start of the test, microseconds: its records are younger."""

    def phone(self, number: str) -> Phone:
        """The phone of an extension."""
        return self.phones[number]

    @property
    def carrier(self) -> Phone:
        """Who is behind the trunk."""
        return self.phones[CARRIER]

    @asynccontextmanager
    async def manager(self) -> AsyncIterator[AmiClient]:
        """A connection of our own to Asterisk, whoever of Tamas lives."""
        record = self.server.engine_record()
        assert record is not None, "no Asterisk is written down"
        client = AmiClient(
            host=LOOPBACK,
            port=record.ami_port,
            username=AMI_USER,
            secret=load_secrets(EngineLayout(state_dir=self.server.state_dir)).ami,
            on_event=lambda _event: None,
            event_mask="off",
        )
        running = asyncio.create_task(client.run())
        try:
            await client.wait_connected(10)
            yield client
        finally:
            await client.close()
            await asyncio.gather(running, return_exceptions=True)

    @property
    def report_text(self) -> str:
        """What a failure shows."""
        heard = (
            f"phone {number}:\n{phone.transcript}" for number, phone in self.phones.items() if phone.calls
        )
        return "\n".join((self.server.log_tail, *heard))

    async def channels(self) -> list[AmiMessage]:
        """The channels that Asterisk has."""
        async with self.manager() as ami:
            return await ami.list_action("CoreShowChannels")

    async def in_queue(self, queue: str) -> int:
        """Callers who wait in a queue."""
        async with self.manager() as ami:
            entries = await ami.list_action("QueueStatus", {"Queue": queue})
        return sum(entry.event == "QueueEntry" for entry in entries)

    async def record(self, *, within: float = 12.0, **columns: str) -> Row:
        """The one call record of this test with these values, once it is there."""
        statement = select(calls).filter_by(**columns).where(calls.c.started_at >= self.began)

        async def found() -> Sequence[Row]:
            async with self.store.read() as connection:
                return await connection.rows(statement)

        rows = await eventually(found, within=within, what=f"the record of {columns}")
        assert len(rows) == 1, rows
        return rows[0]

    async def count_records(self) -> int:
        """Call records of this test."""
        statement = select(func.count()).select_from(calls).where(calls.c.started_at >= self.began)
        async with self.store.read() as connection:
            return int(await connection.scalar(statement))

    async def each_originate_told_once(self) -> bool:
        """Whether each originate of this test, accepted or not, has one record, and there are no others."""
        asked = select(originates.c.originated_call_id).where(originates.c.created_at >= self.began)
        told = select(calls).where(calls.c.started_at >= self.began)
        async with self.store.read() as connection:
            wanted = sorted(row["originated_call_id"] for row in await connection.rows(asked))
            records = await connection.rows(told)
        others = [dict(row) for row in records if row["originated_call_id"] not in wanted]
        assert not others, others
        assert sorted(row["originated_call_id"] for row in records) == wanted
        return True

    async def forget(self) -> None:
        """Hang up what is left over, and let the phones forget their calls."""
        for phone in self.phones.values():
            phone.manner = Ring()
            for call in phone.calls:
                if call.state is not CallState.ENDED:
                    with contextlib.suppress(PhoneTimeout):
                        await call.hang_up(within=1)
                    call.lost()  # Asterisk may have forgotten it
                await call.rtp.close()
            phone.calls.clear()

    async def nothing_left(self) -> None:
        """No channel lives, no originate is open, and no row of the inbox was left lying."""

        async def silent() -> bool:
            left = [channel.get("Channel") for channel in await self.channels()]
            assert not left, left
            return True

        async def settled() -> bool:
            async with self.store.read() as connection:
                waiting = select(cel.c.linkedid).where(cel.c.processed_at.is_(None)).distinct()
                rows = [row["linkedid"] for row in await connection.rows(waiting)]
                open_ones = await connection.rows(select(originates).where(originates.c.closed_at.is_(None)))
            assert not rows, f"no record was made of {rows}"
            assert not open_ones, open_ones
            return True

        await eventually(silent, within=15, what="the end of all channels")
        await eventually(settled, within=15, what="the end of all work on records")


def assert_answered(row: Row, *, talk: PhoneCall, until: PhoneCall | None = None) -> None:
    """The record tells a talk: connected when ``talk`` was, over when ``until`` was."""
    until = until or talk
    assert row["disposition"] == "ANSWERED", dict(row)
    assert talk.answered_at is not None
    assert until.ended_at is not None
    assert row["answered_at"] / MICROSECONDS == _about(talk.answered_at), dict(row)
    assert row["billsec"] / MICROSECONDS == _about(until.ended_at - talk.answered_at), dict(row)
    assert row["wait"] == row["answered_at"] - row["started_at"]
    assert row["ended_at"] >= row["answered_at"] + row["billsec"]


class _about:  # noqa: N801 - reads as a word
    """Equal within :data:`TIME_SLACK`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and abs(other - self._seconds) <= TIME_SLACK

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"about {self._seconds:.3f}"


async def talk(scene: Scene, caller: str, callee: str) -> tuple[str, PhoneCall, PhoneCall]:
    """An originated two-way call in which both hear each other: its id and its legs."""
    originated = await scene.server.originate(caller, callee)
    first = await scene.phone(caller).answer()
    second = await scene.phone(callee).answer()
    await asyncio.gather(first.until_heard(tone_of(callee)), second.until_heard(tone_of(caller)))
    return originated, first, second


async def whole(scene: Scene, originated: str) -> None:
    """The record is there, made of every CEL and CDR row."""
    row = await scene.record(originated_call_id=originated)
    assert row["disposition"] == "ANSWERED"

    async with scene.store.read() as connection:
        events = await connection.rows(select(cel).where(cel.c.linkedid == row["cuid"]))
        details = await connection.rows(select(cdr).where(cdr.c.linkedid == row["cuid"]))
    kinds = [event["eventtype"] for event in events]
    assert kinds.count("CHAN_START") == kinds.count("CHAN_END") == 2, kinds
    assert kinds.count("BRIDGE_ENTER") == kinds.count("BRIDGE_EXIT") == 2, kinds
    assert kinds.count("LINKEDID_END") == 1, kinds
    assert details, "no CDR"


async def recorded_seconds(server: TamasServer, name: str) -> float:
    """Length of a recording, once it is kept."""
    kept = server.state_dir / "recordings" / name[:8] / name
    await eventually(kept.is_file, within=15, what=f"the recording {name}")
    return probe(kept).duration / 1e6


@asynccontextmanager
async def running_scene(
    server: TamasServer, sipp: tuple[str, ...], numbers: Sequence[str] = NUMBERS
) -> AsyncIterator[Scene]:
    """Start a server with extensions, two queues and a trunk; end all of it afterwards."""
    try:
        await server.start()
        url = server.environment.get("TAMAS_DATABASE_URL") or f"sqlite:///{server.state_dir / 'tamas.db'}"
        scene = Scene(server=server, store=await open_database(url))
        try:
            await _furnish(scene, sipp, numbers)
            yield scene
        finally:
            await close_phones(list(scene.phones.values()))
            await scene.store.close()
    finally:
        await server.close()


async def _furnish(scene: Scene, sipp: tuple[str, ...], numbers: Sequence[str]) -> None:
    server = scene.server
    for number in numbers:
        secret = secrets.token_urlsafe(12)
        await server.api(
            "pbx/users/add",
            {
                "name": f"Phone {number}",
                "number": number,
                "secret": secret,
                "call_record": "yes" if number == numbers[0] else "no",
                # Else a queue takes a phone for unavailable until its first OPTIONS, some seconds later.
                "qualify": "no",
            },
        )
        scene.phones[number] = Phone(
            number=number, secret=secret, server=server.sip, tone_hz=tone_of(number), sipp=sipp
        )
    scene.phones[CARRIER] = Phone(
        number=CARRIER, server=server.sip, tone_hz=tone_of(CARRIER), sipp=sipp, local=(CARRIER_ADDRESS, 0)
    )
    await open_phones(list(scene.phones.values()))
    await asyncio.gather(*(scene.phone(number).register() for number in numbers))
    await server.api(
        "pbx/trunks/add",
        {
            "trunk_type": "SIP",
            "name": CARRIER,
            "active": "yes",
            "host": CARRIER_ADDRESS,
            "port": str(scene.carrier.address[1]),
            "qualify": "no",
            "insecure": "port,invite",
            "disallow": "all",
            "allow": "ulaw",
        },
    )
    for queue, joinempty in ((STAFFED, "strict"), (DESERTED, "yes")):
        await server.api(
            "pbx/queues/add",
            {
                "name": f"Queue {queue}",
                "number": queue,
                "joinempty": joinempty,
                "leavewhenempty": "no",
                "announce_position": "no",
                "retry": "1",
                "wrapuptime": "0",
            },
        )
    if AGENT in numbers:
        await server.api("pbx/queues/addagent", {"queue": STAFFED, "source": AGENT, "agent": AGENT})
