"""Weekdays and hours of a trunk manager, in the time zone of the system."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tamas.autodialer.schedule import is_active_time

TEHRAN = "Asia/Tehran"
OFFICE = msgspec.json.encode({"1": ["9", "10"], "7": ["23"]}).decode()


def at(text: str, zone: str = TEHRAN) -> int:
    """Microseconds of a local time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("moment", "active"),
    [
        ("2026-11-30T08:59:59", False),
        ("2026-11-30T09:00:00", True),  # a Monday
        ("2026-11-30T10:59:59.999999", True),
        ("2026-11-30T11:00:00", False),
        ("2026-12-01T09:30:00", False),
        ("2026-12-06T23:59:59", True),  # a Sunday
        ("2026-12-06T22:59:59", False),
    ],
)
def test_days_and_hours(moment: str, active: bool) -> None:
    """1 is Monday; hour 10 lasts until 10:59:59; a day that is missing has no hours."""
    assert is_active_time(OFFICE, at(moment), TEHRAN) is active


def test_the_time_zone_decides() -> None:
    """Nine in the morning in Tehran is half past five in UTC, where the office is closed."""
    assert is_active_time(OFFICE, at("2026-11-30T09:00:00"), TEHRAN)
    assert not is_active_time(OFFICE, at("2026-11-30T09:00:00"), "UTC")


def test_no_table_is_no_time() -> None:
    """A manager without times dials nothing."""
    assert not is_active_time("{}", at("2026-11-30T09:00:00"), TEHRAN)
