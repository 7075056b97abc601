"""Campaigns that wait: for a trunk that does not answer, for agents; and answering machines."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from autodialer._room import AutoAnswer, AutoReject, Room
from dialplan._switchboard import TONES, node, row
from support.waiting import eventually
from tamas.autodialer.agent_limit import limit_of
from tamas.autodialer.reach import Reach
from tamas.store.autodialer_schema import campaigns
from tamas.store.clock import now

pytestmark = pytest.mark.engine


async def test_no_more_calls_than_free_agents(room: Room) -> None:
    """A route that ends in a queue with one agent: one call at a time, and none while the agent talks."""
    await room.board.publish(
        node("auto", "AutodialerRoute", row("any", "wait", text="any"), params={"context": "campaigns"}),
        node("wait", "Queue", params={"queue": "900", "timeout": "20"}),
    )
    await room.board.join("900", "201", "201")
    await room.board.queue_is_ready("900", "201")
    room.lines.manners["0911"] = AutoAnswer()
    room.board.phones["201"].manner = AutoAnswer()
    identity = await room.campaign(
        "09110001", "09110002", "09110003", interface_context="campaigns", agent_queue="900"
    )
    room.dial()
    called = await room.lines.call_to("09110001")
    await called.until_heard(TONES["201"])
    with pytest.raises(AssertionError):
        await eventually(lambda: len(room.lines.log) > 1, within=2.5)
    async with room.database.read() as connection:
        campaign = await connection.row(select(campaigns).where(campaigns.c.id == identity))
        assert campaign is not None
        channels = await room.board.engine.ami.list_action("CoreShowChannels")
        limit = await limit_of(connection, room.board.engine.ami, channels, campaign, now())
    assert limit is not None
    assert limit.calls <= 0
    await called.hang_up()
    await room.lines.call_to("09110002")
    assert room.lines.most_at_once() == 1


async def test_a_trunk_that_asterisk_does_not_know(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """It holds campaigns; each change is logged once; a trunk that nobody pings is dialed."""
    caplog.set_level("INFO")
    reach = Reach()
    for _ in range(2):
        await reach.look(room.board.engine.ami, ["carrier", "nowhere"])
        assert reach.unreachable == {"nowhere"}
    await reach.look(room.board.engine.ami, ["carrier"])
    assert not reach.unreachable
    told = [record.getMessage() for record in caplog.records if "nowhere" in record.getMessage()]
    assert told == [
        "trunk nowhere cannot be called over: campaigns wait",
        "trunk nowhere can be called over again: campaigns go on",
    ]


async def test_machines_are_detected(room: Room) -> None:
    """Somebody who talks without a pause is a machine: its own disposition, and it hears nothing of ours."""
    room.lines.manners |= {"0911": AutoAnswer(), "0912": AutoReject(status=486)}
    identity = await room.campaign("09110001", detects_machines=True)
    room.dial()
    result = await room.ended_attempt("09110001", within=15)
    assert result["disposition"] == "MACHINE"
    assert not room.lines.calls_to("09110001")[0].heard(750)
    await room.until(identity)
