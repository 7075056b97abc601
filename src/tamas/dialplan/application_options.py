"""Which options administrators may give to Asterisk's applications, letter by letter.

Source: the documentation of Asterisk 22 (``core show application Dial``, ...). Left out is what would take
the call out of the flow unseen (Dial ``d``), record past :mod:`tamas.recordings` (``x``, ``X``, ``r``),
delete a recording (MixMonitor ``d``), or needs something that this system does not have. Letters that run
other parts of the dialplan or go there need the rights of an administrator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

NUMBER: Final = r"[0-9]{1,9}"
VOLUME: Final = r"-?[0-4]"
WORD: Final = r"[A-Za-z0-9_.+*#-]{1,80}"
SOUND: Final = r"[A-Za-z0-9_-]{1,64}(?:/[A-Za-z0-9_-]{1,64}){0,3}"
PLACE: Final = r"[A-Za-z0-9_.+*#-]{1,80}(?:\^[A-Za-z0-9_.+*#-]{1,80}){0,9}"
"""Context, extension, priority and arguments of a subroutine."""

_OPTION: Final = re.compile(r"(?P<letter>[A-Za-z])(?:\((?P<argument>[^()]*)\))?")


@dataclass(frozen=True, kw_only=True)
class _Letters:
    """Letters of one application."""

    plain: str
    """Those that take nothing."""
    taking: Mapping[str, str] = field(default_factory=dict)
    """What others take in parentheses."""
    optional: str = ""
    """Those of ``taking`` that may also stand alone."""
    restricted: Mapping[str, str] = field(default_factory=dict)
    """As ``taking``, for administrators only."""
    gone: Mapping[str, str] = field(default_factory=dict)
    """Letters of older Asterisk, and what to do instead."""


_MACROS_ARE_GONE: Final = {"M": "macros are gone from Asterisk; use U with a subroutine"}

_APPLICATIONS: Final[Mapping[str, _Letters]] = {
    "Dial": _Letters(
        plain="acghHiIjkKRtTz",
        taking={
            "A": rf"{SOUND}(?::{SOUND})?",
            "D": r"[0-9A-D*#wW:]{1,80}",
            "f": WORD,
            "L": rf"{NUMBER}(?::{NUMBER}){{0,2}}",
            "m": WORD,
            "o": WORD,
            "Q": WORD,
            "r": WORD,
            "S": NUMBER,
            "u": WORD,
        },
        optional="fmor",
        restricted={"b": PLACE, "B": PLACE, "F": PLACE, "G": PLACE, "U": PLACE},
        gone=_MACROS_ARE_GONE,
    ),
    "Queue": _Letters(
        plain="CchHiIkKnrRtT",
        taking={"m": WORD},
        optional="m",
        restricted={"b": PLACE, "B": PLACE, "F": PLACE},
        gone=_MACROS_ARE_GONE,
    ),
    "Page": _Letters(plain="diqsn", taking={"A": SOUND}, restricted={"b": PLACE, "B": PLACE}),
    "ChanSpy": _Letters(
        plain="bBdElNoqsSwW",
        taking={"c": r"[0-9*#]", "g": WORD, "v": VOLUME, "x": r"[0-9*#]"},
    ),
    "MixMonitor": _Letters(
        plain="bpP",
        taking={"B": NUMBER, "s": NUMBER, "v": VOLUME, "V": VOLUME, "W": VOLUME},
        optional="B",
    ),
}

RESTRICTED_ALONE: Final = "F"
"""Of the restricted letters, those that may also stand alone."""


def options_problem(application: str, options: str, *, administrator: bool = True) -> str | None:
    """What is wrong with options, in words; ``None`` when the application may get them.

    :param administrator: whether letters are allowed that run or reach other parts of the dialplan.
    """
    letters = _APPLICATIONS.get(application)
    if letters is None:
        return f"no options are known for {application or 'this'}" if options else None
    for letter, argument in _parsed(options):
        if letter is None:
            return f"cannot be read from {argument!r:.40} on; write letters such as tT, or m(class)"
        problem = _problem(letters, application, letter, argument, administrator=administrator)
        if problem is not None:
            return problem
    return None


def needs_administrator(application: str, options: str) -> bool:
    """Whether only an administrator may set these options."""
    return options_problem(application, options) is None and (
        options_problem(application, options, administrator=False) is not None
    )


def _parsed(options: str) -> Iterator[tuple[str | None, str | None]]:
    """Letters with what stands in parentheses behind them; ``None`` and the rest where that ends."""
    place = 0
    while place < len(options):
        match = _OPTION.match(options, place)
        if match is None:
            yield None, options[place:]
            return
        yield match["letter"], match["argument"]
        place = match.end()


def _problem(
    letters: _Letters, application: str, letter: str, argument: str | None, *, administrator: bool
) -> str | None:
    if letter in letters.gone:
        return f"{letter}: {letters.gone[letter]}"
    if letter in letters.restricted:
        if not administrator:
            return f"{letter} runs or reaches other parts of the dialplan; only an administrator may set it"
        pattern, alone = letters.restricted[letter], letter in RESTRICTED_ALONE
    elif letter in letters.plain:
        return None if argument is None else f"{letter} of {application} takes nothing in parentheses"
    elif letter in letters.taking:
        pattern, alone = letters.taking[letter], letter in letters.optional
    else:
        return f"{letter} of {application} cannot be used here; take it out"
    if argument is None:
        return None if alone else f"{letter} of {application} needs something in parentheses behind it"
    if re.fullmatch(pattern, argument) is None:
        return f"{letter} of {application} cannot take {argument!r:.40}"
    return None
