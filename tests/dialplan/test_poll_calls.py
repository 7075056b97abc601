"""Poll, by telephone."""

from __future__ import annotations

import pytest

from dialplan._switchboard import Switchboard, node, outgoing
from tamas.demo.call import PhoneCall

pytestmark = pytest.mark.engine

QUESTION, THANKS, BEHIND = 800, 1000, 1400


async def publish(board: Switchboard, timeout: int = 5, **params: int) -> None:
    """A survey behind a talk with 202."""
    for name, tone in (("question", QUESTION), ("thanks", THANKS), ("behind", BEHIND)):
        await board.add_sound(name, tone, 0.6)
    await board.publish(
        outgoing("ring"),
        node("ring", "Extension", params={"extension": "202"}, S="poll"),
        node(
            "poll",
            "Poll",
            params={
                "label": "service & more",
                "announcement_before": "question",
                "announcement_after": "thanks",
                "timeout": timeout,
                **params,
            },
            next_="behind",
        ),
        node("behind", "Announcement", params={"announcement": "behind"}),
    )


async def asked(board: Switchboard) -> PhoneCall:
    """A caller who has talked to 202 and hears the question."""
    call = await board.phones["201"].call("8000")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    await answered.hang_up()
    await call.until_heard(QUESTION)
    return call


async def points(board: Switchboard) -> list[tuple[str, str]]:
    """What is on record."""
    return [fact for fact in await board.facts(await board.last_cuid()) if fact[0] in ("poll", "label")]


async def test_points_are_put_on_record(board: Switchboard) -> None:
    """One digit answers at once; the caller is thanked and goes on."""
    await publish(board)
    call = await asked(board)
    call.dial("4")
    await call.until_heard(THANKS)
    await call.until_heard(BEHIND)
    await call.until_ended()
    assert await points(board) == [("poll", "4"), ("label", "service & more")]


async def test_points_out_of_range_are_asked_for_again(board: Switchboard) -> None:
    """9 of 5 is no answer: the question comes again, and 2 is one."""
    await publish(board)
    call = await asked(board)
    call.dial("9")
    await call.until_heard(QUESTION)
    call.dial("2")
    await call.until_heard(THANKS)
    await call.until_ended()
    assert await points(board) == [("poll", "2"), ("label", "service & more")]


async def test_two_digits(board: Switchboard) -> None:
    """Up to twenty points; the hash key ends a shorter number."""
    await publish(board, max_digits=2, poll_max=20)
    call = await asked(board)
    call.dial("7#")
    await call.until_heard(THANKS)
    await call.until_ended()
    assert (await points(board))[0] == ("poll", "7")


async def test_after_three_tries_the_call_goes_on(board: Switchboard) -> None:
    """Who presses nothing is not thanked, and nothing is on record."""
    await publish(board, timeout=1)
    call = await asked(board)
    await call.until_heard(BEHIND, within=12)
    await call.until_ended()
    assert not call.heard(THANKS)
    assert await points(board) == []


async def test_our_death_in_a_survey(board: Switchboard) -> None:
    """The question comes again when we are back, and the answer counts once."""
    await publish(board, timeout=10)
    call = await asked(board)
    board.die()
    board.revive()
    call.rtp.listener.forget()  # the rest of the question, which goes on without us
    await call.until_heard(QUESTION, within=8)
    call.dial("5")
    await call.until_heard(THANKS, within=8)
    await call.until_ended()
    assert await points(board) == [("poll", "5"), ("label", "service & more")]
