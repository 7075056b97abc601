"""Campaigns at the highest pace the engine carries, against raw AMI Originate into the same kind of call.

The carrier answers at once and hangs up after a second, while a sound of the campaign plays. Both ways keep a
number of lines busy, and begin the next call as soon as one is free; the best rate of several numbers of
lines counts. Records are on, and the product reads every event, in both cases.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import func, insert, select, update

from bench.figures import BenchBroken, Figure
from bench.options import Options, say
from bench.processes import running
from bench.product import Product, running_product
from support.ports import free_port
from support.sounds import tone_wav
from tamas.autodialer.campaigns import add_campaign
from tamas.autodialer.expansion import Expander
from tamas.autodialer.groups import add_group, write_list
from tamas.autodialer.trunk_managers import add_trunk_manager, change_trunk_manager
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.configuration import AMI_USER
from tamas.engine.fixed_dialplan import CAMPAIGN_CONTEXT
from tamas.engine.layout import EngineLayout
from tamas.store.autodialer_schema import campaign_numbers, campaigns, dial_attempts, dialer_sounds
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, Row, open_database
from tamas.store.ids import new_id
from tamas.store.migrate import migrate
from tamas.store.schema import calls, trunks

LINES, QUICK_LINES = (20, 40, 80, 120), (20, 60)
"""Calls at the same time."""
WARM_CALLS = 50
STEP_SECONDS, QUICK_STEP_SECONDS = 15, 6
NUMBERS, QUICK_NUMBERS = 10_000, 1_500
MANY, QUICK_MANY = 1_000_000, 100_000
TALK_SECONDS = 1.0
TARGET = 0.8
FIRST_CALL_SECONDS = 5.0
TRANSACTION_SECONDS = 0.05
GROWTH = 1.15
"""Of memory, from when it has settled to the end."""
PATIENCE = 120.0
SOUND = "bench"


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Some calls with a number of lines."""

    lines: int
    calls: int
    seconds: float
    connected: int

    @property
    def rate(self) -> float:
        return self.calls / self.seconds

    @property
    def clean(self) -> bool:
        return self.connected == self.calls

    def __str__(self) -> str:
        return (
            f"{self.lines} lines: {self.rate:.1f} calls/s, {self.connected} of {self.calls} connected"
            f"{'' if self.clean else ' (not clean)'}"
        )


def measure(options: Options) -> Iterator[Figure]:
    """Pace, lost results and memory; then the campaign of a million numbers."""
    yield from _measure_pace(options)
    yield from _measure_expansion(options)


@contextmanager
def _carrier(options: Options) -> Iterator[Product]:
    """An instance with a trunk to a carrier that answers everything."""
    scenario = Path(__file__).with_name("scenarios") / "callee.xml"
    port = free_port()
    words = [
        *options.sipp(),
        *("-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port)),
        *("-mp", str(free_port()), "-cp", str(free_port()), "-d", str(int(TALK_SECONDS * 1000))),
        *("-nostdin", "-skip_rlimit", "-timer_resol", "5", "-max_socket", "100"),
    ]
    with ExitStack() as stack:
        product = stack.enter_context(running_product())
        stack.enter_context(running(words, log=options.folder / "carrier.log", cwd=options.folder))
        product.ask(
            "pbx/trunks/add",
            {
                "trunk_type": "SIP",
                "name": "carrier",
                "active": "yes",
                "host": "127.0.0.1",
                "port": str(port),
                "qualify": "no",
                "insecure": "port,invite",
                "disallow": "all",
                "allow": "ulaw",
            },
        )
        folder = EngineLayout(state_dir=product.state_dir).dialer_sounds
        (folder / f"{SOUND}.wav").write_bytes(tone_wav(700, seconds=3 * TALK_SECONDS))
        yield product


class _Dialer:
    """Campaigns on a running product, made and watched in its store."""

    def __init__(self, product: Product, store: Database, manager_id: str, sound_id: str) -> None:
        self._product = product
        self.store = store
        self._manager = manager_id
        self._sound = sound_id
        self._serials = itertools.count()

    async def begin(self, numbers: Sequence[str], lines: int, *, groups: Sequence[str] = ()) -> str:
        """Make a campaign; its id."""
        await change_trunk_manager(self.store, self._manager, {"capacity": lines})
        return await add_campaign(
            self.store,
            name="bench",
            trunk_manager_id=self._manager,
            numbers=numbers,
            groups=groups,
            announcement=self._sound,
        )

    def numbers(self, count: int) -> list[str]:
        """Numbers that were never called."""
        return [f"09{next(self._serials):08}" for _ in range(count)]

    async def run(self, count: int, lines: int, weights: list[int] | None = None) -> _Run:
        """Dial so many numbers to the end.

        :param weights: gets the memory of the product's process, once a second.
        """
        campaign = await self.begin(self.numbers(count), lines)
        deadline = time.monotonic() + PATIENCE + count / 10
        while (row := await self.row(campaign))["status"] != "completed":
            if time.monotonic() > deadline:
                raise BenchBroken(f"a campaign of {count} numbers does not end: {self._product.complaints()}")
            if weights is not None:
                weights.append(psutil.Process(self._product.worker_pid()).memory_info().rss)
            await asyncio.sleep(1.0 if weights is not None else 0.2)
        a = dial_attempts.c
        mine = select(
            func.min(a.started_at).label("first"),
            func.max(a.ended_at).label("last"),
            func.count().filter(a.disposition == "ANSWERED").label("answered"),
        ).where(a.campaign == row["serial"])
        async with self.store.read() as connection:
            found = await connection.row(mine)
        assert found is not None
        seconds = (found["last"] - found["first"]) / MICROSECONDS
        return _Run(lines=lines, calls=count, seconds=seconds, connected=found["answered"])

    async def row(self, campaign: str) -> Row:
        """A campaign."""
        async with self.store.read() as connection:
            row = await connection.row(
                select(campaigns.c.serial, campaigns.c.status, campaigns.c.expanded).where(
                    campaigns.c.id == campaign
                )
            )
        assert row is not None
        return row


@asynccontextmanager
async def _dialing(product: Product) -> AsyncIterator[_Dialer]:
    store = await open_database(product.database_url)
    try:
        async with store.read() as connection:
            trunk = await connection.scalar(select(trunks.c.id).where(trunks.c.name == "carrier"))
        sound = new_id()
        async with store.write() as tx:
            await tx.execute(
                insert(dialer_sounds).values(
                    id=sound, name=SOUND, filename=f"{SOUND}.wav", created_at=now(), updated_at=now()
                )
            )
        manager = await add_trunk_manager(store, title="bench", trunk_id=trunk, dial_interval=0)
        yield _Dialer(product, store, manager, sound)
    finally:
        await store.close()


class _Raw:
    """Raw AMI Originate: the next call as soon as a line is free."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._serials = itertools.count(1)
        self._free: asyncio.Queue[str] = asyncio.Queue()
        self._open: set[str] = set()

    def on_event(self, event: AmiMessage) -> None:
        """Take an event of the engine."""
        if event.event == "Hangup" and event["Uniqueid"] in self._open:
            self._open.discard(event["Uniqueid"])
            self._free.put_nowait(event["Uniqueid"])

    async def run(self, ami: AmiClient, count: int, lines: int) -> _Run:
        """Place so many calls, and wait for their records."""
        asked = []
        since = now()
        began = time.perf_counter()
        for place in range(count):
            if place >= lines:
                await self._free.get()
            uniqueid = (
                f"{int(time.time())}.{os.getpid() % 10_000 * 100_000 % 900_000_000 + next(self._serials)}"
            )
            asked.append(uniqueid)
            self._open.add(uniqueid)
            await ami.action(
                "Originate",
                {
                    "Channel": f"PJSIP/09{place:08}@trunk-carrier",
                    "Context": CAMPAIGN_CONTEXT,
                    "Exten": "s",
                    "Priority": "1",
                    "Timeout": "30000",
                    "CallerID": '"1000" <1000>',
                    "ChannelId": uniqueid,
                    "Async": "true",
                    "Variable": [f"TAMAS_SOUND={SOUND}"],
                },
                timeout=30,
            )
        async with asyncio.timeout(PATIENCE):
            while self._open:
                await self._free.get()
        while not self._free.empty():
            self._free.get_nowait()
        seconds = time.perf_counter() - began
        return _Run(lines=lines, calls=count, seconds=seconds, connected=await self._recorded(asked, since))

    async def _recorded(self, asked: Sequence[str], since: int) -> int:
        """How many have a record, within a while."""
        deadline = time.monotonic() + PATIENCE
        statement = select(calls.c.cuid).where(calls.c.started_at >= since - MICROSECONDS)
        wanted = set(asked)
        while True:
            rows = await asyncio.to_thread(self._product.rows, statement)
            found = wanted & {row["cuid"] for row in rows}
            if len(found) == len(wanted) or time.monotonic() > deadline:
                return len(found)
            await asyncio.sleep(0.5)


@asynccontextmanager
async def _raw(product: Product) -> AsyncIterator[tuple[_Raw, AmiClient]]:
    record, secret = product.engine()
    raw = _Raw(product)
    ami = AmiClient(
        host="127.0.0.1",
        port=record.ami_port,
        username=AMI_USER,
        secret=secret,
        on_event=raw.on_event,
        event_mask="call",
    )
    reading = asyncio.create_task(ami.run())
    try:
        await ami.wait_connected(10)
        yield raw, ami
    finally:
        await ami.close()
        await reading


def _measure_pace(options: Options) -> Iterator[Figure]:
    seconds = QUICK_STEP_SECONDS if options.quick else STEP_SECONDS
    count = QUICK_NUMBERS if options.quick else NUMBERS

    async def race(product: Product) -> tuple[_Run, _Run, _Run, list[int]]:
        weights: list[int] = []
        raws: list[_Run] = []
        ours: list[_Run] = []
        async with _dialing(product) as dialer:
            async with _raw(product) as (raw, ami):
                await raw.run(ami, WARM_CALLS, 10)
                await dialer.run(WARM_CALLS, 10)
                for lines in QUICK_LINES if options.quick else LINES:
                    some = round(lines * seconds / TALK_SECONDS * 0.8)
                    for name, runs, run in (
                        ("raw AMI", raws, raw.run(ami, some, lines)),
                        ("campaign", ours, dialer.run(some, lines)),
                    ):
                        runs.append(await run)
                        say(f"{name}, {runs[-1]}")
            best = max((run for run in ours if run.clean), key=lambda run: run.rate)
            whole = await dialer.run(count, best.lines, weights)
            say(f"campaign of {count} numbers, {whole}")
        return max((run for run in raws if run.clean), key=lambda run: run.rate), best, whole, weights

    with _carrier(options) as product:
        raw, best, whole, weights = asyncio.run(race(product))
    yield Figure(
        what="calls of a campaign, at the best number of lines",
        value=best.rate,
        unit="calls/s",
        baseline="raw AMI Originate",
        baseline_value=raw.rate,
        ratio=best.rate / raw.rate,
        target=TARGET,
        at_least=True,
        note=f"{best.lines} and {raw.lines} lines",
    )
    yield Figure(
        what=f"{count:,} numbers in one campaign: results that are missing",
        value=whole.calls - whole.connected,
        unit="results",
        baseline="numbers",
        baseline_value=whole.calls,
        ratio=(whole.calls - whole.connected) / whole.calls,
        target=0.0,
        at_least=False,
        note=f"{whole.rate:.1f} calls/s over {whole.seconds:.0f} s",
    )
    early = weights[len(weights) // 4]
    yield Figure(
        what="memory of the product's process at the end of them",
        value=weights[-1] / 2**20,
        unit="MiB",
        baseline="after a quarter",
        baseline_value=early / 2**20,
        ratio=weights[-1] / early,
        target=GROWTH,
        at_least=False,
    )


def _measure_expansion(options: Options) -> Iterator[Figure]:
    many = QUICK_MANY if options.quick else MANY

    async def expand(product: Product) -> tuple[float, float, int, int, int]:
        async with _dialing(product) as dialer:
            worker = psutil.Process(product.worker_pid())
            await dialer.run(WARM_CALLS, 5)
            listed = await write_list(dialer.store, dialer.numbers(many))
            group = await add_group(dialer.store, name="many", description="", numbers=listed)
            before = worker.memory_info().rss
            accepted = time.perf_counter()
            campaign = await dialer.begin([], 5, groups=[group])
            serial = (await dialer.row(campaign))["serial"]
            own = dial_attempts.c.campaign == serial
            made = select(func.count()).select_from(dial_attempts).where(own)
            first = 0.0
            most = before
            while not (await dialer.row(campaign))["expanded"]:
                async with dialer.store.read() as connection:
                    if not first and await connection.scalar(made):
                        first = time.perf_counter() - accepted
                most = max(most, worker.memory_info().rss)
                if time.perf_counter() - accepted > 5 * PATIENCE:
                    raise BenchBroken(f"{many} numbers are not expanded: {product.complaints()}")
                await asyncio.sleep(0.05)
            seconds = time.perf_counter() - accepted
            say(f"{many} numbers expanded in {seconds:.1f} s, first call after {first:.2f} s")
            async with dialer.store.write() as tx:
                await tx.execute(update(campaigns).where(campaigns.c.serial == serial).values(end_at=now()))
            while (await dialer.row(campaign))["status"] != "completed":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
            lost = made.where(dial_attempts.c.disposition != "ANSWERED")
            rows = select(func.count()).select_from(campaign_numbers)
            async with dialer.store.read() as connection:
                missing = await connection.scalar(lost)
                if await connection.scalar(rows.where(campaign_numbers.c.campaign == serial)) != many:
                    raise BenchBroken("numbers are missing")
            return first, seconds, before, most, missing

    with _carrier(options) as product:
        first, seconds, before, most, missing = asyncio.run(expand(product))
    yield Figure(
        what=f"first call of a campaign of {many:,} numbers, after it was accepted",
        value=first,
        unit="s",
        baseline="limit",
        baseline_value=FIRST_CALL_SECONDS,
        ratio=first / FIRST_CALL_SECONDS,
        target=1.0,
        at_least=False,
        note=f"all have their rows after {seconds:.0f} s; {missing} results missing meanwhile",
    )
    yield Figure(
        what="memory of the product's process while they get their rows",
        value=most / 2**20,
        unit="MiB",
        baseline="before",
        baseline_value=before / 2**20,
        ratio=most / before,
        target=GROWTH,
        at_least=False,
    )
    for store in ("sqlite", "postgresql"):
        # What it takes does not depend on how many there are; PostgreSQL takes long for all of them.
        some = many if store == "sqlite" else min(many, MANY // 10)
        longest = asyncio.run(_longest_transaction(options, store, some))
        yield Figure(
            what=f"longest transaction of the expansion, {store}",
            value=longest * 1000,
            unit="ms",
            baseline="limit",
            baseline_value=TRANSACTION_SECONDS * 1000,
            ratio=longest / TRANSACTION_SECONDS,
            target=1.0,
            at_least=False,
        )


async def _longest_transaction(options: Options, kind: str, many: int) -> float:
    """Seconds, of an expansion that nobody disturbs."""
    url = options.database_url(kind) or f"sqlite:///{options.folder / 'expansion.db'}"
    await migrate(url)
    store = await open_database(url)
    try:
        trunk, at = new_id(), now()
        async with store.write() as tx:
            await tx.execute(insert(trunks).values(id=trunk, name="carrier", created_at=at, updated_at=at))
        listed = await write_list(store, [f"09{place:08}" for place in range(many)])
        group = await add_group(store, name="many", description="", numbers=listed)
        manager = await add_trunk_manager(store, title="bench", trunk_id=trunk)
        sound = new_id()
        async with store.write() as tx:
            await tx.execute(
                insert(dialer_sounds).values(
                    id=sound, name=SOUND, filename="x.wav", created_at=at, updated_at=at
                )
            )
        await add_campaign(store, name="many", trunk_manager_id=manager, groups=[group], announcement=sound)
        expander = Expander(store)
        keeping = asyncio.create_task(store.keep_checkpointing())  # as the product does
        began = time.perf_counter()
        worked = True
        while worked:
            worked = bool(await expander.step())
            await asyncio.sleep(0)  # others have their turn
        seconds = time.perf_counter() - began
        keeping.cancel()
        say(f"{kind}: {many} rows in {seconds:.1f} s, at most {expander.longest * 1000:.0f} ms")
        return expander.longest
    finally:
        await store.close()
