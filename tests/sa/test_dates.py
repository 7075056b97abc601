"""Dates of rows and filters, in both calendars and other time zones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.sa.dates import BadDate, RowDates, parse_filter_date
from tamas.store.clock import MICROSECONDS

TEHRAN = {"calendar": "jalali", "timezone": "Asia/Tehran"}
UTC = {"calendar": "gregorian", "timezone": "UTC"}
BERLIN = {"calendar": "gregorian", "timezone": "Europe/Berlin"}
MOMENT = 1_700_000_000 * MICROSECONDS


def test_row_dates() -> None:
    """The same moment in the calendar and zone of the settings."""
    assert RowDates(UTC).text(MOMENT + 999_999) == "2023-11-14 22:13:20"
    assert RowDates(TEHRAN).text(MOMENT) == "1402-08-24 01:43:20"
    assert RowDates(UTC | {"calendar": "jalali"}).text(MOMENT) == "1402-08-23 22:13:20"


@pytest.mark.parametrize(
    ("text", "runtime", "end", "seconds"),
    [
        ("2023-11-14 22:13:20", UTC, False, 1_700_000_000),
        ("2023-11-14 22:13", UTC, False, 1_699_999_980),
        ("2023-11-14", UTC, False, 1_699_920_000),
        ("1402-08-24 01:43:20", TEHRAN, False, 1_700_000_000),
        ("1402/8/24 1:43:20", UTC | {"timezone": "Asia/Tehran"}, False, 1_700_000_000),
        ("2023-11-15T01:43:20", TEHRAN, False, 1_700_000_000),
    ],
)
def test_filter_dates(text: str, runtime: dict[str, str], end: bool, seconds: int) -> None:
    """Gregorian and Jalali, with or without seconds or time of day, in local time."""
    assert parse_filter_date(text, runtime, end=end) == seconds * MICROSECONDS


def test_ends_of_ranges_include_what_they_name() -> None:
    """A day, minute or second that ends a range is wholly inside, also when the clock changes that day."""
    assert parse_filter_date("2023-11-14", UTC, end=True) == 1_700_006_400 * MICROSECONDS - 1
    assert parse_filter_date("2023-11-14 22:13", UTC, end=True) == 1_700_000_040 * MICROSECONDS - 1
    assert parse_filter_date("2023-11-14 22:13:20", UTC, end=True) == 1_700_000_001 * MICROSECONDS - 1
    begin, end = (parse_filter_date("2023-10-29", BERLIN, end=end) for end in (False, True))
    assert end + 1 - begin == 25 * 3600 * MICROSECONDS


@given(
    st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", fullmatch=True)
)
def test_any_text_is_a_date_or_refused(text: str) -> None:
    """Nothing but BadDate is raised."""
    for runtime in (UTC, TEHRAN):
        for end in (False, True):
            try:
                at = parse_filter_date(text, runtime, end=end)
            except BadDate:
                continue
            assert isinstance(at, int)


@given(st.integers(0, 4_000_000_000))
def test_row_dates_can_be_filtered_by(seconds: int) -> None:
    """The date of a row, used as a filter, names its second."""
    for runtime in (UTC, UTC | {"calendar": "jalali"}):
        text = RowDates(runtime).text(seconds * MICROSECONDS)
        if runtime["calendar"] == "jalali" and not 1300 <= int(text[:4]) < 1500:
            continue
        assert parse_filter_date(text, runtime) == seconds * MICROSECONDS
