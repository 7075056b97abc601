"""Smart API, Extension API and Trunk API with real phones and a real web server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dialplan._menus import EXITS, MENU, WRONG, add_sounds, case, die_in_menu, left_by, publish
from dialplan._switchboard import TONES, Switchboard, node, row
from support.integrator import SILENCE, Answer, Asked, Integrator, Raw, page
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer, AutoReject
from tamas.dialplan.graph import Output
from tamas.store.schema import announcements

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
async def _sounds(board: Switchboard) -> None:
    await add_sounds(board)


@pytest.fixture
async def integrator(board: Switchboard) -> AsyncIterator[Integrator]:
    """A web server that gets little time."""
    await board.set("component_api.timeout_seconds", 0.5)
    async with Integrator() as running:
        yield running


ROWS = (case("1", "one"), case("go-b", "two"), Output(key="e", target="to-e"))


async def publish_smart(board: Switchboard, integrator: Integrator, *rows: Output, **more: Any) -> None:
    """A Smart API that asks ``/smart``."""
    await publish(
        board,
        "SmartApi",
        *(rows or ROWS),
        params={"api_address": integrator.url("/smart")},
        name="s1",
        **more,
    )


def commands(text: str, ok: object = 1) -> dict[str, Any]:
    """What a web service answers: the number 1, as PHP helpers write it."""
    return {"ok": ok, "commands": text}


async def _smart(board: Switchboard, integrator: Integrator, answer: Answer) -> PhoneCall:
    integrator.answers["/smart"] = answer
    await publish_smart(board, integrator)
    return await board.phones["201"].call("789")


async def test_what_a_smart_api_is_asked(board: Switchboard, integrator: Integrator) -> None:
    """The documented fields, nothing else, for a call that was not originated."""
    call = await _smart(board, integrator, commands("Exit('go-b');"))
    await left_by(call, "two")
    (asked,) = integrator.asked
    cuid = await board.last_cuid()
    assert asked.fields == {"src": "201", "dst": "789", "data": "", "unique_id": cuid, "app_name": "s1"}


async def test_an_originated_call_tells_its_id(board: Switchboard, integrator: Integrator) -> None:
    """The web service learns which of its requests made the call."""
    integrator.answers["/smart"] = commands("Exit(1)")
    await publish_smart(board, integrator)
    board.phones["203"].manner = AutoAnswer()
    identity = await board.originate("203", "789")
    call = await board.phones["203"].incoming()
    await left_by(call, "one")
    assert integrator.asked[0].fields["originated_call_id"] == identity


@pytest.mark.parametrize(
    "answer", [commands("PlayAnnouncement('menu');Exit('1')", ok) for ok in ("1", 1, True)]
)
async def test_announcement_then_exit(
    board: Switchboard, integrator: Integrator, answer: dict[str, Any]
) -> None:
    """The sound is heard to its end, then the row's."""
    call = await _smart(board, integrator, answer)
    await call.until_heard(MENU)
    await left_by(call, "one")


@pytest.mark.slow
async def test_every_way_to_speak(board: Switchboard, integrator: Integrator) -> None:
    """All that is said in built-in sounds is said, as a PHP helper writes it; then the caller gets on."""
    async with board.database.read() as connection:
        sound = await connection.scalar(select(announcements.c.id).where(announcements.c.name == "menu"))
    text = (
        "Playback(‘beep’); SayNumber(21);SayDigit(07) ;;\r\nSayDuration('0:0:3');SayClock(14:00:00);"
        f"SayDate(\"1395-02-21\", 'jalali');MusicOnHold('default',1);PlayAnnouncement (“id:{sound}”);Exit(1);"
    )
    call = await _smart(board, integrator, commands(text))
    began = time.monotonic()
    await call.until_heard(MENU, within=30)
    assert time.monotonic() - began > 8
    await left_by(call, "one")


async def test_numbers_are_spoken(board: Switchboard, integrator: Integrator) -> None:
    """A number takes its time; then the list goes on."""
    call = await _smart(board, integrator, commands("SayNumber(21);PlayAnnouncement('menu');Exit(1)"))
    await call.until_talking()
    began = time.monotonic()
    await call.until_heard(MENU)
    assert time.monotonic() - began > 0.7
    await left_by(call, "one")


async def test_digits_for_the_next_step(board: Switchboard, integrator: Integrator) -> None:
    """A dialogue of two steps, told apart by name: the first asks for a digit, the second decides by it."""

    def answer(asked: Asked) -> Answer:
        if asked.fields["app_name"] == "s1":
            return commands("GetData('menu&wrong', 3, 1);Exit('go-s2')")
        return commands("Exit('go-b')" if asked.fields["data"] == "2" else "Exit('1')")

    integrator.answers["/smart"] = answer
    second = node("s2", "SmartApi", *ROWS, params={"api_address": integrator.url("/smart")})
    await publish_smart(board, integrator, row("go-s2", "s2", case="go-s2"), more=(second,))
    call = await board.phones["201"].call("789")
    await call.until_heard(WRONG)
    call.dial("2")
    await left_by(call, "two")
    assert [(asked.fields["app_name"], asked.fields["data"]) for asked in integrator.asked] == [
        ("s1", ""),
        ("s2", "2"),
    ]


async def test_the_number_is_replaced_and_the_talk_limited(
    board: Switchboard, integrator: Integrator
) -> None:
    """Digits typed before would win, so they are cleared; Extension rings the new number, for 2 s."""
    integrator.answers["/smart"] = commands(
        "GetData('menu', 1, 3);ClearUserData();SetExten('202');SetLimitOnCall(2);Exit('ring')"
    )
    ring = node("ring", "Extension", S="to-S", F="to-F")
    await publish_smart(board, integrator, row("ring", "ring", case="ring"), more=(ring,))
    board.phones["202"].manner = AutoAnswer()
    call = await board.phones["201"].call("789")
    await call.until_heard(MENU)
    call.dial("203")
    await call.until_heard(TONES["202"])
    began = time.monotonic()
    await left_by(call, "S", within=8)
    assert 1 < time.monotonic() - began < 6
    assert not board.phones["203"].calls


async def test_typed_digits_win_over_the_number(board: Switchboard, integrator: Integrator) -> None:
    """Without ClearUserData the Extension behind rings what the caller typed."""
    integrator.answers["/smart"] = commands("GetData('menu', 2, 3);SetExten('202')")
    ring = node("ring", "Extension", F="to-F")
    await publish_smart(
        board, integrator, row("ring", "ring", case="ring"), Output(key="e", target="to-e"), more=(ring,)
    )
    board.phones["203"].manner = AutoAnswer()
    call = await board.phones["201"].call("789")
    await call.until_heard(MENU)
    call.dial("203")
    await call.until_heard(TONES["203"])
    await call.hang_up()


async def test_no_exit_among_several_rows(board: Switchboard, integrator: Integrator) -> None:
    """The list ends without Exit: the only row is taken, as above; of several none, the call ends."""
    call = await _smart(board, integrator, commands("PlayAnnouncement('menu')"))
    await call.until_heard(MENU)
    await call.until_ended()
    assert not any(call.heard(hz) for hz in EXITS.values())


@pytest.mark.parametrize(
    "text",
    [
        "PlayAnnouncement('menu');Reboot();Exit('1')",
        "PlayAnnouncement('menu');Exit('1'",
        "PlayAnnouncement('menu');SayNumber('x');Exit('1')",
        "PlayAnnouncement('menu');SetExten('202,30,b(evil)');Exit('1')",
        "PlayAnnouncement('menu');SetExten('${SHELL(id)}');Exit('1')",
        "PlayAnnouncement('menu');Playback('a,skip&b');Exit('1')",
    ],
)
async def test_a_list_with_a_fault_does_nothing(
    board: Switchboard, integrator: Integrator, text: str
) -> None:
    """One bad command, or one that would be dangerous: nothing of the list is heard, the call leaves by e."""
    call = await _smart(board, integrator, commands(text))
    await left_by(call, "e")
    assert not call.heard(MENU)


@pytest.mark.parametrize(
    "text",
    [
        "PlayAnnouncement('menu');PlayAnnouncement('nothing-of-that-name');PlayAnnouncement('wrong');Exit('1')",
        "PlayAnnouncement('menu');Playback('no/such-sound');PlayAnnouncement('wrong');Exit('1')",
        "PlayAnnouncement('menu');MusicOnHold('no-such-class',1);PlayAnnouncement('wrong');Exit('1')",
        "PlayAnnouncement('menu');GetData('nothing',1,1);PlayAnnouncement('wrong');Exit('1')",
        "PlayAnnouncement('menu');Exit('nowhere');PlayAnnouncement('wrong');Exit('1')",
    ],
)
async def test_a_command_that_fails_stops_the_rest(
    board: Switchboard, integrator: Integrator, text: str
) -> None:
    """What stood before was heard, what stands behind is not; the call leaves by e."""
    call = await _smart(board, integrator, commands(text))
    await call.until_heard(MENU)
    await left_by(call, "e")
    assert not call.heard(WRONG)


async def _flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


BAD: dict[str, Answer] = {
    "not ok": {"ok": 0, "commands": "Exit('1')"},
    "silent": SILENCE,
    "huge": Raw(_flood),
    "html": page("<html>Exit('1')</html>"),
    "error": page('{"ok":1,"commands":"Exit(1)"}', status="500 Internal Server Error"),
    "list for commands": {"ok": 1, "commands": ["Exit('1')"]},
    "hangs up": b"",
}


@pytest.mark.parametrize("bad", BAD)
async def test_bad_web_services(board: Switchboard, integrator: Integrator, bad: str) -> None:
    """Whatever a web service does, the caller hears the exit e in a moment."""
    call = await _smart(board, integrator, BAD[bad])
    await call.until_talking()
    began = time.monotonic()
    await left_by(call, "e")
    assert time.monotonic() - began < 3


async def test_a_redirect_to_the_inside_is_refused(board: Switchboard, integrator: Integrator) -> None:
    """A web service that sends us to another one: that one is not asked, the caller hears the exit e."""
    async with Integrator() as inside:
        inside.answers["/"] = commands("Exit('1')")
        call = await _smart(
            board, integrator, page("", f"Location: {inside.url()}", status="307 Temporary Redirect")
        )
        await left_by(call, "e")
        assert inside.connections == 0


async def test_a_dead_web_service_is_left_alone(board: Switchboard, integrator: Integrator) -> None:
    """It never answers: the first calls wait for their limit, the ones after leave by e at once."""
    integrator.answers["/smart"] = SILENCE
    await publish_smart(board, integrator)
    for _ in range(2):
        calls = await asyncio.gather(*(board.phones[one].call("789") for one in ("201", "202", "203", "204")))
        await asyncio.gather(*(left_by(call, "e") for call in calls))
    assert len(integrator.asked) <= 8
    before = len(integrator.asked)
    call = await board.phones["201"].call("789")
    await left_by(call, "e")
    assert len(integrator.asked) == before


async def test_a_call_asks_again_after_our_death(board: Switchboard, integrator: Integrator) -> None:
    """The process dies while a Smart API collects digits: the next one begins with the question again."""
    integrator.answers["/smart"] = commands("GetData('menu', 1, 1);Exit('1')")
    await publish_smart(board, integrator)
    call = await board.phones["201"].call("789")
    await die_in_menu(board, call)
    call.dial("2")
    await left_by(call, "one")
    assert len(integrator.asked) == 2


# -- Extension API -----------------------------------------------------------------------------------------


async def publish_extension(board: Switchboard, integrator: Integrator) -> None:
    """An Extension API that asks ``/agent``."""
    await publish(
        board,
        "ExtensionApi",
        params={"api_address": integrator.url("/agent"), "timeout": 1},
        wires=("S", "B", "F"),
        name="last agent",
    )


async def test_callers_come_back_to_their_last_agent(board: Switchboard, integrator: Integrator) -> None:
    """The web service knows who talked to whom: each caller from outside rings that person; then S."""
    last = {"09150000000": "202", "09160000000": "203"}

    def answer(asked: Asked) -> Answer:
        return {"ok": "1", "extension": last[asked.fields["src"]]}

    integrator.answers["/agent"] = answer
    await publish_extension(board, integrator)
    for caller, agent in last.items():
        board.phones[agent].manner = AutoAnswer(hang_up_after=0.7)
        call = await board.phones["carrier"].call("31041000", caller=caller)
        await call.until_heard(TONES[agent])
        await left_by(call, "S")
        assert board.phones[agent].calls[-1].remote_number == caller
    assert {asked.fields["dst"] for asked in integrator.asked} == {"31041000"}


@pytest.mark.parametrize(
    ("answer", "exit_"),
    [
        ({"ok": "1", "extension": "202"}, "B"),
        ({"ok": "1", "extension": 203}, "F"),
        ({"ok": "1", "extension": "299"}, "F"),
        ({"ok": "1"}, "F"),
        ({"ok": "1", "extension": "202&203"}, "F"),
        ({"ok": "1", "extension": "202,30,G(evil)"}, "F"),
        ({"ok": "1", "extension": ["202"]}, "F"),
        ({"ok": 0, "extension": "202"}, "F"),
        (SILENCE, "F"),
    ],
)
async def test_exits_of_an_extension_api(
    board: Switchboard, integrator: Integrator, answer: Answer, exit_: str
) -> None:
    """Busy, nobody answering, nobody there, nobody named, something that is no number, no answer at all."""
    integrator.answers["/agent"] = answer
    board.phones["202"].manner = AutoReject(status=486)
    await publish_extension(board, integrator)
    call = await board.phones["201"].call("789")
    await left_by(call, exit_)


# -- Trunk API ---------------------------------------------------------------------------------------------


async def publish_trunk(board: Switchboard, integrator: Integrator) -> None:
    """A Trunk API that asks ``/limit``."""
    await publish(
        board,
        "TrunkApi",
        params={"api_address": integrator.url("/limit"), "timeout": 5},
        wires=("S", "F"),
        name="limit",
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": "1", "trunk": "nowhere", "extension": "0912"},
        {"ok": "1", "trunk": "carrier", "extension": "0098912"},
        {"ok": "1", "trunk": "carrier", "extension": "0912&PJSIP/202"},
        {"ok": "1", "trunk": "carrier"},
        {"ok": "1", "extension": "0912"},
        {"ok": "1", "trunk": "carrier", "extension": "0912", "call_limit": "soon"},
        {"ok": "1", "trunk": "carrier", "extension": "0913", "call_limit": 30},
        {"ok": 0},
    ],
)
async def test_a_trunk_api_that_gets_nowhere(
    board: Switchboard, integrator: Integrator, answer: dict[str, Any]
) -> None:
    """No such trunk, a barred number, no number, something else, a limit that is none, a refusal: F."""
    integrator.answers["/limit"] = answer
    board.phones["carrier"].manner = AutoReject(status=503)
    await publish_trunk(board, integrator)
    call = await board.phones["201"].call("0915")
    await left_by(call, "F")
    reached = [one.invite.uri for one in board.phones["carrier"].calls if one.invite]
    assert len(reached) == (1 if answer.get("extension") == "0913" else 0)


async def test_masked_call_with_a_limit_a_recording_and_a_survey(
    board: Switchboard, integrator: Integrator
) -> None:
    """Two parties who do not see each other's numbers talk for as long as the web service allows.

    The first is called and hears a word while the second is dialed over the trunk; the talk is recorded, ends
    by its limit, and the first party then gives points.
    """
    integrator.answers["/limit"] = {
        "ok": "1",
        "trunk": "carrier",
        "extension": "09150000000",
        "call_limit": "3",
    }
    poll = node(
        "poll",
        "Poll",
        params={
            "label": "masked",
            "announcement_before": "menu",
            "announcement_after": "wrong",
            "timeout": 2,
        },
    )
    await board.publish(
        node("route", "OutgoingRoute", row("552", "word", pattern="552")),
        node("word", "Announcement", params={"announcement": "late"}, next_="record"),
        node("record", "MixMonitor", next_="it"),
        node(
            "it",
            "TrunkApi",
            params={"api_address": integrator.url("/limit")},
            S="poll",
            F="sorry",
            name="limit",
        ),
        node("sorry", "Announcement", params={"announcement": "to-F"}),
        poll,
    )
    board.phones["carrier"].manner = AutoAnswer()
    board.phones["203"].manner = AutoAnswer()
    await board.originate("203", "552", caller_id="30003000")
    first = await board.phones["203"].incoming()
    await first.until_talking()
    second = await board.phones["carrier"].incoming()
    await second.until_talking()
    talking = time.monotonic()
    await first.until_heard(TONES["carrier"])
    await second.until_heard(TONES["203"])
    assert second.invite is not None
    assert second.invite.uri.startswith("sip:09150000000@")
    assert "203" not in second.remote_number
    await second.until_ended()
    assert 2 < time.monotonic() - talking < 5
    await first.until_heard(MENU)
    first.dial("4")
    await first.until_heard(WRONG)
    await first.until_ended()
    cuid = await board.last_cuid()
    facts = await board.facts(cuid)
    assert {("exit", "carrier"), ("poll", "4"), ("label", "masked")} <= set(facts)
    (name,) = [value for key, value in facts if key == "record"]
    folder = board.settings.state_dir / "recordings" / "source"
    files: list[Path] = await eventually(lambda: list(folder.glob(f"{name}*")), what="the recording")
    assert files[0].stat().st_size > 30_000
