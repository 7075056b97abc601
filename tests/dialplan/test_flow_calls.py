"""Calls through the built-in flow, between real phones."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path

import pytest
from sqlalchemy import update

from dialplan._switchboard import FALLBACK, TONES, Switchboard
from support.sounds import strength
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer, AutoReject, Phone
from tamas.store.schema import queues, trunks

pytestmark = pytest.mark.engine

LOCAL = {"type": "local", "src": "201", "dst": "202", "context": "main_routing"}
"""What the flow states of a call from one extension to another."""


async def _both_hear(one: PhoneCall, one_hears: int, other: PhoneCall, other_hears: int) -> None:
    await one.until_heard(one_hears)
    await other.until_heard(other_hears)


async def _talk(board: Switchboard, caller: str, number: str, callee: str) -> tuple[PhoneCall, PhoneCall]:
    call = await board.phones[caller].call(number)
    answered = await board.phones[callee].answer()
    await call.until_talking()
    return call, answered


async def _facts(board: Switchboard) -> dict[str, str]:
    return dict(await board.facts(await board.last_cuid()))


async def test_extension_calls_extension(board: Switchboard) -> None:
    """One extension dials another: it sees the caller, both hear each other, the facts say local."""
    call, answered = await _talk(board, "201", "202", "202")
    assert (answered.remote_number, answered.remote_name) == ("201", "Phone 201")
    await _both_hear(call, TONES["202"], answered, TONES["201"])
    await answered.hang_up()
    await call.until_ended()
    assert await _facts(board) == LOCAL


async def test_trunk_calls_extension(board: Switchboard) -> None:
    """A call from the trunk rings the dialed extension with the outside caller's number."""
    call = await board.phones["carrier"].call("202", caller="09121234567", caller_name="Outside")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    assert answered.remote_number == "09121234567"
    await _both_hear(call, TONES["202"], answered, TONES["carrier"])
    await call.hang_up()
    await answered.until_ended()
    facts = await _facts(board)
    assert facts == {
        "type": "incoming",
        "dst": "202",
        "did": "202",
        "entry": "carrier",
        "context": "incoming",
    }


async def test_unknown_number_from_the_trunk_rings_the_fallback(board: Switchboard) -> None:
    """A number that nobody has, dialed from outside, never leaves by a trunk but rings the fallback."""
    call = await board.phones["carrier"].call("02188776655")
    answered = await board.phones[FALLBACK].answer()
    await call.until_talking()
    await call.hang_up()
    await answered.until_ended()
    facts = await _facts(board)
    assert (facts["type"], facts["dst"], facts["did"]) == ("incoming", FALLBACK, "02188776655")


async def test_extension_calls_out_over_the_trunk(board: Switchboard) -> None:
    """A number that is neither extension nor queue leaves by the first active trunk."""
    call, answered = await _talk(board, "201", "09120000000", "carrier")
    assert answered.invite is not None
    assert answered.invite.uri.startswith("sip:09120000000@")
    assert answered.remote_number == "201"
    await _both_hear(call, TONES["carrier"], answered, TONES["201"])
    await call.hang_up()
    await answered.until_ended()
    facts = await _facts(board)
    assert facts == LOCAL | {"type": "outgoing", "dst": "09120000000", "exit": "carrier"}


@pytest.mark.parametrize("number", ["0098912", "+98912"])
async def test_barred_prefix_is_refused(board: Switchboard, number: str) -> None:
    """International numbers are refused before the trunk hears of them; the reason is on record."""
    call = await board.phones["201"].call(number)
    await call.until_ended()
    assert call.status == 403
    assert not board.phones["carrier"].calls
    assert (await _facts(board))["failed"] == "barred number"


async def test_no_active_trunk_is_an_unallocated_number(board: Switchboard) -> None:
    """Without an active trunk an outside number does not exist."""
    async with board.database.write() as tx:
        await tx.execute(update(trunks).values(active="no"))
    call = await board.phones["201"].call("09120000000")
    await call.until_ended()
    assert call.status == 404


@pytest.mark.parametrize(("refusal", "seen", "reason"), [(486, 486, "busy"), (503, 503, None)])
async def test_refusal_reaches_the_caller(
    board: Switchboard, refusal: int, seen: int, reason: str | None
) -> None:
    """What the called phone says is what the caller gets."""
    board.phones["202"].manner = AutoReject(status=refusal)  # type: ignore[arg-type]
    call = await board.phones["201"].call("202")
    await call.until_ended()
    assert call.status == seen
    if reason is not None:
        assert (await _facts(board))["failed"] == reason


async def test_unregistered_extension_is_unreachable(board: Switchboard) -> None:
    """Nobody registered: the caller hears so at once, and the record says why."""
    call = await board.phones["201"].call("206")
    await call.until_ended()
    assert call.status == 480
    assert (await _facts(board))["failed"] == "unreachable"


async def test_caller_gives_up_while_it_rings(board: Switchboard) -> None:
    """A caller who hangs up before the answer ends the ringing, and nothing of it stays."""
    call = await board.phones["201"].call("202")
    ringing = await board.phones["202"].incoming()
    await ringing.until_ringing()
    await call.hang_up()
    await ringing.until_ended()


async def test_busy_extension_forwards(board: Switchboard) -> None:
    """The specific forward wins over All, keeps the caller's id, and the facts follow the call."""
    await board.change("202", forward_policy='{"Busy": "203", "All": "204"}')
    board.phones["202"].manner = AutoReject(status=486)
    call, answered = await _talk(board, "201", "202", "203")
    assert answered.remote_number == "201"
    await call.hang_up()
    await answered.until_ended()
    assert not board.phones["204"].calls
    assert (await _facts(board))["dst"] == "203"


async def test_unreachable_extension_forwards_outside(board: Switchboard) -> None:
    """An unregistered extension sends its calls, from the trunk too, to an outside number."""
    await board.change("206", forward_policy='{"All": "09120000000"}')
    call = await board.phones["carrier"].call("206", caller="02155")
    answered = await board.phones["carrier"].answer()
    await call.until_talking()
    await call.hang_up()
    await answered.until_ended()
    facts = await _facts(board)
    assert (facts["type"], facts["entry"], facts["exit"]) == ("incoming", "carrier", "carrier")


async def test_forward_loop_ends(board: Switchboard) -> None:
    """Two extensions that forward to each other end the call after each was tried once."""
    for one, other in (("202", "203"), ("203", "202")):
        await board.change(one, forward_policy=f'{{"All": "{other}"}}')
        board.phones[one].manner = AutoReject(status=486)
    call = await board.phones["201"].call("202")
    await call.until_ended()
    assert call.status == 486
    assert (len(board.phones["202"].calls), len(board.phones["203"].calls)) == (1, 1)


async def test_mapped_agent(board: Switchboard) -> None:
    """An agent's number rings the phone he sits at, and calls from there carry his caller id."""
    await board.map_agent("206", "203")
    call, answered = await _talk(board, "201", "206", "203")
    await call.hang_up()
    await answered.until_ended()
    call, answered = await _talk(board, "203", "201", "201")
    assert (answered.remote_number, answered.remote_name) == ("206", "Phone 206")
    await call.hang_up()
    await answered.until_ended()
    assert (await _facts(board))["src"] == "206"


async def test_limit_of_simultaneous_calls(board: Switchboard) -> None:
    """An extension with a limit of one is busy to others while it talks, and cannot place a second call."""
    await board.change("202", call_limit="1")
    _, answered = await _talk(board, "201", "202", "202")
    second = await board.phones["203"].call("202")
    await second.until_ended()
    assert second.status == 486
    own = await board.phones["202"].call("204")
    await own.until_ended()
    assert own.status == 503
    await answered.hang_up()


async def _recording(board: Switchboard, cuid: str, piece: str = "") -> Path:
    """What Asterisk wrote; its stem is the name that reports show."""
    folder = board.settings.state_dir / "recordings" / "source"
    files = await eventually(lambda: list(folder.glob(f"*_{cuid}{piece}.mp3.raw")), what="the recording")
    (file,) = files
    return Path(file)


def _tones(file: Path, *hertz: int) -> list[list[bool]]:
    """For each party, the one who answered first: whether each tone was heard of it."""
    content = file.read_bytes()
    samples = array("h")
    samples.frombytes(content[: len(content) // 4 * 4])
    return [[strength(samples[party::2], one) > 0.3 for one in hertz] for party in (0, 1)]


@pytest.mark.parametrize("who", ["201", "202"])
async def test_recording_when_either_side_asks(board: Switchboard, who: str) -> None:
    """The flag of caller or callee makes one recording, named for date and id of the call, parties apart."""
    await board.change(who, call_record="yes")
    call, answered = await _talk(board, "201", "202", "202")
    await _both_hear(call, TONES["202"], answered, TONES["201"])
    await asyncio.sleep(0.5)  # something to record
    await answered.hang_up()
    await call.until_ended()
    cuid = await board.last_cuid()
    facts = await board.facts(cuid)
    file = await _recording(board, cuid)
    assert [value for key, value in facts if key == "record"] == [file.stem]
    apart = [[False, True], [True, False]]
    await eventually(
        lambda: _tones(file, TONES["201"], TONES["202"]) == apart, what="each party in a channel of its own"
    )


async def test_no_recording_without_an_answer(board: Switchboard) -> None:
    """Nobody answered: neither a file nor a fact; after the forward the first name is still free."""
    await board.change("202", call_record="yes", forward_policy='{"Busy": "203"}')
    await board.change("201", call_record="yes")
    board.phones["202"].manner = AutoReject(status=486)
    call, answered = await _talk(board, "201", "202", "203")
    await call.hang_up()
    await answered.until_ended()
    cuid = await board.last_cuid()
    file = await _recording(board, cuid)
    facts = await board.facts(cuid)
    assert [value for key, value in facts if key == "record"] == [file.stem]
    assert file.stem.endswith(f"_{cuid}.mp3")


async def test_queue_call_reaches_an_agent(board: Switchboard) -> None:
    """A caller in the queue is connected to the agent's mapped phone; the queue's flag records once."""
    async with board.database.write() as tx:
        await tx.execute(update(queues).values(call_record="yes"))
    await board.change("204", call_record="yes")
    await board.map_agent("206", "204")
    await board.join("900", "206", "204")
    await board.queue_is_ready("900", "206")
    board.phones["204"].manner = AutoAnswer()
    call = await board.phones["carrier"].call("900", caller="09121")
    answered = await board.phones["204"].incoming(within=15)
    await answered.until_talking()
    assert answered.remote_number == "09121"
    await _both_hear(call, TONES["204"], answered, TONES["carrier"])
    await answered.hang_up()
    await call.until_ended()
    cuid = await board.last_cuid()
    facts = await board.facts(cuid)
    assert {("type", "incoming"), ("queue", "900"), ("agent", "206"), ("entry", "carrier")} <= set(facts)
    file = await _recording(board, cuid)
    assert [value for key, value in facts if key == "record"] == [file.stem]
    assert _tones(file, TONES["carrier"], TONES["204"]) == [[False, True], [True, False]]
    assert not list(file.parent.glob(f"*_{cuid}.1.*"))


async def test_several_phones_ring_together(board: Switchboard) -> None:
    """Two phones registered under one number both ring; the one that answers gets the call."""
    await board.change("203", pjsip_max_contacts=2)
    second = Phone(
        number="203",
        secret="secret-203",
        server=("127.0.0.1", board.settings.sip_port),
        sipp=board.sipp,
        tone_hz=1500,
    )
    async with second:
        await second.register()
        call = await board.phones["201"].call("203")
        first_ringing = await board.phones["203"].incoming()
        await first_ringing.until_ringing()
        answered = await second.answer()
        await call.until_talking()
        await first_ringing.until_ended()
        await call.hang_up()
        await answered.until_ended()
        await second.unregister()
