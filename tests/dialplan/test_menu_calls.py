"""Menus with real phones: what callers press, and what they get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dialplan._menus import EXITS, LATE, MENU, WRONG, add_sounds, case, die_in_menu, left_by, publish
from dialplan._switchboard import TONES, Switchboard
from support.integrator import SILENCE, Answer, Integrator, page
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, AutoReject
from tamas.engine.fastagi import AgiReply, AgiSession
from tamas.engine.layout import EngineLayout

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
async def _sounds(board: Switchboard) -> None:
    await add_sounds(board)


@pytest.fixture
async def integrator(board: Switchboard) -> AsyncIterator[Integrator]:
    """The web service at ``/menu``, which gets little time."""
    await board.set("component_api.timeout_seconds", 0.5)
    async with Integrator() as running:
        yield running


MENU_PARAMS = {
    "announcement": "menu",
    "timeout_announcement": "late",
    "invalid_announcement": "wrong",
    "timeout": 1,
    "repeat": 0,
}
ROWS = (case("1", "one"), case("2X", "two"), case("t", "t"), case("i", "i"))


async def publish_ivr(board: Switchboard, *rows: Any, **changed: Any) -> None:
    """A menu of an IVR."""
    await publish(board, "IVR", *(_special(each) for each in rows or ROWS), params=MENU_PARAMS | changed)


def _special(output: Any) -> Any:
    """Rows ``t`` and ``i`` are chosen by nothing."""
    if output.key not in ("t", "i", "e"):
        return output
    return type(output)(key=output.key, target=output.target)


@pytest.mark.parametrize(
    ("digits", "exit_"), [("1", "one"), ("25", "two"), ("1#", "one"), ("99", "i"), ("", "t")]
)
async def test_exits_of_an_ivr(board: Switchboard, digits: str, exit_: str) -> None:
    """A literal case, a pattern, wrong digits, and nobody pressing anything."""
    await publish_ivr(board, max_digits=2)
    call = await board.phones["201"].call("500")
    await call.until_heard(MENU)
    if digits:
        call.dial(digits)
    await left_by(call, exit_)
    assert (call.heard(WRONG), call.heard(LATE)) == (exit_ == "i", exit_ == "t")


async def test_the_menu_is_repeated_before_it_is_left(board: Switchboard) -> None:
    """Nothing, then wrong digits, then the right one: three times the menu, each time with its own sound."""
    await publish_ivr(board, repeat=2)
    call = await board.phones["201"].call("500")
    await call.until_heard(LATE)
    await eventually(lambda: call.hears(MENU), what="the menu again")
    call.dial("9")
    await call.until_heard(WRONG)
    await eventually(lambda: call.hears(MENU), what="the menu again")
    call.dial("1")
    await left_by(call, "one")


async def test_without_a_row_for_it_the_call_ends(board: Switchboard) -> None:
    """No row t, no row i: the caller who presses nothing, or something wrong, is hung up on."""
    await publish_ivr(board, case("1", "one"))
    for digits in ("", "7"):
        call = await board.phones["201"].call("500")
        await call.until_heard(MENU)
        if digits:
            call.dial(digits)
        await call.until_ended()
        assert not any(call.heard(hz) for hz in EXITS.values())


async def test_hash_and_star_can_be_cases(board: Switchboard) -> None:
    """Where # is a case it ends no input."""
    await publish_ivr(board, case("#", "one"), case("*", "two"))
    for digits, exit_ in (("#", "one"), ("*", "two")):
        call = await board.phones["201"].call("500")
        await call.until_heard(MENU)
        call.dial(digits)
        await left_by(call, exit_)


@pytest.mark.parametrize("sound", ["", "gone"])
async def test_a_menu_that_cannot_be_heard(board: Switchboard, sound: str) -> None:
    """No announcement, or one whose file is lost: digits are taken all the same."""
    await board.add_sound("gone", 1000)
    (EngineLayout(state_dir=board.settings.state_dir).announcements / "gone.wav").unlink()
    await publish_ivr(board, max_digits=2, announcement=sound, timeout=2)
    call = await board.phones["201"].call("500")
    await call.until_talking()
    await asyncio.sleep(0.3)  # nothing tells the caller that the menu listens
    call.dial("25")
    await left_by(call, "two")


async def test_digits_typed_fast_all_arrive(board: Switchboard) -> None:
    """A caller who knows the menu types ten digits into its first word."""
    await publish_ivr(board, case("0123456789", "one"), case("i", "i"), max_digits=10)
    for _ in range(2):
        call = await board.phones["201"].call("500")
        await call.until_talking()
        call.dial("0123456789")
        await left_by(call, "one", within=8)


async def test_a_slow_process_loses_no_digits(board: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of ours comes a third of a second late, as on a machine with too much to do.

    The delay is a fake: a real overload would be another one each time.
    """
    real = AgiSession.command

    async def late(self: AgiSession, *words: str, **more: Any) -> AgiReply:
        await asyncio.sleep(0.3)
        return await real(self, *words, **more)

    monkeypatch.setattr(AgiSession, "command", late)
    await publish_ivr(board, case("0123456", "one"), case("i", "i"), max_digits=7)
    call = await board.phones["201"].call("500")
    await call.until_heard(MENU)
    call.dial("0123456")
    await left_by(call, "one", within=8)


async def test_direct_dial(board: Switchboard) -> None:
    """Digits that are no case but an extension ring it; both talk, and the call ends with the talk."""
    await publish_ivr(board, max_digits=3, direct_dial=True)
    board.phones["202"].manner = AutoAnswer(hang_up_after=1.0)
    call = await board.phones["201"].call("500")
    await call.until_heard(MENU)
    call.dial("202")
    await call.until_heard(TONES["202"])
    await call.until_ended()
    assert not any(call.heard(hz) for hz in EXITS.values())
    assert ("dst", "202") in await board.facts(await board.last_cuid())


async def test_direct_dial_of_somebody_busy(board: Switchboard) -> None:
    """Who is busy and forwards nowhere brings the menu back; with a forward the call follows it."""
    await publish_ivr(board, max_digits=3, direct_dial=True, repeat=1)
    board.phones["202"].manner = AutoReject(status=486)
    call = await board.phones["201"].call("500")
    await call.until_heard(MENU)
    call.dial("202")
    await eventually(lambda: len(board.phones["202"].calls) == 1, what="the busy phone")
    await eventually(lambda: call.hears(MENU), what="the menu again")
    call.dial("1#")
    await left_by(call, "one")


async def test_direct_dial_is_off(board: Switchboard) -> None:
    """An extension that is no case is wrong input, unless the administrator allows it."""
    await publish_ivr(board, max_digits=3)
    call = await board.phones["201"].call("500")
    await call.until_heard(MENU)
    call.dial("202")
    await left_by(call, "i")
    assert not board.phones["202"].calls


async def test_a_menu_begins_again_after_our_death(board: Switchboard) -> None:
    """The process dies while the caller listens: the next one plays the menu anew and takes the digit."""
    await publish_ivr(board)
    call = await board.phones["201"].call("500")
    await die_in_menu(board, call)
    call.dial("1")
    await left_by(call, "one")


async def test_a_direct_dial_outlives_our_death(board: Switchboard) -> None:
    """The process dies while both talk: they talk on, and afterwards the caller is not in the menu again."""
    await publish_ivr(board, max_digits=3, direct_dial=True)
    call = await board.phones["201"].call("500")
    await call.until_heard(MENU)
    call.dial("202")
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    board.die()
    await asyncio.sleep(0.2)
    board.revive()
    await answered.hang_up()
    await call.until_ended()
    assert not any(call.heard(hz) for hz in EXITS.values())


# -- IVR API -----------------------------------------------------------------------------------------------

API_ROWS = (case("1", "one"), case("go-b", "two"), case("t", "t"), case("i", "i"))


async def publish_api(board: Switchboard, integrator: Integrator, *rows: Any, **changed: Any) -> None:
    """A menu of an IVR API."""
    await publish(
        board,
        "IvrApi",
        *(_special(each) for each in rows or API_ROWS),
        params=MENU_PARAMS | {"api_address": integrator.url("/menu")} | changed,
        name="menu",
    )


@pytest.mark.parametrize(
    ("answer", "exit_"),
    [
        ({"ok": "1", "case": "1"}, "one"),
        ({"ok": 1, "case": 1}, "one"),
        ({"ok": "1", "case": "go-b"}, "two"),
        ({"ok": "1", "case": "t"}, "t"),
        ({"ok": "1", "case": "elsewhere"}, "i"),
        ({"ok": "1", "case": "2X"}, "i"),
    ],
)
async def test_a_web_service_chooses(
    board: Switchboard, integrator: Integrator, answer: dict[str, Any], exit_: str
) -> None:
    """The case that it names is taken, letter by letter; one that is not there is wrong input."""
    integrator.answers["/menu"] = answer
    await publish_api(board, integrator, max_digits=2)
    call = await board.phones["201"].call("789")
    await call.until_heard(MENU)
    call.dial("12")
    await left_by(call, exit_)
    (asked,) = integrator.asked
    cuid = await board.last_cuid()
    assert asked.fields == {"src": "201", "dst": "789", "data": "12", "unique_id": cuid, "app_name": "menu"}


async def test_nothing_pressed_asks_nobody(board: Switchboard, integrator: Integrator) -> None:
    """No input: the web service is not asked, the call leaves by t."""
    await publish_api(board, integrator)
    call = await board.phones["201"].call("789")
    await left_by(call, "t")
    assert not integrator.asked


BAD: dict[str, Answer] = {
    "not ok": {"ok": 0, "case": "1"},
    "no case": {"ok": 1},
    "silent": SILENCE,
    "html": page("<html></html>"),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_web_service_that_fails(board: Switchboard, integrator: Integrator, bad: str) -> None:
    """With a row e the call leaves by it; without, it is wrong input."""
    integrator.answers["/menu"] = BAD[bad]
    for rows, exit_ in (((*API_ROWS, case("e", "e")), "e"), (API_ROWS, "i")):
        await publish_api(board, integrator, *rows)
        call = await board.phones["201"].call("789")
        await call.until_heard(MENU)
        call.dial("1")
        await left_by(call, exit_)


async def test_direct_dial_past_a_web_service(board: Switchboard, integrator: Integrator) -> None:
    """It knows no case for the digits, but they are an extension: that rings."""
    integrator.answers["/menu"] = {"ok": "1", "case": "none"}
    await publish_api(board, integrator, max_digits=3, direct_dial=True)
    board.phones["202"].manner = AutoAnswer()
    call = await board.phones["201"].call("789")
    await call.until_heard(MENU)
    call.dial("202")
    await call.until_heard(TONES["202"])
    await call.hang_up()
