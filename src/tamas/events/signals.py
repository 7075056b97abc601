"""Telling parts of this process that something happened to events; of other processes nobody is told.

Signals are of the whole process, because whoever emits knows of nobody who delivers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final


class Signal:
    """Calls whoever listens."""

    def __init__(self) -> None:
        self._calls: set[Callable[[], None]] = set()

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Have ``call`` called each time, for as long as the block lasts."""
        self._calls.add(call)
        try:
            yield
        finally:
            self._calls.discard(call)

    def give(self) -> None:
        """Call everybody."""
        for call in tuple(self._calls):
            call()


WRITTEN: Final = Signal()
"""This process has committed events to the outbox."""
POSITIONED: Final = Signal()
"""This process has given events their positions."""
