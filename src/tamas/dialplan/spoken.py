"""Numbers, times and dates as lists of sounds.

English is spoken with the prompts that come with Asterisk. In Persian numbers are spoken as such when the
folder of that language has the sounds for it, else digit by digit; Asterisk takes from English what a folder
lacks. No Persian prompts come with Asterisk; ``docs/spoken.md`` says which names are looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tamas.dialplan.smart_api import SayClock, SayDate, SayDuration

_SIGNS: Final = {"*": "digits/star", "#": "digits/pound", "-": "letters/dash", "+": "letters/plus"}
_SCALES: Final = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_AND: Final = "digits/and"


@dataclass(frozen=True, kw_only=True)
class Voice:
    """The language of a channel."""

    language: str
    has: Callable[[str], bool]
    """Whether its own folder has a sound."""

    @property
    def is_persian(self) -> bool:
        """Whether numbers follow Persian grammar."""
        return self.language.lower().startswith("fa")


def digits(text: str) -> list[str]:
    """Digit by digit; ``*``, ``#``, ``-`` and ``+`` by their names."""
    return [_SIGNS.get(sign) or f"digits/{sign}" for sign in text]


def number(value: int, voice: Voice) -> list[str]:
    """How many."""
    if voice.is_persian:
        spoken = _persian(abs(value))
        if not all(voice.has(sound) for sound in spoken):
            return digits(str(value))
    else:
        spoken = _english(abs(value))
    return ["digits/minus", *spoken] if value < 0 else spoken


def duration(said: SayDuration, voice: Voice) -> list[str]:
    """How long. Days become hours where there is no word for days; parts that are zero are left out."""
    days, hours = said.days, said.hours
    if days and not voice.has("days"):
        days, hours = 0, hours + 24 * days
    parts = [(days, "days"), (hours, "hours"), (said.minutes, "minutes"), (said.seconds, "seconds")]
    spoken: list[str] = []
    for count, unit in parts:
        if count:
            singular = unit.removesuffix("s")
            # "hour" is the one that Asterisk's English prompts lack.
            known = singular in ("minute", "second") or voice.has(singular)
            spoken += [*number(count, voice), singular if count == 1 and known else unit]
    return spoken or [*number(0, voice), "seconds"]


def clock(said: SayClock, voice: Voice) -> list[str]:
    """A time of day, in English of twelve hours, in Persian of twenty-four; zero seconds are left out."""
    if voice.is_persian:
        spoken = number(said.hour, voice)
        if said.minute or said.second:
            spoken += _joined(number(said.minute, voice), voice)
        return spoken + (_joined(number(said.second, voice), voice) if said.second else [])
    spoken = number((said.hour - 1) % 12 + 1, voice)
    if said.minute == 0:
        spoken += ["digits/oclock"] if not said.second else ["digits/oh", "digits/oh"]
    elif said.minute < 10:
        spoken += ["digits/oh", *number(said.minute, voice)]
    else:
        spoken += number(said.minute, voice)
    spoken.append("digits/p-m" if said.hour >= 12 else "digits/a-m")
    if said.second:
        spoken += ["vm-and", *number(said.second, voice), "second" if said.second == 1 else "seconds"]
    return spoken


def date(said: SayDate, voice: Voice) -> list[str]:
    """A date in the calendar it is written in. A month without a sound of its own is spoken as a number."""
    if said.calendar == "gregorian" and not voice.is_persian:
        return [f"digits/mon-{said.month - 1}", *_ordinal(said.day), *_year(said.year)]
    month = "digits/mon-" + str(said.month - 1) if said.calendar == "gregorian" else ""
    month = month or f"digits/{said.calendar}-{said.month - 1}"
    spoken_month = [month] if voice.has(month) else number(said.month, voice)
    return [*number(said.day, voice), *spoken_month, *number(said.year, voice)]


def _english(value: int) -> list[str]:
    if value <= 20:
        return [f"digits/{value}"]
    spoken: list[str] = []
    for scale, name in _SCALES:
        if value >= scale:
            spoken += [*_english(value // scale), f"digits/{name}"]
            value %= scale
    if value >= 100:
        spoken += [f"digits/{value // 100}", "digits/hundred"]
        value %= 100
    if value > 20:
        spoken.append(f"digits/{value // 10 * 10}")
        value %= 10
    if value:
        spoken.append(f"digits/{value}")
    return spoken


def _ordinal(day: int) -> list[str]:
    if day <= 20 or day == 30:
        return [f"digits/h-{day}"]
    return [f"digits/{day // 10 * 10}", f"digits/h-{day % 10}"]


def _year(year: int) -> list[str]:
    """1995 in pairs, 2024 as a number."""
    if not 1100 <= year < 2000:
        return _english(year)
    century, rest = divmod(year, 100)
    if rest == 0:
        return [*_english(century), "digits/hundred"]
    return [*_english(century), *(["digits/oh"] if rest < 10 else []), *_english(rest)]


def _persian(value: int) -> list[str]:
    """Groups joined by "and": 1395 is thousand, and three hundred, and ninety, and five."""
    if value == 0:
        return ["digits/0"]
    groups: list[list[str]] = []
    for scale, name in _SCALES:
        if value >= scale:
            count = value // scale
            before = [] if name == "thousand" and count == 1 else _persian(count)
            groups.append([*before, f"digits/{name}"])
            value %= scale
    if value >= 100:
        groups.append([f"digits/{value // 100 * 100}"])
        value %= 100
    if value > 20:
        groups.append([f"digits/{value // 10 * 10}"])
        value %= 10
    if value:
        groups.append([f"digits/{value}"])
    spoken = groups[0]
    for group in groups[1:]:
        spoken = [*spoken, _AND, *group]
    return spoken


def _joined(spoken: list[str], voice: Voice) -> list[str]:
    return [_AND, *spoken] if voice.has(_AND) else spoken
