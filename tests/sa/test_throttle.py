"""Slowing down addresses that fail to authenticate, on a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from tamas.sa.throttle import (
    ABREAST,
    FIRST_DELAY,
    FREE_FAILURES,
    GROWTH,
    HALF_LIFE,
    MAX_ADDRESSES,
    MAX_DELAY,
    MAX_WAITING,
    Throttle,
    TooManyAttempts,
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


class Guesses:
    """Attempts of addresses that all fail, and how many wait or are under way at once."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.under_way = 0
        self.most = 0
        self.done = 0
        self.go = asyncio.Event()
        self.throttle = Throttle(clock=Clock(), sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def make(self, address: str) -> None:
        """Guess, wrongly."""
        async with self.throttle.turn(address):
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await self.go.wait()
            self.throttle.failed(address)
            self.under_way -= 1
            self.done += 1


async def test_parallel_guesses_wait_as_those_one_by_one_do() -> None:
    """A burst from one address goes two by two, then one by one, each delayed by those before it."""
    guesses = Guesses()
    burst = [asyncio.create_task(guesses.make("192.0.2.1")) for _ in range(FREE_FAILURES + 8)]
    await asyncio.sleep(0)
    assert guesses.under_way == ABREAST
    guesses.go.set()
    await asyncio.gather(*burst)
    assert guesses.most == ABREAST
    one_by_one = Throttle(clock=Clock())
    delays = []
    for _ in burst:
        delays.append(one_by_one.delay("192.0.2.1"))
        one_by_one.failed("192.0.2.1")
    assert guesses.slept == [delay for delay in delays if delay]


async def test_a_burst_holds_up_nobody_else() -> None:
    """While hundred guesses of one address wait, another address has its turn at once."""
    guesses = Guesses()
    burst = [asyncio.create_task(guesses.make("192.0.2.1")) for _ in range(ABREAST + MAX_WAITING)]
    await asyncio.sleep(0)
    async with asyncio.timeout(1), guesses.throttle.turn("192.0.2.2"):
        assert guesses.under_way == ABREAST
        assert guesses.done == 0
    with pytest.raises(TooManyAttempts):
        await guesses.make("192.0.2.1")
    guesses.go.set()
    await asyncio.gather(*burst)
    assert guesses.done == len(burst)


async def test_whoever_gives_up_makes_room() -> None:
    """Attempts that are cancelled in line or under way leave no place taken and no record behind."""
    guesses = Guesses()
    burst = [asyncio.create_task(guesses.make("192.0.2.1")) for _ in range(10)]
    await asyncio.sleep(0)
    for one in (*burst[:1], *burst[4:]):
        one.cancel()
    await asyncio.wait(burst, timeout=0.1)
    assert guesses.under_way == ABREAST + 1  # the cancelled one did not count itself out
    guesses.go.set()
    await asyncio.wait(burst, timeout=1)
    assert guesses.done == 3
    throttle = guesses.throttle
    async with asyncio.timeout(1), throttle.turn("192.0.2.9"):
        pass
    assert set(throttle._records) == {"192.0.2.1"}
    assert throttle._records["192.0.2.1"].under_way == 0
