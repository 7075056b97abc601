"""What a supervisor reads after calls of real phones: each test is a situation, its name what happened."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sa.reports._floor import CARRIER, NAMES, SALES, SUPPORT, Floor, open_floor
from support.server import TamasServer
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, AutoReject

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def _floor(server: TamasServer, sipp: tuple[str, ...]) -> AsyncIterator[Floor]:
    async with open_floor(server, sipp) as floor:
        yield floor


@pytest.fixture
async def floor(_floor: Floor) -> AsyncIterator[Floor]:
    """The contact center at rest."""
    await _floor.rest()
    yield _floor
    await _floor.rest()


async def test_an_agent_takes_the_call_and_hangs_up_first(floor: Floor) -> None:
    """One call, one visit, one attempt: answered, recorded, ended by the agent."""
    await floor.staffed(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    agent = await floor.phones["202"].answer(after=1.2)
    await agent.until_heard(1500)
    await agent.hang_up()
    await call.until_ended()
    row = await floor.call_of(caller)
    assert (row["type"], row["disposition"], row["hangup"]) == ("incoming", "ANSWERED", "callee")
    assert (row["src"], row["dst"], row["did"], row["entry_point"]) == (caller, SALES, SALES, CARRIER)
    assert (row["dcontext"], row["lastapp"]) == ("incoming", "Queue")
    assert row["channel"].startswith(f"SIP/{CARRIER}-")
    assert row["dstchannel"].startswith("SIP/202-")
    assert [step["type"] for step in row["route"]] == ["IncomingRoute", "NumberKind", "Queue"]
    (visit,) = await floor.visits_of(caller)
    assert (visit["disposition"], visit["dst"], visit["dst_name"]) == ("ANSWERED", "202", NAMES["202"])
    assert (visit["qnum"], visit["hangup"], visit["queue_status"]) == (SALES, "agent", "CONTINUE")
    assert visit["agent_wait"] >= 1
    (attempt,) = await floor.attempts_of(caller)
    assert (attempt["disposition"], attempt["dst"], attempt["tries"]) == ("ANSWERED", "202", 1)
    assert attempt["queue_id"] == visit["queue_id"]
    assert attempt["record"] == row["record"]
    assert attempt["dstchannel"] == row["dstchannel"]


async def test_a_caller_gives_up_while_the_agents_phone_rings(floor: Floor) -> None:
    """Missed: it rang, nobody took it, and it was the caller who hung up."""
    await floor.staffed(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    await (await floor.phones["202"].incoming()).until_ringing()
    await call.hang_up()
    (visit,) = await floor.visits_of(caller)
    assert (visit["disposition"], visit["dst"], visit["hangup"]) == ("MISSED", "202", "caller")
    assert visit["MISSED"] == 1
    assert "answeredtime" not in visit
    assert visit["ringtime"]
    (attempt,) = await floor.attempts_of(caller)
    assert (attempt["disposition"], attempt["answer"], attempt["billsec"]) == ("NO ANSWER", "", 0)
    row = await floor.call_of(caller)
    assert (row["disposition"], row["hangup"], row["billsec"]) == ("NO ANSWER", "caller", 0)


async def test_a_caller_gives_up_before_any_phone_rang(floor: Floor) -> None:
    """Abandoned: the only agent is on break, so there is no attempt and nobody to blame."""
    await floor.staffed(SALES, "202")
    await floor.takes_a_break(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    await floor.until_waiting(SALES)
    await call.hang_up()
    (visit,) = await floor.visits_of(caller)
    assert (visit["disposition"], visit["dst"], visit["hangup"]) == ("ABANDONED", "", "caller")
    assert (visit["ringtime"], visit["agent_wait"]) == (None, 0)
    assert await floor.attempts_of(caller) == []


@pytest.mark.slow
async def test_one_agent_declines_and_another_takes_the_call(floor: Floor) -> None:
    """Both were rung; who declined has a try that came to nothing, who took it has the talk."""
    floor.phones["202"].manner = AutoReject(status=603)
    await floor.staffed(SALES, "202", "203")
    caller, call = await floor.somebody_calls(SALES)
    agent = await floor.phones["203"].answer(after=0.3)
    await agent.until_heard(1500)
    await call.hang_up()
    attempts = {attempt["dst"]: attempt["disposition"] for attempt in await floor.attempts_of(caller)}
    assert attempts == {"202": "NO ANSWER", "203": "ANSWERED"}
    (visit,) = await floor.visits_of(caller)
    assert (visit["disposition"], visit["dst"], visit["hangup"]) == ("ANSWERED", "203", "caller")


@pytest.mark.slow
async def test_all_agents_are_rung_and_one_is_faster(floor: Floor) -> None:
    """The slower agent's try is no answer and no second visit."""
    await floor.staffed(SALES, "202", "203")
    caller, call = await floor.somebody_calls(SALES)
    await floor.phones["202"].incoming()
    agent = await floor.phones["203"].answer(after=0.2)
    await agent.until_heard(1500)
    await call.hang_up()
    attempts = {attempt["dst"]: attempt["disposition"] for attempt in await floor.attempts_of(caller)}
    assert attempts == {"202": "NO ANSWER", "203": "ANSWERED"}
    assert [visit["dst"] for visit in await floor.visits_of(caller)] == ["203"]


@pytest.mark.slow
async def test_a_colleague_picks_up_the_ringing_call_of_an_agent(floor: Floor) -> None:
    """Pickup: counted for the colleague who dialed the code, and as no answer of the agent."""
    await floor.staffed(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    await (await floor.phones["202"].incoming()).until_ringing()
    taken = await floor.phones["205"].call("*8")
    await taken.until_talking()
    await taken.until_heard(1500)
    await taken.hang_up()
    await call.until_ended()
    (visit,) = await floor.visits_of(caller)
    assert (visit["disposition"], visit["dst"], visit["dst_name"]) == ("PICKUP", "205", NAMES["205"])
    assert (visit["PICKUP"], visit["hangup"]) == (1, "agent")
    (attempt,) = await floor.attempts_of(caller)
    assert (attempt["dst"], attempt["disposition"], attempt["billsec"]) == ("202", "NO ANSWER", 0)
    row = await floor.call_of(caller)
    assert (row["disposition"], row["type"]) == ("ANSWERED", "incoming"), "not a call of its own"


@pytest.mark.slow
async def test_two_queues_two_transfers_and_an_end_elsewhere(floor: Floor) -> None:
    """Sales sends the caller to Support, Support sends him to Reza: one call, two visits, three talks."""
    await floor.staffed(SALES, "202")
    await floor.staffed(SUPPORT, "203")
    caller, call = await floor.somebody_calls(SALES)
    first = await floor.phones["202"].answer()
    await first.until_heard(1500)
    first.transfer(_uri(floor, SUPPORT))
    second = await floor.phones["203"].answer()
    await second.until_heard(1500)
    second.transfer(_uri(floor, "204"))
    last = await floor.phones["204"].answer()
    await last.until_heard(1500)
    await last.hang_up()
    await call.until_ended()
    row = await floor.call_of(caller)
    assert (row["src"], row["dst"], row["did"]) == (caller, SALES, SALES), "as he dialed"
    assert row["dstchannel"].startswith("SIP/204-"), "whom he talked to last"
    assert (row["type"], row["disposition"], row["hangup"]) == ("incoming", "ANSWERED", "callee")
    assert [leg["exten"] for leg in row["details"]] == ["202", "203", "204"]
    ways = [step["type"] for step in row["route"] if step["type"] != "NumberKind"]
    assert ways == ["IncomingRoute", "Queue", "OutgoingRoute", "Queue", "OutgoingRoute", "Extension"]
    visits = await floor.visits_of(caller)
    assert [(visit["qnum"], visit["dst"], visit["hangup"]) for visit in visits] == [
        (SALES, "202", "agent"),
        (SUPPORT, "203", "agent"),
    ]
    assert {visit["disposition"] for visit in visits} == {"ANSWERED"}
    assert {visit["cuid"] for visit in visits} == {row["cuid"]}
    info = await floor.server.api("reports/quick/info", {"cuid": row["cuid"]})
    assert [(attempt["qnum"], attempt["dst"], attempt["disposition"]) for attempt in info] == [
        (SALES, "202", "ANSWERED"),
        (SUPPORT, "203", "ANSWERED"),
    ]
    records = {attempt["record"] for attempt in info}
    assert len(records) == 2, "each talk has a recording of its own"
    assert row["record"] in records


@pytest.mark.slow
async def test_an_agent_sends_the_caller_on_by_code(floor: Floor) -> None:
    """Blind transfer with the keys of the phone: the visit ends there, the call goes on with Reza."""
    await floor.staffed(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    agent = await floor.phones["202"].answer()
    await agent.until_heard(1500)
    agent.dial("**")
    await eventually(lambda: not agent.hears(1500), what="the prompt of the transfer")
    agent.dial("204#")
    last = await floor.phones["204"].answer(within=15)
    await last.until_heard(1500)
    await call.hang_up()
    row = await floor.call_of(caller)
    assert (row["dst"], row["hangup"], row["disposition"]) == (SALES, "caller", "ANSWERED")
    assert [leg["exten"] for leg in row["details"]] == ["202", "204"]
    (visit,) = await floor.visits_of(caller)
    assert (visit["dst"], visit["disposition"], visit["hangup"]) == ("202", "ANSWERED", "agent")


@pytest.mark.slow
async def test_an_agent_asks_a_colleague_first_and_then_connects_the_caller(floor: Floor) -> None:
    """Attended transfer by code: still one call and one visit, answered by the agent who was asked first."""
    await floor.staffed(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    agent = await floor.phones["202"].answer()
    await agent.until_heard(1500)
    agent.dial("##")
    await eventually(lambda: not agent.hears(1500), what="the prompt of the transfer")
    agent.dial("204#")
    colleague = await floor.phones["204"].answer(within=15)
    await colleague.until_heard(400 + 70 * 2)
    await agent.hang_up()
    await colleague.until_heard(1500)
    await colleague.hang_up()
    await call.until_ended()
    row = await floor.call_of(caller)
    assert (row["type"], row["disposition"]) == ("incoming", "ANSWERED")
    (visit,) = await floor.visits_of(caller)
    assert (visit["dst"], visit["disposition"], visit["hangup"]) == ("202", "ANSWERED", "agent")
    assert await floor.report("cdr", **{"from": "202"}) == [], "asking a colleague is no call of its own"


@pytest.mark.slow
async def test_nobody_works_in_a_queue_that_is_closed_then(floor: Floor) -> None:
    """The caller is turned away at once: abandoned, with the reason in the queue's own word."""
    (queue,) = await floor.server.api(
        "pbx/queues/search", {"alike": False, "conditions": {"number": SUPPORT}}
    )
    await floor.server.api("pbx/queues/update", {"_id": queue["_id"], "joinempty": "no"})
    try:
        caller, call = await floor.somebody_calls(SUPPORT)
        await call.until_ended()
        (visit,) = await floor.visits_of(caller)
    finally:
        await floor.server.api("pbx/queues/update", {"_id": queue["_id"], "joinempty": "yes"})
    assert (visit["disposition"], visit["queue_status"], visit["wait"]) == ("ABANDONED", "JOINEMPTY", 0)


@pytest.mark.slow
async def test_an_agent_is_present_and_takes_a_break(floor: Floor) -> None:
    """Joined, on break, back, gone: a stay and a break, each with its length."""
    before = len(await floor.report("agent", exten="205"))
    await floor.staffed(SALES, "205")
    await floor.takes_a_break(SALES, "205")
    names = {"queue": SALES, "agent": "205"}
    await floor.server.api("pbx/queues/resumeagent", names)
    await floor.server.api("pbx/queues/removeagent", names)
    rest, stay = (await floor.report("agent", exten="205"))[before:]
    assert (rest["type"], stay["type"]) == ("pause", "inout")
    assert stay["start"] <= rest["start"] <= rest["end"] <= stay["end"]
    assert (stay["qnum"], stay["inout"], stay["inout_du"]) == (SALES, 1, stay["duration"])


@pytest.mark.slow
async def test_an_extension_that_is_called_from_outside_is_busy(floor: Floor) -> None:
    """No queue, no details: one row that says busy."""
    floor.phones["204"].manner = AutoReject(status=486)
    caller, call = await floor.somebody_calls("204")
    await call.until_ended()
    row = await floor.call_of(caller)
    assert (row["disposition"], row["BUSY"], row["dst"], row["hangup"]) == ("BUSY", 1, "204", "callee")
    assert "details" not in row
    assert await floor.visits_of(caller) == []


async def test_an_extension_calls_out_over_the_trunk(floor: Floor) -> None:
    """Outgoing, with the trunk by its name, in the words that clients of the older driver know."""
    floor.phones[CARRIER].manner = AutoAnswer()
    call = await floor.phones["201"].call("09121112233")
    await call.until_heard(1500)
    await call.hang_up()
    row = await floor.call_of("201")
    assert (row["type"], row["outgoing"], row["outgoing_point"]) == ("outgoing", 1, CARRIER)
    assert row["lastdata"].startswith(f"SIP/{CARRIER}/09121112233,")
    assert "(" not in row["lastdata"], "what we hand to Dial for ourselves is nobody's business"
    assert row["dstchannel"].startswith(f"SIP/{CARRIER}-")
    assert (row["dcontext"], row["hangup"]) == ("main_routing", "caller")


async def test_a_call_asked_for_through_the_api(floor: Floor) -> None:
    """The row carries the id that the client was given, also as its comment."""
    floor.phones["205"].manner = floor.phones["204"].manner = AutoAnswer()
    asked = await floor.server.originate("205", "204")
    await eventually(lambda: any(call.state.value == "talking" for call in floor.phones["204"].calls))
    await floor.phones["204"].calls[-1].hang_up()
    row = await floor.call_of("205")
    assert (row["originated_call_id"], row["comment"]) == (asked, asked)
    assert (row["disposition"], row["type"], row["dst"]) == ("ANSWERED", "local", "204")


@pytest.mark.slow
async def test_our_process_dies_while_the_caller_waits(floor: Floor) -> None:
    """Killed and started again in mid-wait: the visit is whole, answered, and there once."""
    await floor.staffed(SALES, "202")
    await floor.takes_a_break(SALES, "202")
    caller, call = await floor.somebody_calls(SALES)
    await floor.until_waiting(SALES)
    await floor.server.kill9()
    await floor.server.start()
    await floor.server.api("pbx/queues/resumeagent", {"queue": SALES, "agent": "202"})
    agent = await floor.phones["202"].answer(within=20)
    await agent.until_heard(1500)
    await agent.hang_up()
    await call.until_ended(within=20)
    (visit,) = await floor.visits_of(caller)
    assert (visit["disposition"], visit["dst"], visit["hangup"]) == ("ANSWERED", "202", "agent")
    assert len(await floor.attempts_of(caller)) == 1


def _uri(floor: Floor, number: str) -> str:
    host, port = floor.server.sip
    return f"sip:{number}@{host}:{port}"
