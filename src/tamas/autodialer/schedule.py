"""When a trunk manager may begin calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_WEEKDAY: Final = 1
"""ISO 8601 number of the day that ``active_times`` calls ``"1"``: Monday."""


def weekday_of(moment: datetime) -> str:
    """The key of a day in ``active_times``."""
    return str((moment.isoweekday() - FIRST_WEEKDAY) % 7 + 1)


def is_active_time(active_times: str, at: int, timezone: str) -> bool:
    """Whether calls may begin at a moment: its weekday and its hour are in the table.

    :param active_times: JSON, ``{"1": ["9", "10"], …}``; hour 10 is from 10:00:00 to 10:59:59.
    :param at: microseconds since the epoch.
    :param timezone: of the table, an IANA name.
    """
    moment = (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(timezone))
    return str(moment.hour) in _read(active_times).get(weekday_of(moment), ())


@lru_cache(maxsize=256)
def _read(text: str) -> Mapping[str, frozenset[str]]:
    table: Mapping[str, Sequence[str | int]] = msgspec.json.decode(text) if text else {}
    return {str(day): frozenset(str(hour) for hour in hours) for day, hours in table.items()}
