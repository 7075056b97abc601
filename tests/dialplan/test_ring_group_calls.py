"""Ring Group, by telephone."""

from __future__ import annotations

import pytest

from dialplan._switchboard import TONES, Switchboard, node, outgoing
from tamas.demo.phone import AutoReject

pytestmark = pytest.mark.engine

AFTER, NOBODY = 1000, 1400


async def publish(board: Switchboard, *members: str, timeout: int = 10) -> None:
    """A group with a tone behind each output."""
    await board.add_sound("after", AFTER)
    await board.add_sound("nobody", NOBODY)
    params = {"extensions": list(members), "timeout": timeout}
    await board.publish(
        outgoing("group"),
        node("group", "RingGroup", params=params, S="after", F="answer"),
        node("answer", "Answer", next_="nobody"),
        node("after", "Announcement", params={"announcement": "after"}),
        node("nobody", "Announcement", params={"announcement": "nobody"}),
    )


async def test_all_ring_and_the_first_who_answers_has_the_call(board: Switchboard) -> None:
    """202 and 203 ring, the caller does not; behind the talk it goes on; nothing is recorded."""
    for number in ("201", "203"):
        await board.change(number, call_record="yes")
    await publish(board, "201", "202", "203", "206")
    call = await board.phones["201"].call("8000")
    other = await board.phones["202"].incoming()
    await other.until_ringing()
    answered = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    await answered.until_heard(TONES["201"])
    await other.until_ended()
    await answered.hang_up()
    await call.until_heard(AFTER)
    await call.until_ended()
    assert len(board.phones["201"].calls) == 1
    facts = await board.facts(await board.last_cuid())
    assert dict(facts)["dst"] == "203"
    assert "record" not in dict(facts)


async def test_nobody_answers(board: Switchboard) -> None:
    """One refuses, one rings in vain until the time is over."""
    await publish(board, "202", "203", timeout=1)
    board.phones["202"].manner = AutoReject(status=486)
    call = await board.phones["201"].call("8000")
    await board.phones["203"].incoming()
    await call.until_heard(NOBODY)
    await call.until_ended()


async def test_nobody_can_be_rung(board: Switchboard) -> None:
    """Only numbers that nobody has, or whose phone is switched off: the caller goes on at once."""
    await board.change("202", active="no")
    await publish(board, "202", "299")
    call = await board.phones["201"].call("8000")
    await call.until_heard(NOBODY)
    await call.until_ended()


async def test_an_agent_rings_where_they_sit(board: Switchboard) -> None:
    """Agent 210 sits at 204; the phone rings once though it is named twice."""
    await board.map_agent("210", "204")
    await publish(board, "210", "204")
    call = await board.phones["201"].call("8000")
    answered = await board.phones["204"].answer()
    await call.until_heard(TONES["204"])
    await answered.hang_up()
    await call.until_ended()
    assert len(board.phones["204"].calls) == 1
    assert dict(await board.facts(await board.last_cuid()))["dst"] == "210"


async def test_our_death_while_they_talk(board: Switchboard) -> None:
    """The talk goes on, and behind it the call takes its way."""
    await publish(board, "202", "203")
    call = await board.phones["201"].call("8000")
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    board.die()
    board.revive()
    await answered.hang_up()
    await call.until_heard(AFTER, within=8)
    await call.until_ended()
