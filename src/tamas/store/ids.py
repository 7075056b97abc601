"""Object ids as the SA shows them: 24 hexadecimal digits, ordered by the second of their making.

Source: SA catalogue, ``types.id``.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
import time

from tamas.store.clock import MICROSECONDS

_SERIALS = 1_000_000_000
"""Serials of channels that we choose begin here. Asterisk's own count up from 0 and never come so far."""
_ID = re.compile(r"[0-9a-f]{24}")


class _Series:
    """What tells the ids of this process from those of others."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin anew, as a forked process must."""
        self.process = secrets.token_hex(5)
        self.counter = itertools.count(secrets.randbelow(1 << 23))


_series = _Series()
os.register_at_fork(after_in_child=_series.begin)


def new_id() -> str:
    """Make an id: 8 digits of epoch seconds, 10 of this process, 6 of a counter."""
    return f"{int(time.time()):08x}{_series.process}{next(_series.counter) & 0xFFFFFF:06x}"


def is_id(text: str) -> bool:
    """Tell whether a text has the shape of an id."""
    return _ID.fullmatch(text) is not None


def following_id(last: str | None, *, at: int) -> str:
    """The next id of a series that must strictly increase in commit order (architecture rule 5).

    :param last: the highest id given so far in that series, ``None`` when there is none.
    :param at: epoch seconds of the row; only its order against ``last`` matters.
    """
    floor = at << 64
    return f"{max(floor, int(last, 16) + 1 if last else 0):024x}"


def fresh_uniqueid(at: int) -> str:
    """A unique id for a channel of Asterisk that is hardly ever taken.

    :param at: microseconds since the epoch; for several at once, one after the other.
    """
    seconds, fraction = divmod(at, MICROSECONDS)
    return f"{seconds}.{_SERIALS + secrets.randbelow(_SERIALS // 1000) * 1000 + fraction % 1000}"


def is_chosen_uniqueid(uniqueid: str) -> bool:
    """Whether a channel's unique id may be one of :func:`fresh_uniqueid`; Asterisk's own are not."""
    serial = uniqueid.partition(".")[2]
    return serial.isascii() and serial.isdigit() and int(serial) >= _SERIALS
