"""An instance with phones that take calls: SIPp answers for all of them, and every call is two-way."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.extensions import add_extension, number_of, register
from bench.figures import BenchBroken
from bench.options import Options
from bench.processes import running
from bench.product import Product, running_product
from support.ports import free_port
from tamas.engine.ami import AmiClient
from tamas.engine.configuration import AMI_USER
from tamas.engine.fixed_dialplan import ORIGINATED_CONTEXT
from tamas.store.database import Row
from tamas.store.schema import calls

PHONES = 40
"""Extensions on each side."""
TALK_SECONDS = 1.0
HTTP_CONNECTIONS = 16
SETTLE_SECONDS = 45.0
"""How long the calls of an overload may take to end."""
RECORD_SECONDS = 10.0
"""In a climb, a call whose record is not there so long after it should have ended counts as lost."""
MAX_TROUBLES = 3
"""Of each kind, that are told."""
MAX_SETUP_SECONDS = 1.0
"""A rate is clean only if 95 of 100 calls are connected this soon after they were asked for."""

Place = Callable[[str, str], Awaitable[str]]
"""Places a call between two numbers; returns a key by which its record is found."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What became of the calls that were offered at one rate."""

    rate: float
    """Calls per second that were asked for, as measured."""
    placed: int
    refused: int
    connected: int
    setup_p95: float
    """Seconds from asking to the second party's answer; infinite when nobody was connected."""
    setup_median: float
    troubles: tuple[str, ...]
    """What became of calls that were not connected, a few of them."""

    @property
    def clean(self) -> bool:
        everybody = self.refused == 0 and self.connected == self.placed
        return everybody and self.setup_p95 <= MAX_SETUP_SECONDS

    def __str__(self) -> str:
        return (
            f"{self.rate:.0f} calls/s: {self.connected} of {self.placed} connected and recorded, "
            f"{self.refused} refused, 95 % within {self.setup_p95 * 1000:.0f} ms"
            f"{'' if self.clean else ' (not clean)'}{''.join(f'; {trouble}' for trouble in self.troubles)}"
        )


class Switchboard:
    """Places calls on one instance and looks at their records."""

    def __init__(self, product: Product, ami: AmiClient, connections: asyncio.Queue[Connection]) -> None:
        self._product = product
        self._ami = ami
        self._connections = connections
        self._serials = itertools.count(1)
        self._turn = itertools.count()

    async def by_api(self, caller: str, callee: str) -> str:
        """One ``call/originate/act``; the key is its ``originated_call_id``."""
        values = {
            "caller": caller,
            "callee": callee,
            "context": "main_routing",
            "caller_id": caller,
            "trunk_name": "",
            "timeout": "30",
        }
        connection = await self._connections.get()
        try:
            answer = await connection.ask("call/originate/act", values)
        finally:
            self._connections.put_nowait(connection)
        if answer["success"] != 1:
            raise BenchBroken(f"call/originate/act answered {answer}")
        return str(answer["data"]["originated_call_id"])

    async def by_ami(self, caller: str, callee: str) -> str:
        """One raw action Originate into the same context; the key is the unique id of its first channel."""
        return await self.originate_into(ORIGINATED_CONTEXT, caller, callee)

    async def command(self, text: str) -> str:
        """What a command of Asterisk's says."""
        return await self._ami.command(text, timeout=30)

    async def originate_into(self, context: str, caller: str, callee: str) -> str:
        """One raw action Originate; the key is the unique id of its first channel."""
        uniqueid = f"{int(time.time())}.{os.getpid() * 100_000 + next(self._serials)}"
        await self._ami.action(
            "Originate",
            {
                "Channel": f"PJSIP/{caller}",
                "Context": context,
                "Exten": callee,
                "Priority": "1",
                "Timeout": "30000",
                "CallerID": f'"{caller}" <{caller}>',
                "ChannelId": uniqueid,
                "Async": "true",
            },
            timeout=30,
        )
        return uniqueid

    async def offer(self, place: Place, rate: float, count: int, *, patience: float = RECORD_SECONDS) -> Step:
        """Place calls evenly at ``rate`` per second, whatever becomes of them; wait for their records.

        :param patience: seconds after which a call that should have ended and has no record counts as lost.
        """
        asked: dict[str, float] = {}
        refused = 0

        async def one() -> None:
            nonlocal refused
            turn = next(self._turn)
            caller, callee = number_of(turn % PHONES), number_of(PHONES + turn % PHONES)
            at = time.time()
            try:
                asked[await place(caller, callee)] = at
            except Exception:  # noqa: BLE001 - what is measured is how many
                refused += 1

        since = time.time()
        started = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for position in range(count):
                await asyncio.sleep(max(0.0, started + position / rate - time.perf_counter()))
                tasks.create_task(one())
            seconds = time.perf_counter() - started
        rows = await self._records(asked, since, patience)
        connected = [row["answered_at"] / 1e6 - asked[key] for key, row in rows.items() if _is_connected(row)]
        await self._until_quiet()
        return Step(
            rate=count / (seconds + 1 / rate) if count > 1 else rate,
            placed=count,
            refused=refused,
            connected=len(connected),
            setup_p95=_percentile(sorted(connected), 0.95),
            setup_median=_percentile(sorted(connected), 0.5),
            troubles=_troubles(asked, rows),
        )

    async def _records(self, asked: Mapping[str, float], since: float, patience: float) -> dict[str, Row]:
        """The records of calls by key, as soon as every call has one or nothing more is to be expected."""
        deadline = time.monotonic() + TALK_SECONDS + patience
        statement = select(calls).where(calls.c.started_at >= int((since - 1) * 1e6))
        while True:
            rows = await asyncio.to_thread(self._product.rows, statement)
            by_key = {row["originated_call_id"] or row["cuid"]: row for row in rows}
            found = {key: row for key, row in by_key.items() if key in asked}
            if len(found) == len(asked) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.25)

    async def _until_quiet(self) -> None:
        """Wait until no channel is left. :raises BenchBroken: some stay."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (said := await self._ami.command("core show channels count", timeout=30)).split()[0] != "0":
            if time.monotonic() > deadline:
                raise BenchBroken(f"calls stay on the switchboard: {said}")
            await asyncio.sleep(0.1)


class Connection:
    """A kept connection to the API, as cheap as can be: what it costs would count against the API."""

    def __init__(self, product: Product, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._product = product
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, product: Product) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", product.http_port)
        return cls(product, reader, writer)

    async def ask(self, service: str, values: dict[str, str]) -> dict[str, Any]:
        """Call a service; returns the whole answer."""
        body = json.dumps(values).encode()
        self._writer.write(
            f"POST /api/v4/{service} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {self._product.authorization}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer: dict[str, Any] = json.loads(await self._reader.readexactly(length))
        return answer

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


@contextmanager
def running_phones(options: Options) -> Iterator[Product]:
    """An instance on SQLite with :data:`PHONES` callers and as many callees, all registered."""
    scenarios = Path(__file__).with_name("scenarios")
    sipp = options.sipp()
    with ExitStack() as stack:
        product = stack.enter_context(running_product())
        contacts = []
        for name in ("caller", "callee"):
            port = free_port()
            words = [
                *sipp,
                *("-sf", str(scenarios / f"{name}.xml"), "-i", "127.0.0.1", "-p", str(port)),
                *("-mp", str(free_port()), "-cp", str(free_port()), "-d", str(int(TALK_SECONDS * 1000))),
                *("-nostdin", "-skip_rlimit", "-timer_resol", "5", "-max_socket", "100"),
            ]
            stack.enter_context(running(words, log=options.folder / f"{name}.log", cwd=options.folder))
            contacts.append(("127.0.0.1", port))
        for side, contact in enumerate(contacts):
            for position in range(PHONES):
                number = number_of(side * PHONES + position)
                add_extension(product, number)
                register(product, number, contact)
        yield product


@asynccontextmanager
async def open_switchboard(product: Product) -> AsyncIterator[Switchboard]:
    """A switchboard with one call already placed each way, so that nothing is cold."""
    record, secret = product.engine()
    ami = AmiClient(
        host="127.0.0.1",
        port=record.ami_port,
        username=AMI_USER,
        secret=secret,
        on_event=lambda _event: None,
        event_mask="off",
    )
    running_ami = asyncio.create_task(ami.run())
    connections: asyncio.Queue[Connection] = asyncio.Queue()
    opened = [await Connection.open(product) for _ in range(HTTP_CONNECTIONS)]
    for connection in opened:
        connections.put_nowait(connection)
    try:
        await ami.wait_connected(10)
        yield Switchboard(product, ami, connections)
    finally:
        for connection in opened:
            await connection.close()
        await ami.close()
        await running_ami


def _is_connected(row: Row) -> bool:
    return row["disposition"] == "ANSWERED" and bool(row["billsec"] >= TALK_SECONDS / 2 * 1e6)


def _troubles(asked: Mapping[str, float], rows: Mapping[str, Row]) -> tuple[str, ...]:
    lost = [f"{key} has no record" for key in asked if key not in rows]
    bad = [
        f"{key} ({row['cuid']}): {row['disposition']}, {row['reason']}, talk of {row['billsec'] / 1e6:.3f} s"
        for key, row in rows.items()
        if not _is_connected(row)
    ]
    return tuple(lost[:MAX_TROUBLES] + bad[:MAX_TROUBLES])


def _percentile(ordered: list[float], share: float) -> float:
    if not ordered:
        return math.inf
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
