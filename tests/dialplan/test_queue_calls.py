"""The Queue component with real phones: what caller and agent hear, and whose turn it is."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from dialplan._helpers import Helpers
from dialplan._switchboard import TONES, Switchboard, node, outgoing, row
from support.spoken import Ear
from support.waiting import eventually
from tamas.demo.call import CallState
from tamas.demo.phone import Ring
from tamas.dialplan import reservation
from tamas.engine.install import AsteriskInstall
from tamas.store.dialplan_schema import call_jobs

pytestmark = pytest.mark.engine

CONFIRMED = 1500
"""Hertz of what is played when a place is kept."""
SURVEY = 1700


async def jobs(board: Switchboard) -> list[tuple[bool, str]]:
    """Of each promised call: whether it is over, and what came of it."""
    async with board.database.read() as connection:
        rows = await connection.rows(select(call_jobs.c.done_at, call_jobs.c.result).order_by(call_jobs.c.id))
    return [(row["done_at"] is not None, row["result"]) for row in rows]


async def staffed(board: Switchboard, agent: str = "202") -> None:
    """Somebody works in the queue."""
    await board.join("900", agent, agent)
    await board.queue_is_ready("900", agent)


async def test_the_agent_is_introduced(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """The caller hears the agent's number, then the agent; the agent hears nothing of it."""
    await board.publish(
        outgoing("queue"), node("queue", "Queue", params={"queue": "900", "agent_introduction": True})
    )
    await staffed(board)
    caller = await board.phones["201"].call("900")
    ear = Ear(caller, asterisk_install)
    agent = await board.phones["202"].answer(after=0.3)
    await ear.until_said("digits/2", "digits/0", "digits/2")
    assert not caller.heard(TONES["202"])
    await caller.until_heard(TONES["202"])
    await agent.until_heard(TONES["201"])
    await agent.hang_up()
    await caller.until_ended()


async def test_a_survey_behind_the_talk(board: Switchboard) -> None:
    """The agent hangs up; the caller goes on by S and hears what stands there."""
    await board.add_sound("survey", SURVEY)
    await board.publish(
        outgoing("queue"),
        node("queue", "Queue", params={"queue": "900"}, S="survey"),
        node("survey", "Announcement", params={"announcement": "survey"}),
    )
    await staffed(board)
    caller = await board.phones["201"].call("900")
    agent = await board.phones["202"].answer()
    await caller.until_heard(TONES["202"])
    await agent.hang_up()
    await caller.until_heard(SURVEY)
    await caller.until_ended()
    assert await board.route(await board.last_cuid()) == ["route", "queue", "survey"]


async def test_limit_and_options_of_the_agents_leg(board: Switchboard) -> None:
    """The talk ends by the queue's limit; the agent's phone got what the leg's options ask for."""
    await board.publish(
        outgoing("queue"),
        node("queue", "Queue", params={"queue": "900", "call_limit": 2, "call_options": "D(42)"}),
    )
    await staffed(board)
    caller = await board.phones["201"].call("900")
    agent = await board.phones["202"].answer()
    await eventually(lambda: agent.digits == "42", what="the digits of option D")
    await caller.until_heard(TONES["202"])
    await agent.until_ended(within=5)
    await caller.until_ended()


async def test_a_subroutine_on_the_agents_channel(board: Switchboard) -> None:
    """It runs when the agent has answered, before the talk; one that is not there changes nothing."""
    ami = board.engine.ami
    await ami.command("dialplan add extension s,1,SendDTMF,77 into agent-greeting replace")
    await ami.command("dialplan add extension s,2,Return, into agent-greeting replace")
    await staffed(board)
    for subroutine, digits in (("agent-greeting", "77"), ("nowhere", "")):
        await board.publish(
            outgoing("queue"), node("queue", "Queue", params={"queue": "900", "macro": subroutine})
        )
        caller = await board.phones["201"].call("900")
        agent = await board.phones["202"].answer()
        await caller.until_heard(TONES["202"])
        await agent.until_heard(TONES["201"])
        assert agent.digits == digits
        await agent.hang_up()
        await caller.until_ended()


async def test_a_caller_from_outside_is_phoned_back(board: Switchboard, helpers: Helpers) -> None:
    """Over the trunk that brought the call, at the number it showed; a second try when nobody answers."""
    board.phones["carrier"].manner = Ring()
    await board.publish(
        node("in", "IncomingRoute", row("any", "queue", cid="", did=""), params={"context": "incoming"}),
        node("queue", "Queue", params={"queue": "900", "reserve": True}),
    )
    outside = board.phones["carrier"]
    caller = await outside.call("3000", caller="09121234567")
    await caller.until_talking()
    await until_waiting(board, 1)
    caller.dial("1")
    await caller.until_ended()
    await staffed(board)
    back = await outside.answer(within=10)
    assert back.invite is not None
    assert "09121234567" in back.invite.uri
    talk = await board.phones["202"].answer(within=10)
    await back.until_heard(TONES["202"])
    await talk.hang_up()
    await back.until_ended()


async def test_nobody_answers_the_promised_call(
    board: Switchboard, helpers: Helpers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller is phoned twice, then the place is given up; a caller of another place is not held up."""
    monkeypatch.setattr(reservation, "PAUSE_SECONDS", 3.0)
    await board.publish(outgoing("queue"), node("queue", "Queue", params={"queue": "900", "reserve": True}))
    for number in ("201", "203"):
        caller = await board.phones[number].call("900")
        await caller.until_talking()
        await until_waiting(board, 1)
        caller.dial("1")
        await caller.until_ended()
    await staffed(board)
    await board.phones["201"].reject(within=10)
    back = await board.phones["203"].answer(within=10)
    talk = await board.phones["202"].answer(within=10)
    await back.until_heard(TONES["202"])
    await talk.hang_up()
    await board.phones["201"].reject(within=15)

    async def given_up() -> bool:
        return [over for over, _ in await jobs(board)] == [True, True]

    await eventually(given_up, within=15, what="the end of both")
    first, second = await jobs(board)
    assert first == (True, "did not answer")
    assert second[1].startswith("phoned back")


async def test_a_place_is_kept(board: Switchboard, helpers: Helpers) -> None:
    """Who presses the key hangs up, is phoned back when nobody before is left, and gets the next free agent.

    201 waits first, 203 second and keeps the place by a key, 204 third. The agent takes 201; 203 is phoned
    although 204 still waits, and is taken before 204.
    """
    await board.add_sound("kept", CONFIRMED)
    await board.publish(
        outgoing("queue"),
        node(
            "queue",
            "Queue",
            params={"queue": "900", "reserve": True, "reserve_key": "5", "reserve_confirmation": "kept"},
        ),
    )
    first = await board.phones["201"].call("900")
    await first.until_talking()
    await asyncio.sleep(1.1)  # Asterisk counts the wait in whole seconds
    second = await board.phones["203"].call("900")
    await second.until_talking()
    await asyncio.sleep(1.1)
    third = await board.phones["204"].call("900")
    await third.until_talking()
    await until_waiting(board, 3)
    second.dial("5")
    await second.until_heard(CONFIRMED)
    await second.until_ended()
    assert await jobs(board) == [(False, "")]
    await staffed(board)
    talk = await board.phones["202"].answer(within=15)
    await talk.until_heard(TONES["201"])
    back = await board.phones["203"].answer(within=15)
    assert back.remote_number == "900"
    await until_waiting(board, 2)
    await talk.hang_up()
    talk = await board.phones["202"].answer(within=15)
    await talk.until_heard(TONES["203"])
    await back.until_heard(TONES["202"])
    await talk.hang_up()
    await back.until_ended()
    talk = await board.phones["202"].answer(within=15)
    await talk.until_heard(TONES["204"])
    await third.hang_up()

    async def settled() -> bool:
        ((over, result),) = await jobs(board)
        return over and result.startswith("phoned back")

    await eventually(settled, within=15, what="the end of the reservation")


async def test_a_kept_place_outlives_us(board: Switchboard, helpers: Helpers) -> None:
    """Killed while the caller waits, and again behind the key: the caller is phoned back once."""
    await board.publish(outgoing("queue"), node("queue", "Queue", params={"queue": "900", "reserve": True}))
    caller = await board.phones["201"].call("900")
    await caller.until_talking()
    await until_waiting(board, 1)
    board.die()
    await helpers.stop()
    board.revive()
    helpers.start("two")

    async def pressed() -> bool:
        caller.dial("1")
        await asyncio.sleep(0.5)
        return caller.state is CallState.ENDED

    await eventually(pressed, within=15, what="somebody who listens to keys again")
    assert await jobs(board) == [(False, "")]
    await helpers.stop()
    helpers.start("three")
    await staffed(board)
    back = await board.phones["201"].answer(within=20)
    talk = await board.phones["202"].answer(within=15)
    await back.until_heard(TONES["202"])
    await talk.hang_up()
    await back.until_ended()
    assert len(board.phones["201"].received_invites) == 1


async def until_waiting(board: Switchboard, count: int) -> None:
    """Wait until so many callers wait in the queue."""

    async def waiting() -> bool:
        answer = await board.engine.ami.list_action("QueueStatus", {"Queue": "900"})
        return sum(each.event == "QueueEntry" for each in answer) == count

    await eventually(waiting, what=f"{count} waiting callers")


async def test_who_hangs_up_at_once_keeps_the_place(board: Switchboard, helpers: Helpers) -> None:
    """The key, and the receiver down before anything was said; who was served meanwhile is not phoned."""
    await board.publish(outgoing("queue"), node("queue", "Queue", params={"queue": "900", "reserve": True}))
    caller = await board.phones["201"].call("900")
    await caller.until_talking()
    await until_waiting(board, 1)
    caller.dial("1")

    async def pressed() -> bool:
        answer = await board.engine.ami.list_action("CoreShowChannels")
        (channel,) = [each["Channel"] for each in answer if each["Channel"].startswith("PJSIP/201-")]
        fields = {"Channel": channel, "Variable": "TAMAS_QUEUE_PRESSED"}
        return (await board.engine.ami.action("Getvar", fields)).get("Value") == "1"

    await eventually(pressed, what="the key")
    await caller.hang_up()
    await eventually(lambda: jobs(board), what="the kept place")
    await staffed(board)
    back = await board.phones["201"].answer(within=10)
    talk = await board.phones["202"].answer(within=10)
    await back.until_heard(TONES["202"])
    back.dial("1")  # nothing is offered any more
    await back.hang_up()
    await talk.until_ended()
    assert len(await jobs(board)) == 1
