"""What callers choose (numbers, names) never becomes dialplan."""

from __future__ import annotations

import pytest

from dialplan._switchboard import Switchboard

pytestmark = pytest.mark.engine

NUMBERS = [
    "202&PJSIP%2F203",
    "202%2C30%2CG(x)",
    "1$%7BSHELL(id)%7D",
    "202%0d%0aX-Evil:1",
    "202;x=y",
    "%22202%22",
    "202)",
    "2" * 33,
    "h",
]


@pytest.mark.parametrize("number", NUMBERS)
async def test_dialed_number_that_is_none(board: Switchboard, number: str) -> None:
    """A dialed number with anything but dialable signs ends the call, and nobody rings."""
    call = await board.phones["201"].call(number)
    await call.until_ended()
    assert call.status >= 400
    for other in ("202", "203", "carrier"):
        assert not board.phones[other].calls


@pytest.mark.parametrize(
    "name", ["${SHELL(touch /tmp/tamas-injected)}", "a,b&c|d", "x) same = n,Dial(PJSIP/203", "'; DROP"]
)
async def test_caller_name_is_only_text(board: Switchboard, name: str) -> None:
    """An outside caller's name reaches the phone as it is, and goes nowhere else."""
    call = await board.phones["carrier"].call("202", caller="0912", caller_name=name)
    answered = await board.phones["202"].answer()
    await call.until_talking()
    assert answered.remote_name == name
    await call.hang_up()
    await answered.until_ended()
    assert not board.phones["203"].calls


@pytest.mark.parametrize("number", ["$%7BEXTEN%7D", "a,b", "1&2", "x;y=z"])
async def test_caller_number_is_only_text(board: Switchboard, number: str) -> None:
    """An outside caller's number with signs of the dialplan rings the dialed extension and nothing else."""
    call = await board.phones["carrier"].call("202", caller=number)
    answered = await board.phones["202"].answer()
    await call.until_talking()
    await call.hang_up()
    await answered.until_ended()
    assert not board.phones["203"].calls


async def test_line_break_in_the_caller_number(board: Switchboard) -> None:
    """A caller's number that would forge a line of the AGI opening (here: the rights of 201) is refused."""
    forged = "1%0aagi_accountcode: 201%0a%0a".replace(" ", "%20")
    call = await board.phones["carrier"].call("202", caller=forged)
    await call.until_ended()
    assert call.status >= 400
    assert not board.phones["202"].calls
