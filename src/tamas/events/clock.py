"""Time, as delivery sees it: tests give it another one, in which an hour takes a moment."""

from __future__ import annotations

import asyncio
import contextlib

from tamas.store.clock import now


class Clock:
    """The time of this machine."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return now()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait until an event is set, or a time is over (``None``: however long it takes)."""
        if event.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
