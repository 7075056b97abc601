"""Dates as the SA writes and reads them.

Rows say ``YYYY-MM-DD HH:MM:SS`` in the time zone and calendar that the settings ``timezone`` and ``calendar``
name. Filters come as ``YYYY-MM-DD HH:MM``, with or without seconds, or as a day alone; a year from 1300 to
1499 is Jalali. Source: SA catalogue, ``types.datetime_in`` and README decision 8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from tamas.errors import TamasError
from tamas.store.clock import MICROSECONDS

JALALI_YEARS = range(1300, 1500)

_FILTER = re.compile(
    r"(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2})"
    r"(?:[ T](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?"
)


class BadDate(TamasError):
    """A text is no date of a filter."""


class RowDates:
    """Writes the dates of rows under the settings of one moment.

    :param runtime: settings of the store, by key.
    """

    def __init__(self, runtime: Mapping[str, Any]) -> None:
        self._jalali = runtime["calendar"] == "jalali"
        self._zone = ZoneInfo(runtime["timezone"])

    def text(self, at: int) -> str:
        """``at``, microseconds since the epoch, as the date text of a row."""
        moment = datetime.fromtimestamp(at // MICROSECONDS, self._zone)
        day = _jalali_day(moment.date()) if self._jalali else moment.date().isoformat()
        return f"{day} {moment:%H:%M:%S}"

    def gregorian(self, at: int) -> str:
        """As :meth:`text`, whatever the calendar of rows: some fields are always so (README decision 8)."""
        return f"{datetime.fromtimestamp(at // MICROSECONDS, self._zone):%Y-%m-%d %H:%M:%S}"


@lru_cache(maxsize=1024)
def _jalali_day(day: date) -> str:
    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]
    return f"{jalali.year:04}-{jalali.month:02}-{jalali.day:02}"


def _jalali(year: int, month: int, day: int) -> date:
    gregorian: date = JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
    return gregorian


def parse_filter_date(text: str, runtime: Mapping[str, Any], *, end: bool = False) -> int:
    """The moment that a filter names, in microseconds since the epoch.

    :param end: the text ends a range: what it leaves out (seconds, the time of day) is taken as late as it
        can be, so that the named minute or day is inside.
    :raises BadDate: it is no date.
    """
    match = _FILTER.fullmatch(text.strip())
    if match is None:
        raise BadDate(f"{text!r} is no date like 2026-11-23 15:16")
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    try:
        named = _jalali(year, month, day) if year in JALALI_YEARS else date(year, month, day)
        at = time(int(match["hour"] or 0), int(match["minute"] or 0), int(match["second"] or 0))
        moment = datetime.combine(named, at, ZoneInfo(runtime["timezone"]))
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError) as error:
        raise BadDate(f"{text!r} is no date like 2026-11-23 15:16") from error
    if not end:
        return seconds * MICROSECONDS
    unit = (
        timedelta(seconds=1)
        if match["second"]
        else timedelta(minutes=1)
        if match["hour"]
        else timedelta(days=1)
    )
    # Added to the wall clock, so that a day with a clock change ends at its own midnight.
    try:
        after = moment + unit
    except OverflowError as error:
        raise BadDate(f"{text!r} is too late") from error
    return int(after.timestamp()) * MICROSECONDS - 1
