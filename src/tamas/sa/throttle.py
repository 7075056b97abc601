"""Repeated failures to authenticate slow their address down, never any other, and refuse nobody.

Attempts of one address stand in line: :data:`ABREAST` at a time while it behaves, one at a time once it has
to wait. Each failure adds one to the address's score, which halves every :data:`HALF_LIFE` seconds. Beyond
:data:`FREE_FAILURES`, attempts under way included, each attempt has to wait, longer by :data:`GROWTH` per
failure, up to :data:`MAX_DELAY`. Credentials that were verified before do not come here at all.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_network

from tamas.errors import TamasError
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
ABREAST = 2
"""Attempts of one address at once, so that it cannot keep every hashing thread busy for long."""
MAX_WAITING = 100
"""Attempts of one address in its line; it bounds memory."""
MAX_ADDRESSES = 10_000
"""Addresses remembered; the one heard of longest ago is forgotten first."""


class TooManyAttempts(TamasError):
    """The line of an address is full: ask again later."""


@dataclass(slots=True)
class _Record:
    score: float
    at: float
    under_way: int = 0
    line: deque[asyncio.Future[None]] = field(default_factory=deque)


class Throttle:
    """The scores and lines of this process.

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
        """Seconds that an attempt from this address has to wait once its turn comes."""
        record = self._records.get(network_of(address))
        return 0.0 if record is None else self._delay(record)

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Hold the place of one attempt: entering waits for the turn and as long as the address has to.

        :raises TooManyAttempts: the line is full.
        """
        key = network_of(address)
        record = self._record(key)
        await self._stand_in_line(record)
        try:
            seconds = self._delay(record)
            if seconds:
                await self._sleep(seconds)
            yield
        finally:
            record.under_way -= 1
            self._call_next(record)
            if not record.under_way and not record.score and self._records.get(key) is record:
                del self._records[key]

    def failed(self, address: str) -> None:
        """Count a failure."""
        key = network_of(address)
        record = self._record(key)
        at = self._clock()
        record.score = self._score(record, at) + 1
        record.at = at
        self._records.move_to_end(key)

    def _record(self, key: str) -> _Record:
        record = self._records.get(key)
        if record is None:
            if len(self._records) >= MAX_ADDRESSES:
                self._records.popitem(last=False)  # attempts under way keep theirs
            record = self._records[key] = _Record(score=0.0, at=self._clock())
        return record

    async def _stand_in_line(self, record: _Record) -> None:
        if not record.line and self._may_go(record):
            record.under_way += 1
            return
        if len(record.line) >= MAX_WAITING:
            raise TooManyAttempts("too many attempts of this address wait")
        turn = asyncio.get_running_loop().create_future()
        record.line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                if turn in record.line:
                    record.line.remove(turn)
            else:
                record.under_way -= 1
                self._call_next(record)
            raise

    def _call_next(self, record: _Record) -> None:
        while record.line and self._may_go(record):
            turn = record.line.popleft()
            if turn.cancelled():
                continue
            record.under_way += 1
            turn.set_result(None)

    def _may_go(self, record: _Record) -> bool:
        """Whether one more attempt may begin; with those under way it must stay within what is free."""
        if not record.under_way:
            return True
        return record.under_way < ABREAST and not self._delay(record, more=record.under_way)

    def _score(self, record: _Record, at: float) -> float:
        return float(record.score * 0.5 ** ((at - record.at) / HALF_LIFE))

    def _delay(self, record: _Record, *, more: int = 0) -> float:
        beyond = self._score(record, self._clock()) + more - FREE_FAILURES
        if beyond <= 0:
            return 0.0
        return float(min(MAX_DELAY, FIRST_DELAY * GROWTH ** min(beyond, 32)))


def network_of(address: str) -> str:
    """Whose an address is: IPv4 addresses count alone, IPv6 by their /64, which one host can fill at will."""
    if ":" not in address:
        return address
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address
