"""What Asterisk reads from the store and writes into it, on both databases."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from engine._engines import Watcher, engine_settings, make_engine, running
from engine._rows import add_extension, add_queue, add_trunk
from engine._sip import SipPhone, digest_response
from support.databases import copied_sqlite
from support.waiting import eventually
from tamas.engine.engine import Engine
from tamas.engine.fastagi import AgiRaw, AgiSession
from tamas.engine.install import AsteriskInstall
from tamas.settings import Settings
from tamas.store.database import Database, Row, open_database
from tamas.store.schema import cdr, cel, ps_contacts, queue_log, queue_members, trunks

pytestmark = pytest.mark.engine

CARRIER_SECRET = ' a "secret"; with ^41 signs '
SECRET = "a Secret, with: signs!"
CLOCK_SLACK = 5.0
"""Seconds by which a row's time may differ from the test's."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """A running engine over a store."""

    settings: Settings
    database: Database
    engine: Engine
    watcher: Watcher


async def _serve(session: AgiSession) -> None:
    """A call flow of one fact and the echo of a queue."""
    if session.environment["agi_extension"] == "h":
        return
    await session.answer()
    await session.execute("CELGenUserEvent", "TAMAS", AgiRaw("type=local&dst=100&record=20261123_1.2.wav"))
    if session.environment.get("agi_extension") == "500":
        await session.execute("Queue", "500", "", "", "", "1")
    await session.set_variable("TAMAS_END", "1")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def room(
    request: pytest.FixtureRequest,
    asterisk_install: AsteriskInstall,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Room]:
    """One engine for all tests of this file, on each database."""
    directory = tmp_path_factory.mktemp(request.param)
    url = (
        copied_sqlite(request.getfixturevalue("sqlite_template"), directory / "tamas.db")
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql").fresh_url()
    )
    settings = engine_settings(directory / "state", url)
    database = await open_database(settings.database_url)
    watcher = Watcher()
    engine = make_engine(settings, asterisk_install, agi_handler=_serve, watcher=watcher)
    try:
        async with running(engine):
            yield Room(settings=settings, database=database, engine=engine, watcher=watcher)
    finally:
        await database.close()


def log_text(room: Room) -> str:
    return (room.settings.state_dir / "asterisk/log/messages.log").read_text()


async def rows_of(room: Room, table: object, *conditions: object) -> list[Row]:
    async with room.database.read() as connection:
        return await connection.rows(select(table).where(*conditions))  # type: ignore[call-overload]


async def test_phone_registers_as_soon_as_its_row_is_there(room: Room) -> None:
    """An extension that exists only as a row registers within a second, and its contact becomes a row."""
    began = time.monotonic()
    await add_extension(room.database, "100", SECRET)
    with SipPhone(room.settings.sip_port) as phone:
        assert await phone.register("100", SECRET) == 200
        assert time.monotonic() - began < 1.0
        assert phone.realm == "tamas"
        contacts = await eventually(lambda: rows_of(room, ps_contacts, ps_contacts.c.endpoint == "100"))
        assert f"@{phone.address}:{phone.port}" in contacts[0]["uri"]
        assert contacts[0]["expiration_time"] > time.time()


async def test_wrong_secret_unknown_and_inactive_are_refused_alike(room: Room) -> None:
    """Who has no right to a number learns nothing from the answer about whether it exists."""
    await add_extension(room.database, "111", SECRET)
    await add_extension(room.database, "112", SECRET, active="no")
    with SipPhone(room.settings.sip_port) as phone:
        assert await phone.register("111", "wrong") == 401
        assert await phone.register("112", SECRET) == 401
        assert await phone.register("119", SECRET) == 401
        assert await phone.register("111", SECRET, user="100") == 401
        assert await phone.register("anonymous", SECRET) == 401
        assert await phone.register("111", SECRET) == 200


async def test_address_must_be_permitted(room: Room) -> None:
    """Deny and permit of an extension decide from where it may register."""
    await add_extension(
        room.database, "121", SECRET, deny="0.0.0.0/0.0.0.0", permit="192.0.2.0/255.255.255.0"
    )
    await add_extension(room.database, "122", SECRET, deny="0.0.0.0/0.0.0.0", permit="127.0.0.0/255.0.0.0")
    with SipPhone(room.settings.sip_port) as phone:
        assert await phone.register("122", SECRET) == 200
        assert await phone.register("121", SECRET) in (401, 403)


async def test_every_column_of_an_extension_is_accepted(room: Room) -> None:
    """Asterisk takes each setting that a view hands over, with nothing in its log about it."""
    await add_extension(
        room.database,
        "130",
        SECRET,
        dtmfmode="inband",
        canreinvite="yes",
        directmedia="yes",
        nat="yes",
        call_limit="2",
        callgroup="1,3-4",
        pickupgroup="2",
        faxdetect="yes",
        cid_number="02100000",
        pjsip_max_contacts=3,
        pjsip_from_user="someone",
        pjsip_from_domain="example.org",
        pjsip_language="en",
        pjsip_transport="tcp",
        pjsip_media_encryption="sdes",
        pjsip_mailboxes="130@default",
        pjsip_allow="ulaw,alaw,g722,gsm,opus",
        pjsip_t38="fec",
        pjsip_t38_maxdatagram=400,
    )
    shown = await room.engine.ami.command("pjsip show endpoint 130")
    for name, value in {
        "accountcode": "130",
        "allow_transfer": "true",
        "callerid": '"Phone 130" <02100000>',
        "call_group": "1, 3, 4",
        "context": "tamas-outgoing",
        "device_state_busy_at": "2",
        "direct_media": "true",
        "dtmf_mode": "inband",
        "fax_detect": "false",  # the call flow listens for fax machines
        "force_rport": "true",
        "from_domain": "example.org",
        "from_user": "someone",
        "language": "en",
        "mailboxes": "130@default",
        "media_encryption": "sdes",
        "pickup_group": "2",
        "rewrite_contact": "true",
        "rtp_symmetric": "true",
        "t38_udptl": "true",
        "t38_udptl_ec": "fec",
        "t38_udptl_maxdatagram": "400",
        "t38_udptl_nat": "true",
        "transport": "tcp",
    }.items():
        assert re.search(rf"^ ?{name}\s+: {re.escape(value)}\s*$", shown, re.MULTILINE), (name, shown)
    shown = await room.engine.ami.command("pjsip show aor 130")
    assert re.search(r"^ ?max_contacts\s+: 3$", shown, re.MULTILINE), shown


async def test_name_of_signs_arrives_whole(room: Room) -> None:
    """Asterisk shows a caller's name as it was written, whatever signs are in it."""
    await add_extension(room.database, "131", SECRET, name="Dr. Ann; O'Hara ^41 & علی")
    shown = await room.engine.ami.command("pjsip show endpoint 131")
    assert '"Dr. Ann; O\'Hara ^41 & علی" <131>' in shown, shown


async def test_trunk_is_known_by_its_address(room: Room) -> None:
    """A trunk's rows give an endpoint, an aor with a contact, and the address it calls from."""
    await add_trunk(
        room.database,
        "carrier1",
        pjsip_match="192.0.2.7",
        pjsip_contact="sip:192.0.2.7:5060",
        pjsip_auth_username="me",
        pjsip_auth_password="secret",
    )
    shown = await room.engine.ami.command("pjsip show endpoint trunk-carrier1")
    assert "192.0.2.7/32" in shown
    assert "sip:192.0.2.7:5060" in shown
    assert "trunk-carrier1-out/me" in shown
    assert re.search(r"context\s+: tamas-incoming", shown)


async def test_trunk_calls_in_from_its_address_alone(room: Room) -> None:
    """A trunk's calls are taken as soon as its row is there, from its address only, and only while active."""
    with SipPhone(room.settings.sip_port, address="127.0.0.2") as carrier:
        assert await carrier.options("100") == 401
        await add_trunk(room.database, "carrier2", pjsip_match="127.0.0.2", pjsip_contact="sip:127.0.0.2")
        assert await carrier.options("100") == 200
        async with room.database.write() as transaction:
            await transaction.execute(update(trunks).where(trunks.c.name == "carrier2").values(active="no"))
        assert await carrier.options("100") == 401
    with SipPhone(room.settings.sip_port, address="127.0.0.3") as stranger:
        assert await stranger.options("100") == 401


async def test_trunk_registers_with_its_carrier(room: Room) -> None:
    """A trunk with a registration registers after the narrow reload, with the secret of its row."""
    with SipPhone(room.settings.sip_port) as carrier:
        place = f"127.0.0.1:{carrier.port}"
        await add_trunk(
            room.database,
            "carrier3",
            pjsip_contact=f"sip:{place}",
            pjsip_auth_username="our-name",
            pjsip_auth_password=CARRIER_SECRET,
            pjsip_server_uri=f"sip:{place}",
            pjsip_client_uri=f"sip:our-name@{place}",
            pjsip_contact_user="02188888888",
            pjsip_outbound_proxy=f"sip:{place};lr",
        )
        await room.engine.ami.command("module reload res_pjsip_outbound_registration.so")
        assert f"sip:{place};lr" in await room.engine.ami.command("pjsip show aor trunk-carrier3")
        first, second = await carrier.challenge_registration()
        assert first.startswith(f"REGISTER sip:{place} SIP/2.0")
        assert "<sip:02188888888@" in first
        assert ";line=" in first
        given = dict(
            re.findall(r'(\w+)="?([^",]*)"?', second.split("Authorization: Digest ")[1].split("\r\n")[0])
        )
        assert (given["username"], given["realm"]) == ("our-name", "carrier.example")
        assert given["response"] == digest_response(
            user="our-name",
            realm="carrier.example",
            secret=CARRIER_SECRET,
            nonce="abc",
            method="REGISTER",
            uri=given["uri"],
            count=given["nc"],
            client_nonce=given["cnonce"],
        )


async def test_queue_has_its_members(room: Room) -> None:
    """A queue and its members are rows; pausing one is written back."""
    await add_queue(room.database, "500", ("100", "111"))
    shown = await room.engine.ami.command("queue show 500")
    assert "100 (Local/100@simotel-local-agents/n from PJSIP/100)" in shown, shown
    await room.engine.ami.action(
        "QueuePause",
        {
            "Interface": "Local/100@simotel-local-agents/n",
            "Paused": "true",
            "Reason": "lunch",
            "Queue": "500",
        },
    )
    members = queue_members.c
    await eventually(lambda: rows_of(room, queue_members, members.membername == "100", members.paused == 1))
    # The reason is ours to write: Asterisk does so only when some member had one when it started.
    assert "paused:lunch" in await room.engine.ami.command("queue show 500")


async def test_records_arrive(room: Room) -> None:
    """A call leaves CDR and CEL rows with UTC times, microseconds in CEL, and the flow's facts."""
    began = datetime.now(UTC)
    uniqueid = f"{int(began.timestamp())}.77"
    await room.engine.ami.action(
        "Originate",
        {
            "Channel": "Local/100@tamas-outgoing/n",
            "Application": "Wait",
            "Data": "1",
            "ChannelId": uniqueid,
            "CallerID": '"Ann O\'Hara" <100>',
        },
    )

    async def ended() -> list[Row]:
        return await rows_of(room, cel, cel.c.eventtype == "LINKEDID_END", cel.c.linkedid == uniqueid)

    await eventually(ended, what="the end of the call in CEL")
    events = await rows_of(room, cel, cel.c.linkedid == uniqueid)
    facts = [row for row in events if row["eventtype"] == "TAMAS"]
    assert [row["userdeftype"] for row in facts] == ["TAMAS"]
    assert json.loads(facts[0]["extra"]) == {"extra": "type=local&dst=100&record=20261123_1.2.wav"}
    for row in events:
        at = datetime.strptime(row["eventtime"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        assert abs((at - began).total_seconds()) < CLOCK_SLACK
    assert any(row["eventtime"][-3:] != "000" for row in events)

    records = await eventually(lambda: rows_of(room, cdr, cdr.c.linkedid == uniqueid), what="a CDR row")
    for row in records:
        at = datetime.strptime(row["calldate"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        assert abs((at - began).total_seconds()) < CLOCK_SLACK
        assert row["end"] >= row["calldate"]
        assert row["disposition"] == "ANSWERED"


async def test_queue_log_arrives(room: Room) -> None:
    """What happens in a queue becomes rows whose times are UTC."""
    began = datetime.now(UTC)
    await add_queue(room.database, "501", ("111",), joinempty="yes", leavewhenempty="no")
    await room.engine.ami.action(
        "QueueLog",
        {"Queue": "501", "Event": "TEST", "Interface": "Local/111@simotel-local-agents/n", "Message": "x"},
    )
    rows = await eventually(lambda: rows_of(room, queue_log, queue_log.c.queuename == "501"))
    at = datetime.strptime(rows[0]["time"][:26], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    assert abs((at - began).total_seconds()) < CLOCK_SLACK


async def test_log_is_clean(room: Room) -> None:
    """Nothing above made Asterisk complain, and no record was lost."""
    await room.engine.ami.command("core show version")
    complaints = [line for line in log_text(room).splitlines() if re.search(r"\] (WARNING|ERROR)\[", line)]
    assert complaints == []
    assert room.engine.status().problem is None
    async with room.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(cel)) > 0
