"""Voicemail as callers and owners live it: real phones, the whole server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from dialplan._mailbox import BEEP, PASSWORD, Box, speak, tone_in
from support.lamp import LampPhone
from support.mail_server import MailBin
from support.server import TamasServer
from support.servers import NewCarrier, NewExtension
from support.waiting import eventually
from tamas.demo.call import CallState, PhoneCall
from tamas.demo.phone import AutoReject

pytestmark = pytest.mark.engine

CALLER_HZ = 660


async def until_said(call: PhoneCall, seconds: float) -> None:
    """Wait until this much sound came in a call since its beginning, or the call is over."""

    def said() -> bool:
        return call.rtp.listener.seconds > seconds or call.state is CallState.ENDED

    await eventually(said, within=15, what=f"{seconds} s of prompts")


class NewBox(Protocol):
    """Adds a mailbox that goes when the test ends."""

    async def __call__(self, number: str, **settings: Any) -> Box: ...


@pytest.fixture
async def new_box(server: TamasServer) -> AsyncIterator[NewBox]:
    """``await new_box("501", play_welcome="yes")``: a mailbox."""
    boxes: list[Box] = []

    async def make(number: str, **settings: Any) -> Box:
        boxes.append(await Box.add(server, number, **settings))
        return boxes[-1]

    yield make
    for box in boxes:
        await box.remove()


async def live_through(server: TamasServer, new_extension: NewExtension, box: Box, folder: Path) -> None:
    """What happens to a message in the mailbox of an extension that is busy."""
    owner = await new_extension(server, box.number, manner=AutoReject())
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    async with LampPhone(server.sip[1], box.number, owner.secret) as lamp:
        await lamp.subscribe()
        await lamp.until_shown(0, how="subscribed")
        call = await caller.call(box.number)
        await speak(call, seconds=2.5)
        await call.hang_up()
        message = await box.message()
        await lamp.until_shown(1, how="subscribed")
        assert (message["caller_id"], message["duration"], message["read"]) == ("502", 2, False)
        listening = await owner.call(box.number)
        await listening.until_heard(CALLER_HZ, within=15)
        await lamp.until_shown(0, how="subscribed")
        assert (await box.message())["read"]
        file = await box.download(message["filename"], folder / "message.wav")
        assert tone_in(file, CALLER_HZ) > 0.9
        listening.dial("7")

        async def gone() -> bool:
            return not await box.messages()

        await eventually(gone, within=10, what="the deletion of the message")
        listening.dial("#")
        await listening.until_ended(within=10)
    assert box.files() == set()


async def test_a_message_from_the_tone_to_its_deletion(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox, tmp_path: Path
) -> None:
    """Left at a busy phone, light on, heard by its owner, light off, downloaded, deleted."""
    await live_through(server, new_extension, await new_box("501"), tmp_path)


@pytest.mark.slow
async def test_a_message_on_postgresql(
    postgresql_server: TamasServer, new_extension: NewExtension, tmp_path: Path
) -> None:
    """The same on the other store."""
    box = await Box.add(postgresql_server, "501")
    await live_through(postgresql_server, new_extension, box, tmp_path)


@pytest.mark.slow
async def test_a_phone_that_only_registers(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox
) -> None:
    """It is told of messages without asking, and that they were read."""
    box = await new_box("504")
    secret = "lamp-secret"
    await server.api("pbx/users/add", {"name": "504", "number": "504", "secret": secret})
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    async with LampPhone(server.sip[1], "504", secret) as lamp:
        await lamp.register()
        call = await caller.call("504")
        await speak(call, seconds=1.5)
        await call.hang_up()
        await lamp.until_shown(1, how="unasked")
        for message in await box.messages():
            await server.client.post(
                "/api/v4/voicemails/inbox/read", params={"id": message["filename"]}, json={}
            )
        await lamp.until_shown(0, how="unasked")


@pytest.mark.slow
async def test_the_record_of_a_call_that_ends_in_a_mailbox(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox
) -> None:
    """Such a call was answered, by the mailbox, which is the last step of its route."""
    await new_box("501")
    await new_extension(server, "501", register=False)
    caller = await new_extension(server, "506", tone_hz=CALLER_HZ)
    call = await caller.call("501")
    await speak(call, seconds=1.5)
    call.dial("#")
    await call.until_ended(within=15)

    async def rows() -> list[dict[str, Any]]:
        data = await server.api(
            "reports/quick/search",
            {
                "alike": False,
                "conditions": {"from": "506"},
                "date_range": {"from": "2020-01-01", "to": "2099-01-01"},
            },
        )
        found: list[dict[str, Any]] = data["data"]
        return found

    (row,) = await eventually(rows, within=10, what="the record of the call")
    assert (row["src"], row["dst"], row["disposition"]) == ("506", "501", "ANSWERED")
    assert row["wait"] < row["duration"]
    last = row["route"][-1]
    assert (last["type"], last["name"]) == ("VoiceMail", "Mailbox (outgoing)")


@pytest.mark.slow
async def test_a_mailbox_of_its_own(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox
) -> None:
    """A number that is a mailbox only, dialed and as target of a forward, which goes before the own box."""
    own, shared = await new_box("503"), await new_box("599")
    await new_extension(server, "503", register=False, forward_policy={"UnAvailable": "599"})
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    for number in ("599", "503"):
        call = await caller.call(number)
        await speak(call, seconds=1.5)
        await call.hang_up()

    async def two() -> bool:
        return len(await shared.messages()) == 2

    await eventually(two, within=10, what="both messages")
    assert await own.messages() == []


@pytest.mark.slow
async def test_a_caller_who_is_sent_to_a_mailbox(
    server: TamasServer, new_extension: NewExtension, new_carrier: NewCarrier, new_box: NewBox
) -> None:
    """Somebody from outside, transferred in a talk: the message is theirs."""
    box = await new_box("599")
    phone = await new_extension(server, "502")
    carrier = await new_carrier(server, "carrier1", tone_hz=CALLER_HZ)
    call = await carrier.call("502", caller="02188776655")
    talk = await phone.answer()
    await call.until_talking()
    talk.transfer(f"sip:599@127.0.0.1:{server.sip[1]}")
    await speak(call, seconds=1.5)
    await call.hang_up()
    assert (await box.message())["caller_id"] == "02188776655"


@pytest.mark.slow
async def test_what_is_too_short_is_nothing(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox
) -> None:
    """Who hangs up at the beep, or before, leaves neither row nor file."""
    box = await new_box("599")
    caller = await new_extension(server, "502")
    call = await caller.call("599")
    await call.until_heard(BEEP, within=10)
    await call.hang_up()
    await box.change(play_welcome="yes")
    call = await caller.call("599")
    await call.until_talking()
    await call.hang_up()

    async def nothing() -> bool:
        return box.files() == set()

    await eventually(nothing, within=10, what="the end of the short recording")
    assert await box.messages() == []


@pytest.mark.slow
@pytest.mark.parametrize("busy", [True, False])
async def test_greetings(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox, busy: bool
) -> None:
    """Each flag adds its own prompt before the beep, and the one for the other condition none."""
    flag = "play_busy" if busy else "play_unavailable"
    other = "play_unavailable" if busy else "play_busy"
    box = await new_box("501", **{other: "yes"})
    await new_extension(server, "501", register=busy, manner=AutoReject())
    caller = await new_extension(server, "502")
    lengths = []
    for settings in ({}, {flag: "yes"}):
        await box.change(**settings)
        call = await caller.call("501")
        await call.until_heard(BEEP, within=20)
        lengths.append(call.rtp.listener.seconds)
        await call.hang_up()
    # "The person at extension", three digits, "is on the phone" or "is unavailable"
    said = 2.0 + 3 * 0.6 + 1.2
    assert lengths[0] < 2
    assert lengths[1] - lengths[0] > said - 0.5


@pytest.mark.slow
async def test_a_trunk_caller_needs_the_password(
    server: TamasServer,
    new_extension: NewExtension,
    new_carrier: NewCarrier,
    new_box: NewBox,
) -> None:
    """From outside: ``*`` and the password lead to the messages; three wrong ones end the call, and then the
    right one is refused for a while, but not at the owner's own phone."""
    box = await new_box("501", play_welcome="yes")
    owner = await new_extension(server, "501", manner=AutoReject())
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    carrier = await new_carrier(server, "carrier1")
    call = await caller.call("501")
    await speak(call, seconds=1.5)
    await call.hang_up()
    await box.message()

    async def outside(*passwords: str, heard: bool) -> None:
        call = await carrier.call("501", caller="02188776655")
        await call.until_talking()
        before = call.rtp.listener.seconds
        await until_said(call, before + 0.3)
        call.dial("*")
        for password in passwords:
            call.dial(password + "#")
            said = call.rtp.listener.seconds
            if heard:
                await call.until_heard(CALLER_HZ, within=15)
            else:  # the prompt, and that it was wrong
                await until_said(call, said + 2.4)
        if heard:
            await call.hang_up()
        else:
            await call.until_ended(within=10)
            assert not call.heard(CALLER_HZ)

    await outside(PASSWORD, heard=True)
    await outside("1", "2", "3", heard=False)
    await outside(PASSWORD, PASSWORD, PASSWORD, heard=False)
    await box.change(Play_CID="yes", Play_Envelope="yes")
    listening = await owner.call("501")
    await listening.until_heard(CALLER_HZ, within=30)
    # "You have one old message", "received", a day and a time, "from phone number", three digits
    assert listening.rtp.listener.seconds > 8
    await listening.hang_up()


@pytest.mark.slow
async def test_a_new_password(server: TamasServer, new_extension: NewExtension, new_box: NewBox) -> None:
    """Where the mailbox wants it, its owner gives the password, and may change it by telephone."""
    box = await new_box("501", required_password="yes", allow_change_password="yes")
    owner = await new_extension(server, "501")

    async def password() -> str:
        rows = await server.api(
            "voicemails/voicemails/search", {"alike": False, "conditions": {"number": "501"}}
        )
        return str(rows[0]["password"])

    call = await owner.call("501")
    await call.until_talking()
    call.dial(f"{PASSWORD}#")
    await until_said(call, 2.5)  # how many messages there are
    call.dial("0")
    said = call.rtp.listener.seconds
    await until_said(call, said + 1)
    call.dial("0815#")
    await until_said(call, said + 2)
    call.dial("0815#")

    async def changed() -> bool:
        return await password() == "0815"

    await eventually(changed, within=15, what="the new password")
    await call.hang_up()
    assert box.files() == set()


@pytest.mark.slow
async def test_a_full_mailbox(server: TamasServer, new_extension: NewExtension, new_box: NewBox) -> None:
    """Beyond the limit nothing is recorded: there is no beep, and the call ends."""
    box = await new_box("599")
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    await server.cli("settings", "set", "voicemail.max_messages", "1")
    try:
        call = await caller.call("599")
        await speak(call, seconds=1.5)
        await call.hang_up()
        await box.message()
        call = await caller.call("599")
        await call.until_ended(within=10)
        assert not call.heard(BEEP)
    finally:
        await server.cli("settings", "set", "voicemail.max_messages", "100")
    await box.message()


@pytest.mark.slow
async def test_a_message_that_is_mailed_away(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox, tmp_path: Path
) -> None:
    """The server hands the message to a mail server, with what was spoken, and then holds it no more."""
    box = await new_box(
        "599", email="me@example.com", send_email="yes", attach_file_email="yes", Delete_Voicemail="yes"
    )
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    with MailBin() as mail_server:
        for key, value in mail_server.settings().items():
            await server.cli("settings", "set", key, str(value))
        try:
            call = await caller.call("599")
            await speak(call, seconds=1.5)
            await call.hang_up()
            (mail,) = await eventually(lambda: mail_server.mails, within=15, what="the mail")
        finally:
            await server.cli("settings", "set", "smtp.host", "")
    (attachment,) = mail.iter_attachments()
    file = tmp_path / "attached.wav"
    await asyncio.to_thread(file.write_bytes, attachment.get_content())
    assert tone_in(file, CALLER_HZ) > 0.9

    async def gone() -> bool:
        return not await box.messages() and not box.files()

    await eventually(gone, within=10, what="the deletion of the message")


@pytest.mark.slow
async def test_kill_9_while_a_message_is_being_left(
    server: TamasServer, new_extension: NewExtension, new_box: NewBox, tmp_path: Path
) -> None:
    """All our processes die while the caller speaks, and the caller hangs up before we are back: the message
    is there, whole, and the light is on."""
    box = await new_box("501")
    owner = await new_extension(server, "501", manner=AutoReject())
    caller = await new_extension(server, "502", tone_hz=CALLER_HZ)
    async with LampPhone(server.sip[1], "501", owner.secret) as lamp:
        await lamp.subscribe()
        call = await caller.call("501")
        await speak(call, seconds=1.5)
        await server.kill9()
        await speak(call, seconds=1)
        await call.hang_up()
        await server.start()
        message = await box.message()
        await lamp.until_shown(1)
    assert message["duration"] >= 2
    assert tone_in(await box.download(message["filename"], tmp_path / "message.wav"), CALLER_HZ) > 0.9
