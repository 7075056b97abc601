"""Slowing down addresses that fail to authenticate, on a clock that the test moves."""

from __future__ import annotations

import asyncio

from tamas.sa.throttle import (
    FIRST_DELAY,
    FREE_FAILURES,
    GROWTH,
    HALF_LIFE,
    MAX_ADDRESSES,
    MAX_DELAY,
    MAX_WAITING,
    Throttle,
)


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_delay_grows_to_a_cap_and_decays() -> None:
    """The first failures are free, then each lengthens the delay up to the cap; time forgives."""
    clock = Clock()
    throttle = Throttle(clock=clock)
    for _ in range(FREE_FAILURES):
        throttle.failed("192.0.2.1")
    assert throttle.delay("192.0.2.1") == 0
    delays = []
    for _ in range(10):
        throttle.failed("192.0.2.1")
        delays.append(throttle.delay("192.0.2.1"))
    assert delays[0] == FIRST_DELAY * GROWTH
    assert delays == sorted(delays)
    assert delays[-1] == MAX_DELAY
    clock.now += HALF_LIFE
    assert throttle.delay("192.0.2.1") == 0


def test_other_addresses_are_untouched() -> None:
    """One address never slows another; of IPv6 the whole /64 counts as one."""
    throttle = Throttle()
    for number in range(100):
        throttle.failed("192.0.2.1")
        throttle.failed(f"2001:db8::{number:x}")
    assert throttle.delay("192.0.2.2") == 0
    assert throttle.delay("2001:db8::ffff") == MAX_DELAY
    assert throttle.delay("2001:db8:0:1::1") == 0


def test_memory_is_bounded() -> None:
    """Very many failing addresses push out the one that failed longest ago."""
    throttle = Throttle(clock=Clock())
    for _ in range(100):
        throttle.failed("192.0.2.1")
    for number in range(MAX_ADDRESSES + 10):
        throttle.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert throttle.delay("192.0.2.1") == 0
    assert len(throttle._records) == MAX_ADDRESSES


async def test_few_requests_wait_at_once() -> None:
    """Beyond a handful of waiting attempts further ones of that address are refused unheard."""
    go = asyncio.Event()
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await go.wait()

    throttle = Throttle(clock=Clock(), sleep=sleep)
    for _ in range(100):
        throttle.failed("192.0.2.1")
    waiting = [asyncio.create_task(throttle.wait("192.0.2.1")) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    assert waited == [MAX_DELAY] * MAX_WAITING
    assert await throttle.wait("192.0.2.1") is False
    assert await throttle.wait("192.0.2.2") is True
    go.set()
    assert await asyncio.gather(*waiting) == [True] * MAX_WAITING
    task = asyncio.create_task(throttle.wait("192.0.2.1"))
    assert await task is True
