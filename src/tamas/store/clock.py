"""Now, as the store keeps it."""

from __future__ import annotations

import time

MICROSECONDS = 1_000_000
DAY = 24 * 3600 * MICROSECONDS


def now() -> int:
    """Microseconds since the epoch, UTC."""
    return time.time_ns() // 1000
