"""IVR: the caller chooses by digits."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Ref, Row, component
from tamas.dialplan.graph import INVALID, TIMEOUT
from tamas.dialplan.menu import MenuParams, cases, resume_menu, run_menu
from tamas.dialplan.patterns import best_match
from tamas.dialplan.resume import Outcome


class IvrParams(MenuParams):
    """Parameters of an IVR."""


class Case(Row):
    """What a row matches: digits, or a pattern as of Asterisk without the underscore."""

    case: Annotated[str, Param(label="Case", ref=Ref.PATTERN, max_length=80)]


@component(type="IVR", group=Group.MENU, row=Case, optional=(TIMEOUT, INVALID), plays=True, interacts=True)
async def ivr(call: Call, params: IvrParams) -> Exit:
    """Play a menu and go on by the row that the typed digits match best, literal digits first.

    No input repeats the menu, then the call goes on by ``t``; wrong input repeats it too, then ``i``. With
    direct dial an extension can be typed, if no row matches.
    """
    rows = cases(call)

    async def choose(digits: str) -> str | None:
        found = best_match([case for case, _ in rows], digits)
        return None if found is None else rows[found][1]

    return await run_menu(call, params, choose)


@ivr.resumed
async def _resumed(call: Call, params: IvrParams, outcome: Outcome) -> Exit:
    leave = await resume_menu(call, outcome)
    return await ivr.run(call, params) if leave is None else leave
