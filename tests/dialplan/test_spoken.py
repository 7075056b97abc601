"""What numbers, times and dates sound like."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.dialplan import spoken
from tamas.dialplan.smart_api import SayClock, SayDate, SayDuration
from tamas.dialplan.spoken import Voice
from tamas.engine.install import AsteriskInstall

ENGLISH = Voice(language="en", has=lambda _: False)
PERSIAN = Voice(language="fa", has=lambda _: True)
MUTE_PERSIAN = Voice(language="fa", has=lambda _: False)


def said(sounds: list[str]) -> str:
    """Names without their folders."""
    return " ".join(sound.rpartition("/")[2] for sound in sounds)


@pytest.mark.parametrize(
    ("number", "english", "persian"),
    [
        (0, "0", "0"),
        (7, "7", "7"),
        (20, "20", "20"),
        (21, "20 1", "20 and 1"),
        (100, "1 hundred", "100"),
        (115, "1 hundred 15", "100 and 15"),
        (1000, "1 thousand", "thousand"),
        (1395, "1 thousand 3 hundred 90 5", "thousand and 300 and 90 and 5"),
        (5201, "5 thousand 2 hundred 1", "5 thousand and 200 and 1"),
        (2_000_040, "2 million 40", "2 million and 40"),
        (-12, "minus 12", "minus 12"),
        (999_999_999_999, None, None),
    ],
)
def test_numbers(number: int, english: str | None, persian: str | None) -> None:
    """How many, in both languages; what is not compared is at least spoken."""
    spoken_english, spoken_persian = spoken.number(number, ENGLISH), spoken.number(number, PERSIAN)
    assert said(spoken_english) == english or english is None
    assert said(spoken_persian) == persian or persian is None


def test_persian_without_sounds() -> None:
    """No prompts for Persian numbers: digit by digit."""
    assert said(spoken.number(1395, MUTE_PERSIAN)) == "1 3 9 5"


@pytest.mark.parametrize(
    ("text", "sounds"), [("0123", "0 1 2 3"), ("*9#", "star 9 pound"), ("+98", "plus 9 8")]
)
def test_digits(text: str, sounds: str) -> None:
    """Zeros in front are spoken, signs by name."""
    assert said(spoken.digits(text)) == sounds


@pytest.mark.parametrize(
    ("duration", "sounds"),
    [
        (SayDuration(6, 16, 0, 51), "1 hundred 60 hours 50 1 seconds"),
        (SayDuration(0, 1, 1, 1), "1 hours 1 minute 1 second"),
        (SayDuration(0, 0, 2, 0), "2 minutes"),
        (SayDuration(0, 0, 0, 0), "0 seconds"),
    ],
)
def test_durations(duration: SayDuration, sounds: str) -> None:
    """Parts that are zero are skipped; days are hours, because no prompt says days."""
    assert said(spoken.duration(duration, ENGLISH)) == sounds


def test_durations_with_a_word_for_days() -> None:
    """A folder that has the word is taken at it."""
    assert said(spoken.duration(SayDuration(6, 16, 0, 51), PERSIAN)) == "6 days 16 hours 50 and 1 seconds"


@pytest.mark.parametrize(
    ("clock", "english", "persian"),
    [
        (SayClock(12, 14, 9), "12 14 p-m vm-and 9 seconds", "12 and 14 and 9"),
        (SayClock(14, 0, None), "2 oclock p-m", "14"),
        (SayClock(0, 5, None), "12 oh 5 a-m", "0 and 5"),
        (SayClock(9, 30, 0), "9 30 a-m", "9 and 30"),
    ],
)
def test_clocks(clock: SayClock, english: str, persian: str) -> None:
    """Of twelve hours in English, of twenty-four in Persian."""
    assert said(spoken.clock(clock, ENGLISH)) == english
    assert said(spoken.clock(clock, PERSIAN)) == persian


@pytest.mark.parametrize(
    ("date", "english"),
    [
        (SayDate(2024, 2, 29, "gregorian"), "mon-1 20 h-9 2 thousand 20 4"),
        (SayDate(1995, 12, 30, "gregorian"), "mon-11 h-30 19 90 5"),
        (SayDate(1905, 1, 1, "gregorian"), "mon-0 h-1 19 oh 5"),
        (SayDate(1395, 2, 21, "jalali"), "20 1 2 1 thousand 3 hundred 90 5"),
        (SayDate(1445, 9, 1, "hijri"), "1 9 1 thousand 4 hundred 40 5"),
    ],
)
def test_dates(date: SayDate, english: str) -> None:
    """Each calendar as it is written; months that have no prompt are numbers."""
    assert said(spoken.date(date, ENGLISH)) == english


def test_dates_with_names_of_months() -> None:
    """A folder that has the names of its months says them."""
    assert said(spoken.date(SayDate(1395, 2, 21, "jalali"), PERSIAN)) == (
        "20 and 1 jalali-1 thousand and 300 and 90 and 5"
    )


ANY_DAY = st.builds(
    SayDate,
    st.integers(1, 9999),
    st.integers(1, 12),
    st.integers(1, 31),
    st.sampled_from(["gregorian", "jalali", "hijri"]),
)


@given(
    st.integers(-(10**12) + 1, 10**12 - 1),
    ANY_DAY,
    st.builds(SayClock, st.integers(0, 23), st.integers(0, 59), st.one_of(st.none(), st.integers(0, 59))),
    st.builds(
        SayDuration, st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 59), st.integers(0, 59)
    ),
    st.text("0123456789*#+-", max_size=10),
)
def test_asterisk_has_every_sound(
    asterisk_install: AsteriskInstall,
    number: int,
    date: SayDate,
    clock: SayClock,
    duration: SayDuration,
    digits: str,
) -> None:
    """Whatever is spoken in English, and in Persian without sounds, is among the prompts of Asterisk."""
    folder = Path(asterisk_install.sounds_dir) / "en"
    for voice in (ENGLISH, MUTE_PERSIAN):
        for sound in (
            *spoken.number(number, voice),
            *spoken.date(date, voice),
            *spoken.clock(clock, voice),
            *spoken.duration(duration, voice),
            *spoken.digits(digits),
        ):
            assert (folder / f"{sound}.wav").is_file(), sound
