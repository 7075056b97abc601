"""``python -m bench.kill``: killed under load, again and again, and every call keeps its one record.

Phones call each other through ``call/originate/act`` without a pause, half of the talks are recorded. At
random moments either the main worker is killed with SIGKILL (the supervisor starts another), or everything of
ours at once (it is started again); Asterisk lives on. In the end three witnesses are compared with the
records: what clients were answered, what the phones did, and Asterisk's own events.

Each call carries a caller id of its own, so that a phone's call, a client's answer and a record are known to
belong together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from bench.extensions import add_extension, number_of, secret_of
from bench.figures import BenchBroken
from bench.options import STORES, say
from bench.processes import running, wait_until
from bench.product import START_SECONDS, WORKER, Product, running_product
from support.postgresql import running_cluster
from tamas.demo.call import CallState
from tamas.demo.phone import AutoAnswer, Phone, close_phones, open_phones
from tamas.engine.install import ensure_sipp
from tamas.engine.layout import EngineLayout
from tamas.recordings.folders import RecordingFolders, read_name
from tamas.settings import load_settings
from tamas.store.recordings_schema import recordings
from tamas.store.schema import calls, cel, merged_linkedids, originates

KILLS = 50
RATE = 4.0
"""Calls a second."""
TALK_SECONDS = 1.0
PAIRS = 6
SHARE_OF_ALL = 0.3
"""How often everything of ours is killed, not the worker alone."""
PAUSE_SECONDS = (0.3, 3.0)
"""Between being ready again and the next kill."""
SETTLE_SECONDS = 90.0
ASK_SECONDS = 30.0
SHOWN = 10

_FIRST_TOKEN = 70_000_000


@dataclass(kw_only=True)
class Load:
    """What clients asked for and what they were told."""

    accepted: dict[str, str] = field(default_factory=dict)
    """``originated_call_id`` by caller id."""
    unanswered: set[str] = field(default_factory=set)
    """Caller ids of requests that broke off, or were refused while the server was away."""


@dataclass(kw_only=True)
class Verdict:
    """What the comparison gave."""

    figures: dict[str, float | int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def expect(self, holds: bool, fault: str) -> None:
        """Note a fault unless something holds."""
        if not holds:
            self.faults.append(fault)


def main() -> int:
    """Kill and compare; returns 1 when a record was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.kill", description=__doc__)
    parser.add_argument("store", nargs="?", choices=STORES, default="sqlite")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rate", type=float, default=RATE, help="calls a second")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    with ExitStack() as stack:
        url = ""
        if arguments.store == "postgresql":
            url = stack.enter_context(running_cluster()).empty_url()
        product = stack.enter_context(running_product(url))
        server = stack.enter_context(_restartable(product))
        verdict = asyncio.run(_measure(product, server, arguments, random.Random(seed)))
    verdict.figures["seed"] = seed
    if arguments.json:
        print(json.dumps({**verdict.figures, "faults": verdict.faults}, indent=2))
    else:
        for name, value in verdict.figures.items():
            print(f"{name:44} {value:g}")
        for fault in verdict.faults[:SHOWN]:
            print(f"FAULT: {fault}")
        print(f"{len(verdict.faults)} faults" if verdict.faults else "no record was lost or doubled")
    return 1 if verdict.faults else 0


# -- killing -------------------------------------------------------------------------------------------------


class Server:
    """Our processes of an instance."""

    def __init__(self, product: Product, stack: ExitStack) -> None:
        self._product = product
        self._stack = stack

    def kill_worker(self) -> None:
        """Kill the main worker; the supervisor starts another."""
        os.kill(self._product.worker_pid(), signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill supervisor and workers at once, and start them again."""
        supervisor = psutil.Process(self._product.serve_pid)
        ours = [supervisor, *(one for one in supervisor.children() if WORKER in one.cmdline())]
        for process in ours:
            process.kill()
        wait_until(lambda: not any(map(_alive, ours)), within=20, what="the end of our processes")
        again = running(
            [sys.executable, "-m", "tamas.cli", "serve"],
            log=self._product.log,
            env=self._product.environment,
        )
        self._product.serve_pid = self._stack.enter_context(again).pid

    def wait_ready(self) -> float:
        """Wait until it takes calls again; returns the seconds that took."""
        began = time.monotonic()
        wait_until(self._product.ready, within=START_SECONDS, what="being ready again")
        return time.monotonic() - began


@contextmanager
def _restartable(product: Product) -> Iterator[Server]:
    with ExitStack() as stack:
        yield Server(product, stack)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def _kill_again_and_again(server: Server, kills: int, dice: random.Random, verdict: Verdict) -> None:
    away: list[float] = []
    everything = 0
    for turn in range(kills):
        await asyncio.sleep(dice.uniform(*PAUSE_SECONDS))
        if dice.random() < SHARE_OF_ALL:
            everything += 1
            await asyncio.to_thread(server.kill_all)
        else:
            await asyncio.to_thread(server.kill_worker)
            await asyncio.sleep(0.1)  # until then the port may answer for the dead
        away.append(await asyncio.to_thread(server.wait_ready))
        if (turn + 1) % 10 == 0:
            say(f"   killed {turn + 1} times")
    verdict.figures |= {
        "kills": kills,
        "of these everything of ours at once": everything,
        "longest time until ready again, s": round(max(away), 2),
    }


# -- load ----------------------------------------------------------------------------------------------------


async def _measure(
    product: Product, server: Server, arguments: argparse.Namespace, dice: random.Random
) -> Verdict:
    verdict, load = Verdict(), Load()
    async with _phones(product) as (callers, callees):
        stop = asyncio.Event()
        asking = asyncio.create_task(_ask_on(product, load, callers, callees, arguments.rate, stop))
        await _kill_again_and_again(server, arguments.kills, dice, verdict)
        stop.set()
        await asking
        await _until_quiet(callers + callees)
        await _until_recorded(product)
        await asyncio.to_thread(_compare, product, load, callers, callees, verdict)
    return verdict


@asynccontextmanager
async def _phones(product: Product) -> Any:
    sipp = ensure_sipp(load_settings().cache_dir, say)
    phones = []
    for position in range(2 * PAIRS):
        number = number_of(position)
        add_extension(product, number)
        if position % 2:
            which = {"alike": False, "conditions": {"number": number}}
            (row,) = product.ask("pbx/users/search", which)
            product.ask("pbx/users/update", {"_id": row["_id"], "call_record": "yes"})
        manner = AutoAnswer() if position < PAIRS else AutoAnswer(after=0.2, hang_up_after=TALK_SECONDS)
        phones.append(
            Phone(
                number=number,
                secret=secret_of(number),
                server=product.sip_address,
                sipp=sipp,
                tone_hz=400 + 20 * position,
                manner=manner,
            )
        )
    await open_phones(phones)
    try:
        for phone in phones:
            await phone.register()
        yield phones[:PAIRS], phones[PAIRS:]
    finally:
        await close_phones(phones)


async def _ask_on(
    product: Product,
    load: Load,
    callers: Sequence[Phone],
    callees: Sequence[Phone],
    rate: float,
    stop: asyncio.Event,
) -> None:
    """Ask for calls evenly, whoever is there to hear it."""
    headers = {"Authorization": product.authorization}
    async with (
        httpx.AsyncClient(timeout=ASK_SECONDS, headers=headers) as client,
        asyncio.TaskGroup() as tasks,
    ):
        began = time.monotonic()
        position = 0
        while not stop.is_set():
            caller, callee = callers[position % PAIRS], callees[(position // PAIRS) % PAIRS]
            token = str(_FIRST_TOKEN + position)
            tasks.create_task(_ask(client, product, load, caller.number, callee.number, token))
            position += 1
            await asyncio.sleep(max(0.0, began + position / rate - time.monotonic()))


async def _ask(
    client: httpx.AsyncClient, product: Product, load: Load, caller: str, callee: str, token: str
) -> None:
    body = {
        "caller": caller,
        "callee": callee,
        "context": "main_routing",
        "caller_id": token,
        "trunk_name": "",
        "timeout": "30",
    }
    try:
        answer = await client.post(product.url("call/originate/act"), json=body)
        envelope = answer.json()
    except (httpx.HTTPError, ValueError):
        load.unanswered.add(token)
        return
    if answer.status_code == 200 and envelope["success"] == 1:
        load.accepted[token] = envelope["data"]["originated_call_id"]
    else:
        load.unanswered.add(token)


async def _until_quiet(phones: Sequence[Phone]) -> None:
    """:raises BenchBroken: phones go on talking."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while talking := [call for phone in phones for call in phone.calls if call.state is not CallState.ENDED]:
        if time.monotonic() > deadline:
            raise BenchBroken(f"{len(talking)} calls of phones do not end")
        await asyncio.sleep(0.2)


async def _until_recorded(product: Product) -> None:
    """Wait until nothing is left to be done: every originate closed, every end read, no recording waiting."""
    left = (
        select(func.count()).select_from(originates).where(originates.c.closed_at.is_(None)),
        select(func.count())
        .select_from(cel)
        .where(cel.c.eventtype == "LINKEDID_END", cel.c.processed_at.is_(None)),
        select(func.count()).select_from(recordings).where(recordings.c.state == "waiting"),
    )
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        counts = [next(iter((await asyncio.to_thread(product.rows, one))[0].values())) for one in left]
        if not any(counts) or time.monotonic() > deadline:
            return
        await asyncio.sleep(0.5)


# -- comparing -----------------------------------------------------------------------------------------------


def _compare(
    product: Product, load: Load, callers: Sequence[Phone], callees: Sequence[Phone], verdict: Verdict
) -> None:
    asked = {row["originated_call_id"]: row["caller_id"] for row in product.rows(select(originates))}
    rows = product.rows(select(calls))
    per_token = Counter(asked.get(row["originated_call_id"], "") for row in rows)
    by_token = {asked.get(row["originated_call_id"], ""): row for row in rows}
    rung = Counter(call.remote_number for phone in callees for call in phone.calls)
    talked = {
        call.remote_number for phone in callees for call in phone.calls if call.answered_at is not None
    } & {call.remote_number for phone in callers for call in phone.calls if call.answered_at is not None}

    verdict.expect(load.accepted.keys() <= set(asked.values()), "an accepted call is not in the store")
    for token in load.accepted:
        verdict.expect(per_token[token] == 1, f"{token} was accepted and has {per_token[token]} records")
    for token, count in per_token.items():
        verdict.expect(bool(token), "a record belongs to no request")
        verdict.expect(count == 1, f"{token} has {count} records")
    for token in talked:
        row = by_token.get(token)
        verdict.expect(row is not None, f"{token} was talked through and has no record")
        if row is not None:
            verdict.expect(row["disposition"] == "ANSWERED", f"{token} was talked, is {row['disposition']}")
    for token, row in by_token.items():
        if row["disposition"] == "ANSWERED":
            verdict.expect(token in talked, f"{token} is ANSWERED, the phones know of no talk")
    for token, count in rung.items():
        verdict.expect(count == 1, f"the phone of {token} rang {count} times")
    _compare_with_asterisk(product, rows, verdict)
    kept, recorded = _compare_recordings(product, rows, verdict)
    verdict.figures |= {
        "calls asked for": len(load.accepted) + len(load.unanswered),
        "accepted": len(load.accepted),
        "without an answer (killed, or away)": len(load.unanswered),
        "of these carried out all the same": sum(token in by_token for token in load.unanswered),
        "talks that both phones saw": len(talked),
        "call records": len(rows),
        "records of talks": sum(row["disposition"] == "ANSWERED" for row in rows),
        "recordings named by records": recorded,
        "recordings kept": kept,
    }


def _compare_with_asterisk(product: Product, rows: Sequence[Any], verdict: Verdict) -> None:
    """Each call of which Asterisk wrote events has one record, and no record is made of nothing."""
    begun = select(cel.c.linkedid).where(cel.c.eventtype == "CHAN_START").distinct()
    linked = {row["linkedid"] for row in product.rows(begun)}
    joined = {row["linkedid"] for row in product.rows(select(merged_linkedids.c.linkedid))}
    recorded = Counter(row["cuid"] for row in rows)
    for linkedid in linked - joined:
        verdict.expect(recorded[linkedid] == 1, f"{linkedid} has events and {recorded[linkedid]} records")
    for row in rows:
        known = row["cuid"] in linked or row["disposition"] != "ANSWERED"
        verdict.expect(known, f"{row['cuid']} has a record and no events")
    verdict.figures["calls in Asterisk's events"] = len(linked - joined)


def _compare_recordings(product: Product, rows: Sequence[Any], verdict: Verdict) -> tuple[int, int]:
    """Each recording that a record names is kept, and no source is left."""
    folders = RecordingFolders(root=EngineLayout(state_dir=product.state_dir).recordings)
    states = Counter(row["state"] for row in product.rows(select(recordings)))
    named = {row["record"] for row in rows if row["record"]}
    for each in named:
        name = read_name(each)
        verdict.expect(name is not None and folders.kept(name).is_file(), f"recording {each} is not kept")
    left = [name.name for name, _ in folders.list_sources()]
    verdict.expect(not left, f"{len(left)} sources are left, such as {left[:1]}")
    verdict.expect(not states["broken"], f"{states['broken']} recordings are broken")
    return states["kept"], len(named)


if __name__ == "__main__":
    raise SystemExit(main())
