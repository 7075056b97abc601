"""Conference, by telephone."""

from __future__ import annotations

import pytest

from dialplan._switchboard import TONES, Switchboard, node, outgoing
from support.waiting import eventually
from tamas.demo.call import CallState

pytestmark = pytest.mark.engine

BEHIND = 1000
MIXED = 0.3
"""Of two tones together."""


async def test_three_in_a_room(board: Switchboard) -> None:
    """Everybody hears everybody; whoever presses *0 leaves and goes on, and the others talk on."""
    await board.add_sound("behind", BEHIND)
    await board.publish(
        outgoing("room"),
        node("room", "Conference", params={"conference": "77"}, next_="behind"),
        node("behind", "Announcement", params={"announcement": "behind"}),
    )
    calls = {}
    for number in ("201", "202", "203"):
        calls[number] = await board.phones[number].call("8000")
        await calls[number].until_talking()
    for number, call in calls.items():
        for other in calls:
            if other != number:
                await call.until_heard(TONES[other], within=10, share=MIXED)
    calls["203"].dial("*0")
    await calls["203"].until_heard(BEHIND)
    await calls["203"].until_ended()
    await eventually(lambda: calls["201"].hears(TONES["202"]), what="the other's tone alone")
    await calls["202"].hang_up()
    assert calls["201"].state is CallState.TALKING
    await calls["201"].hang_up()
    facts = dict(await board.facts(await board.last_cuid()))
    assert facts["definite"] == "1"


@pytest.mark.slow
async def test_the_dialed_room(board: Switchboard) -> None:
    """Without a room of its own the dialed number is the room; two numbers are two rooms."""
    await board.publish(outgoing("room"), node("room", "Conference"))
    first = await board.phones["201"].call("8001")
    other = await board.phones["202"].call("8002")
    second = await board.phones["203"].call("8001")
    await first.until_heard(TONES["203"], within=10)
    await second.until_heard(TONES["201"], within=10)
    assert not other.heard(TONES["201"])
    for call in (first, other, second):
        await call.hang_up()


async def test_no_room(board: Switchboard) -> None:
    """A number that is no room's ends the call."""
    await board.publish(outgoing("room", pattern="*8."), node("room", "Conference"))
    call = await board.phones["201"].call("*8000")
    await call.until_ended()
    assert call.answered_at is None


@pytest.mark.slow
async def test_death_in_a_conference(board: Switchboard) -> None:
    """We die while they talk: they talk on, and who leaves later goes on behind the conference."""
    await board.add_sound("behind", BEHIND)
    await board.publish(
        outgoing("room"),
        node("room", "Conference", params={"conference": "77"}, next_="behind"),
        node("behind", "Announcement", params={"announcement": "behind"}),
    )
    first = await board.phones["201"].call("8000")
    second = await board.phones["202"].call("8000")
    await first.until_heard(TONES["202"], within=10)
    board.die()
    first.dial("*0")
    board.revive()
    await first.until_heard(BEHIND)
    await first.until_ended()
    await second.hang_up()
