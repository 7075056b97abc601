"""What an attempt came to (autodialer specification, section 4)."""

from __future__ import annotations

from typing import Final, Literal

Disposition = Literal["ANSWERED", "NO ANSWER", "BUSY", "LOST", "MACHINE"]

NO_ANSWER_CAUSE: Final = 19
"""Q.850: the number rang and nobody answered."""
_BUSY: Final = frozenset({17, 21})
_UNANSWERED: Final = frozenset({16, 18, 19, 26})
_UNTOLD: Final = frozenset({0, 127})
"""What Asterisk says when it was we who stopped the ringing."""


def disposition_of(
    *, answered: bool, routed: bool, counted: bool, machine: bool, cause: int | None
) -> tuple[Disposition, int | None]:
    """The disposition of an attempt that had a channel, and the cause to show with it.

    :param answered: whether the number picked up.
    :param routed: whether its campaign has a route; what counts as an answer is then the plan's to say.
    :param counted: whether the plan counted it as answered, or a second party was connected.
    :param machine: whether it was an answering machine that picked up.
    :param cause: Q.850, of the channel's end.
    """
    if machine:
        return "MACHINE", cause
    if answered:
        return "ANSWERED" if counted or not routed else "NO ANSWER", cause
    if cause in _BUSY:
        return "BUSY", cause
    if cause is None or cause in _UNTOLD:
        return "NO ANSWER", NO_ANSWER_CAUSE
    # Every other cause says that the network did not get as far as the number's phone.
    return "NO ANSWER" if cause in _UNANSWERED else "LOST", cause
