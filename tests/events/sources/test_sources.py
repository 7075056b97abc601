"""Every event, caused by real telephones or the real service, as it arrives at a real web server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from events.sources._receiver import (
    CUID,
    EPOCH,
    ID,
    ORIGINATED,
    PATH,
    RECORD,
    TIME,
    Body,
    Receiver,
    check_g4,
    in_order,
    receiving,
)
from events.sources.conftest import FAX, KEEPS_PLACES, LABEL, SURVEY
from sa.reports._floor import CARRIER, SALES, SUPPORT, Floor
from support.documents import pdf
from support.mail_server import MailBin
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.demo.phone import AutoAnswer, AutoReject

pytestmark = pytest.mark.engine

ALICE, BOB, CAROL, REZA, NEDA = "201", "202", "203", "204", "205"


def ids(call: str) -> Body:
    """The two names of a call's id."""
    return {"unique_id": call, "cuid": call}


def states(told: Receiver, exten: str) -> list[Body]:
    """What was told of an extension, in order."""
    return told.bodies("NewState", exten=exten)


async def talk(floor: Floor) -> tuple[PhoneCall, PhoneCall]:
    """Alice talks to Bob."""
    call = await floor.phones[ALICE].call(BOB)
    other = await floor.phones[BOB].answer(after=0.2)
    await call.until_talking()
    return call, other


def uri(floor: Floor, number: str) -> str:
    host, port = floor.server.sip
    return f"sip:{number}@{host}:{port}"


async def test_a_call_between_extensions(floor: Floor, told: Receiver) -> None:
    """Every state of both, then the record; the whole requests."""
    call, other = await talk(floor)
    await other.hang_up()
    await call.until_ended()
    cdr = await told.until("Cdr")
    await told.until("NewState", exten=ALICE, state="Idle")
    of_call = ids(cdr["unique_id"])
    out = {"participant": BOB, "direction": "out", **of_call}
    in_ = {"participant": ALICE, "direction": "in", **of_call}
    state = {"event_name": "NewState"}
    assert states(told, ALICE) == [
        {**state, "exten": ALICE, "state": "InUse", **out, "dialer": "yes", "dialing": "yes"},
        {**state, "exten": ALICE, "state": "InUse", **out},
        {**state, "exten": ALICE, "state": "Idle", **of_call},
    ]
    assert states(told, BOB) == [
        {**state, "exten": BOB, "state": "Ringing", **in_},
        {**state, "exten": BOB, "state": "InUse", **in_},
        {**state, "exten": BOB, "state": "Idle", **of_call},
    ]
    assert cdr == {
        "event_name": "Cdr",
        "starttime": TIME,
        "endtime": TIME,
        "src": ALICE,
        "dst": BOB,
        "type": "local",
        "disposition": "ANSWERED",
        "duration": cdr["duration"],
        "billsec": cdr["billsec"],
        "wait": 0,
        "unique_id": CUID,
        "cuid": cdr["unique_id"],
        "start_time": cdr["starttime"],
        "end_time": cdr["endtime"],
    }
    assert all(isinstance(cdr[name], int) for name in ("duration", "billsec", "wait"))
    assert list(cdr)[:3] == ["event_name", "starttime", "endtime"]
    for asked in told.requests:
        check_g4(asked)
    in_order(told.of_call(cdr["unique_id"]), f"NewState {BOB} Ringing", f"NewState {BOB} Idle", "Cdr")


async def test_a_call_through_a_queue(floor: Floor, told: Receiver) -> None:
    """From the trunk to an agent: the order in which a call is told, whole; numbers as text in CdrQueue."""
    await floor.staffed(SALES, BOB)
    caller, call = await floor.somebody_calls(SALES)
    agent = await floor.phones[BOB].answer(after=0.3)
    await agent.until_heard(1500)
    await agent.hang_up()
    await call.until_ended()
    cdr = await told.until("Cdr", src=caller)
    of_call = ids(cdr["unique_id"])
    (incoming,) = told.bodies("IncomingCall")
    assert incoming == {
        "event_name": "IncomingCall",
        "number": caller,
        "entry_point": CARRIER,
        **of_call,
    }
    rings = states(told, BOB)[0]
    assert rings == {
        "event_name": "NewState",
        "exten": BOB,
        "state": "Ringing",
        "participant": caller,
        "direction": "in",
        "queue": SALES,
        **of_call,
    }
    (visit,) = told.bodies("CdrQueue")
    digits = {name: visit[name] for name in ("billsec", "wait", "duration", "agent_wait")}
    assert all(isinstance(value, str) and value.isdecimal() for value in digits.values())
    assert visit == {
        "event_name": "CdrQueue",
        **of_call,
        "src": caller,
        "dst": BOB,
        "queue": SALES,
        **digits,
        "disposition": "ANSWERED",
        "queue_status": "CONTINUE",
        "hangup": "agent",
        "record": RECORD,
        "answeredtime": TIME,
        "ringtime": TIME,
        "starttime": TIME,
        "endtime": TIME,
        "detail": [
            {
                "src": caller,
                "dst": BOB,
                "billsec": visit["billsec"],
                "wait": visit["wait"],
                "disposition": "ANSWERED",
                "comment": "",
                "tries": "1",
            }
        ],
    }
    assert (cdr["type"], cdr["entry_point"], cdr["record"]) == ("incoming", CARRIER, visit["record"])
    in_order(
        told.of_call(cdr["unique_id"]),
        "IncomingCall",
        f"NewState {BOB} Ringing",
        f"NewState {BOB} InUse",
        f"NewState {BOB} Idle",
        "CdrQueue",
        "Cdr",
    )
    ready = await told.until("RecordingReady", record=cdr["record"], within=20)
    assert ready == {
        "event_name": "RecordingReady",
        **of_call,
        "record": cdr["record"],
        "duration": ready["duration"],
        "bytes": ready["bytes"],
        "date": TIME,
    }
    file = await floor.server.client.post("/api/v4/reports/audio/download", json={"file": ready["record"]})
    assert (file.status_code, len(file.content)) == (200, ready["bytes"])


async def test_nobody_takes_a_call_from_a_queue(floor: Floor, told: Receiver) -> None:
    """The caller gives up while the agent's phone rings: missed, with the try; no answer, no record."""
    await floor.staffed(SALES, BOB)
    caller, call = await floor.somebody_calls(SALES)
    await (await floor.phones[BOB].incoming()).until_ringing()
    await call.hang_up()
    visit = await told.until("CdrQueue", src=caller)
    assert (visit["disposition"], visit["dst"], visit["hangup"]) == ("MISSED", BOB, "caller")
    assert not {"answeredtime", "record"} & visit.keys()
    assert [(each["dst"], each["disposition"]) for each in visit["detail"]] == [(BOB, "NO ANSWER")]
    cdr = await told.until("Cdr", src=caller)
    assert (cdr["disposition"], "billsec" in cdr) == ("NO ANSWER", False)


async def test_a_call_over_the_trunk(floor: Floor, told: Receiver) -> None:
    """An extension calls out: OutgoingCall with both names of the trunk, before it is answered."""
    floor.phones[CARRIER].manner = AutoAnswer(after=0.2)
    call = await floor.phones[ALICE].call("09121112233")
    await call.until_heard(1500)
    await call.hang_up()
    cdr = await told.until("Cdr", src=ALICE)
    (outgoing,) = told.bodies("OutgoingCall")
    assert outgoing == {
        "event_name": "OutgoingCall",
        "number": "09121112233",
        "outgoing_point": CARRIER,
        **ids(cdr["unique_id"]),
        "entry_point": CARRIER,
    }
    assert (cdr["type"], cdr["outgoing_point"], "entry_point" in cdr) == ("outgoing", CARRIER, False)
    talking = f"NewState {ALICE} InUse"
    in_order(told.of_call(cdr["unique_id"]), f"{talking} dialing", "OutgoingCall", talking, "Cdr")


async def test_a_call_asked_for_through_the_api(floor: Floor, told: Receiver) -> None:
    """Its id is in what is told of it; the first party makes a call, though its own phone rings."""
    floor.phones[NEDA].manner = AutoAnswer(after=0.2)
    floor.phones[CARRIER].manner = AutoAnswer(after=0.2)
    asked = await floor.server.originate(NEDA, "09121112244")
    await eventually(lambda: any(call.state.value == "talking" for call in floor.phones[CARRIER].calls))
    await floor.phones[CARRIER].calls[-1].hang_up()
    cdr = await told.until("Cdr", originated_call_id=asked)
    result = await told.until("OriginateResult")
    (outgoing,) = told.bodies("OutgoingCall")
    assert (outgoing["originated_call_id"], outgoing["number"]) == (asked, "09121112244")
    assert result == {
        "event_name": "OriginateResult",
        "originated_call_id": asked,
        "caller": NEDA,
        "callee": "09121112244",
        "disposition": "ANSWERED",
        "billsec": cdr["billsec"],
        **ids(cdr["unique_id"]),
        "date": cdr["endtime"],
    }
    (rings, dials, *_) = states(told, NEDA)
    assert (rings["state"], rings["direction"], rings["participant"]) == ("Ringing", "out", "09121112244")
    assert (dials["state"], dials["direction"], dials["dialing"]) == ("InUse", "out", "yes")
    assert (asked == ORIGINATED, cdr["dst"]) == (True, "09121112244")


async def test_calls_asked_for_that_come_to_nothing(floor: Floor, told: Receiver) -> None:
    """A first party who rejects has a record to nowhere; one without a phone has only a result."""
    await floor.server.api("pbx/users/add", {"name": "Nobody", "number": "299", "secret": "secret-299-S"})
    floor.phones[CAROL].manner = AutoReject(status=486)
    rejected = await floor.server.originate(CAROL, REZA)
    unreachable = await floor.server.originate("299", REZA)
    cdr = await told.until("Cdr", originated_call_id=rejected)
    assert (cdr["src"], cdr["dst"], cdr["disposition"]) == (CAROL, "failed", "BUSY")
    results = {
        asked: await told.until("OriginateResult", originated_call_id=asked)
        for asked in (rejected, unreachable)
    }
    assert results[rejected]["disposition"] == "BUSY"
    assert results[unreachable] == {
        "event_name": "OriginateResult",
        "originated_call_id": unreachable,
        "caller": "299",
        "callee": REZA,
        "disposition": "FAILED",
        "reason": "first party 299 is unknown or has no phone registered",
        "date": TIME,
    }
    assert told.bodies("Cdr", originated_call_id=unreachable) == []
    assert told.bodies("CdrQueue") == []


async def test_a_blind_transfer(floor: Floor, told: Receiver) -> None:
    """An agent sends the caller on: who, whom, where."""
    await floor.staffed(SALES, BOB)
    caller, call = await floor.somebody_calls(SALES)
    first = await floor.phones[BOB].answer()
    await first.until_heard(1500)
    first.transfer(uri(floor, CAROL))
    second = await floor.phones[CAROL].answer()
    await second.until_heard(1500)
    await second.hang_up()
    await call.until_ended()
    cdr = await told.until("Cdr", src=caller)
    assert told.bodies("Transfer") == [
        {
            "event_name": "Transfer",
            "transferer": BOB,
            "transferred_from": caller,
            "transferred_to": CAROL,
            **ids(cdr["unique_id"]),
            "transfer": BOB,
        }
    ]
    rings = states(told, CAROL)[0]
    assert (rings["state"], rings["participant"], rings["unique_id"]) == (
        "Ringing",
        caller,
        cdr["unique_id"],
    )


async def test_an_attended_transfer(floor: Floor, told: Receiver) -> None:
    """Bob asks Carol with his phone's second line, then connects Alice to her."""
    call, other = await talk(floor)
    asks = await floor.phones[BOB].call(CAROL)
    third = await floor.phones[CAROL].answer(after=0.1)
    await asks.until_talking()
    tags = [match[1] for each in (asks.remote_header, asks.local_header) if (match := TAG.search(each))]
    replaces = quote(f"{asks.call_id};to-tag={tags[0]};from-tag={tags[1]}", safe="")
    other.transfer(f"{uri(floor, CAROL)}?Replaces={replaces}")
    await third.until_heard(470)
    await third.hang_up()
    await call.until_ended()
    cdr = await told.until("Cdr", src=ALICE)
    (transfer,) = told.bodies("Transfer")
    parties = (transfer["transferer"], transfer["transferred_from"], transfer["transferred_to"])
    assert (*parties, transfer["unique_id"]) == (BOB, ALICE, CAROL, cdr["unique_id"])


TAG = re.compile("tag=([^;>]+)")


@pytest.mark.slow
async def test_an_attended_transfer_by_code(floor: Floor, told: Receiver) -> None:
    """An agent of a queue asks a colleague by the keys of the phone, then connects the caller."""
    await floor.staffed(SALES, BOB)
    caller, call = await floor.somebody_calls(SALES)
    agent = await floor.phones[BOB].answer()
    await agent.until_heard(1500)
    agent.dial("##")
    await eventually(lambda: not agent.hears(1500), what="the prompt of the transfer")
    agent.dial(f"{REZA}#")
    colleague = await floor.phones[REZA].answer(within=15)
    await colleague.until_heard(540)
    await agent.hang_up()
    await colleague.until_heard(1500)
    await colleague.hang_up()
    await call.until_ended()
    await told.until("Cdr", src=caller)
    (transfer,) = told.bodies("Transfer")
    parties = (transfer["transferer"], transfer["transferred_from"], transfer["transferred_to"])
    assert parties == (BOB, caller, REZA)


async def test_a_break(floor: Floor, told: Receiver) -> None:
    """An agent pauses and comes back; no call is named."""
    await floor.staffed(SALES, BOB)
    await floor.takes_a_break(SALES, BOB)
    await told.until("NewState", exten=BOB, state="Pause")
    await floor.server.api("pbx/queues/resumeagent", {"queue": SALES, "agent": BOB})
    await told.until("NewState", exten=BOB, state="Idle")
    state = {"event_name": "NewState", "exten": BOB}
    assert states(told, BOB) == [{**state, "state": "Pause"}, {**state, "state": "Idle"}]


async def test_a_phone_that_leaves(floor: Floor, told: Receiver) -> None:
    """Unregistered: unavailable; registered again: idle."""
    phone = floor.phones[NEDA]
    await phone.unregister()
    await told.until("NewState", exten=NEDA, state="Unavailable")
    await phone.register()
    await told.until("NewState", exten=NEDA, state="Idle")
    assert [body["state"] for body in states(told, NEDA)] == ["Unavailable", "Idle"]


async def test_extensions_come_and_go(floor: Floor, told: Receiver) -> None:
    """Added, given another number, removed."""
    row = {"name": "New", "number": "280", "secret": "secret-280-S"}
    added = await floor.server.api("pbx/users/add", row)
    await floor.server.api("pbx/users/update", {"_id": added["_id"], "number": "281"})
    await floor.server.api("pbx/users/remove", {"_id": added["_id"]})
    gone = await told.until("ExtenRemoved", exten="281")
    assert told.bodies("ExtenAdded") == [
        {"event_name": "ExtenAdded", "exten": number, "state": "Unavailable"} for number in ("280", "281")
    ]
    assert gone == {"event_name": "ExtenRemoved", "exten": "281", "state": "Unavailable", "number": "281"}
    assert [body["exten"] for body in told.bodies("ExtenRemoved")] == ["280", "281"]


async def test_trunks_come_and_go(floor: Floor, told: Receiver) -> None:
    """Added, switched off, on again, removed: epoch seconds, as of no other event."""
    settings = {"trunk_type": "SIP", "name": "second", "active": "yes", "host": "127.0.0.8", "qualify": "no"}
    added = await floor.server.api("pbx/trunks/add", settings)
    rest = {
        "last_time": EPOCH,
        "trunk_name": "second",
        "trunk_type": "SIP",
        "last_time_sec": 0,
        "date": EPOCH,
    }
    assert await told.until("TrunkAdded") == {"event_name": "TrunkAdded", "state": "Ok", **rest}
    await floor.server.api("pbx/trunks/update", {"_id": added["_id"], "active": "no"})
    off = await told.until("TrunkNewState", trunk_name="second")
    assert off == {"event_name": "TrunkNewState", "state": "Deactivate", **rest}
    await floor.server.api("pbx/trunks/update", {"_id": added["_id"], "active": "yes"})
    await told.until("TrunkNewState", trunk_name="second", state="Ok")
    await floor.server.api("pbx/trunks/remove", {"_id": added["_id"]})
    gone = await told.until("TrunkRemoved")
    assert gone == {"event_name": "TrunkRemoved", "trunk_name": "second", "date": EPOCH}
    assert len(told.bodies("TrunkNewState")) == 2


async def test_a_survey(floor: Floor, told: Receiver) -> None:
    """Told as soon as the caller gave points, with the agent who talked to them; the record has them too."""
    await floor.staffed(SUPPORT, CAROL)
    caller, call = await floor.somebody_calls(SURVEY)
    agent = await floor.phones[CAROL].answer()
    await agent.until_heard(1500)
    await agent.hang_up()

    async def answered() -> bool:
        call.dial("4")
        return bool(await told.until("Survey", within=0.8))

    await eventually(answered, within=15, what="a question that takes points")
    assert told.bodies("Cdr") == [], "the call goes on, or has ended only now"
    await call.until_ended()
    cdr = await told.until("Cdr", src=caller)
    assert told.bodies("Survey") == [
        {
            "event_name": "Survey",
            "event": "Survey",
            **ids(cdr["unique_id"]),
            "src": caller,
            "dst": CAROL,
            "queue": SUPPORT,
            "date": TIME,
            "point": 4,
            "label": LABEL,
        }
    ]
    assert (cdr["poll_point"], cdr["poll_lable"]) == ("4", LABEL)


async def test_messages_and_their_mails(floor: Floor, told: Receiver, mail_server: MailBin) -> None:
    """One caller leaves a message, of which a mail is sent; another hangs up without a word."""
    box = {"name": "Reza", "number": REZA, "password": "4711", "email": "reza@example.com"}
    made = await floor.server.api("voicemails/voicemails/add", {**box, "send_email": "yes"})
    floor.phones[REZA].manner = AutoReject(status=486)
    caller, call = await floor.somebody_calls(REZA)
    await call.until_heard(700)
    await asyncio.sleep(2)  # what is said
    await call.hang_up()
    stored = await told.until("VoiceMail", state="SUCCESS")
    assert stored == {
        "event_name": "VoiceMail",
        "id": ID,
        "number": REZA,
        "state": "SUCCESS",
        "filename": stored["filename"],
        "duration": stored["duration"],
        "caller": caller,
        "data": "",
        "date": TIME,
        "cuid": CUID,
    }
    assert stored["duration"].isdecimal()
    file = await floor.server.client.post(
        "/api/v4/voicemails/audio/download", json={"file": stored["filename"]}
    )
    assert file.status_code == 200
    mail = await told.until("VoiceMailEmail")
    assert mail == {
        "event_name": "VoiceMailEmail",
        "id": stored["id"],
        "number": REZA,
        "state": "SUCCESS",
        "receiver": "reza@example.com",
        "active": "True",
        "attached_file": "False",
        "data": "",
        "date": TIME,
    }
    assert mail_server.mails
    _, silent = await floor.somebody_calls(REZA)
    await silent.until_heard(700)
    await silent.hang_up()
    failed = await told.until("VoiceMail", state="FAILED")
    assert (failed["message"], "filename" in failed) == ("Hangup call", False)
    await floor.server.api("voicemails/voicemails/remove", {"_id": made["_id"]})


async def test_a_fax_that_nobody_takes(floor: Floor, told: Receiver) -> None:
    """It begins, and fails."""
    floor.phones[CARRIER].manner = AutoReject(status=486)
    answer = await floor.server.client.post("/api/v4/pbx/faxes/upload", files={"file": ("a.pdf", pdf())})
    body = {"to": "02112345678", "trunk_name": CARRIER, "file": answer.json()["data"]["filename"]}
    fax = (await floor.server.api("pbx/faxes/add", body))["_id"]
    failed = await told.until("OutgoingFax", state="FAILED")
    begun = told.bodies("OutgoingFax")[0]
    nothing = dict.fromkeys(
        (
            "FAXSTATUS",
            "FAXSTATUSSTRING",
            "FAXERROR",
            "REMOTESTATIONID",
            "FAXPAGES",
            "FAXBITRATE",
            "FAXRESOLUTION",
        )
    )
    assert begun == {
        "event_name": "OutgoingFax",
        "fax_id": fax,
        "state": "SENDING",
        "unique_id": CUID,
        "info": {**nothing, "REASON": ""},
        "date": TIME,
    }
    assert (failed["fax_id"], failed["unique_id"]) == (fax, begun["unique_id"])
    assert failed["info"]["REASON"]
    assert told.bodies("OriginateResult") == [], "nobody asked for a call"


@pytest.mark.slow
async def test_a_fax_that_does_not_come(floor: Floor, told: Receiver) -> None:
    """Somebody calls the fax machine and hangs up."""
    caller, call = await floor.somebody_calls(FAX)
    await call.until_talking()
    await asyncio.sleep(1)
    await call.hang_up()
    fax = await told.until("IncomingFax", within=20)
    assert fax == {
        "event_name": "IncomingFax",
        "fax_id": ID,
        "entry_point": CARRIER,
        "unique_id": CUID,
        "src": caller,
        "dst": FAX,
        "state": "FAILED",
        "date": TIME,
        "description": fax["description"],
    }
    assert list(fax["description"]) == [
        "REMOTESTATIONID",
        "FAXRESOLUTION",
        "FAXBITRATE",
        "FAXERROR",
        "FAXSTATUS",
        "FAXPAGES",
        "FAXSTATUSSTRING",
        "REASON",
    ]
    assert all(isinstance(value, str) for value in fax["description"].values())


@pytest.mark.slow
async def test_a_place_that_was_kept(floor: Floor, told: Receiver) -> None:
    """The caller hangs up by a key, is phoned back, and is at the head of the queue."""
    floor.phones[CARRIER].manner = AutoAnswer(after=0.2)
    await floor.staffed(SUPPORT, CAROL)
    await floor.takes_a_break(SUPPORT, CAROL)
    caller, call = await floor.somebody_calls(KEEPS_PLACES)
    await floor.until_waiting(SUPPORT)

    async def kept() -> bool:
        call.dial("1")
        return bool(await told.until("Cdr", src=caller, within=1.0))

    await eventually(kept, within=20, what="the end of the call that keeps a place")
    await floor.server.api("pbx/queues/resumeagent", {"queue": SUPPORT, "agent": CAROL})
    agent = await floor.phones[CAROL].answer(within=30)
    front = await told.until("ReservedCallInFront")
    assert front == {
        "event_name": "ReservedCallInFront",
        "event": "ReservedCallInFront",
        "queue_name": SUPPORT,
        "caller_id": caller,
        "date": TIME,
    }
    await agent.hang_up()


async def test_the_state_of_everything(floor: Floor, told: Receiver) -> None:
    """A program that begins in mid-call learns what is going on, and from where to listen on."""
    await floor.staffed(SALES, CAROL)
    await floor.takes_a_break(SALES, CAROL)
    call, other = await talk(floor)
    caller, waiting = await floor.somebody_calls(SALES)
    await floor.until_waiting(SALES)
    await told.until("NewState", exten=CAROL, state="Pause")
    answer = await floor.server.client.get("/events/state")
    assert (answer.status_code, answer.json()["success"]) == (200, 1)
    state = answer.json()["data"]
    cuid = told.bodies("NewState", exten=BOB)[0]["unique_id"]
    phones = {row.pop("exten"): row for row in state["extensions"]}
    assert phones[ALICE] == phones[BOB] == {"state": "InUse", "unique_id": cuid}
    assert (phones[CAROL], phones[REZA]) == ({"state": "Pause"}, {"state": "Idle"})
    assert {"trunk_name": CARRIER, "trunk_type": "SIP", "state": "Ok"} in state["trunks"]
    (queue,) = [row for row in state["queues"] if row["queue"] == SALES]
    assert queue["agents"] == [{"agent": CAROL, "state": "idle", "paused": True}]
    assert [each["number"] for each in queue["waiting"]] == [caller]
    calls = {row["unique_id"]: (row["state"], row["caller"]["number"]) for row in state["calls"]}
    assert calls.pop(cuid) == ("talking", ALICE)
    assert list(calls.values()) == [("queue", caller)]
    await other.hang_up()
    await call.until_ended()
    await waiting.hang_up()
    after = {"after": state["position"], "events": "Cdr"}
    async with floor.server.client.stream("GET", "/events/stream", params=after) as stream:
        lines = [line async for line in _until(stream.aiter_lines(), "data:", 2)]
    assert {json.loads(line[5:])["data"]["unique_id"] for line in lines} >= {cuid}
    denied = await floor.server.client.get("/events/state", auth=("nobody", "x"), headers={"X-APIKEY": "x"})
    assert denied.status_code == 401


async def _until(lines: AsyncIterator[str], beginning: str, count: int) -> AsyncIterator[str]:
    """The first lines that begin so."""
    async for line in lines:
        if line.startswith(beginning):
            yield line
            count -= 1
            if not count:
                return


async def test_other_forms_of_delivery(floor: Floor, told: Receiver) -> None:
    """By GET every field is in the query, lists as JSON; Rest4 names the event in the path."""
    async with (
        receiving(floor.server, name="php", path="/php", method="GET", events=["CdrQueue", "Cdr"]) as php,
        receiving(floor.server, name="node", path="/node", version="Rest4", events=["Cdr"]) as node,
    ):
        await floor.staffed(SALES, BOB)
        caller, call = await floor.somebody_calls(SALES)
        agent = await floor.phones[BOB].answer()
        await agent.until_heard(1500)
        await call.hang_up()
        visit = await php.until("CdrQueue", src=caller)
        cdr = await php.until("Cdr", src=caller)
        posted: dict[str, Any] = await node.until("Cdr", src=caller)
        whole = await told.until("Cdr", src=caller)
    assert [(asked.method, asked.path, asked.body) for asked in php.requests] == [("GET", "/php", b"")] * 2
    assert visit["detail"].startswith('[{"src":')
    assert cdr == {name: str(value) for name, value in whole.items()}
    assert posted == whole
    assert [(asked.method, asked.path) for asked in node.requests] == [("POST", "/node/Cdr")]
    assert [asked.path for asked in told.requests if asked.path != PATH] == []
