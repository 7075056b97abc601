"""What a campaign reports of a number is what the carrier saw."""

from __future__ import annotations

import asyncio

import pytest

from autodialer._room import SOUND_HZ, AutoAnswer, AutoReject, Ring, Room, told

pytestmark = pytest.mark.engine


def about(seconds: float | None) -> object:
    """Whole seconds within one of what the carrier saw."""
    assert seconds is not None
    return pytest.approx(seconds, abs=1.1)


async def test_every_disposition(room: Room) -> None:
    """Numbers that answer, are busy, refuse, do not exist, ring out: disposition, cause, wait, billsec."""
    await room.board.set("autodialer.ring_seconds", 5)
    room.lines.manners |= {
        "0911": AutoAnswer(after=1.2),
        "0912": AutoReject(status=486, after=1.2),
        "0913": AutoReject(status=603),
        "0914": AutoReject(status=404),
        "0915": Ring(),
        "0916": AutoAnswer(hang_up_after=0.3),
        "0917": AutoReject(status=480, after=1.2),
    }
    numbers = [f"091{last}0000" for last in range(1, 8)]
    campaign = await room.campaign(*numbers, announcement=await room.sound(2.0))
    room.dial()
    done = await room.until(campaign)
    found = {row["number"][:4]: row for row in await room.attempts()}
    said = {key: (row["disposition"], row["cause"]) for key, row in found.items()}
    assert said == {
        "0911": ("ANSWERED", 16),
        "0912": ("BUSY", 17),
        "0913": ("BUSY", 21),
        "0914": ("LOST", None),
        "0915": ("NO ANSWER", 19),
        "0916": ("ANSWERED", 16),
        "0917": ("NO ANSWER", 19),
    }
    for number in numbers:
        (call,) = room.lines.calls_to(number)
        row = found[number[:4]]
        assert call.ended_at is not None
        picked_up = call.answered_at or call.ended_at
        assert row["wait"] == about(picked_up - call.started_at), number
        assert row["billsec"] == about(call.ended_at - picked_up), number
        report = await room.report(number)
        assert told(report, "disposition", "wait", "billsec", "tries", "round") == {
            **told(row, "disposition", "wait", "billsec"),
            "tries": 1,
            "round": 1,
        }
    assert room.lines.calls_to(numbers[0])[0].heard(SOUND_HZ)
    assert done["completed_at"]
    assert await room.ordinary_calls() == 0


async def test_pressed_digits_are_kept(room: Room) -> None:
    """Digits pressed during the sound and shortly behind it are the report's input."""
    room.lines.manners["0911"] = AutoAnswer()
    await room.campaign("09110001", announcement=await room.sound(3.0))
    room.dial()
    call = await room.lines.call_to("09110001")
    await call.until_heard(SOUND_HZ)
    call.dial("4")
    await asyncio.sleep(0.4)
    call.dial("2#")
    row = await room.ended_attempt("09110001")
    assert told(row, "disposition", "input") == {"disposition": "ANSWERED", "input": "42#"}
    assert (await room.report("09110001"))["input"] == "42#"


async def test_digits_of_who_hangs_up_at_once(room: Room) -> None:
    """Somebody who presses and hangs up has pressed."""
    room.lines.manners["0911"] = AutoAnswer()
    await room.campaign("09110002", announcement=await room.sound(3.0))
    room.dial()
    call = await room.lines.call_to("09110002")
    await call.until_heard(SOUND_HZ)
    call.dial("7")
    await asyncio.sleep(0.4)
    await call.hang_up()
    assert (await room.ended_attempt("09110002"))["input"] == "7"
