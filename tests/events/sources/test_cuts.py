"""Nothing is told twice, or falsely, or not at all, when a connection or a process breaks in mid-call."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest

from events.sources._receiver import Receiver, in_order
from sa.reports._floor import CARRIER, SALES, Floor
from support.manager import manager
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.engine.ami import AmiError

pytestmark = pytest.mark.engine

ALICE, BOB = "201", "202"
SESSION = re.compile(r"^\s*\S+\s+127\.0\.0\.1\s+\d+\s+\d+\s+(?P<file>\d+)\s", re.MULTILINE)


async def talk(floor: Floor, told: Receiver) -> tuple[PhoneCall, PhoneCall, str]:
    """Alice talks to Bob, and that was told; gives the call's id."""
    call = await floor.phones[ALICE].call(BOB)
    other = await floor.phones[BOB].answer()
    await call.until_talking()
    body = await told.until("NewState", exten=ALICE, dialing=None, state="InUse")
    told.forget()
    return call, other, str(body["unique_id"])


async def cut(floor: Floor) -> None:
    """Asterisk throws out everybody who is connected to its manager, us among them, and ourselves last."""
    async with manager(floor.server) as ami:
        with contextlib.suppress(AmiError):
            files = SESSION.findall(await ami.command("manager show connected"))
            assert len(files) >= 3, files
            for file in files:
                await ami.command(f"manager kick session {file}")


async def connected(floor: Floor) -> None:
    """Both connections of the server are there again, and the watch has its picture."""

    async def there() -> bool:
        async with manager(floor.server) as ami:
            return len(SESSION.findall(await ami.command("manager show connected"))) >= 3

    await eventually(there, within=15, what="the server's manager connections")
    await asyncio.sleep(1.0)  # nothing is told: that takes a moment to see


@pytest.mark.slow
async def test_the_manager_connection_is_cut_in_mid_call(floor: Floor, told: Receiver) -> None:
    """Nothing happened meanwhile, so nothing is told; the end of the call is, once."""
    call, other, cuid = await talk(floor, told)
    await cut(floor)
    await connected(floor)
    assert told.bodies() == []
    await other.hang_up()
    await call.until_ended()
    await told.until("Cdr")
    assert sorted(told.of_call(cuid)) == ["Cdr", f"NewState {ALICE} Idle", f"NewState {BOB} Idle"]


@pytest.mark.slow
async def test_a_call_ends_and_one_begins_behind_our_back(floor: Floor, told: Receiver) -> None:
    """What is different afterwards is told, with the call that came in; nothing that did not happen."""
    call, other, cuid = await talk(floor, told)
    await cut(floor)
    await other.hang_up()
    await call.until_ended()
    caller, second = await floor.somebody_calls("204")
    await (await floor.phones["204"].incoming()).until_ringing()
    incoming = await told.until("IncomingCall", number=caller)
    await told.until("NewState", exten="204", state="Ringing")
    await told.until("NewState", exten=ALICE, state="Idle")
    await told.until("NewState", exten=BOB, state="Idle")
    await connected(floor)
    states = sorted((body["exten"], body["state"]) for body in told.bodies("NewState"))
    assert states == [(ALICE, "Idle"), (BOB, "Idle"), ("204", "Ringing")]
    assert {body["unique_id"] for body in told.bodies("NewState", state="Idle")} == {cuid}
    await second.hang_up()
    await told.until("Cdr", src=caller)
    assert len(told.bodies("IncomingCall")) == 1
    in_order(told.of_call(incoming["unique_id"]), "NewState 204 Ringing", "NewState 204 Idle", "Cdr")


@pytest.mark.slow
async def test_our_process_is_killed_between_fact_and_delivery(floor: Floor, told: Receiver) -> None:
    """The receiver is down, we are killed, the call ends: all arrives afterwards, once, in its order."""
    call, other, cuid = await talk(floor, told)
    await told.close()
    third = await floor.phones["203"].call("205")
    rung = await floor.phones["205"].incoming()
    await rung.until_ringing()
    await asyncio.sleep(0.3)  # long enough for the outbox
    await floor.server.kill9()
    await call.hang_up()
    await other.until_ended()
    await told.open()
    await floor.server.start()
    cdr = await told.until("Cdr", within=20)
    await told.until("NewState", exten=ALICE, state="Idle")
    await told.until("NewState", exten=BOB, state="Idle")
    await connected(floor)
    assert cdr["unique_id"] == cuid
    assert sorted(told.of_call(cuid)) == ["Cdr", f"NewState {ALICE} Idle", f"NewState {BOB} Idle"]
    lines = [(body["exten"], body["state"]) for body in told.bodies("NewState", participant="203")]
    assert lines == [("205", "Ringing")], "told before we were killed, and only once"
    await third.hang_up()
    await rung.until_ended()
    await told.until("NewState", exten="205", state="Idle")


@pytest.mark.slow
async def test_asterisk_dies_in_mid_call(floor: Floor, told: Receiver) -> None:
    """Everybody in a call is idle again, the calls have their records; nobody else changed."""
    _, _, cuid = await talk(floor, told)
    await floor.staffed(SALES, "203")
    caller, _ = await floor.somebody_calls(SALES)
    await (await floor.phones["203"].incoming()).until_ringing()
    await told.until("NewState", exten="203", state="Ringing")
    told.forget()
    floor.server.asterisk.kill()
    await told.until("Cdr", unique_id=cuid, within=40)
    await told.until("Cdr", src=caller)
    await told.until("NewState", exten=ALICE, state="Idle", within=20)
    await connected(floor)
    states = sorted((body["exten"], body["state"]) for body in told.bodies("NewState"))
    assert states == [(ALICE, "Idle"), (BOB, "Idle"), ("203", "Idle")]
    assert told.bodies("TrunkNewState") == []
    assert len(told.bodies("Cdr")) == 2
    for phone in floor.phones.values():  # who has nobody left to hang up to
        for call in phone.calls:
            await call.rtp.close()
        phone.calls.clear()


@pytest.mark.slow
async def test_a_trunk_that_goes_silent(floor: Floor, told: Receiver) -> None:
    """Its pings stay unanswered: Unavailable, with its type; answered again: Ok. Over a restart of ours."""
    (row,) = await floor.server.api("pbx/trunks/search", {"alike": False, "conditions": {"name": CARRIER}})
    carrier = floor.phones[CARRIER]
    carrier.unplugged = True
    await floor.server.api("pbx/trunks/update", {"_id": row["_id"], "qualify": "yes"})
    down = await told.until("TrunkNewState", trunk_name=CARRIER, state="Unavailable", within=60)
    assert down["trunk_type"] == "SIP"
    await floor.server.kill9()
    await floor.server.start()
    await connected(floor)
    assert len(told.bodies("TrunkNewState")) == 1
    carrier.unplugged = False
    await told.until("TrunkNewState", trunk_name=CARRIER, state="Ok", within=90)
    await floor.server.api("pbx/trunks/update", {"_id": row["_id"], "qualify": "no"})
    assert [body["state"] for body in told.bodies("TrunkNewState")] == ["Unavailable", "Ok"]
