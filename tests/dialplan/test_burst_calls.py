"""Spit Detection, by telephone."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from dialplan._switchboard import Switchboard, node, row
from tamas.dialplan.burst_rules import add_burst_rule
from tamas.store.dialplan_schema import burst_rules

pytestmark = pytest.mark.engine

RULE, BURST, NORMAL = 800, 1000, 1400


async def publish(board: Switchboard) -> None:
    await board.add_sound("rule", RULE)
    await board.add_sound("burst", BURST)
    await board.add_sound("normal", NORMAL)
    await board.publish(
        node("in", "IncomingRoute", row("any", "spit", cid="", did="")),
        node("spit", "SpitDetection", yes="answer_burst", no="answer"),
        node("answer", "Answer", next_="normal"),
        node("answer_burst", "Answer", next_="burst"),
        node("burst", "Announcement", params={"announcement": "burst"}),
        node("normal", "Announcement", params={"announcement": "normal"}),
    )


async def test_a_rule_by_hand(board: Switchboard) -> None:
    """A caller from an area on the list hears the rule's sound, and the call is marked; others go on."""
    await publish(board)
    await add_burst_rule(board.database, title="outage", pre_codes=["8812"], announcement="rule")
    await board.set("numbers.country_code", "98")
    await board.set("numbers.region_code", "21")
    try:
        call = await board.phones["carrier"].call("8000", caller="982188123456")
        await call.until_heard(RULE)
        await call.until_heard(BURST)
        await call.until_ended()
        assert ("burst", "1") in await board.facts(await board.last_cuid())
        other = await board.phones["carrier"].call("8000", caller="02177123456")
        await other.until_heard(NORMAL)
        await other.until_ended()
        assert ("burst", "1") not in await board.facts(await board.last_cuid())
    finally:
        async with board.database.write() as tx:
            await tx.execute(delete(burst_rules))


async def test_the_second_call_of_an_area(board: Switchboard) -> None:
    """With the automatic rule on, the second call within the minutes is one of a burst."""
    await publish(board)
    await board.set("burst.enabled", True)
    await board.set("burst.count", 2)
    for caller, tone in (("03112000001", NORMAL), ("03112000002", BURST)):
        call = await board.phones["carrier"].call("8000", caller=caller)
        await call.until_heard(tone)
        await call.hang_up()
