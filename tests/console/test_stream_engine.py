"""What real phones do, as the live stream tells it: seen within one second of the fact."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from console._stream import LiveStream, live_stream, story
from support.console import Browser, administrator
from support.manager import manager
from support.server import TamasServer
from support.servers import NewCarrier, NewExtension
from support.waiting import eventually
from tamas.console.live.hub import LiveHub
from tamas.demo.call import PhoneCall, Refusal
from tamas.demo.phone import AutoAnswer, AutoReject
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineLink
from tamas.store.database import open_database

pytestmark = pytest.mark.engine

SOON = 1.0
"""Seconds from a fact to the browser."""


@pytest.fixture(scope="module")
async def browser(server: TamasServer) -> AsyncIterator[Browser]:
    """The administrator's browser."""
    async with administrator(server) as signed_in:
        yield signed_in


@pytest.fixture
async def stream(browser: Browser) -> AsyncIterator[LiveStream]:
    """A live stream of everything about the engine, which is seen to be ready."""
    async with live_stream(browser, "calls", "phones", "trunks", "queues", "engine") as watching:
        await watching.until(lambda: watching.ready and watching.snapshots["calls"])
        yield watching


def soon(told: float, fact: float | None) -> bool:
    """Whether the browser learned of a fact in time; clocks of a machine are one."""
    assert fact is not None
    assert told - fact < SOON, f"told {told - fact:.3f} s after the fact"
    return True


async def test_a_two_way_call_is_seen_from_ringing_to_its_record(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """Ringing, answered and ended are told within a second each, for both parties; the record has its id."""
    first, second = await new_extension(server, "201"), await new_extension(server, "202")
    originated = await server.originate("201", "202")
    a = await first.answer(after=0.4)
    b = await second.answer(after=0.4)
    await b.until_talking()
    call = await stream.call(originated_call_id=originated, state="talking")
    await second.hang_up()
    await a.until_ended()
    call = await stream.call(originated_call_id=originated, state="ended")
    assert story(call) == [
        "dialing 201",
        "ringing 201",
        "answered 201",
        "dialing 202",
        "ringing 202",
        "answered 202",
        "hung_up 202",
        "ended 201",
    ]
    for party, phone_call in (("201", a), ("202", b)):
        assert soon(stream.step_told(call, "ringing", party), phone_call.ringing_at)
        assert soon(stream.step_told(call, "answered", party), phone_call.answered_at)
    assert soon(stream.step_told(call, "ended", "201"), a.ended_at)
    assert (call["caller"]["name"], call["callee"]["name"]) == ("Phone 201", "Phone 202")
    assert call["answered_at"] - call["started_at"] > 700, "answered when both were connected"
    assert call["cause"] == 16
    assert (await server.call_record(originated))["cuid"] == call["id"]


async def test_phones_show_what_they_do(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """Idle, ringing, in use and idle again, while one extension calls the other."""
    first, second = await new_extension(server, "203"), await new_extension(server, "204")
    await stream.until(lambda: stream.phones["204"] == {"registered": True, "state": "idle"})
    await first.call("204")
    await stream.until(lambda: stream.phones["204"]["state"] == "ringing")
    assert stream.phones["203"]["state"] == "in_use"
    await second.answer()
    await stream.until(lambda: stream.phones["204"]["state"] == "in_use")
    await first.hang_up()
    await stream.until(lambda: {stream.phones[number]["state"] for number in ("203", "204")} == {"idle"})


@pytest.mark.parametrize(("status", "cause"), [(486, 17), (603, 21)])
async def test_a_refused_call_says_why(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension, status: Refusal, cause: int
) -> None:
    """Busy and rejected: who refused and with which cause stays in the story, and is the call's end."""
    first = await new_extension(server, "205")
    await new_extension(server, "206", manner=AutoReject(status=status, after=0.2))
    before = set(stream.calls)
    mine = await first.call("206")
    await mine.until_ended()
    call = await stream.call(caller="205", callee="206", state="ended", cause=cause)
    assert call["id"] not in before
    assert call["answered_at"] is None
    refused = next(step for step in call["story"] if step["what"] == "refused")
    assert (refused["party"], refused["cause"]) == ("206", cause)


async def test_an_originate_to_a_phone_that_is_off_ends_at_once(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """It never has a channel, and is told all the same."""
    await new_extension(server, "207", register=False)
    originated = await server.originate("207", "208")
    call = await stream.call(originated_call_id=originated, state="ended")
    assert story(call) == ["dialing 207", "refused 207", "ended 207"]
    assert (await server.call_record(originated))["cuid"] == call["id"]


async def test_hold_is_seen_and_ends(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """Who put the other on hold; both phones show it."""
    first = await new_extension(server, "209")
    second = await new_extension(server, "210", manner=AutoAnswer())
    mine = await first.call("210")
    await mine.until_talking()
    await stream.call(caller="209", state="talking")
    second.last_call.hold()
    call = await stream.call(caller="209", state="hold")
    assert (call["caller"]["state"], call["callee"]["state"]) == ("up", "hold")
    await stream.until(lambda: stream.phones["209"]["state"] == stream.phones["210"]["state"] == "hold")
    second.last_call.unhold()
    await stream.call(caller="209", state="talking")
    await mine.hang_up()
    call = await stream.call(caller="209", state="ended")
    assert story(call)[3:5] == ["hold 210", "unhold 210"]


async def test_a_blind_transfer_changes_the_callee(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """The call goes on with another extension, under the same id."""
    first, third = await new_extension(server, "211"), await new_extension(server, "213")
    second = await new_extension(server, "212", manner=AutoAnswer())
    mine = await first.call("212")
    await mine.until_talking()
    call = await stream.call(caller="211", callee="212", state="talking")
    second.last_call.transfer(f"sip:213@{server.sip[0]}:{server.sip[1]}")
    await stream.call(id=call["id"], callee="213", state="ringing")
    await third.answer()
    await stream.call(id=call["id"], callee="213", state="talking")
    await mine.hang_up()
    call = await stream.call(id=call["id"], state="ended")
    assert story(call)[3:] == [
        "transferred 212",
        "dialing 213",
        "ringing 213",
        "answered 213",
        "hung_up 211",
        "ended 211",
    ]


async def test_an_attended_transfer_makes_two_calls_one(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """The consultation is a call until the transfer, and then part of the older call."""
    first = await new_extension(server, "214")
    second = await new_extension(server, "215", manner=AutoAnswer())
    third = await new_extension(server, "216", manner=AutoAnswer())
    mine = await first.call("215")
    await mine.until_talking()
    call = await stream.call(caller="214", callee="215", state="talking")
    consultation = await second.call("216")
    await consultation.until_talking()
    other = await stream.call(caller="215", callee="216", state="talking")
    first_talk = next(each for each in second.calls if each.incoming)
    first_talk.transfer(f"sip:216@{server.sip[0]}:{server.sip[1]}{_replacing(consultation)}")
    await stream.call(id=other["id"], state="ended")
    call = await stream.call(id=call["id"], caller="214", callee="216", state="talking")
    assert "transferred 215" in story(call)
    await third.hang_up()
    await mine.until_ended()
    await stream.call(id=call["id"], state="ended")


def _replacing(call: PhoneCall) -> str:
    """What makes a transfer take over a call (RFC 3891)."""
    tags = [
        match[1]
        for header in (call.remote_header, call.local_header)
        if (match := re.search(r"tag=([^;>]+)", header)) is not None
    ]
    return "?Replaces=" + quote(f"{call.call_id};to-tag={tags[0]};from-tag={tags[1]}", safe="")


async def test_a_caller_waits_in_a_queue_until_an_agent_answers(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension, new_carrier: NewCarrier
) -> None:
    """Waiting callers and free agents of the queue, the agent's number, and the call's way through it."""
    carrier = await new_carrier(server, "line1")
    seat = await new_extension(server, "217")
    await new_extension(server, "517", register=False)
    queue = await server.api("pbx/queues/add", {"name": "Support", "number": "900"})
    try:
        await server.api("pbx/queues/addagent", {"queue": "900", "agent": "517", "source": "217"})
        await stream.until(lambda: stream.queues["900"]["available"] == 1)
        mine = await carrier.call("900", caller="09120000001")
        call = await stream.call(caller="09120000001", state="queue")
        assert (call["queue"], call["caller"]["trunk"]) == ("900", "line1")
        await stream.call(id=call["id"], callee="517")
        assert stream.queues["900"]["waiting"] == 1
        assert stream.queues["900"]["longest_wait_since"] >= call["started_at"]
        await seat.answer()
        await stream.call(id=call["id"], callee="517", state="talking")
        await stream.until(lambda: stream.queues["900"]["waiting"] == stream.queues["900"]["available"] == 0)
        await mine.hang_up()
        await stream.call(id=call["id"], state="ended")
        await server.api("pbx/queues/pauseagent", {"queue": "900", "agent": "517"})
        await stream.until(lambda: stream.queues["900"]["paused"] == 1)
        await server.api("pbx/queues/removeagent", {"queue": "900", "agent": "517"})
        await stream.until(lambda: stream.queues["900"]["members"] == 0)
    finally:
        await server.api("pbx/queues/remove", {"_id": queue["_id"]})


async def test_a_trunk_is_unavailable_while_nobody_answers_there(
    server: TamasServer, stream: LiveStream, browser: Browser, new_carrier: NewCarrier
) -> None:
    """Its far end vanishes and comes back; switched off it is deactivated."""
    carrier = await new_carrier(server, "line2", qualify="yes")
    await stream.until(lambda: stream.trunks["line2"]["state"] == "ok")
    carrier.unplugged = True
    await _ping(server, "trunk-line2")
    await stream.until(lambda: stream.trunks["line2"]["state"] == "unavailable", within=8)
    carrier.unplugged = False
    await _ping(server, "trunk-line2")
    await stream.until(lambda: stream.trunks["line2"]["state"] == "ok")
    (row,) = (await browser.get("pbx/trunks/list", search="line2"))["rows"]
    assert (row["state"], row["registration"]) == ("ok", "none")
    await server.api("pbx/trunks/update", {"_id": row["id"], "active": "no"})
    await stream.until(lambda: stream.trunks["line2"]["state"] == "deactivated")


@pytest.mark.parametrize(
    ("secret", "registration", "state"),
    [("right-secret", "registered", "ok"), ("wrong-secret", "rejected", "unavailable")],
)
async def test_a_trunk_shows_its_registration(
    server: TamasServer,
    stream: LiveStream,
    secret: str,
    registration: str,
    state: str,
) -> None:
    """We are the provider ourselves, who lets it in or not; nobody pings it."""
    await server.api("pbx/users/add", {"name": "Far end", "number": "218", "secret": "right-secret"})
    trunk = await server.api(
        "pbx/trunks/add",
        {
            "trunk_type": "SIP",
            "name": "line3",
            "active": "yes",
            "qualify": "no",
            "register_string": f"218:{secret}@127.0.0.1:{server.sip[1]}",
        },
    )
    try:
        await stream.until(lambda: stream.trunks["line3"]["registration"] == registration)
        assert stream.trunks["line3"]["state"] == state
    finally:
        await server.api("pbx/trunks/remove", {"_id": trunk["_id"]})
        (row,) = await server.api("pbx/users/search", {"alike": False, "conditions": {"number": "218"}})
        await server.api("pbx/users/remove", {"_id": row["_id"]})


async def test_phones_come_and_go(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """Registered, unregistered, and unplugged: the last is found out by a ping."""
    phone = await new_extension(server, "219")
    await stream.until(lambda: stream.phones["219"] == {"registered": True, "state": "idle"})
    await phone.unregister()
    await stream.until(lambda: stream.phones["219"] == {"registered": False, "state": "unavailable"})
    await phone.register()
    await stream.until(lambda: stream.phones["219"]["registered"])
    phone.unplugged = True
    await _ping(server, "219")
    await stream.until(lambda: not stream.phones["219"]["registered"], within=8)
    phone.unplugged = False
    await _ping(server, "219")
    await stream.until(lambda: stream.phones["219"]["registered"])


async def test_a_phone_at_a_fixed_address_is_seen(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """It never registers; once somebody answers there it can be called."""
    phone = await new_extension(server, "220", register=False)
    host, port = phone.address
    assert host == "127.0.0.1"
    (row,) = await server.api("pbx/users/search", {"alike": False, "conditions": {"number": "220"}})
    await server.api("pbx/users/update", {"_id": row["_id"], "host": host, "port": str(port)})
    await stream.until(lambda: stream.phones["220"] == {"registered": True, "state": "idle"}, within=10)


async def _ping(server: TamasServer, aor: str) -> None:
    """Let Asterisk ping now what it pings once a minute."""
    async with manager(server) as ami:
        await ami.command(f"pjsip qualify {aor}")


async def test_an_api_worker_sees_the_same(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """Through the link of a worker that does not supervise the engine, begun in the middle of a call."""
    first = await new_extension(server, "221")
    await new_extension(server, "222", manner=AutoAnswer())
    mine = await first.call("222")
    await mine.until_talking()
    told = await stream.call(caller="221", state="talking")
    database = await open_database(f"sqlite:///{server.state_dir}/tamas.db")
    link = EngineLink(EngineLayout(state_dir=server.state_dir), database)
    hub = LiveHub(database, link)
    linking = asyncio.create_task(link.run())
    try:
        await eventually(lambda: link.ready, what="the worker's link")
        view = await hub.view()
        (call,) = view.calls()
        assert call.id == told["id"]
        assert (call.state, call.caller.number, call.callee and call.callee.number) == (
            "talking",
            "221",
            "222",
        )
        assert abs(call.started_at // 1000 - told["started_at"]) < 50
        assert abs((call.answered_at or 0) // 1000 - told["answered_at"]) < 50
        assert view.phone("222").state == "in_use"
        await mine.hang_up()
        await eventually(lambda: not view.calls(), within=SOON, what="the end of the call")
    finally:
        await hub.close()
        linking.cancel()
        await asyncio.gather(linking, return_exceptions=True)
        await database.close()


async def test_an_engine_that_dies_leaves_no_phantoms(
    server: TamasServer, stream: LiveStream, new_extension: NewExtension
) -> None:
    """Its calls go with a snapshot, not one by one; what is true again is told the same way."""
    first = await new_extension(server, "223")
    await new_extension(server, "224", manner=AutoAnswer())
    mine = await first.call("224")
    await mine.until_talking()
    call = await stream.call(caller="223", state="talking")
    before = stream.changes.copy()
    server.asterisk.kill()
    await stream.until(lambda: stream.ready is False, within=SOON + 1)
    await stream.until(lambda: stream.ready, within=20)
    assert call["id"] not in stream.shown
    assert stream.calls[call["id"]]["state"] == "talking", "nobody saw it end"
    assert stream.changes == before
    await server.wait_ready()
    mine.lost()
    for old in first.calls:
        old.lost()
    await (await first.call("224")).until_talking()
    await stream.call(caller="223", callee="224", state="talking")
