"""Campaigns whose answered calls go through the call flow."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from autodialer._room import SOUND_HZ, AutoAnswer, Room, told
from dialplan._switchboard import TONES, node, row
from support.waiting import eventually
from tamas.store.schema import queue_visits

pytestmark = pytest.mark.engine


async def plan(room: Room) -> None:
    """A route with a row for sales, who ring at 201, one that says something, and one for a queue."""
    await room.board.add_sound("bye", 1200)
    await room.board.publish(
        node(
            "auto",
            "AutodialerRoute",
            row("sales", "ring", text="sales team"),
            row("say", "answer", text="say"),
            row("queue", "wait", text="queue"),
            params={"context": "campaigns"},
        ),
        node("ring", "Extension", params={"extension": "201"}),
        node("answer", "Answer", params={"type": "definite_answer"}, next_="bye"),
        node("bye", "Announcement", params={"announcement": "bye"}),
        node("wait", "Queue", params={"queue": "900", "timeout": "2"}),
    )


async def test_a_second_party_makes_an_answer(room: Room) -> None:
    """The row of the campaign's text rings an extension; both hear each other, and it is ANSWERED."""
    await plan(room)
    room.lines.manners["0911"] = AutoAnswer()
    room.board.phones["201"].manner = AutoAnswer()
    await room.campaign("09110001", interface_context="campaigns", interface_text="sales team")
    room.dial()
    called = await room.lines.call_to("09110001")
    await called.until_heard(TONES["201"])
    agent = await room.board.phones["201"].incoming()
    await agent.until_heard(TONES["carrier"])
    assert agent.remote_number == "09110001"
    await called.hang_up()
    result = await room.ended_attempt("09110001")
    assert told(result, "disposition", "cause", "dcontext") == {
        "disposition": "ANSWERED",
        "cause": 16,
        "dcontext": "campaigns",
    }
    assert await room.ordinary_calls() == 0


async def test_a_route_without_a_real_answer(room: Room) -> None:
    """Nobody takes the call: NO ANSWER, though the number was on the line for a while."""
    await plan(room)
    room.lines.manners["0911"] = AutoAnswer()
    await room.campaign("09110002", interface_context="campaigns", interface_text="queue")
    room.dial()
    result = await room.ended_attempt("09110002", within=20)
    assert told(result, "disposition", "cause") == {"disposition": "NO ANSWER", "cause": 18}
    assert result["billsec"] >= 1
    async with room.database.read() as connection:
        visits = select(queue_visits.c.queue).where(queue_visits.c.src == "09110002")
        assert [row["queue"] for row in await connection.rows(visits)] == ["900"]


async def test_the_sound_comes_before_the_route(room: Room) -> None:
    """With both, the campaign's sound is heard first, then what the plan says, which counts as an answer."""
    await plan(room)
    room.lines.manners["0911"] = AutoAnswer()
    await room.campaign(
        "09110003",
        interface_context="campaigns",
        interface_text="say",
        announcement=await room.sound(),
    )
    room.dial()
    called = await room.lines.call_to("09110003")
    await called.until_heard(SOUND_HZ)
    await called.until_heard(1200)
    assert (await room.ended_attempt("09110003"))["disposition"] == "ANSWERED"


async def test_a_route_goes_on_after_our_death(room: Room) -> None:
    """The process dies while the called number hears the plan; the next one takes the call over."""
    await plan(room)
    room.lines.manners["0911"] = AutoAnswer()
    await room.campaign("09110004", interface_context="campaigns", interface_text="say")
    room.dial()
    called = await room.lines.call_to("09110004")
    await called.until_heard(1200)
    room.board.die()
    room.board.revive()
    await called.until_ended(within=15)
    assert (await room.ended_attempt("09110004"))["disposition"] == "ANSWERED"


async def test_no_such_row(room: Room) -> None:
    """A text that no row has, and no row for any: the call ends, and it is no answer."""
    await plan(room)
    room.lines.manners["0911"] = AutoAnswer()
    await room.campaign("09110005", interface_context="campaigns", interface_text="nonsense")
    room.dial()
    assert (await room.ended_attempt("09110005"))["disposition"] == "NO ANSWER"
    await eventually(lambda: room.lines.calls_to("09110005")[0].ended_at, what="the end")
