"""Custom Plan, by telephone."""

from __future__ import annotations

import pytest

from dialplan._switchboard import TONES, Switchboard, node, outgoing
from tamas.dialplan.custom_code import CustomCodeInvalid
from tamas.dialplan.custom_plans import load_code

pytestmark = pytest.mark.engine

INSIDE, AFTER = 800, 1000


async def publish(board: Switchboard, code: str) -> None:
    await board.add_sound("after", AFTER)
    await board.publish(
        outgoing("custom"),
        node("custom", "CustomPlan", params={"code": code}, next_="after"),
        node("after", "Announcement", params={"announcement": "after"}),
    )


async def inside(board: Switchboard, *, seconds: float = 1.0) -> str:
    """File of a tone that the code plays."""
    await board.add_sound("inside", INSIDE, seconds=seconds)
    return str(board.flow.services.layout.announcements / "inside")


async def test_code_runs_and_returns(board: Switchboard) -> None:
    """Lines with a label and a jump do what they say, then the call goes on behind the node."""
    file = await inside(board)
    await publish(
        board,
        f"""
        exten => s,1,Answer()
        same => n,GotoIf($["${{CALLERID(num)}}" = "201"]?known)
        same => n,Hangup()
        same => n(known),Playback({file})
        """,
    )
    call = await board.phones["201"].call("8000")
    await call.until_heard(INSIDE)
    await call.until_heard(AFTER)
    await call.until_ended()
    assert await board.route(await board.last_cuid()) == ["route", "custom", "after"]


@pytest.mark.slow
async def test_code_that_hangs_up(board: Switchboard) -> None:
    """Code may end the call; nothing behind the node runs."""
    await publish(board, "Answer\nHangup")
    call = await board.phones["201"].call("8000")
    await call.until_ended()
    assert call.answered_at is not None
    assert not call.heard(AFTER)


async def test_loading_disturbs_nobody(board: Switchboard) -> None:
    """New code is loaded while others talk and while somebody is in code: all go on, new calls too."""
    talk = await board.phones["203"].call("204")
    answered = await board.phones["204"].answer()
    await talk.until_talking()
    file = await inside(board, seconds=4)
    await publish(board, f"Answer\nPlayback({file})")
    first = await board.phones["201"].call("8000")
    await first.until_heard(INSIDE)
    await publish(board, "Answer\nNoOp(another)")
    second = await board.phones["202"].call("8000")
    await second.until_heard(AFTER)
    await first.until_heard(AFTER)
    assert talk.hears(TONES["204"])
    await answered.hang_up()
    for call in (talk, first, second):
        await call.until_ended()


async def test_a_reload_keeps_where_calls_go(board: Switchboard) -> None:
    """After a reload of the dialplan calls still reach us, on the port we listen on now."""
    await board.engine.ami.command("dialplan reload")
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    await answered.hang_up()
    await call.until_ended()


async def test_an_application_that_is_not_there(board: Switchboard) -> None:
    """Code with an application that this Asterisk lacks is not loaded, and the call ends with a reason."""
    code = "Answer\nSystem(touch /tmp/x)"
    directory = board.flow.services.layout.custom_plans
    before = sorted(directory.iterdir())
    with pytest.raises(CustomCodeInvalid, match="System"):
        await load_code(board.engine.ami, directory, code)
    assert sorted(directory.iterdir()) == before
    await publish(board, code)
    call = await board.phones["201"].call("8000")
    await call.until_ended()
    facts = dict(await board.facts(await board.last_cuid()))
    assert facts["failed"] == "a custom plan could not be loaded"


async def test_death_inside_the_code(board: Switchboard) -> None:
    """We die while code runs: it runs to its end once, and the next process goes on behind the node."""
    file = await inside(board, seconds=2)
    await publish(board, f"Answer\nPlayback({file})\nSet(GLOBAL(RUNS)=$[0${{GLOBAL(RUNS)}}+1])")
    call = await board.phones["201"].call("8000")
    await call.until_heard(INSIDE)
    board.die()
    board.revive()
    await call.until_heard(AFTER, within=10)
    await call.until_ended()
    runs = await board.engine.ami.action("Getvar", {"Variable": "RUNS"})
    assert runs["Value"] == "1"
