"""Our process dies in mid-call: calls go on, and the next process takes them over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from dialplan._switchboard import FALLBACK, TONES, Switchboard, node, outgoing
from tamas.demo.phone import AutoReject
from tamas.dialplan import store_wait

pytestmark = pytest.mark.engine


async def test_death_while_they_talk(board: Switchboard) -> None:
    """The talk goes on without us; when it is over the call ends as it should."""
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    board.die()
    await call.until_heard(TONES["202"])
    await answered.until_heard(TONES["201"])
    board.revive()
    await answered.hang_up()
    await call.until_ended(within=3)
    facts = dict(await board.facts(await board.last_cuid()))
    assert (facts["type"], facts["src"], facts["dst"]) == ("local", "201", "202")


async def test_death_while_it_rings(board: Switchboard) -> None:
    """The phone goes on ringing and can be answered while we are away."""
    await board.change("202", call_record="yes")
    call = await board.phones["201"].call("202")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    board.die()
    await ringing.answer()
    await call.until_heard(TONES["202"])
    await ringing.hang_up()
    board.revive()
    await call.until_ended(within=4)
    facts = await board.facts(await board.last_cuid())
    assert [key for key, _ in facts].count("record") == 1
    assert "failed" not in dict(facts)


async def test_the_flow_resumes_behind_the_dial(board: Switchboard) -> None:
    """The phone was busy while we were away: after our return the call is forwarded as it should be."""
    await board.change("202", forward_policy='{"Busy": "203"}')
    call = await board.phones["201"].call("202")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    board.die()
    await ringing.reject(486)
    board.revive()
    answered = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    await answered.hang_up()
    await call.until_ended()
    assert dict(await board.facts(await board.last_cuid()))["dst"] == "203"


async def test_a_call_that_arrives_while_we_are_away(board: Switchboard) -> None:
    """The caller hears music, and is connected once we are back."""
    board.die()
    call = await board.phones["201"].call("202")
    await call.until_ringing()  # 183: the music
    await asyncio.sleep(1.5)  # more than one try in vain
    board.revive()
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    await answered.hang_up()
    await call.until_ended()


async def test_death_in_an_originated_call(board: Switchboard) -> None:
    """Between the two legs: the first party has answered, the second is found by the next process."""
    await board.originate("201", "202")
    ringing = await board.phones["201"].incoming()
    board.die()
    await ringing.answer()
    await asyncio.sleep(0.3)
    board.revive()
    answered = await board.phones["202"].answer()
    await ringing.until_heard(TONES["202"])
    await answered.hang_up()
    await ringing.until_ended()


async def test_death_while_a_caller_waits_in_the_queue(board: Switchboard) -> None:
    """The queue connects an agent without us; the call ends when the agent hangs up."""
    await board.join("900", "204", "204")
    await board.queue_is_ready("900", "204")
    call = await board.phones["201"].call("900")
    ringing = await board.phones["204"].incoming(within=15)
    await ringing.until_ringing()
    board.die()
    await ringing.answer()
    await call.until_heard(TONES["204"])
    await ringing.hang_up()
    board.revive()
    await call.until_ended(within=5)


async def test_death_while_an_agent_is_rung(board: Switchboard) -> None:
    """The agent refuses while we are away: that is one attempt of several, not the reason of the call."""
    await board.join("900", "204", "204")
    await board.queue_is_ready("900", "204")
    call = await board.phones["201"].call("900")
    ringing = await board.phones["204"].incoming(within=15)
    await ringing.until_ringing()
    board.die()
    await ringing.reject(486)
    board.revive()
    answered = await board.phones["204"].answer(within=20)
    await call.until_heard(TONES["204"])
    await call.hang_up()
    await answered.until_ended()
    assert "failed" not in dict(await board.facts(await board.last_cuid()))


async def test_a_store_that_does_not_answer(board: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller hears music in place of silence, and is connected once the store answers."""
    monkeypatch.setattr(store_wait, "STORE_SECONDS", 0.3)
    asked = asyncio.Event()

    async def silent(*_: object) -> Sequence[Sequence[object]]:
        asked.set()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    with monkeypatch.context() as trouble:
        trouble.setattr(board.database, "hot", silent)
        call = await board.phones["201"].call("202")
        await asyncio.wait_for(asked.wait(), 5)
        await call.until_ringing()  # 183: the music
        assert not board.phones["202"].calls
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    await answered.hang_up()
    await call.until_ended()


@pytest.mark.slow
async def test_static_fallback_rings_the_dialed_extension(board: Switchboard) -> None:
    """Nobody of us comes back within 30 s: the dialed extension rings all the same."""
    board.die()
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer(within=45)
    await call.until_heard(TONES["202"])
    await answered.hang_up()
    await call.until_ended()


@pytest.mark.slow
async def test_static_fallback_rings_the_fallback_number(board: Switchboard) -> None:
    """Nobody of us comes back, and the dialed number is no extension: the configured number rings."""
    board.die()
    call = await board.phones["carrier"].call("+982188")
    answered = await board.phones[FALLBACK].answer(within=45)
    await call.until_talking()
    await call.hang_up()
    await answered.until_ended()


@pytest.mark.slow
async def test_static_fallback_does_not_ring_anybody_twice(board: Switchboard) -> None:
    """Somebody was rung in vain before: not again, but the configured number."""
    call = await board.phones["201"].call("202")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    board.die()
    board.phones["202"].manner = AutoReject(status=486)
    await ringing.reject(486)
    answered = await board.phones[FALLBACK].answer(within=45)
    await call.until_heard(TONES[FALLBACK])
    await answered.hang_up()
    await call.until_ended()
    assert len(board.phones["202"].calls) == 1


@pytest.mark.slow
async def test_static_fallback_leaves_a_caller_alone_whose_talk_is_over(board: Switchboard) -> None:
    """What should have followed the talk is lost when we stay away; nobody is rung for it."""
    await board.add_sound("survey", 1000)
    await board.publish(
        outgoing("ring"),
        node("ring", "Extension", params={"extension": "202"}, S="survey"),
        node("survey", "Poll", params={"announcement_before": "survey", "timeout": 20}),
    )
    call = await board.phones["201"].call("203")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    await answered.hang_up()

    await call.until_heard(1000)
    board.die()
    await call.until_ended(within=45)
    assert not board.phones["203"].calls
    assert not board.phones[FALLBACK].calls
