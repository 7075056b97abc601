"""Our order of patterns is Asterisk's: asked of a real one."""

from __future__ import annotations

import re
from typing import Final

import pytest

from dialplan._switchboard import Switchboard
from tamas.dialplan.patterns import best_match

pytestmark = pytest.mark.engine

CONTEXT: Final = "tamas-test-patterns"
PATTERNS: Final = (
    "201 20X 2XX NXX ZXX XXX [1-3]XX [23]0X 2[0-4]1 X. 2. 20. N. X! 2! 20! XX! [0-9a-zA-Z]XX 2X. "
    "XXXX 9X. ZXX. 0X. [02468]X *7X *X. [*#]XX N[5-9]X"
)
NUMBERS: Final = "201 202 241 299 301 101 001 2 20 2010 20100 911 9123 40 *71 *712 #12 a12 257 1000 02155"
_SHOWN: Final = re.compile(r"^\s*'(_?)(\S+)' =>", re.MULTILINE)


async def test_the_same_pattern_wins(board: Switchboard) -> None:
    """For each number the first pattern that Asterisk would take is the one we take."""
    ami = board.engine.ami
    patterns = PATTERNS.split()
    for pattern in patterns:
        sign = "_" if set(pattern) & set("XZN[.!") else ""
        await ami.command(f"dialplan add extension {sign}{pattern},1,NoOp into {CONTEXT}")
    try:
        for number in NUMBERS.split():
            shown = _SHOWN.findall(await ami.command(f"dialplan show {number}@{CONTEXT}"))
            found = best_match(patterns, number)
            assert (patterns[found] if found is not None else None) == (shown[0][1] if shown else None), (
                number
            )
    finally:
        await ami.command(f"dialplan remove context {CONTEXT}")
