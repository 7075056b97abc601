"""Pick Up and Page with real phones."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from dialplan._helpers import Helpers
from dialplan._switchboard import TONES, Switchboard, node, outgoing, row
from support.waiting import eventually
from tamas.demo.call import CallState
from tamas.demo.phone import AutoAnswer
from tamas.dialplan.graph import Node
from tamas.records.ingest import Ingestion
from tamas.store.schema import queue_visits

pytestmark = pytest.mark.engine

PICK = "88"


def plan(**params: Any) -> list[Node]:
    """Extensions and queue 900 by their numbers, and a Pick Up behind 88."""
    return [
        node(
            "route",
            "OutgoingRoute",
            row("pick", "pick", pattern=f"{PICK}!"),
            row("queue", "queue", pattern="900"),
            row("any", "people", pattern="2XX"),
        ),
        node("people", "Extension"),
        node("queue", "Queue", params={"queue": "900"}),
        node("pick", "PickUp", params={"skip": len(PICK), **params}),
    ]


async def test_a_colleague_of_the_group_picks_up(board: Switchboard) -> None:
    """A call rings at 202; 203 of the same group takes it by dialing, and 202 stops ringing."""
    await board.publish(*plan(type="group"))
    caller = await board.phones["201"].call("202")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    picker = await board.phones["203"].call(PICK)
    await caller.until_heard(TONES["203"])
    await picker.until_heard(TONES["201"])
    await ringing.until_ended()
    await picker.hang_up()
    await caller.until_ended()


async def test_nothing_rings(board: Switchboard) -> None:
    """Who picks up where nothing rings is refused."""
    await board.publish(*plan(type="without_caller_id"))
    picker = await board.phones["203"].call(f"{PICK}202")
    await picker.until_ended()
    assert picker.status >= 400


async def test_a_queue_call_is_picked_up(board: Switchboard) -> None:
    """A colleague takes the queue's call that rings at an agent; the report says PICKUP and by whom."""
    await board.publish(*plan(type="without_caller_id"))
    await board.join("900", "202", "202")
    await board.queue_is_ready("900", "202")
    caller = await board.phones["201"].call("900")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    cuid = await board.last_cuid()
    picker = await board.phones["203"].call(f"{PICK}202")
    await caller.until_heard(TONES["203"])
    await picker.until_heard(TONES["201"])
    await picker.hang_up()
    await caller.until_ended()
    ingestion = Ingestion(board.database)

    async def written() -> object:
        await ingestion.drain(1.0)
        async with board.database.read() as connection:
            return await connection.row(
                select(queue_visits.c.disposition, queue_visits.c.agent).where(queue_visits.c.cuid == cuid)
            )

    assert await eventually(written, within=15, what="the visit") == {"disposition": "PICKUP", "agent": "203"}


async def test_a_call_is_picked_up_seeing_who_calls(board: Switchboard, helpers: Helpers) -> None:
    """203 dials and is let go; its phone rings showing the caller of 202's call, and answering takes it."""
    await board.publish(*plan(type="with_caller_id", delay=0))
    caller = await board.phones["201"].call("202")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    picker = await board.phones["203"].call(f"{PICK}202")
    await picker.until_ended()
    taken = await board.phones["203"].answer()
    assert taken.remote_number == "201"
    await taken.until_heard(TONES["201"])
    await caller.until_heard(TONES["203"])
    await ringing.until_ended()
    await caller.hang_up()
    await taken.until_ended()


async def test_a_page_speaks_through_several_phones(board: Switchboard) -> None:
    """Phones are asked to answer by themselves, hear the caller, who hears none of them; all end together."""
    await board.publish(outgoing("page"), node("page", "Page", params={"extension": ["202", "203", "201"]}))
    for number in ("202", "203"):
        board.phones[number].manner = AutoAnswer()
    caller = await board.phones["201"].call("7000")
    paged = [await board.phones[number].incoming() for number in ("202", "203")]
    for call in paged:
        assert call.invite is not None
        assert call.invite.header("Call-Info").endswith(";answer-after=0")
        assert call.invite.header("Answer-Mode") == "Auto"
        await call.until_heard(TONES["201"])
    assert not any(caller.heard(TONES[number]) for number in ("202", "203"))
    assert not board.phones["201"].received_invites
    await caller.hang_up()
    await eventually(lambda: all(call.state is CallState.ENDED for call in paged), what="the end of the page")


async def test_a_page_that_may_be_answered(board: Switchboard) -> None:
    """With option d the paged phone is heard too; the number dialed says which."""
    await board.publish(outgoing("page"), node("page", "Page", params={"options": "dq", "skip": 2}))
    board.phones["202"].manner = AutoAnswer()
    caller = await board.phones["201"].call("77202")
    await caller.until_heard(TONES["202"])
    await caller.hang_up()
