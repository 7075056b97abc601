"""What ``pbx/users/add`` costs with many extensions there, and how soon the new phone registers.

Two instances of each store: one is filled until the 10,000th extension comes next, the other stays nearly
empty; then both get the extensions of the window in turn, so that the machine's moods meet both alike.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterator

from bench.extensions import add_extension, number_of, register
from bench.figures import Figure
from bench.options import STORE_NAMES, STORES, Options, say
from bench.product import Product, running_product

FEW, MANY = 100, 10_000
WINDOW = 100
COST_TARGET = 1.3
REGISTER_LIMIT = 1.0
"""Seconds from the answer of ``pbx/users/add`` to the answer of the phone's REGISTER."""
NOBODY = ("127.0.0.1", 9)
"""Contact of phones that are never called (the discard port)."""


def measure(options: Options) -> Iterator[Figure]:
    """Cost of the 10,000th as a multiple of the 100th, and the slowest registration; both stores."""
    for store in STORES:
        name = STORE_NAMES[store]
        with (
            running_product(options.database_url(store)) as full,
            running_product(options.database_url(store)) as empty,
        ):
            say(f"adding {MANY - WINDOW // 2} extensions on {name}")
            _fill(full, MANY - WINDOW // 2)
            _fill(empty, FEW - WINDOW // 2)
            costs: dict[str, list[float]] = {"full": [], "empty": []}
            registrations: dict[str, list[float]] = {"full": [], "empty": []}
            gc.disable()
            for step in range(1, WINDOW + 1):
                for which, product, before in (
                    ("empty", empty, FEW - WINDOW // 2),
                    ("full", full, MANY - WINDOW // 2),
                ):
                    number = number_of(before + step)
                    costs[which].append(add_extension(product, number))
                    registrations[which].append(register(product, number, NOBODY))
            gc.enable()
        yield _cost(name, costs["full"], costs["empty"])
        yield _registration(name, registrations["full"] + registrations["empty"])


def _fill(product: Product, count: int) -> None:
    for position in range(1, count + 1):
        add_extension(product, number_of(position))


def _cost(name: str, full: list[float], empty: list[float]) -> Figure:
    value, baseline = statistics.median(full), statistics.median(empty)
    return Figure(
        what=f"pbx/users/add of the {MANY:,}th, {name}",
        value=value * 1000,
        unit="ms",
        baseline=f"the {FEW}th",
        baseline_value=baseline * 1000,
        ratio=value / baseline,
        target=COST_TARGET,
        at_least=False,
    )


def _registration(name: str, seconds: list[float]) -> Figure:
    return Figure(
        what=f"slowest REGISTER after it, {name}",
        value=max(seconds) * 1000,
        unit="ms",
        baseline="limit",
        baseline_value=REGISTER_LIMIT * 1000,
        ratio=max(seconds) / REGISTER_LIMIT,
        target=1.0,
        at_least=False,
        note=f"median {statistics.median(seconds) * 1000:.1f} ms of {len(seconds)}",
    )
