"""What many calls leave behind in the memory of the main worker, the process that runs every room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from bench.figures import BenchBroken, Figure
from bench.options import Options, say
from bench.processes import resident_memory
from bench.product import Product
from bench.switchboard import open_switchboard, running_phones

CALLS, QUICK_CALLS = 10_000, 1_000
CHUNK = 500
RATE = 30.0
"""Calls per second, well below what the machine carries."""
PATIENCE = 60.0
"""Seconds that a busy machine may take for calls and records; nothing here is measured in time."""
IDLE_SECONDS = 5.0
"""Rest before memory is read."""
TARGET = 1.1
MEGABYTE = 1e6


def measure(options: Options) -> Iterator[Figure]:
    """Memory after many calls as a multiple of memory idle."""
    count = QUICK_CALLS if options.quick else CALLS
    with running_phones(options) as product:
        time.sleep(IDLE_SECONDS)
        idle = resident_memory(product.worker_pid())
        worker = product.worker_pid()
        early = asyncio.run(_call(product, count))
        time.sleep(IDLE_SECONDS)
        if product.worker_pid() != worker:
            raise BenchBroken("the main worker was started again meanwhile")
        after = resident_memory(worker)
    yield Figure(
        what=f"memory of the main worker after {count:,} calls",
        value=after / MEGABYTE,
        unit="MB",
        baseline="idle",
        baseline_value=idle / MEGABYTE,
        ratio=after / idle,
        target=TARGET,
        at_least=False,
        note=f"after the first {CHUNK}: {early / MEGABYTE:.1f} MB",
    )


async def _call(product: Product, count: int) -> int:
    """Place the calls; returns the memory after the first chunk."""
    early = 0
    async with open_switchboard(product) as switchboard:
        for done in range(0, count, CHUNK):
            step = await switchboard.offer(
                switchboard.by_api, RATE, min(CHUNK, count - done), patience=PATIENCE
            )
            now = resident_memory(product.worker_pid())
            early = early or now
            say(f"{done + step.placed} calls, {now / MEGABYTE:.1f} MB; {step}")
            if step.refused or step.connected != step.placed:
                raise BenchBroken(f"calls were lost: {step}\n{product.complaints()}")
    return early
