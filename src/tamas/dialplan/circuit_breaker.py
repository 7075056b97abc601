"""A circuit breaker: who has failed several times in a row is left alone for a while, then tried once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 5
"""In a row, after which it opens."""
REST_SECONDS: Final = 5.0
"""First rest; each probe that fails doubles it."""
LONGEST_REST_SECONDS: Final = 60.0


class CircuitBreaker:
    """Tells whether something may be tried. Knows nothing of what is tried."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """:param clock: seconds that never go back."""
        self._clock = clock
        self._failures = 0
        self._rest = REST_SECONDS
        self._open_until: float | None = None
        self._probe: Attempt | None = None

    @property
    def idle(self) -> bool:
        """Whether it remembers nothing."""
        return not self._failures

    def attempt(self) -> Attempt | None:
        """A try; ``None``: not now. While it is open, one at a time is let through when the rest is over."""
        if self._open_until is None:
            return Attempt(self)
        if self._probe is not None or self._clock() < self._open_until:
            return None
        self._probe = Attempt(self)
        return self._probe

    def _succeeded(self) -> None:
        self._failures = 0
        self._rest = REST_SECONDS
        self._open_until = None
        self._probe = None

    def _failed(self, attempt: Attempt) -> None:
        self._failures += 1
        if attempt is self._probe:
            self._probe = None
            self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)
        elif self._open_until is not None:
            return  # it was on its way when the breaker opened: the rest goes on
        if self._failures >= FAILURES:
            self._open_until = self._clock() + self._rest

    def _given_up(self, attempt: Attempt) -> None:
        if attempt is self._probe:
            self._probe = None


class Attempt:
    """One try. Exactly one of its methods is called, once, when it is over."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker

    def succeeded(self) -> None:
        """It worked: everybody may try again."""
        self._breaker._succeeded()  # noqa: SLF001 - two classes, one thing

    def failed(self) -> None:
        """It did not work."""
        self._breaker._failed(self)  # noqa: SLF001

    def given_up(self) -> None:
        """It was ended before it told anything: the next one may probe."""
        self._breaker._given_up(self)  # noqa: SLF001
