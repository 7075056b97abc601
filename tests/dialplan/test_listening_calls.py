"""ChanSpy and Mix Monitor, by telephone."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path

import pytest

from dialplan._switchboard import TONES, Switchboard, node, outgoing, row
from support.sounds import strength
from support.waiting import eventually
from tamas.demo.call import PhoneCall

pytestmark = pytest.mark.engine

SAID = 1000


# -- ChanSpy -----------------------------------------------------------------------------------------------


async def publish_spy(board: Switchboard) -> None:
    """777 and a number listens to it; every other number is an extension."""
    await board.publish(
        node("route", "OutgoingRoute", row("spy", "spy", pattern="777."), row("any", "ring", pattern="XXX")),
        node("spy", "ChanSpy", params={"skip": 3}),
        node("ring", "Extension"),
        node("in", "IncomingRoute", row("any", "spy", cid="", did="")),
    )


async def until_mixed(call: PhoneCall, *hertz: int) -> None:
    """Wait until a phone hears tones together."""
    await eventually(
        lambda: all(call.rtp.listener.share(one) > 0.2 for one in hertz), within=5, what=f"{hertz} together"
    )


def hears_alone(call: PhoneCall, hertz: int) -> bool:
    """Whether a tone is all that a phone hears now."""
    return call.rtp.listener.share(hertz) > 0.9


async def test_listening_whispering_and_talking_to_both(board: Switchboard) -> None:
    """204 hears both, unheard; after 5 one of them hears 204, after 6 both do; it ends with the talk."""
    await publish_spy(board)
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    spy = await board.phones["204"].call("777202")
    await until_mixed(spy, TONES["201"], TONES["202"])
    assert hears_alone(answered, TONES["201"])
    assert hears_alone(call, TONES["202"])
    spy.dial("5")
    await until_mixed(answered, TONES["201"], TONES["204"])
    assert hears_alone(call, TONES["202"])
    spy.dial("6")
    await until_mixed(call, TONES["202"], TONES["204"])
    cuid = await board.last_cuid()
    await answered.hang_up()
    await call.until_ended()
    await spy.until_ended()
    assert ("spy", "202") in await board.facts(cuid)


async def test_nothing_to_listen_to(board: Switchboard) -> None:
    """A phone without a call, and a number that nobody has: it ends at once."""
    await publish_spy(board)
    idle = await board.phones["204"].call("777202")
    await idle.until_ended(within=5)
    nobody = await board.phones["204"].call("777299")
    await nobody.until_ended(within=5)
    assert nobody.status == 404


async def test_nobody_listens_from_outside(board: Switchboard) -> None:
    """A call from the trunk is refused, whatever the plan says."""
    await publish_spy(board)
    call = await board.phones["201"].call("202")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    outside = await board.phones["carrier"].call("777202")
    await outside.until_ended()
    assert outside.status == 403
    await call.hang_up()
    await answered.until_ended()


# -- Mix Monitor -------------------------------------------------------------------------------------------


async def recordings(board: Switchboard, cuid: str) -> list[Path]:
    """What Asterisk wrote of a call."""
    folder = board.settings.state_dir / "recordings" / "source"
    return sorted(await eventually(lambda: list(folder.glob(f"*_{cuid}*.mp3.raw")), what="a recording"))


def holds(file: Path, hertz: int) -> bool:
    """Whether a tone of some length is in a recording, on either side."""
    content = file.read_bytes()
    samples = array("h")
    samples.frombytes(content[: len(content) // 4 * 4])
    return any(
        strength(samples[party::2][place : place + 1600], hertz) > 0.3
        for party in (0, 1)
        for place in range(0, len(samples) // 2 - 1600, 1600)
    )


async def test_recording_from_start_to_stop(board: Switchboard) -> None:
    """What is said between start and stop is on it, no more; the extension adds no second one."""
    await board.change("202", call_record="yes")
    await board.add_sound("said", SAID, 0.6)
    await board.publish(
        outgoing("answer"),
        node("answer", "Answer", next_="start"),
        node("start", "MixMonitor", next_="said"),
        node("said", "Announcement", params={"announcement": "said"}, next_="ring"),
        node("ring", "Extension", params={"extension": "202"}, S="stop"),
        node("stop", "MixMonitor", params={"type": "stop"}, next_="later"),
        node("later", "Extension", params={"extension": "203"}),
    )
    call = await board.phones["201"].call("8000")
    first = await board.phones["202"].answer()
    await first.until_heard(TONES["201"])
    await call.until_heard(TONES["202"])
    await asyncio.sleep(0.5)  # something to record
    await first.hang_up()
    second = await board.phones["203"].answer()
    await second.until_heard(TONES["201"])
    await call.until_heard(TONES["203"])
    await second.hang_up()
    await call.until_ended()
    cuid = await board.last_cuid()
    (file,) = await recordings(board, cuid)
    names = [value for key, value in await board.facts(cuid) if key == "record"]
    assert names == [file.stem]
    assert [holds(file, hz) for hz in (SAID, TONES["201"], TONES["202"], TONES["203"])] == [
        True,
        True,
        True,
        False,
    ]


async def test_recording_again_is_a_second_piece(board: Switchboard) -> None:
    """Start, start, stop, start: two pieces with names of their own."""
    await board.add_sound("said", SAID, 0.6)
    await board.publish(
        outgoing("answer"),
        node("answer", "Answer", next_="one"),
        node("one", "MixMonitor", next_="again"),
        node("again", "MixMonitor", params={"options": "p"}, next_="said"),
        node("said", "Announcement", params={"announcement": "said"}, next_="stop"),
        node("stop", "MixMonitor", params={"type": "stop"}, next_="two"),
        node("two", "MixMonitor", params={"options": "v(1)"}, next_="more"),
        node("more", "Announcement", params={"announcement": "said"}),
    )
    call = await board.phones["201"].call("8000")
    await call.until_ended()
    cuid = await board.last_cuid()
    names = [value for key, value in await board.facts(cuid) if key == "record"]
    assert sorted(names) == sorted(file.stem for file in await recordings(board, cuid))
    assert len(names) == 2


async def test_a_recording_goes_on_over_our_death(board: Switchboard) -> None:
    """The next process knows that the call is recorded; its second talk is a piece of its own."""
    await board.change("202", call_record="yes")
    await board.publish(
        outgoing("start"),
        node("start", "MixMonitor", next_="ring"),
        node("ring", "Extension", params={"extension": "202"}, S="later"),
        node("later", "Extension", params={"extension": "203"}),
    )
    call = await board.phones["201"].call("8000")
    first = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    board.die()
    board.revive()
    await board.change("203", call_record="yes")
    await first.hang_up()
    second = await board.phones["203"].answer(within=12)
    await call.until_heard(TONES["203"])
    await asyncio.sleep(0.5)  # something to record
    await second.hang_up()
    await call.until_ended()
    cuid = await board.last_cuid()
    names = [value for key, value in await board.facts(cuid) if key == "record"]
    pieces = {file.stem: file for file in await recordings(board, cuid)}
    assert sorted(pieces) == sorted(names)
    first_piece, second_piece = (pieces[name] for name in names)
    assert [holds(first_piece, TONES[number]) for number in ("201", "202", "203")] == [True, True, False]
    assert [holds(second_piece, TONES[number]) for number in ("201", "202", "203")] == [True, False, True]
