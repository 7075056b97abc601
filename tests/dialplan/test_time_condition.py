"""Open hours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tamas.dialplan.component import ParamsInvalid
from tamas.dialplan.components.time_condition import is_open, time_condition


def opened(at: str, *, jalali: bool = False, **params: Any) -> bool:
    """Whether it is open at a moment of the wall clock."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return is_open(time_condition.read(params), moment, jalali=jalali)


WORK = {"monday": [["08:00", "12:00"], ["13:00", "17:00"]]}
# 2026-11-30 is a Monday, and 9 Azar 1405.


@pytest.mark.parametrize(
    ("clock", "is_inside"),
    [
        ("07:59:59", False),
        ("08:00:00", True),
        ("11:59:59", True),
        ("12:00:00", False),
        ("13:00:00", True),
        ("17:00:00", False),
    ],
)
def test_from_is_inside_and_to_is_not(clock: str, is_inside: bool) -> None:
    """Ranges of one day touch without overlapping."""
    assert opened(f"2026-11-30 {clock}", days=WORK) is is_inside


def test_a_day_without_ranges_is_closed() -> None:
    """So is a week without any."""
    assert not opened("2026-12-01 09:00", days=WORK)
    assert not opened("2026-11-30 09:00")


def test_a_range_past_midnight_belongs_to_the_day_it_begins_on() -> None:
    """From Monday evening to Tuesday morning, and not from Tuesday evening on."""
    night = {"monday": [["22:00", "06:00"]]}
    assert opened("2026-11-30 23:00", days=night)
    assert opened("2026-12-01 05:59", days=night)
    assert not opened("2026-12-01 06:00", days=night)
    assert not opened("2026-11-30 05:00", days=night)
    assert not opened("2026-12-01 23:00", days=night)
    assert opened("2026-11-30 00:00", days={"sunday": [["20:00", "00:01"]]})


def test_a_whole_day() -> None:
    """From midnight to midnight."""
    day = {"monday": [["00:00", "24:00"]]}
    assert opened("2026-11-30 00:00", days=day)
    assert opened("2026-11-30 23:59:59", days=day)
    assert not opened("2026-12-01 00:00", days=day)


def test_weekdays_are_the_same_in_both_calendars() -> None:
    """Monday is Monday; only exceptions are of a calendar."""
    assert opened("2026-11-30 09:00", days=WORK, jalali=True)


@pytest.mark.parametrize(
    ("exceptions", "jalali"),
    [
        ({"month_exceptions": [11]}, False),
        ({"month_exceptions": [9]}, True),
        ({"date_exceptions": ["2026-11-30"]}, False),
        ({"date_exceptions": ["11-30"]}, False),
        ({"date_exceptions": ["1405-09-09"]}, True),
        ({"date_exceptions": ["09-09"]}, True),
    ],
)
def test_closed_months_and_dates_beat_the_week(exceptions: dict[str, Any], jalali: bool) -> None:
    """In the calendar of the system, and only in that one."""
    assert not opened("2026-11-30 09:00", days=WORK, jalali=jalali, **exceptions)
    assert opened("2026-11-30 09:00", days=WORK, jalali=not jalali, **exceptions)


@pytest.mark.parametrize(
    "days",
    [
        {"monday": [["08:00", "08:00"]]},
        {"monday": [["24:00", "08:00"]]},
        {"monday": [["25:00", "08:00"]]},
        {"monday": [["8", "9"]]},
        {"monday": [["08:00", "17:00", "18:00"]]},
        {"monday": [["00:00", "01:00"]] * 21},
        {"caturday": []},
    ],
)
def test_hours_that_make_no_sense(days: dict[str, Any]) -> None:
    """They are refused when the plan is checked."""
    with pytest.raises(ParamsInvalid):
        time_condition.read({"days": days})
