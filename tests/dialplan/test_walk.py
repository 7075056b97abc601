"""Calls through published plans: entries, outputs, jumps, variables, versions."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from dialplan._switchboard import TONES, Switchboard, node, outgoing, row
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, AutoReject, Ring
from tamas.dialplan import walker
from tamas.dialplan.call import Call
from tamas.dialplan.component import COMPONENTS, Exit, Params
from tamas.dialplan.graph import Node

pytestmark = pytest.mark.engine

WELCOME, SORRY, BUSY = 350, 620, 740
"""Tones that stand for announcements."""


@pytest.fixture
async def sounds(board: Switchboard) -> None:
    """Announcements that are tones."""
    await board.add_sound("welcome", WELCOME)
    await board.add_sound("sorry", SORRY)
    await board.add_sound("busy", BUSY)


def _say(identity: str, sound: str, target: str | None = None) -> Node:
    return node(identity, "Announcement", params={"announcement": sound}, next_=target)


@pytest.mark.usefixtures("sounds")
async def test_answer_then_announcement_then_extension(board: Switchboard) -> None:
    """The caller hears the announcement, then the person who was rung."""
    await board.publish(
        outgoing("answer"),
        node("answer", "Answer", next_="hello"),
        _say("hello", "welcome", "ring"),
        node("ring", "Extension", params={"extension": "202"}),
    )
    board.phones["202"].manner = AutoAnswer()
    call = await board.phones["201"].call("500")
    await call.until_heard(WELCOME)
    await call.until_heard(TONES["202"])
    await call.hang_up()
    assert await board.route(await board.last_cuid()) == ["route", "answer", "hello", "ring"]


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize(
    ("manner", "output", "heard"),
    [
        (AutoAnswer(hang_up_after=0.5), "S", WELCOME),
        (AutoReject(status=486), "B", BUSY),
        (AutoReject(status=480), "F", SORRY),
        (Ring(), "F", SORRY),
    ],
)
async def test_outputs_of_an_extension(
    board: Switchboard, manner: AutoAnswer | AutoReject | Ring, output: str, heard: int
) -> None:
    """After a talk S, from a busy phone B, from one that is away or does not answer F."""
    await board.publish(
        outgoing("ring"),
        node("ring", "Extension", params={"timeout": 1}, S="up", B="up2", F="up3"),
        node("up", "Answer", next_="S"),
        node("up2", "Answer", next_="B"),
        node("up3", "Answer", next_="F"),
        _say("S", "welcome"),
        _say("B", "busy"),
        _say("F", "sorry"),
    )
    board.phones["202"].manner = manner
    call = await board.phones["201"].call("202")
    await call.until_heard(heard)
    await call.until_ended()
    assert (await board.route(await board.last_cuid()))[-1] == output


@pytest.mark.usefixtures("sounds")
async def test_extension_api_parameters_cut_and_prefix_the_number(board: Switchboard) -> None:
    """955 with skip 1 and prefix 2 rings 255's place: here 901 with skip 2 and prefix 20 rings 201."""
    await board.publish(outgoing("ring"), node("ring", "Extension", params={"skip": 2, "prefix": "20"}))
    board.phones["201"].manner = AutoAnswer()
    call = await board.phones["202"].call("901")
    await call.until_heard(TONES["201"])
    await call.hang_up()


@pytest.mark.usefixtures("sounds")
async def test_outputs_of_a_trunk(board: Switchboard) -> None:
    """The carrier takes the call: S after the talk; it refuses: F, where a second try may stand."""
    await board.publish(
        outgoing("out"),
        node("out", "Trunk", params={"trunk": "carrier", "prefix": "9"}, S="up", F="up2"),
        node("up", "Answer", next_="bye"),
        node("up2", "Answer", next_="no"),
        _say("bye", "welcome"),
        _say("no", "sorry"),
    )
    board.phones["carrier"].manner = AutoAnswer(hang_up_after=0.5)
    call = await board.phones["201"].call("0912")
    await call.until_heard(WELCOME)
    await call.until_ended()
    assert [one.invite.uri.partition("@")[0] for one in board.phones["carrier"].calls if one.invite] == [
        "sip:90912"
    ]
    board.phones["carrier"].manner = AutoReject(status=503)
    call = await board.phones["201"].call("0913")
    await call.until_heard(SORRY)
    await call.until_ended()


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize(("permitted", "heard"), [("201", TONES["carrier"]), ("202", SORRY)])
async def test_who_may_use_a_trunk(board: Switchboard, permitted: str, heard: int) -> None:
    """Only the extensions that the trunk's node lists get out; others leave by F."""
    await board.publish(
        outgoing("out"),
        node("out", "Trunk", params={"permitted_extensions": [permitted]}, F="up"),
        node("up", "Answer", next_="no"),
        _say("no", "sorry"),
    )
    board.phones["carrier"].manner = AutoAnswer()
    call = await board.phones["201"].call("0912")
    await call.until_heard(heard)
    await call.hang_up()


@pytest.mark.usefixtures("sounds")
async def test_an_agent_of_a_permitted_queue_may_use_a_trunk(board: Switchboard) -> None:
    """Whoever is signed in to a listed queue gets out."""
    await board.join("900", "201", "201")
    await board.publish(outgoing("out"), node("out", "Trunk", params={"permitted_queues": ["900"]}))
    board.phones["carrier"].manner = AutoAnswer()
    call = await board.phones["201"].call("0912")
    await call.until_heard(TONES["carrier"])
    await call.hang_up()


@pytest.mark.usefixtures("sounds")
async def test_jumps(board: Switchboard) -> None:
    """Jump Out goes on at the Jump In of its name, on another sheet."""
    await board.publish(
        outgoing("away"),
        node("away", "JumpOut", params={"jump_in": "here"}),
        node("in", "JumpIn", sheet="other", params={"name": "here"}, next_="up"),
        node("up", "Answer", sheet="other", next_="hello"),
        _say("hello", "welcome"),
    )
    call = await board.phones["201"].call("500")
    await call.until_heard(WELCOME)
    await call.until_ended()
    assert await board.route(await board.last_cuid()) == ["route", "away", "in", "up", "hello"]


@pytest.mark.usefixtures("sounds")
async def test_incoming_rows(board: Switchboard) -> None:
    """The dialed and the calling number choose the row; the exact pair wins over the wildcard."""
    await board.publish(
        node(
            "in",
            "IncomingRoute",
            row("area", "up", cid="021x"),
            row("both", "ring", cid="02177", did="31041000"),
            params={"context": "incoming"},
        ),
        node("up", "Answer", next_="hello"),
        _say("hello", "welcome"),
        node("ring", "Extension", params={"extension": "203"}),
    )
    board.phones["203"].manner = AutoAnswer()
    call = await board.phones["carrier"].call("31041000", caller="02188")
    await call.until_heard(WELCOME)
    await call.until_ended()
    call = await board.phones["carrier"].call("31041000", caller="02177")
    await call.until_heard(TONES["203"])
    await call.hang_up()
    call = await board.phones["carrier"].call("31041000", caller="0311")
    await call.until_ended()
    assert call.status == 404


@pytest.mark.usefixtures("sounds")
async def test_a_variable_acts_on_the_next_call(board: Switchboard) -> None:
    """A parameter that refers to a variable has its value at the time of the call."""
    plan = (
        outgoing("up"),
        node("up", "Answer", next_="hello"),
        node("hello", "Announcement", params={"announcement": {"$var": "v"}}),
    )
    await board.publish(*plan, v="welcome")
    call = await board.phones["201"].call("500")
    await call.until_heard(WELCOME)
    await call.until_ended()
    await board.publish(*plan, v="sorry")
    call = await board.phones["201"].call("500")
    await call.until_heard(SORRY)
    await call.until_ended()


async def test_a_missing_variable_leaves_by_the_failure_output(board: Switchboard) -> None:
    """A node whose variable is gone cannot work: the call goes on at F, not into silence."""
    await board.publish(
        outgoing("ring"),
        node("ring", "Extension", params={"extension": {"$var": "gone"}}, F="other"),
        node("other", "Extension", params={"extension": "203"}),
    )
    board.phones["203"].manner = AutoAnswer()
    call = await board.phones["201"].call("500")
    await call.until_heard(TONES["203"])
    await call.hang_up()


@pytest.mark.usefixtures("sounds")
async def test_a_call_keeps_the_version_it_began_with(board: Switchboard) -> None:
    """Publishing in mid-call changes nothing for it: after the talk it goes on in its own version."""
    old = (
        outgoing("ring"),
        node("ring", "Extension", params={"extension": "202"}, S="bye"),
        _say("bye", "welcome"),
    )
    await board.publish(*old)
    call = await board.phones["201"].call("500")
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    await board.publish(outgoing("other"), node("other", "Extension", params={"extension": "203"}))
    board.die()
    board.revive()
    await answered.hang_up()
    await call.until_heard(WELCOME)
    await call.until_ended()
    board.phones["203"].manner = AutoAnswer()
    call = await board.phones["201"].call("500")
    await call.until_heard(TONES["203"])
    await call.hang_up()


async def test_a_context_without_a_route(board: Switchboard) -> None:
    """An extension whose context has no Outgoing Route calls nobody; its record has one step."""
    await board.publish(
        node("route", "OutgoingRoute", row(".", None, pattern="."), params={"context": "city"})
    )
    call = await board.phones["201"].call("202")
    await call.until_ended()
    assert call.status == 404
    cuid = await board.last_cuid()
    assert await board.route(cuid) == ["main_routing"]
    assert "OutgoingRoute" in dict(await board.facts(cuid))["failed"]


async def test_a_number_that_no_row_takes(board: Switchboard) -> None:
    """Such a number does not exist."""
    await board.publish(outgoing("ring", pattern="2XX"), node("ring", "Extension"))
    call = await board.phones["201"].call("300")
    await call.until_ended()
    assert call.status == 404
    assert await board.route(await board.last_cuid()) == ["route"]


async def test_a_circle_ends(board: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that leads in circles ends the call after the limit of steps; nobody is kept in silence."""
    monkeypatch.setattr(walker, "MAX_STEPS", 30)
    await board.publish(
        outgoing("in"),
        node("in", "JumpIn", params={"name": "in"}, next_="out"),
        node("out", "JumpOut", params={"jump_in": "in"}),
    )
    call = await board.phones["201"].call("500")
    await call.until_ended()
    assert dict(await board.facts(await board.last_cuid()))["failed"] == "the call flow goes in circles"


@pytest.mark.usefixtures("sounds")
async def test_progress_is_heard_before_the_answer(board: Switchboard) -> None:
    """Early media: the caller hears the announcement while the call still rings."""
    await board.publish(
        outgoing("early"),
        node("early", "Answer", params={"type": "progress"}, next_="hello"),
        _say("hello", "welcome", "ring"),
        node("ring", "Extension", params={"extension": "202"}),
    )
    call = await board.phones["201"].call("500")
    await call.until_heard(WELCOME)
    assert call.state.value != "talking"
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    await call.hang_up()


@pytest.mark.usefixtures("sounds")
async def test_hanging_up_in_mid_step_leaves_the_trace(board: Switchboard) -> None:
    """The step during which the caller hung up is the last one of the trace."""
    await board.add_sound("long", WELCOME, seconds=20)
    await board.publish(outgoing("up"), node("up", "Answer", next_="long"), _say("long", "long", "never"))
    call = await board.phones["201"].call("500")
    await call.until_heard(WELCOME)
    await call.hang_up()
    assert await board.route(await board.last_cuid()) == ["route", "up", "long"]


@pytest.mark.usefixtures("sounds")
async def test_hanging_up_in_a_step_that_is_not_marked_leaves_the_trace(
    board: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited to be stated is stated behind the hangup, for which a short step is made to wait here."""
    answering = COMPONENTS["Answer"]

    async def answer_and_wait(call: Call, params: Params) -> Exit:
        leave: Exit = await answering.run(call, params)
        await call.session.hung_up.wait()
        await call.session.command("NOOP")
        return leave

    monkeypatch.setitem(COMPONENTS, "Answer", dataclasses.replace(answering, run=answer_and_wait))
    await board.publish(outgoing("answer"), node("answer", "Answer"))
    call = await board.phones["201"].call("500")
    await call.until_talking()
    await call.hang_up()
    assert await board.route(await board.last_cuid()) == ["route", "answer"]


async def test_the_limit_of_a_talk(board: Switchboard) -> None:
    """A call limit ends the talk; the caller then goes on by S."""
    await board.publish(
        outgoing("ring"),
        node("ring", "Extension", params={"extension": "202", "call_limit": 1}, S="bye"),
        _say("bye", "welcome"),
    )
    board.phones["202"].manner = AutoAnswer()
    call = await board.phones["201"].call("500")
    await call.until_heard(TONES["202"])
    await call.until_heard(WELCOME)
    await call.until_ended()


@pytest.mark.usefixtures("sounds")
async def test_an_announcement_is_heard_again_after_our_death(board: Switchboard) -> None:
    """Killed while a sound plays: the caller hears music, then the sound again, then what follows."""
    await board.publish(
        outgoing("up"),
        node("up", "Answer", next_="hello"),
        _say("hello", "welcome", "more"),
        _say("more", "sorry"),
    )
    call = await board.phones["201"].call("500")
    await call.until_heard(WELCOME)
    board.die()
    await asyncio.sleep(1.2)
    board.revive()
    await call.until_heard(WELCOME)
    await call.until_heard(SORRY)
    await call.until_ended()


async def test_an_originated_call_enters_the_route_of_its_context(board: Switchboard) -> None:
    """The answered first party goes into the Outgoing Route that the request named."""
    await board.publish(
        outgoing("ring"),
        node("ring", "Extension", params={"extension": "203"}),
        node("second", "OutgoingRoute", row(".", "ring2", pattern="."), params={"context": "sales"}),
        node("ring2", "Extension", params={"extension": "202"}),
    )
    board.phones["201"].manner = AutoAnswer()
    board.phones["202"].manner = AutoAnswer()
    await board.change("204", context="sales")
    await board.originate("201", "777", context="sales")
    await eventually(lambda: bool(board.phones["201"].calls), what="the first leg")
    (call,) = board.phones["201"].calls
    await call.until_heard(TONES["202"])
    await call.hang_up()
    await board.change("204", context="main_routing")


async def test_a_defect_of_a_component_costs_nobody_the_call(
    board: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A component that fails as nobody foresaw (made here): the call goes on at F at once."""

    async def broken(call: Call, params: Params) -> Exit:
        raise RuntimeError("made by the test")

    monkeypatch.setattr(COMPONENTS["RingGroup"], "run", broken)
    await board.publish(
        outgoing("group"),
        node("group", "RingGroup", params={"extensions": ["202"]}, F="other"),
        node("other", "Extension", params={"extension": "203"}),
    )
    board.phones["203"].manner = AutoAnswer()
    call = await board.phones["201"].call("500")
    await call.until_heard(TONES["203"])
    await call.hang_up()


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize(("text", "heard"), [("summer", WELCOME), ("winter", SORRY), ("", SORRY)])
async def test_rows_of_an_autodialer_route(board: Switchboard, text: str, heard: int) -> None:
    """The campaign's text chooses the row; a text that no row has, or none, takes the row called any."""
    version = await board.publish(
        node(
            "auto",
            "AutodialerRoute",
            row("summer", "hello", text="summer"),
            row("any", "no", text="any"),
            params={"context": "campaigns"},
        ),
        _say("hello", "welcome"),
        _say("no", "sorry"),
    )
    board.phones["201"].manner = AutoAnswer()
    # As a campaign will: a call that begins at this node once it is answered.
    await board.originate("201", text or "0", start=f"{version}:auto")
    await eventually(lambda: bool(board.phones["201"].calls), what="the call")
    (call,) = board.phones["201"].calls
    await call.until_heard(heard)
    await call.until_ended()
    assert (await board.route(await board.last_cuid()))[0] == "auto"
