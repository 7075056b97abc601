"""Two-way calls set up per second: through the API, and by raw AMI Originate on the same engine.

Both go through the same context, the same FastAGI flow and the same records. The offered rate is raised in
turns until calls fail, lose their record or are connected too late; the last clean rate counts. At the clean
rate of AMI it is also measured how far records are behind the ends of their calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from bench.figures import BenchBroken, Figure
from bench.options import Options, say
from bench.product import Product
from bench.switchboard import Place, Step, Switchboard, open_switchboard, running_phones
from tamas.records.facts import microseconds, time_text
from tamas.store.clock import now
from tamas.store.schema import cel

FIRST_RATE = 30.0
GROWTH = 1.2
MAX_RATE = 400.0
STEP_SECONDS, QUICK_STEP_SECONDS = 8.0, 4.0
TRIES = 2
"""A rate that was not clean is tried once more before it counts as too high."""
WARM_CALLS = 20
MAX_LOWERED = 5
TARGET = 0.8
BEHIND_SECONDS = 2.0
"""How far records may be behind (99 of 100)."""


@dataclass(kw_only=True)
class _Climb:
    """How high one way of placing calls has come."""

    name: str
    place: Place
    best: Step | None = None
    rate: float = FIRST_RATE
    growth: float = GROWTH
    failures: int = 0

    @property
    def over(self) -> bool:
        return self.growth < GROWTH**0.4 or self.rate > MAX_RATE

    def take(self, step: Step) -> None:
        """Go on higher after a clean step; after one that is not, try again, then in a smaller stride."""
        if step.clean:
            self.best, self.failures = step, 0
        else:
            self.failures += 1
            if self.failures < TRIES:
                return
            self.growth **= 0.5
            self.failures = 0
            if self.best is None:
                self.rate /= GROWTH
                return
        self.rate = (self.best.rate if self.best else self.rate) * self.growth


def measure(options: Options) -> Iterator[Figure]:
    """The highest clean rate of both ways."""
    with running_phones(options) as product:
        seconds = QUICK_STEP_SECONDS if options.quick else STEP_SECONDS

        async def climb() -> tuple[Step, Step, Step, list[float]]:
            async with open_switchboard(product) as switchboard:
                by_api, by_ami = await _climb(switchboard, seconds)
                since, again = await _offer_again(switchboard, by_ami.rate, seconds)
                return by_api, by_ami, again, await asyncio.to_thread(_behind, product, since)

        by_api, by_ami, again, behind = asyncio.run(climb())
    yield Figure(
        what="two-way calls set up by call/originate/act",
        value=by_api.rate,
        unit="calls/s",
        baseline="raw AMI Originate",
        baseline_value=by_ami.rate,
        ratio=by_api.rate / by_ami.rate,
        target=TARGET,
        at_least=True,
        note=f"95 % connected in {by_api.setup_p95 * 1000:.0f} and {by_ami.setup_p95 * 1000:.0f} ms",
    )
    most = behind[min(len(behind) - 1, len(behind) * 99 // 100)]
    yield Figure(
        what=f"records behind the ends of their calls (99 of 100), at {again.rate:.0f} calls/s",
        value=most,
        unit="s",
        baseline="limit",
        baseline_value=BEHIND_SECONDS,
        ratio=most / BEHIND_SECONDS,
        target=1.0,
        at_least=False,
        note=f"half of them within {behind[len(behind) // 2] * 1000:.0f} ms, the last {behind[-1]:.2f} s",
    )


async def _offer_again(switchboard: Switchboard, rate: float, seconds: float) -> tuple[int, Step]:
    """Offer a rate that was clean, a lower one when it is not any more; gives since when, and the clean step.

    :raises BenchBroken: no rate was clean.
    """
    for _ in range(MAX_LOWERED):
        since = now()
        step = await switchboard.offer(switchboard.by_ami, rate, round(rate * seconds))
        say(f"AMI, records behind, {step}")
        if step.clean:
            return since, step
        rate /= GROWTH
    raise BenchBroken("no rate stayed clean")


def _behind(product: Product, since: int) -> list[float]:
    """Seconds from each call's end to its record, in order. :raises BenchBroken: there was no call."""
    ended = select(cel.c.eventtime, cel.c.processed_at).where(
        cel.c.eventtype == "LINKEDID_END", cel.c.eventtime > time_text(since), cel.c.processed_at.is_not(None)
    )
    found = sorted(
        (row["processed_at"] - microseconds(row["eventtime"])) / 1e6 for row in product.rows(ended)
    )
    if not found:
        raise BenchBroken("no call was recorded")
    return found


async def _climb(switchboard: Switchboard, seconds: float) -> tuple[Step, Step]:
    return await climb_ways(switchboard, {"API": switchboard.by_api, "AMI": switchboard.by_ami}, seconds)


async def climb_ways(
    switchboard: Switchboard, places: Mapping[str, Place], seconds: float
) -> tuple[Step, Step]:
    """The last clean step of two ways of placing calls, whose rates are raised in turns.

    :raises BenchBroken: no rate was clean.
    """
    ways = [_Climb(name=name, place=place) for name, place in places.items()]
    for way in ways:
        warm = await switchboard.offer(way.place, FIRST_RATE, WARM_CALLS)
        say(f"{way.name}, first calls: {warm}")
    while not all(way.over for way in ways):
        for way in ways:
            if not way.over:
                step = await switchboard.offer(way.place, way.rate, round(way.rate * seconds))
                say(f"{way.name}, {step}")
                way.take(step)
    first, second = (way.best for way in ways)
    if first is None or second is None:
        raise BenchBroken("no rate was clean")
    return first, second
