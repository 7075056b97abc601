"""Time Condition: whether we are open now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
from persiantools.jdatetime import JalaliDate

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, ParamsInvalid, component
from tamas.dialplan.graph import NO, YES
from tamas.store.clock import MICROSECONDS, now

MAX_RANGES: Final = 20
"""Of one day."""
MAX_EXCEPTIONS: Final = 1_000
MINUTES_OF_DAY: Final = 24 * 60

_CLOCK: Final = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])|24:00")
_DATE: Final = re.compile(r"(?:[0-9]{4}-)?(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])")

Ranges = tuple[tuple[str, str], ...]


class Days(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Open hours by weekday: ranges of ``["HH:MM", "HH:MM"]``; a day without one is closed."""

    monday: Annotated[Ranges, Param(label="Monday")] = ()
    tuesday: Annotated[Ranges, Param(label="Tuesday")] = ()
    wednesday: Annotated[Ranges, Param(label="Wednesday")] = ()
    thursday: Annotated[Ranges, Param(label="Thursday")] = ()
    friday: Annotated[Ranges, Param(label="Friday")] = ()
    saturday: Annotated[Ranges, Param(label="Saturday")] = ()
    sunday: Annotated[Ranges, Param(label="Sunday")] = ()


WEEKDAYS: Final = Days.__struct_fields__
"""In the order of :meth:`datetime.date.weekday`."""


class TimeConditionParams(Params):
    """Parameters of a Time Condition."""

    days: Annotated[
        Days,
        Param(
            label="Open hours",
            help="From is inside, to is not; a range whose end is not after its begin goes on past midnight.",
        ),
    ] = msgspec.field(default_factory=Days)
    month_exceptions: Annotated[
        tuple[int, ...],
        Param(
            label="Closed months", help="1 to 12, in the calendar of the system; every year.", low=1, high=12
        ),
    ] = ()
    date_exceptions: Annotated[
        tuple[str, ...],
        Param(
            label="Closed dates",
            help="YYYY-MM-DD, or MM-DD for every year, in the calendar of the system.",
        ),
    ] = ()


@component(
    type="TimeCondition", title="Time Condition", group=Group.CONDITION, outputs=(YES, NO), instant=True
)
async def time_condition(call: Call, params: TimeConditionParams) -> Exit:
    """Choose by the time of day, weekday and date: ✓ inside the open hours, ✗ outside.

    Time zone and calendar are those of the settings ``timezone`` and ``calendar``. Closed months and dates
    win over open hours.
    """
    runtime = await call.runtime()
    moment = datetime.fromtimestamp(now() / MICROSECONDS, UTC).astimezone(ZoneInfo(str(runtime["timezone"])))
    return YES if is_open(params, moment, jalali=runtime["calendar"] == "jalali") else NO


@time_condition.checked
def _check(params: TimeConditionParams) -> None:
    for day in WEEKDAYS:
        ranges = getattr(params.days, day)
        if len(ranges) > MAX_RANGES:
            raise ParamsInvalid("days", f"{day} has more than {MAX_RANGES} ranges")
        for begin, end in ranges:
            if not (_CLOCK.fullmatch(begin) and _CLOCK.fullmatch(end)):
                raise ParamsInvalid("days", f"{day}: {begin!r:.20}-{end!r:.20}: write times as 08:00")
            if begin == end or begin == "24:00":
                raise ParamsInvalid("days", f"{day}: {begin}-{end} has no length; a whole day is 00:00-24:00")
    if len(params.date_exceptions) > MAX_EXCEPTIONS:
        raise ParamsInvalid("date_exceptions", f"has more than {MAX_EXCEPTIONS} dates")
    for each in params.date_exceptions:
        if _DATE.fullmatch(each) is None:
            raise ParamsInvalid("date_exceptions", f"{each!r:.20} is neither YYYY-MM-DD nor MM-DD")


def is_open(params: TimeConditionParams, moment: datetime, *, jalali: bool) -> bool:
    """Whether a moment lies in the open hours.

    :param moment: as the clock on the wall shows it.
    :param jalali: whether exceptions are of the Jalali calendar.
    """
    if _is_excepted(params, moment.date(), jalali=jalali):
        return False
    minute = moment.hour * 60 + moment.minute
    today, yesterday = moment.date(), moment.date() - timedelta(days=1)
    return any(begin <= minute < end for begin, end in _minutes(params, today)) or any(
        begin <= minute + MINUTES_OF_DAY < end for begin, end in _minutes(params, yesterday)
    )


def _minutes(params: TimeConditionParams, day: date) -> Iterator[tuple[int, int]]:
    """Ranges of a day as minutes since its midnight; what goes past the next one is more than a day."""
    for begin, end in getattr(params.days, WEEKDAYS[day.weekday()]):
        first, last = _minute(begin), _minute(end)
        yield first, last if last > first else last + MINUTES_OF_DAY


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def _is_excepted(params: TimeConditionParams, day: date, *, jalali: bool) -> bool:
    shown = str(JalaliDate(day)) if jalali else str(day)  # type: ignore[no-untyped-call]
    return int(shown[5:7]) in params.month_exceptions or any(
        each in (shown, shown[5:]) for each in params.date_exceptions
    )
