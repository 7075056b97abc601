"""``kill -9`` of all that is ours, and of Asterisk, in the middle of a campaign; the carrier is the judge."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from autodialer import _stock
from autodialer._room import Lines, dialed
from support.server import TamasServer
from support.sounds import tone_wav
from support.waiting import eventually
from tamas.demo.call import CallEnd, CallState
from tamas.demo.phone import AutoAnswer, AutoReject, Phone
from tamas.store.autodialer_schema import campaign_numbers, campaigns, dial_attempts, dialer_sounds
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, Row, open_database
from tamas.store.ids import new_id
from tamas.store.schema import trunks

pytestmark = pytest.mark.engine

CARRIER_ADDRESS = "127.0.0.11"
TRIES = 4


@dataclass(kw_only=True)
class Campaign:
    """A server that dials, and the carrier that it dials through."""

    server: TamasServer
    store: Database
    lines: Lines
    capacity: int
    identity: str = ""
    kills: list[float] = field(default_factory=list)
    """When Asterisk was killed, seconds since the epoch."""
    numbers: Sequence[str] = field(default_factory=tuple)

    async def begin(self, count: int) -> None:
        """Make a campaign of so many numbers, most of which answer."""
        async with self.store.read() as connection:
            trunk_id = await connection.scalar(select(trunks.c.id).where(trunks.c.name == "carrier"))
        sound = new_id()
        (self.server.state_dir / "dialer-sounds" / f"{sound}.wav").write_bytes(tone_wav(700, seconds=2.0))
        async with self.store.write() as tx:
            await tx.execute(
                insert(dialer_sounds).values(
                    id=sound, name="Tone", filename=f"{sound}.wav", created_at=now(), updated_at=now()
                )
            )
        self.numbers = [f"091{place % 10}{place:05}" for place in range(count)]
        line = await _stock.manager(self.store, trunk_id=trunk_id, capacity=self.capacity, dial_interval=0)
        self.identity = await _stock.campaign(
            self.store,
            trunk_manager_id=line,
            numbers=self.numbers,
            announcement=sound,
            max_tries=TRIES,
            try_interval=1,
        )

    async def row(self) -> Row:
        """The campaign."""
        async with self.store.read() as connection:
            row = await connection.row(select(campaigns).where(campaigns.c.id == self.identity))
        assert row is not None
        return row

    async def done(self) -> int:
        """Numbers that are final."""
        async with self.store.read() as connection:
            rows = await connection.rows(
                select(campaign_numbers.c.id).where(campaign_numbers.c.state == "final")
            )
        return len(rows)

    async def until_talking(self) -> None:
        """Some calls are answered, so that a kill hits them."""

        def talking() -> bool:
            return any(call.state is CallState.TALKING for call in self.lines.log)

        await eventually(talking, within=30, what="a call in talk")

    async def kill_us(self) -> None:
        """Everything of ours dies, and is started again."""
        await self.server.kill9()
        await self.server.start()

    async def kill_asterisk(self) -> None:
        """Asterisk dies with its calls; ours starts another."""
        former = self.server.asterisk.pid
        os.kill(former, signal.SIGKILL)
        self.kills.append(time.time())
        for call in self.lines.log:
            if call.state is not CallState.ENDED:
                call.lost()

        async def back() -> bool:
            record = self.server.engine_record()
            answer = await self.server.client.get("/readyz")
            return answer.status_code == 200 and record is not None and record.pid != former

        await eventually(back, within=30, what="another Asterisk")

    async def completed(self, *, within: float) -> None:
        """The campaign ends by itself."""

        async def over() -> bool:
            return bool((await self.row())["status"] == "completed")

        await eventually(over, within=within, what="the end of the campaign")

    def _end_at_kills(self, attempts: Sequence[Row]) -> None:
        """Calls that Asterisk did not end were ended by its kill, also those that came to the carrier later.

        Which Asterisk a call is of is told by when its attempt was written.
        """
        for call in self.lines.log:
            if call.end not in (None, CallEnd.LOST):
                continue
            written = [
                row["started_at"] / MICROSECONDS
                for row in attempts
                if row["number"] == dialed(call) and row["started_at"] / MICROSECONDS <= call.started_at
            ]
            killed = min(kill for kill in self.kills if kill >= max(written))
            call.ended_at = max(killed, call.started_at)

    async def judge(self) -> None:
        """Every number is final, none dialed beyond its tries, none in two calls, the capacity kept."""
        assert await self.done() == len(self.numbers)
        # The last of them are hung up in this moment.
        last = max(self.kills, default=0.0)
        await eventually(
            lambda: all(call.end is not None for call in self.lines.log if call.started_at > last),
            within=10,
            what="the end of every call since the last kill",
        )
        async with self.store.read() as connection:
            attempts = await connection.rows(select(dial_attempts))
        self._end_at_kills(attempts)
        seen = Counter(dialed(call) for call in self.lines.log)
        assert set(seen) <= set(self.numbers)
        assert max(seen.values()) <= TRIES
        self.lines.assert_no_number_twice_at_once()
        freed: dict[str, list[float]] = {}
        for row in sorted(attempts, key=lambda row: int(row["ended_at"])):
            freed.setdefault(row["number"], []).append(row["ended_at"] / MICROSECONDS)
        assert self.lines.most_at_once() <= self.capacity, (
            f"killed at {self.kills}\n{self.lines.overlaps(self.capacity, freed)}"
        )
        assert all(row["ended_at"] for row in attempts)
        written = Counter(row["number"] for row in attempts)
        assert not {number for number in seen if seen[number] > written[number]}, "a call without an attempt"
        final = {row["number"]: row for row in sorted(attempts, key=lambda row: int(row["try"]))}
        answered = {number for number, row in final.items() if row["disposition"] == "ANSWERED"}
        for number in self.numbers:
            assert number in answered or written[number] == TRIES, number


@asynccontextmanager
async def running(folder: Path, sipp: Sequence[str], *, capacity: int) -> AsyncIterator[Campaign]:
    """A server with a trunk to a carrier."""
    server = TamasServer(folder, command=True)
    phone = Phone(
        number="carrier", server=server.sip, tone_hz=500, sipp=tuple(sipp), local=(CARRIER_ADDRESS, 0)
    )
    try:
        await server.start()
        await phone.open()
        await server.api(
            "pbx/trunks/add",
            {
                "trunk_type": "SIP",
                "name": "carrier",
                "active": "yes",
                "host": CARRIER_ADDRESS,
                "port": str(phone.address[1]),
                "qualify": "no",
                "insecure": "port,invite",
                "disallow": "all",
                "allow": "ulaw",
            },
        )
        store = await open_database(server.database_url)
        lines = Lines(phone=phone)
        lines.manners |= {"09": AutoAnswer(after=0.3), "0913": AutoReject(status=486)}
        phone.manner = lines.manner
        try:
            yield Campaign(server=server, store=store, lines=lines, capacity=capacity)
        finally:
            await store.close()
    finally:
        with contextlib.suppress(Exception):
            await phone.close()
        await server.close()


async def test_killed_once_each(tmp_path: Path, sipp: tuple[str, ...]) -> None:
    """We die with calls on the line, then Asterisk does: the campaign ends by itself, as it should."""
    async with running(tmp_path, sipp, capacity=4) as campaign:
        await campaign.begin(14)
        await campaign.until_talking()
        await campaign.kill_us()
        await campaign.until_talking()
        await campaign.kill_asterisk()
        await campaign.completed(within=60)
        await campaign.judge()


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_killed_twenty_times(tmp_path: Path, sipp: tuple[str, ...]) -> None:
    """A thousand numbers, and twenty kills of us or of Asterisk at random moments."""
    chance = random.Random(6)  # noqa: S311 - so that a failure can be repeated
    async with running(tmp_path, sipp, capacity=20) as campaign:
        await campaign.begin(1000)
        for _ in range(20):
            await campaign.until_talking()
            await asyncio.sleep(chance.uniform(0.0, 4.0))
            await (campaign.kill_us() if chance.random() < 0.5 else campaign.kill_asterisk())
        await campaign.completed(within=1200)
        await campaign.judge()
