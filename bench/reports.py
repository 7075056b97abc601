"""``python -m bench.reports``: reports over many calls, and how fast calls become reports.

- A page of ``reports/cdr/search`` for one day and one number: its p95 with ten times as many calls over what
  it is with few, in turn, ``alike`` false and true (a part of the number).
- The same of ``autodialer/reports/search``, whose rows tell of their attempts.
- ``reports/cdr/ordered/id`` from the first row to the last: what a step costs at the end, over the beginning.
- Ingestion: recorded calls lie in the inbox, the engine is idle.

The services run in this process, so that what grows is not hidden behind what HTTP costs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from bench.figures import BenchBroken, Figure, figures_as_json, print_figures
from bench.made_up import DAY, LAST, fill, fill_campaigns, first_day, numbers
from bench.options import STORE_NAMES, say
from bench.product import run
from records import _samples
from support.postgresql import running_cluster
from tamas.records.calls import list_calls
from tamas.records.ingest import Ingestion
from tamas.sa.autodialer.reports import ReportSearch
from tamas.sa.autodialer.reports import search as campaign_search
from tamas.sa.dates import RowDates
from tamas.sa.fields import model_of
from tamas.sa.reports.calls import CdrSearch, cdr_ordered, cdr_search
from tamas.sa.search import OrderedAfter
from tamas.sa.service import Page, ServiceContext
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, open_database
from tamas.store.runtime_settings import load_runtime_settings
from tamas.store.schema import cdr, cel, queue_log

GROWTH = {False: 1.5, True: 3.0}
"""What a page may cost more with ten times the calls, by ``alike``."""
WALK_TARGET = 1.3
WALKED = 1_000_000
"""Rows that are enough for the feed."""
INGESTION = {"sqlite": 300.0, "postgresql": 200.0}
"""Calls a second."""
REPLAYED = ("answered", "incoming", "outgoing", "busy", "no_answer", "queue_answered", "queue_ringall")

UTC = {"timezone": "UTC", "calendar": "gregorian"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    sizes: dict[str, tuple[int, int]]
    """Few and many calls, by store."""
    pages: int
    """Searches for each figure."""
    replayed: int
    """Calls in the inbox."""


WHOLE = Plan(
    sizes={"sqlite": (100_000, 1_000_000), "postgresql": (100_000, 1_000_000)}, pages=200, replayed=3_000
)
QUICK = Plan(sizes={"sqlite": (60_000, 200_000), "postgresql": (60_000, 200_000)}, pages=60, replayed=700)
TEN_MILLION = {"sqlite": (100_000, 1_000_000), "postgresql": (1_000_000, 10_000_000)}


def measure(
    plan: Plan, stores: list[str], new_postgresql: Callable[[], str], folder: Path
) -> Iterator[Figure]:
    """The figures, store by store."""
    for store in stores:

        def new_url(name: str, store: str = store) -> str:
            return f"sqlite:///{folder / name}.db" if store == "sqlite" else new_postgresql()

        yield run(_ingestion(store, new_url("inbox"), plan.replayed))
        few, many = plan.sizes[store]
        urls = new_url("few"), new_url("many")
        for url, count in zip(urls, (few, many), strict=True):
            run(fill(url, count))
        for like in (False, True):
            yield run(_growth(CALLS, store, urls, (few, many), like=like, pages=plan.pages))
        walked = (urls[0], few) if few >= WALKED else (urls[1], many)
        yield run(_walk(store, *walked))
        for url in urls:
            run(fill_campaigns(url))
        for like in (False, True):
            yield run(_growth(CAMPAIGNS, store, urls, (few, many), like=like, pages=plan.pages))


# -- pages ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[ServiceContext]:
    database = await open_database(url)
    try:
        yield ServiceContext(
            account="bench",
            address="127.0.0.1",
            request_id="bench",
            database=database,
            runtime={**await load_runtime_settings(database), **UTC},
            # Reports ask nothing else.
            **cast("Any", dict.fromkeys(("changes", "engine", "settings", "seal"))),
        )
    finally:
        await database.close()


@dataclass(frozen=True, kw_only=True)
class Report:
    """A search by day and number."""

    rows: str
    """What it has, in words."""
    request: type[msgspec.Struct]
    search: Callable[[ServiceContext, Any], Awaitable[Page]]
    condition: str
    """That of the number."""
    number: str
    """Key of the number in a row."""


CALLS = Report(rows="calls", request=CdrSearch, search=cdr_search, condition="from", number="src")
CAMPAIGNS = Report(
    rows="campaign results",
    request=ReportSearch,
    search=campaign_search,
    condition="number",
    number="number",
)


async def _growth(
    report: Report, store: str, urls: tuple[str, str], sizes: tuple[int, int], *, like: bool, pages: int
) -> Figure:
    dice, known = random.Random(3), numbers()
    seconds: tuple[list[float], list[float]] = ([], [])
    async with _opened(urls[0]) as few, _opened(urls[1]) as many:
        for round_ in range(pages + 5):
            number = dice.choice(known)
            for context, size, taken in zip((few, many), sizes, seconds, strict=True):
                body = _body(report, dice, size, number, like=like)
                request = model_of(report.request).read(body)
                began = time.perf_counter()
                page = await report.search(context, request)
                elapsed = time.perf_counter() - began
                if any(number[3:8] not in row[report.number] for row in page.rows):
                    raise BenchBroken("a row of another number")
                if round_ >= 5:
                    taken.append(elapsed)
    small, large = (_p95(taken) for taken in seconds)
    few_rows, many_rows = (f"{size:,}" for size in sizes)
    return Figure(
        what=f"p95 of a page, {many_rows} {report.rows}, alike {str(like).lower()}, {STORE_NAMES[store]}",
        value=large * 1000,
        unit="ms",
        baseline=f"{few_rows} {report.rows}",
        baseline_value=small * 1000,
        ratio=large / small,
        target=GROWTH[like],
        at_least=False,
    )


def _body(report: Report, dice: random.Random, size: int, number: str, *, like: bool) -> dict[str, Any]:
    first = first_day(size)
    day = first + dice.randrange((LAST - first) // DAY) * DAY
    text = RowDates(UTC).text(day)[:10]
    return {
        "alike": like,
        "conditions": {report.condition: number[3:8] if like else number},
        "date_range": {"from": text, "to": text},
    }


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


# -- the feed ------------------------------------------------------------------------------------------------


async def _walk(store: str, url: str, count: int) -> Figure:
    async with _opened(url) as context:
        ids, began = [""], time.perf_counter()
        met = 0
        while (answer := await cdr_ordered(context, OrderedAfter(id=ids[-1]))).rows:
            met += len(answer.rows)
            ids.append(answer.last_id)
        elapsed = time.perf_counter() - began
        if met != count:
            raise BenchBroken(f"the feed has {met} of {count} rows")
        steps = min(2_000, len(ids) // 3)
        # In turn, so that the machine's moods meet both alike.
        first: list[float] = []
        last: list[float] = []
        for near, far in zip(ids[:steps], ids[-steps - 1 : -1], strict=True):
            for taken, after in ((first, near), (last, far)):
                started = time.perf_counter()
                await cdr_ordered(context, OrderedAfter(id=after))
                taken.append(time.perf_counter() - started)
    return Figure(
        what=f"a step of ordered/id at the end of {count:,} calls, {STORE_NAMES[store]}",
        value=statistics.median(last) * 1000,
        unit="ms",
        baseline="at the beginning",
        baseline_value=statistics.median(first) * 1000,
        ratio=statistics.median(last) / statistics.median(first),
        target=WALK_TARGET,
        at_least=False,
        note=f"the whole way: {count / elapsed:,.0f} rows/s",
    )


# -- ingestion -----------------------------------------------------------------------------------------------


async def _ingestion(store: str, url: str, count: int) -> Figure:
    await fill(url, 0)
    database = await open_database(url)
    try:
        await _inbox(database, count)
        ingestion = Ingestion(database)
        began = time.perf_counter()
        if not await ingestion.drain(600):
            raise BenchBroken("ingestion did not come to an end")
        elapsed = time.perf_counter() - began
        written = 0
        before = None
        while found := await list_calls(database, limit=1000, before=before):
            written, before = written + len(found), found[-1].id
    finally:
        await database.close()
    if written != count:
        raise BenchBroken(f"{written} of {count} calls were written")
    rate = count / elapsed
    return Figure(
        what=f"calls ingested, {STORE_NAMES[store]}",
        value=rate,
        unit="calls/s",
        baseline="limit",
        baseline_value=INGESTION[store],
        ratio=rate / INGESTION[store],
        target=1.0,
        at_least=True,
        note=f"{count:,} calls of {len(REPLAYED)} kinds",
    )


async def _inbox(database: Database, count: int) -> None:
    """Let recorded calls lie in the inbox, as Asterisk would have written them."""
    say(f"putting {count:,} recorded calls into the inbox")
    kinds = [_samples.load(name) for name in REPLAYED]
    ended_at = now() - 60 * MICROSECONDS
    for start in range(0, count, 100):
        batch = [kinds[number % len(kinds)].again(ended_at=ended_at) for number in range(start, start + 100)]
        async with database.write() as tx:
            for table, rows in (
                (queue_log, [row for sample in batch for row in sample.queue_log]),
                (cel, [row for sample in batch for row in sample.cel]),
                (cdr, [row for sample in batch for row in sample.cdr]),
            ):
                await tx.execute(table.insert(), _samples.whole(table, rows))


def main() -> int:
    """Measure and print one table. A missed target is no failure."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    parser.add_argument("stores", nargs="*", metavar="store", help="sqlite, postgresql; default: both")
    parser.add_argument("--quick", action="store_true", help="fewer calls, rough figures")
    parser.add_argument("--ten-million", action="store_true", help="PostgreSQL with 1 and 10 million calls")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    stores = arguments.stores or list(STORE_NAMES)
    if unknown := set(stores) - STORE_NAMES.keys():
        parser.error(f"no store is called {', '.join(sorted(unknown))}")
    plan = QUICK if arguments.quick else WHOLE
    if arguments.ten_million:
        plan = Plan(sizes=TEN_MILLION, pages=plan.pages, replayed=plan.replayed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="tamas-bench-reports-") as folder, running_cluster() as cluster:
        for figure in measure(plan, stores, cluster.empty_url, Path(folder)):
            say(f"   {figure.what}: {figure.value:,.2f} {figure.unit}, ratio {figure.ratio:.2f}")
            figures.append(figure)
    if arguments.json:
        print(figures_as_json(figures))
    else:
        print_figures(figures, Console(width=max(150, _columns()), highlight=False))
    return 0


def _columns() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
