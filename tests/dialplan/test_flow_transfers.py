"""Transfers during a talk: whoever transfers lends his rights, nobody else does."""

from __future__ import annotations

import pytest

from dialplan._switchboard import TONES, Switchboard
from support.waiting import eventually

pytestmark = pytest.mark.engine


def _target(board: Switchboard, number: str) -> str:
    return f"sip:{number}@127.0.0.1:{board.settings.sip_port}"


async def test_callee_transfers_the_caller(board: Switchboard) -> None:
    """The caller goes on to another extension; both pieces are recorded under names of their own."""
    await board.change("201", call_record="yes")
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    answered.transfer(_target(board, "203"))
    second = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    await second.hang_up()
    await call.until_ended()
    cuid = await board.last_cuid()
    facts = await board.facts(cuid)
    names = [value for key, value in facts if key == "record"]
    assert [name.partition("_")[2] for name in names] == [f"{cuid}.mp3", f"{cuid}.1.mp3"]


async def test_extension_transfers_an_outside_caller_to_an_outside_number(board: Switchboard) -> None:
    """The extension may dial out, so it may send a caller out."""
    call = await board.phones["carrier"].call("202", caller="0211")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    answered.transfer(_target(board, "09120000000"))
    outside = await board.phones["carrier"].answer()
    await outside.until_talking()
    await outside.hang_up()
    await call.until_ended()
    assert dict(await board.facts(await board.last_cuid()))["exit"] == "carrier"


async def test_outside_caller_cannot_transfer_to_an_outside_number(board: Switchboard) -> None:
    """A far end that dials the transfer code would make our trunk pay for its calls."""
    call = await board.phones["carrier"].call("202", caller="0211")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    await call.until_heard(TONES["202"])
    call.dial("**")
    await eventually(lambda: not call.hears(TONES["202"]), what="the prompt of the transfer")
    call.dial("09120000000#")
    await answered.until_ended(within=15)
    assert not [each for each in board.phones["carrier"].calls if each.incoming]
    assert dict(await board.facts(await board.last_cuid()))["failed"] == "no such number"


async def test_outside_caller_can_transfer_inside(board: Switchboard) -> None:
    """The same code with an extension's number works."""
    call = await board.phones["carrier"].call("202", caller="0211")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    await call.until_heard(TONES["202"])
    call.dial("**")
    await eventually(lambda: not call.hears(TONES["202"]), what="the prompt of the transfer")
    call.dial("203#")
    second = await board.phones["203"].answer(within=15)
    await answered.until_heard(TONES["203"])
    await second.hang_up()
    await answered.until_ended()
