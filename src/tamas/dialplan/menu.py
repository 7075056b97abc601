"""Menus: a sound is played, digits are collected, and a row is chosen; what IVR and IVR API share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Param, Params, Ref
from tamas.dialplan.graph import BUSY, ERROR, FAILURE, INVALID, SUCCESS, TIMEOUT, Output
from tamas.dialplan.reaching import resume_number, ring_number
from tamas.dialplan.resume import Outcome
from tamas.engine.fixed_dialplan import EXTENSION_RING_SECONDS

MOST_DIGITS: Final = 32
"""What can be dialed at once."""
SPECIAL: Final = (TIMEOUT, INVALID, ERROR)
"""Keys that are never cases."""


class MenuParams(Params):
    """Parameters of a menu."""

    announcement: Annotated[str, Param(label="Announcement", ref=Ref.SOUND)] = ""
    timeout_announcement: Annotated[
        str, Param(label="Announcement without input", ref=Ref.SOUND, help="Before the menu is repeated.")
    ] = ""
    invalid_announcement: Annotated[
        str, Param(label="Announcement after wrong input", ref=Ref.SOUND, help="Before the menu is repeated.")
    ] = ""
    direct_dial: Annotated[
        bool, Param(label="Direct dial", help="Digits that are no case but an extension ring it.")
    ] = False
    repeat: Annotated[int, Param(label="Repeats", help="After no or wrong input.", high=20)] = 3
    timeout: Annotated[
        int, Param(label="Wait for digits", unit="seconds", help="Between digits too; 0: no limit.", high=600)
    ] = 5
    max_digits: Annotated[int, Param(label="Most digits", low=1, high=MOST_DIGITS)] = 1


Choose = Callable[[str], Awaitable[str | None]]
"""The output for digits; ``None``: they are wrong."""


def cases(call: Call) -> list[tuple[str, str]]:
    """Case and key of the rows of the node."""
    return [(case_of(output), output.key) for output in call.node.outputs if output.key not in SPECIAL]


def case_of(output: Output) -> str:
    """What a row is chosen by."""
    return output.match.get("case") or output.key


async def run_menu(call: Call, params: MenuParams, choose: Choose) -> Exit:
    """Play the menu until the caller makes a choice, or the repeats are used up.

    The digits go to ``data``. Those that are no choice ring an extension, where direct dial is on; a talk
    ends the call, an extension that is not reached and forwards nowhere brings the menu back.
    """
    before = ""
    leave = TIMEOUT
    for _ in range(params.repeat + 1):
        digits = await call.collect(
            before,
            params.announcement,
            timeout=params.timeout,
            max_digits=params.max_digits,
            finish="" if _takes_hash(call) else "#",
        )
        call.state.data = digits
        if not digits:
            before, leave = params.timeout_announcement, TIMEOUT
            continue
        chosen = await choose(digits)
        if chosen is not None:
            return chosen
        before, leave = params.invalid_announcement, INVALID
        if params.direct_dial and (await call.look_up(digits)).extension is not None:
            reached = await ring_number(call, digits, timeout=EXTENSION_RING_SECONDS)
            if reached not in (BUSY, FAILURE):
                return after_talk(call, reached)
            before = ""
    await call.play(before)
    return leave


async def resume_menu(call: Call, outcome: Outcome) -> Exit | None:
    """Go on after a direct dial that ended while no process of ours lived; ``None``: with the menu."""
    reached = await resume_number(call, outcome)
    return None if reached in (BUSY, FAILURE) else after_talk(call, reached)


def after_talk(call: Call, reached: Exit) -> Exit:
    """Where a call goes on behind a direct dial: a menu has no output for that."""
    return call.end() if reached == SUCCESS else reached


def _takes_hash(call: Call) -> bool:
    """Whether ``#`` is a choice, so that it cannot end the input."""
    return any("#" in case for case, _ in cases(call))
