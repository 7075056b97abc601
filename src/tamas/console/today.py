"""Where today begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tamas.store.clock import MICROSECONDS, now


def today_since(runtime: Mapping[str, Any], *, at: int | None = None) -> int:
    """The last midnight in the configured time zone, microseconds since the epoch, UTC.

    :param runtime: settings of the store, by key.
    :param at: a moment of the day, likewise; ``None``: now.
    """
    zone = ZoneInfo(runtime["timezone"])
    day = datetime.fromtimestamp((now() if at is None else at) / MICROSECONDS, zone).date()
    return int(datetime.combine(day, time(), zone).timestamp()) * MICROSECONDS
