"""Follow Me, by telephone."""

from __future__ import annotations

import pytest

from dialplan._switchboard import TONES, Switchboard, node, outgoing
from tamas.demo.phone import AutoReject

pytestmark = pytest.mark.engine

AFTER, NOBODY = 1000, 1400
FOLLOWERS = [
    {"kind": "extension", "number": "202"},
    {"kind": "extension", "number": "203"},
    {"kind": "external", "number": "02188", "trunk": "carrier"},
]


async def publish(board: Switchboard) -> None:
    await board.add_sound("after", AFTER)
    await board.add_sound("nobody", NOBODY)
    await board.publish(
        outgoing("follow"),
        node("follow", "FollowMe", params={"followers": FOLLOWERS, "timeout": 2}, S="after", F="answer"),
        node("after", "Announcement", params={"announcement": "after"}),
        node("answer", "Answer", next_="nobody"),
        node("nobody", "Announcement", params={"announcement": "nobody"}),
    )


async def test_the_second_answers(board: Switchboard) -> None:
    """The first refuses, the second answers, the third is not called; after the talk the caller goes on."""
    await publish(board)
    board.phones["202"].manner = AutoReject()
    call = await board.phones["201"].call("8000")
    answered = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    await answered.hang_up()
    await call.until_heard(AFTER)
    await call.until_ended()
    assert not board.phones["carrier"].received_invites
    assert dict(await board.facts(await board.last_cuid()))["dst"] == "203"


async def test_the_number_outside_answers(board: Switchboard) -> None:
    """Nobody inside takes the call in time: it leaves by the trunk of the third."""
    await publish(board)
    board.phones["203"].manner = AutoReject()
    before = len(board.phones["carrier"].received_invites)
    call = await board.phones["201"].call("8000")
    await board.phones["202"].incoming()  # rings in vain
    outside = await board.phones["carrier"].answer()
    await call.until_heard(TONES["carrier"])
    assert len(board.phones["carrier"].received_invites) == before + 1
    await outside.hang_up()
    await call.until_ended()
    assert dict(await board.facts(await board.last_cuid()))["exit"] == "carrier"


async def test_nobody_answers(board: Switchboard) -> None:
    """All three refuse: the caller hears what is wired to F."""
    await publish(board)
    for phone in ("202", "203", "carrier"):
        board.phones[phone].manner = AutoReject()
    call = await board.phones["201"].call("8000")
    await call.until_heard(NOBODY)
    await call.until_ended()


async def test_death_while_the_first_rings(board: Switchboard) -> None:
    """We die while the first rings in vain: the next process goes on with the second, not with the first."""
    await publish(board)
    call = await board.phones["201"].call("8000")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    board.die()
    await ringing.reject(486)
    board.revive()
    answered = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    assert len(board.phones["202"].calls) == 1
    await answered.hang_up()
    await call.until_ended()
