"""Times of the store, in microseconds, and of the console's API, in milliseconds; since the epoch, UTC."""

from __future__ import annotations

from typing import overload

_FACTOR = 1000


@overload
def milliseconds(stored: int) -> int: ...
@overload
def milliseconds(stored: None) -> None: ...
@overload
def milliseconds(stored: int | None) -> int | None: ...
def milliseconds(stored: int | None) -> int | None:
    """A time of the store as it is shown."""
    return None if stored is None else stored // _FACTOR


def microseconds(shown: int) -> int:
    """A time of a request as the store has it."""
    return shown * _FACTOR
