"""A dialer at work: an engine, a carrier whose lines answer as their numbers say, and the records."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import delete, insert, select

from autodialer import _stock
from dialplan._switchboard import Switchboard
from support.sounds import tone_wav
from support.waiting import eventually
from tamas.autodialer.pacing import Pacer
from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer, AutoReject, Manner, Phone, Ring
from tamas.demo.sip_message import SipMessage
from tamas.engine.layout import EngineLayout
from tamas.engine_events import EngineEvents
from tamas.records.ingest import Ingestion
from tamas.store.autodialer_schema import (
    campaign_numbers,
    campaigns,
    dial_attempts,
    dialer_reports,
    dialer_sounds,
    trunk_managers,
)
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, Row
from tamas.store.events_schema import events
from tamas.store.ids import new_id
from tamas.store.schema import blacklist, calls, trunks

SOUND_HZ = 750


@dataclass(kw_only=True)
class Lines:
    """The carrier's end: what each number does, and the log of what came."""

    phone: Phone
    manners: dict[str, Manner] = field(default_factory=dict)
    """By the beginning of a number, the longest one counts; others ring."""

    def manner(self, invite: SipMessage) -> Manner:
        """What the called number does."""
        number = invite.receiver.user
        fitting = [each for each in self.manners if number.startswith(each)]
        return self.manners[max(fitting, key=len)] if fitting else Ring()

    @property
    def log(self) -> list[PhoneCall]:
        """Calls that came, oldest first."""
        return [call for call in self.phone.calls if call.incoming]

    def calls_to(self, number: str) -> list[PhoneCall]:
        """Calls of a number."""
        return [call for call in self.log if dialed(call) == number]

    async def call_to(self, number: str, *, within: float = 8.0) -> PhoneCall:
        """The newest call of a number, once it is there."""
        calls = await eventually(lambda: self.calls_to(number), within=within, what=f"a call to {number}")
        return calls[-1]

    def most_at_once(self) -> int:
        """The most calls that were there at the same time."""
        return most_at_once(self.log)

    def overlaps(self, most: int, freed: Mapping[str, Sequence[float]]) -> str:
        """For the reader of a failure: calls that began while so many were there, and which stayed too long.

        :param freed: when the store took the calls of a number for over, seconds since the epoch.
        """
        found = []
        for call in sorted(self.log, key=lambda call: call.started_at):
            there = sorted(
                (
                    other
                    for other in self.log
                    if other.started_at <= call.started_at and (other.ended_at or math.inf) > call.started_at
                ),
                key=lambda other: other.ended_at or math.inf,
            )
            if len(there) <= most:
                continue
            line = f"{dialed(call)} at {call.started_at:.3f}: {len(there)}"
            for other in there:
                before = [
                    at for at in freed.get(dialed(other), ()) if other.started_at <= at <= call.started_at
                ]
                if before:
                    line += (
                        f"; {dialed(other)} since {other.started_at:.3f}, freed {before[-1]:.3f}, "
                        f"ended {other.ended_at or math.inf:.3f} ({other.end})"
                    )
            found.append(line)
        return "\n".join(found)

    def gaps(self) -> list[float]:
        """Seconds between the beginnings of calls."""
        begins = sorted(call.started_at for call in self.log)
        return [later - earlier for earlier, later in pairwise(begins)]

    def assert_no_number_twice_at_once(self) -> None:
        """No number has two calls at the same time."""
        for number in {dialed(call) for call in self.log}:
            assert most_at_once(self.calls_to(number)) == 1, number


def dialed(call: PhoneCall) -> str:
    """The number that an incoming call is for."""
    assert call.invite is not None
    return call.invite.receiver.user


def most_at_once(log: Sequence[PhoneCall]) -> int:
    """The most of these calls that were there at the same time."""
    changes = [(call.started_at, 1) for call in log]
    changes += [(call.ended_at, -1) for call in log if call.ended_at is not None]
    most = count = 0
    for _, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


@dataclass(kw_only=True)
class Room:
    """Everything a situation needs."""

    board: Switchboard
    lines: Lines
    ahead: float = 0.0
    """Seconds that the dialer's clock is ahead."""
    pacers: list[Pacer] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def database(self) -> Database:
        """The store."""
        return self.board.database

    def clock(self) -> int:
        """The dialer's time."""
        return now() + int(self.ahead * MICROSECONDS)

    def dial(self, processes: int = 1) -> None:
        """Begin to dial, in so many processes."""
        for _ in range(processes):
            pacer = Pacer(self.database, self.board.slot, clock=self.clock)
            self.pacers.append(pacer)
            self._tasks.append(asyncio.create_task(pacer.run()))

    def wake(self) -> None:
        """Lines are free."""
        for pacer in self.pacers:
            pacer.wake()

    async def manager(self, **settings: Any) -> str:
        """A trunk manager over the carrier's trunk."""
        async with self.database.read() as connection:
            trunk_id = await connection.scalar(select(trunks.c.id).where(trunks.c.name == "carrier"))
        return await _stock.manager(
            self.database, **{"trunk_id": trunk_id, "capacity": 10, "dial_interval": 0, **settings}
        )

    async def sound(self, seconds: float = 0.5) -> str:
        """A sound of the dialer: a tone of :data:`SOUND_HZ`; its id."""
        identity = new_id()
        folder = EngineLayout(state_dir=self.board.settings.state_dir).dialer_sounds
        (folder / f"{identity}.wav").write_bytes(tone_wav(SOUND_HZ, seconds=seconds))
        async with self.database.write() as tx:
            await tx.execute(
                insert(dialer_sounds).values(
                    id=identity,
                    name="Tone",
                    filename=f"{identity}.wav",
                    created_at=now(),
                    updated_at=now(),
                )
            )
        return identity

    async def campaign(self, *numbers: str, **settings: Any) -> str:
        """A campaign; its id. Without route and sound it plays a short tone."""
        if not settings.get("interface_context") and "announcement" not in settings:
            settings["announcement"] = await self.sound()
        if "trunk_manager_id" not in settings:
            settings["trunk_manager_id"] = await self.manager()
        return await _stock.campaign(self.database, **settings, numbers=list(numbers))

    async def row(self, campaign_id: str) -> Row:
        """A campaign's row."""
        async with self.database.read() as connection:
            row = await connection.row(select(campaigns).where(campaigns.c.id == campaign_id))
        assert row is not None
        return row

    async def until(self, campaign_id: str, status: str = "completed", *, within: float = 20.0) -> Row:
        """Wait until a campaign has a status."""

        async def reached() -> bool:
            return bool((await self.row(campaign_id))["status"] == status)

        await eventually(reached, within=within, what=f"campaign {status}")
        return await self.row(campaign_id)

    async def attempts(self, number: str = "") -> Sequence[Row]:
        """Attempts, oldest first."""
        statement = select(dial_attempts).order_by(dial_attempts.c.started_at, dial_attempts.c["try"])
        if number:
            statement = statement.where(dial_attempts.c.number == number)
        async with self.database.read() as connection:
            return await connection.rows(statement)

    async def ended_attempt(self, number: str, *, within: float = 12.0) -> Row:
        """The newest attempt of a number, once none of its is open."""

        async def ended() -> Row | None:
            rows = await self.attempts(number)
            return rows[-1] if rows and all(row["ended_at"] for row in rows) else None

        row = await eventually(ended, within=within, what=f"the result of {number}")
        assert row is not None
        return row

    async def report(self, number: str) -> Row:
        """The newest report row of a number."""
        statement = select(dialer_reports).where(dialer_reports.c.number == number)
        async with self.database.read() as connection:
            row = await connection.row(statement.order_by(dialer_reports.c.id.desc()).limit(1))
        assert row is not None, number
        return row

    async def number(self, campaign_id: str, number: str) -> Row:
        """The row of a number in a campaign."""
        serial = (await self.row(campaign_id))["serial"]
        statement = select(campaign_numbers).where(
            campaign_numbers.c.campaign == serial, campaign_numbers.c.number == number
        )
        async with self.database.read() as connection:
            row = await connection.row(statement)
        assert row is not None, number
        return row

    async def ordinary_calls(self) -> int:
        """Rows of the ordinary call report."""
        async with self.database.read() as connection:
            return len(await connection.rows(select(calls.c.id)))

    async def forget(self) -> None:
        """Stop dialing; nothing is left in the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self.pacers.clear()
        self.ahead = 0.0
        self.lines.manners.clear()
        self.lines.phone.manner = self.lines.manner
        mine = (campaign_numbers, campaigns, dial_attempts, dialer_reports, dialer_sounds, trunk_managers)
        async with self.database.write() as tx:
            for table in (*mine, blacklist, calls, events):
                await tx.execute(delete(table))


@asynccontextmanager
async def running_room(board: Switchboard) -> AsyncIterator[Room]:
    """The records and the events of a switchboard at work, and its carrier."""
    phone = board.phones["carrier"]
    room = Room(board=board, lines=Lines(phone=phone))
    ingestion = Ingestion(board.database, on_attempts=room.wake)
    engine_events = EngineEvents(board.database, ingestion)
    board.listeners.append(engine_events.on_event)
    tasks = [asyncio.create_task(ingestion.run()), asyncio.create_task(engine_events.run())]
    try:
        yield room
    finally:
        board.listeners.remove(engine_events.on_event)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def told(row: Row, *names: str) -> Mapping[str, Any]:
    """Some columns of a row."""
    return {name: row[name] for name in names}


__all__ = [
    "AutoAnswer",
    "AutoReject",
    "Lines",
    "Ring",
    "Room",
    "dialed",
    "most_at_once",
    "running_room",
    "told",
]
