"""Repeated failures to authenticate slow their address down, never any other.

Each failure adds one to the address's score, which halves every :data:`HALF_LIFE` seconds. Beyond
:data:`FREE_FAILURES` each attempt has to wait, longer by :data:`GROWTH` per failure, up to :data:`MAX_DELAY`.
At most :data:`MAX_WAITING` requests of one address wait; further ones are refused unheard. Credentials
that were verified lately do not come here at all.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network

from tamas.sa.addresses import parse_address

FREE_FAILURES = 10
FIRST_DELAY = 0.1
"""Seconds."""
GROWTH = 1.5
"""Factor per failure."""
MAX_DELAY = 2.0
"""Seconds."""
HALF_LIFE = 20.0
"""Seconds."""
MAX_WAITING = 4
MAX_ADDRESSES = 10_000
"""Addresses remembered; the one that failed longest ago is forgotten first."""


@dataclass(slots=True)
class _Record:
    score: float
    at: float
    waiting: int = 0


class Throttle:
    """The scores of this process.

    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def delay(self, address: str) -> float:
        """Seconds that an attempt from this address has to wait now."""
        record = self._records.get(_key(address))
        return 0.0 if record is None else self._delay(record)

    async def wait(self, address: str) -> bool:
        """Wait as long as an attempt from this address has to.

        :returns: ``False`` at once when too many of its attempts wait already: refuse it unheard.
        """
        if not self._records:
            return True
        record = self._records.get(_key(address))
        if record is None:
            return True
        seconds = self._delay(record)
        if seconds == 0.0:
            return True
        if record.waiting >= MAX_WAITING:
            return False
        record.waiting += 1
        try:
            await self._sleep(seconds)
        finally:
            record.waiting -= 1
        return True

    def failed(self, address: str) -> None:
        """Count a failure."""
        key = _key(address)
        at = self._clock()
        record = self._records.get(key)
        if record is None:
            if len(self._records) >= MAX_ADDRESSES:
                self._forget_one()
            record = self._records[key] = _Record(score=0.0, at=at)
        record.score = self._score(record, at) + 1
        record.at = at
        self._records.move_to_end(key)

    def _forget_one(self) -> None:
        """Forget the address that failed longest ago; one that still waits keeps its count through it."""
        self._records.popitem(last=False)

    def _score(self, record: _Record, at: float) -> float:
        return float(record.score * 0.5 ** ((at - record.at) / HALF_LIFE))

    def _delay(self, record: _Record) -> float:
        beyond = self._score(record, self._clock()) - FREE_FAILURES
        if beyond <= 0:
            return 0.0
        return float(min(MAX_DELAY, FIRST_DELAY * GROWTH ** min(beyond, 32)))


def _key(address: str) -> str:
    """IPv4 addresses count alone, IPv6 by their /64, which one host can fill at will."""
    if ":" not in address:
        return address
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address
