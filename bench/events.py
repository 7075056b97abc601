"""Events: from the fact in the engine to the first byte at a receiver, and deliveries per second.

- Live events at about 50 a second, of real calls, a dead receiver beside: the fact is what Asterisk tells
  on a connection of our own (Newstate, Hangup), the event the NewState that says so.
- Record events of the same calls: Cdr against the end of its call, as it is recorded.
- A backlog delivered to one receiver, over what the same HTTP client does bare, as many requests under way.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpcore

from bench.figures import BenchBroken, Figure, median_ratio
from bench.options import STORE_NAMES, STORES, Options, say
from bench.processes import accepts, running, wait_until
from bench.product import Product, run
from bench.receiver import TAKEN
from bench.switchboard import open_switchboard, running_phones
from support.ports import free_port
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.configuration import AMI_USER
from tamas.events.delivery import Delivery
from tamas.events.lane import TOGETHER
from tamas.events.outbox import Event, emit
from tamas.events.receivers import add_receiver, checked_events
from tamas.outgoing.web import WebConnections
from tamas.store.changes import Changes
from tamas.store.database import open_database
from tamas.store.migrate import migrate

EVENTS_PER_SECOND = 50
EVENTS_PER_CALL = 6
LIVE_MEDIAN, RECORD_MEDIAN, P99 = 50.0, 150.0, 500.0
"""Milliseconds."""
SHARE = 0.5
BACKLOG, QUICK_BACKLOG = 3000, 1500
ROUNDS, QUICK_ROUNDS = 5, 3
STATES = {"Ringing": "Ringing", "Up": "InUse"}


def measure(options: Options) -> Iterator[Figure]:
    """Both delays, and the share on both stores."""
    yield from _delays(options)
    for store in STORES:
        yield _share(options, store)


# -- delays ----------------------------------------------------------------------------------------------


@dataclass
class Facts:
    """What Asterisk told, and when we heard it."""

    at: dict[tuple[str, str, str], float] = field(default_factory=dict)
    """Seconds since the epoch, by extension, state and call."""

    def take(self, event: AmiMessage) -> None:
        """Remember the first time of each."""
        name, channel = event.get("Event", ""), event.get("Channel", "")
        state = "Idle" if name == "Hangup" else STATES.get(event.get("ChannelStateDesc", ""))
        if name in ("Newstate", "Hangup") and state and channel.startswith("PJSIP/"):
            extension = channel.removeprefix("PJSIP/").rpartition("-")[0]
            self.at.setdefault((extension, state, event.get("Linkedid", "")), time.time())


def _delays(options: Options) -> Iterator[Figure]:
    seconds = 10.0 if options.quick else 30.0
    rate = EVENTS_PER_SECOND / EVENTS_PER_CALL
    with running_receiver(options) as port, running_phones(options) as product:
        run(_add_receivers(product.database_url, port))

        async def work() -> Facts:
            facts = Facts()
            async with open_switchboard(product) as switchboard:
                await switchboard.offer(switchboard.by_ami, rate, round(rate * 2))
                await asyncio.to_thread(taken, port)
                listening = _listener(product, facts)
                task = asyncio.create_task(listening.run())
                await listening.wait_connected(10)
                step = await switchboard.offer(switchboard.by_ami, rate, round(rate * seconds))
                say(str(step))
                await asyncio.sleep(2)
                await listening.close()
                await task
            return facts

        facts = asyncio.run(work())
        arrived = taken(port)
    live, records = _live(facts, arrived), _records(arrived)
    events_per_second = len(arrived) / seconds
    for what, delays, median in (("live", live, LIVE_MEDIAN), ("record", records, RECORD_MEDIAN)):
        named = f"{what} events, fact to first byte, {events_per_second:.0f} events/s beside a dead receiver"
        yield _delay(f"{named}: median", statistics.median(delays), median, len(delays))
        yield _delay(f"{named}: 99 of 100", delays[len(delays) * 99 // 100], P99, len(delays))


def _delay(what: str, value: float, limit: float, count: int) -> Figure:
    return Figure(
        what=what,
        value=value,
        unit="ms",
        baseline="limit",
        baseline_value=limit,
        ratio=value / limit,
        target=1.0,
        at_least=False,
        note=f"{count} events",
    )


def _listener(product: Product, facts: Facts) -> AmiClient:
    record, secret = product.engine()
    return AmiClient(
        host="127.0.0.1",
        port=record.ami_port,
        username=AMI_USER,
        secret=secret,
        on_event=facts.take,
        event_mask="call",
    )


def _live(facts: Facts, arrived: list[tuple[float, str, str]]) -> list[float]:
    """Milliseconds, in order. :raises BenchBroken: much of what happened was not told."""
    told: dict[tuple[str, str, str], float] = {}
    for at, _path, body in arrived:
        event = json.loads(body)
        if event["event_name"] == "NewState":
            told.setdefault((event["exten"], event["state"], event.get("unique_id", "")), at)
    found = sorted((told[key] - at) * 1000 for key, at in facts.at.items() if key in told)
    say(f"{len(found)} of {len(facts.at)} facts of the engine were told as NewState")
    if len(found) < 0.9 * len(facts.at):
        raise BenchBroken(f"only {len(found)} of {len(facts.at)} facts were told")
    return found


def _records(arrived: list[tuple[float, str, str]]) -> list[float]:
    """Milliseconds, in order. :raises BenchBroken: there is none."""
    found = []
    for at, _path, body in arrived:
        event = json.loads(body)
        if event["event_name"] == "Cdr":
            ended = datetime.fromisoformat(event["endtime"]).replace(tzinfo=UTC).timestamp()
            found.append((at - ended) * 1000)
    if not found:
        raise BenchBroken("no Cdr arrived")
    return sorted(found)


async def _add_receivers(database_url: str, port: int) -> None:
    """One that takes everything, and one that is dead."""
    database = await open_database(database_url)
    try:
        for name, of in (("good", port), ("dead", free_port())):
            await add_receiver(
                database,
                Changes(database),
                name=name,
                address=f"http://127.0.0.1:{of}/",
                events=checked_events([], shape="vendor"),
                allow_internal=True,
            )
    finally:
        await database.close()


# -- share -----------------------------------------------------------------------------------------------


def _share(options: Options, store: str) -> Figure:
    count = QUICK_BACKLOG if options.quick else BACKLOG
    values, baselines = [], []
    for turn in range(QUICK_ROUNDS if options.quick else ROUNDS):
        with running_receiver(options) as port:
            url = options.database_url(store) or f"sqlite:///{options.folder / f'events-{turn}.db'}"
            run(_prepare(url, port, count))
            values.append(run(_delivered_per_second(url, port, count)))
            baselines.append(run(_bare_per_second(port, count)))
        say(f"events, {STORE_NAMES[store]}: {values[-1]:.0f} of {baselines[-1]:.0f} a second")
    return Figure(
        what=f"sustained deliveries, {STORE_NAMES[store]}",
        value=statistics.median(values),
        unit="events/s",
        baseline=f"the same HTTP client bare, {TOGETHER} under way",
        baseline_value=statistics.median(baselines),
        ratio=median_ratio(values, baselines),
        target=SHARE,
        at_least=True,
    )


def _fields(number: int) -> Mapping[str, Any]:
    at = 1_610_778_637_471_398
    return {
        "starttime": at,
        "endtime": at + 9_000_000,
        "src": "991",
        "dst": str(number),
        "type": "local",
        "disposition": "ANSWERED",
        "duration": 9,
        "billsec": 9,
        "wait": 11,
        "record": "20210116_1610778618.378.mp3",
        "unique_id": f"1610778618.{number}",
    }


async def _prepare(url: str, port: int, count: int) -> None:
    await migrate(url)
    await _add_receivers(url, port)
    database = await open_database(url)
    try:
        async with database.write() as tx:
            await emit(
                tx,
                [Event(name="Cdr", fields=_fields(number), call=f"1.{number}") for number in range(count)],
            )
    finally:
        await database.close()


async def _delivered_per_second(url: str, port: int, count: int) -> float:
    database = await open_database(url)
    changes = Changes(database)
    await changes.start()
    running_delivery = asyncio.create_task(Delivery(database, changes, str).run())
    try:
        arrived: list[tuple[float, str, str]] = []
        begin = time.time()
        while len(arrived) < count:
            await asyncio.sleep(0.25)
            arrived += await asyncio.to_thread(taken, port)
            if time.time() - begin > 120:
                raise BenchBroken(f"only {len(arrived)} of {count} events arrived")
        return count / (arrived[-1][0] - begin)
    finally:
        running_delivery.cancel()
        await asyncio.gather(running_delivery, return_exceptions=True)
        await changes.close()
        await database.close()


async def _bare_per_second(port: int, count: int) -> float:
    body = json.dumps({"event_name": "Cdr", **_fields(1), "cuid": "1610778618.1"}).encode()
    headers = [("Host", "x"), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    connections = WebConnections()
    pool = await connections.pool("http", internal=True, connections=TOGETHER, kept=TOGETHER)
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await pool.request("POST", f"http://127.0.0.1:{port}/", headers=headers, content=body)

    try:
        begin = time.time()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(TOGETHER):
                tasks.create_task(work())
        return count / (time.time() - begin)
    finally:
        await _close(pool, connections)


async def _close(pool: httpcore.AsyncConnectionPool, connections: WebConnections) -> None:
    await pool.aclose()
    connections.close()


@contextmanager
def running_receiver(options: Options) -> Iterator[int]:
    """A receiver in a process of its own; gives its port."""
    port = free_port()
    words = [sys.executable, "-m", "bench.receiver", str(port)]
    with running(words, log=options.folder / "receiver.log"):
        wait_until(lambda: accepts(port), within=20, what="the receiver")
        yield port


def taken(port: int) -> list[tuple[float, str, str]]:
    """What arrived since the last time this was asked: time of the first byte, path, body."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{TAKEN}", timeout=30) as answer:
        return [(at, path, body) for at, path, body in json.load(answer)]
