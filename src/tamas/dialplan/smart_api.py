"""The command language in which a web service tells a Smart API node what to do.

``GetData('enter-number', 10, 1); SetExten("200"); Exit('1');`` is read as a whole before anything of it runs:
a list with one fault does nothing. Arguments are quoted, also with typographic quotes, or bare numbers, clock
times and dates. Empty commands and a ``;`` at the end are allowed, spaces too.

Nothing of the text reaches Asterisk as it stands; every argument is checked for what it is to be.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from persiantools.jdatetime import JalaliDate

from tamas.engine.dialing_out import DIALABLE
from tamas.errors import TamasError

MAX_LENGTH: Final = 32_768
"""Characters of a list."""
MAX_COMMANDS: Final = 200
MAX_DATA: Final = 64
"""Digits that a caller can leave in ``data``."""

Calendar = Literal["gregorian", "jalali", "hijri"]
CALENDARS: Final = ("gregorian", "jalali", "hijri")

_SINGLE: Final = frozenset("'‘’‚‛′`´")
_DOUBLE: Final = frozenset('"“”„‟″')
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE: Final = re.compile(r"[+-]?[0-9][0-9.:-]*")
_SPACE: Final = re.compile(r"\s*")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
_DIGITS: Final = re.compile(r"[0-9*#+-]{1,64}")
_DURATION: Final = re.compile(r"(?:([0-9]{1,4})\.)?([0-9]{1,4}):([0-9]{1,2}):([0-9]{1,2})")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?")
_DATE: Final = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_BUILTIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(?:/[A-Za-z0-9_-]{1,64}){0,3}")
_MUSIC: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")


class SmartApiError(TamasError):
    """A list of commands cannot be run.

    :param position: character at which it is wrong, counted from 1.
    """

    def __init__(self, text: str, position: int) -> None:
        super().__init__(f"at character {position}: {text}")
        self.position = position


@dataclass(frozen=True)
class PlayAnnouncement:
    """Play an uploaded sound: its name, or ``id:`` and its id."""

    sound: str


@dataclass(frozen=True)
class Playback:
    """Play a built-in sound."""

    file: str


@dataclass(frozen=True)
class SayNumber:
    """Say how many."""

    number: int


@dataclass(frozen=True)
class SayDigit:
    """Say digit by digit; ``*``, ``#`` and ``+`` too, and zeros in front."""

    digits: str


@dataclass(frozen=True)
class SayDuration:
    """Say how long; parts that are zero are left out."""

    days: int
    hours: int
    minutes: int
    seconds: int


@dataclass(frozen=True)
class SayClock:
    """Say a time of day."""

    hour: int
    minute: int
    second: int | None


@dataclass(frozen=True)
class SayDate:
    """Say a date, in the calendar that it is written in."""

    year: int
    month: int
    day: int
    calendar: Calendar


@dataclass(frozen=True)
class GetData:
    """Play sounds and collect digits into ``data``."""

    sounds: tuple[str, ...]
    timeout: int
    """Seconds of silence; 0: no limit."""
    max_digits: int


@dataclass(frozen=True)
class MusicOnHold:
    """Play a class of hold music for so many seconds."""

    class_name: str
    seconds: int


@dataclass(frozen=True)
class SetExten:
    """Put another number in place of the entered one."""

    number: str


@dataclass(frozen=True)
class SetLimitOnCall:
    """Limit the talk of the next connection; 0: no limit."""

    seconds: int


@dataclass(frozen=True)
class ClearUserData:
    """Forget the digits typed so far."""


@dataclass(frozen=True)
class Exit:
    """Leave by a case; nothing after it runs."""

    case: str


Command = (
    PlayAnnouncement
    | Playback
    | SayNumber
    | SayDigit
    | SayDuration
    | SayClock
    | SayDate
    | GetData
    | MusicOnHold
    | SetExten
    | SetLimitOnCall
    | ClearUserData
    | Exit
)


def parse_commands(text: str) -> tuple[Command, ...]:
    """The commands of a list, in order; none when it is empty.

    :raises SmartApiError: it cannot be run; says where and what was expected.
    """
    if len(text) > MAX_LENGTH:
        raise SmartApiError(f"a list of commands has at most {MAX_LENGTH} characters", MAX_LENGTH + 1)
    return _Reader(text).commands()


# -- the list ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Argument:
    text: str
    position: int


class _Reader:
    """Reads a list from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def commands(self) -> tuple[Command, ...]:
        found: list[Command] = []
        while True:
            self._skip_space()
            if self._take(";"):
                continue
            if self._at == len(self._text):
                return tuple(found)
            if len(found) == MAX_COMMANDS:
                raise self._error(f"a list has at most {MAX_COMMANDS} commands")
            found.append(self._command())
            self._skip_space()
            if self._at < len(self._text) and self._text[self._at] != ";":
                raise self._expected("; or the end")

    def _command(self) -> Command:
        start = self._at
        name = self._match(_NAME)
        if name is None:
            raise self._expected("the name of a command")
        make = _COMMANDS.get(name)
        if make is None:
            raise SmartApiError(f"there is no command {name:.40}", start + 1)
        self._skip_space()
        if not self._take("("):
            raise self._expected(f"( after {name}")
        arguments = self._arguments()
        wanted, build = make
        if len(arguments) != wanted:
            raise SmartApiError(f"{name} has {wanted} arguments, not {len(arguments)}", start + 1)
        return build(*arguments)

    def _arguments(self) -> list[_Argument]:
        self._skip_space()
        if self._take(")"):
            return []
        found = [self._argument()]
        self._skip_space()
        while not self._take(")"):
            if not self._take(","):
                raise self._expected(", or )")
            self._skip_space()
            found.append(self._argument())
            self._skip_space()
        return found

    def _argument(self) -> _Argument:
        start = self._at
        sign = self._text[start : start + 1]
        for quotes in (_SINGLE, _DOUBLE):
            if sign in quotes:
                return self._quoted(quotes)
        bare = self._match(_BARE)
        if bare is None:
            raise self._expected("an argument: a number, or a text in quotes")
        return _Argument(bare, start + 1)

    def _quoted(self, quotes: frozenset[str]) -> _Argument:
        start = self._at
        end = next((at for at in range(start + 1, len(self._text)) if self._text[at] in quotes), None)
        if end is None:
            raise SmartApiError("the quote is not closed", start + 1)
        text = self._text[start + 1 : end]
        self._at = end + 1
        if not text.isprintable():
            raise SmartApiError("a text has no control characters", start + 1)
        return _Argument(text.strip(), start + 1)

    def _skip_space(self) -> None:
        self._match(_SPACE)

    def _take(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def _expected(self, what: str) -> SmartApiError:
        found = self._text[self._at : self._at + 1]
        return self._error(f"expected {what}, found {found!r}" if found else f"expected {what}")

    def _error(self, text: str) -> SmartApiError:
        return SmartApiError(text, self._at + 1)


# -- the commands ------------------------------------------------------------------------------------------


def _whole(argument: _Argument, what: str, low: int, high: int) -> int:
    if _INTEGER.fullmatch(argument.text) is None:
        raise SmartApiError(
            f"expected {what}, a whole number, found {argument.text!r:.60}", argument.position
        )
    number = int(argument.text)
    if not low <= number <= high:
        raise SmartApiError(f"{what} is from {low} to {high}", argument.position)
    return number


def _word(argument: _Argument, what: str, pattern: re.Pattern[str]) -> str:
    if pattern.fullmatch(argument.text) is None:
        raise SmartApiError(f"expected {what}, found {argument.text!r:.60}", argument.position)
    return argument.text


def _sound(argument: _Argument) -> str:
    if not argument.text or len(argument.text) > 255:
        raise SmartApiError("expected the name of an announcement", argument.position)
    return argument.text


def _parts(argument: _Argument, what: str, pattern: re.Pattern[str]) -> tuple[int | None, ...]:
    match = pattern.fullmatch(argument.text)
    if match is None:
        raise SmartApiError(f"expected {what}, found {argument.text!r:.60}", argument.position)
    return tuple(None if part is None else int(part) for part in match.groups())


def _duration(argument: _Argument) -> SayDuration:
    days, hours, minutes, seconds = (
        part or 0 for part in _parts(argument, "a duration such as 1.02:30:00", _DURATION)
    )
    if minutes > 59 or seconds > 59:
        raise SmartApiError("minutes and seconds are below 60", argument.position)
    return SayDuration(days, hours, minutes, seconds)


def _clock(argument: _Argument) -> SayClock:
    hour, minute, second = _parts(argument, "a time such as 14:05", _CLOCK)
    if (hour or 0) > 23 or (minute or 0) > 59 or (second or 0) > 59:
        raise SmartApiError("there is no such time of day", argument.position)
    return SayClock(hour or 0, minute or 0, second)


def _date(argument: _Argument, calendar: _Argument) -> SayDate:
    year, month, day = (part or 0 for part in _parts(argument, "a date such as 1395-02-21", _DATE))
    written_in = calendar.text.lower()
    if written_in not in CALENDARS:
        raise SmartApiError(f"expected one of {', '.join(CALENDARS)}", calendar.position)
    found = SayDate(year, month, day, cast("Calendar", written_in))
    if not is_date(found):
        raise SmartApiError(f"there is no such day in the {written_in} calendar", argument.position)
    return found


def is_date(date: SayDate) -> bool:
    """Whether a calendar has that day. Hijri months begin when the moon is seen: each may have 30 days."""
    if date.year < 1 or not 1 <= date.month <= 12 or date.day < 1:
        return False
    if date.calendar == "hijri":
        return date.day <= 30
    if date.calendar == "jalali":
        return date.day <= JalaliDate.days_in_month(date.month, date.year)
    return date.day <= monthrange(date.year, date.month)[1]


def _get_data(file: _Argument, timeout: _Argument, digits: _Argument) -> GetData:
    sounds = tuple(_sound(_Argument(part.strip(), file.position)) for part in file.text.split("&"))
    return GetData(
        sounds,
        _whole(timeout, "the time limit", 0, 3_600),
        min(_whole(digits, "the number of digits", 1, 999), MAX_DATA),
    )


def _case(argument: _Argument) -> str:
    if not argument.text or len(argument.text) > 80:
        raise SmartApiError("expected the name of a case", argument.position)
    return argument.text


_Build = Callable[..., Command]
_COMMANDS: Final[Mapping[str, tuple[int, _Build]]] = {
    "PlayAnnouncement": (1, lambda sound: PlayAnnouncement(_sound(sound))),
    "Playback": (1, lambda file: Playback(_word(file, "the name of a built-in sound", _BUILTIN))),
    "SayNumber": (1, lambda number: SayNumber(_whole(number, "the number", -(10**12) + 1, 10**12 - 1))),
    "SayDigit": (1, lambda digits: SayDigit(_word(digits, "digits", _DIGITS))),
    "SayDuration": (1, _duration),
    "SayClock": (1, _clock),
    "SayDate": (2, _date),
    "GetData": (3, _get_data),
    "MusicOnHold": (
        2,
        lambda name, seconds: MusicOnHold(
            _word(name, "a class of hold music", _MUSIC), _whole(seconds, "the duration", 1, 86_400)
        ),
    ),
    "SetExten": (1, lambda number: SetExten(_word(number, "a number that can be dialed", DIALABLE))),
    "SetLimitOnCall": (1, lambda seconds: SetLimitOnCall(_whole(seconds, "the limit", 0, 86_400))),
    "ClearUserData": (0, ClearUserData),
    "Exit": (1, lambda case: Exit(_case(case))),
}
