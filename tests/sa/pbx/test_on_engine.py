"""What the switchboard's services do to a running Asterisk that reads the same store through ODBC."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from sa.pbx.conftest import Api, open_api
from support.engine import instance_settings, running_engine
from support.waiting import eventually
from tamas.engine.ami import AmiMessage
from tamas.engine.engine import Engine
from tamas.engine.fastagi import AgiSession
from tamas.engine.install import AsteriskInstall
from tamas.settings import Settings
from tamas.store.database import open_database
from tamas.store.schema import queue_log
from tamas.store.views import AGENTS_CONTEXT

pytestmark = pytest.mark.engine


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The services with an engine behind them."""

    api: Api
    engine: Engine
    settings: Settings

    async def member(self, queue: str, agent: str) -> AmiMessage | None:
        """What the running queue knows about an agent."""
        events = await self.engine.ami.list_action("QueueStatus", {"Queue": queue})
        return next((e for e in events if e.event == "QueueMember" and e["Name"] == agent), None)

    async def members_of(self, queue: str) -> str:
        """Members as the dialplan sees them."""
        answer = await self.engine.ami.action("Getvar", {"Variable": f"QUEUE_MEMBER_LIST({queue})"})
        return answer["Value"]

    async def contacts(self, number: str) -> str:
        answer = await self.engine.ami.action("Getvar", {"Variable": f"PJSIP_DIAL_CONTACTS({number})"})
        return answer["Value"]


async def queues_and_agents(session: AgiSession) -> None:
    """A call flow of two lines: agents' legs ring the phone of that number, other calls join the queue."""
    await session.set_variable("TAMAS_END", "1")
    if session.context == AGENTS_CONTEXT:
        phone = {"310": "222"}.get(session.extension, session.extension)
        await session.execute("Dial", f"PJSIP/{phone}", "5")
    else:
        await session.execute("Queue", session.extension, "", "", "", "30")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def bench(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    asterisk_install: AsteriskInstall,
) -> AsyncIterator[Bench]:
    """Services, store and Asterisk, shared by the tests of this module; once on each store."""
    folder = tmp_path_factory.mktemp("e")
    url = new_store(request.param, folder)
    settings = instance_settings(folder, url)
    database = await open_database(url)
    try:
        async with (
            running_engine(settings, asterisk_install, agi_handler=queues_and_agents) as engine,
            open_api(database, url, folder, engine) as api,
        ):
            yield Bench(api=api, engine=engine, settings=settings)
    finally:
        await database.close()


class Registrar:
    """A phone reduced to REGISTER (RFC 3261, section 10) with digest (RFC 2617)."""

    def __init__(self, number: str, server: tuple[str, int]) -> None:
        self.number = number
        self.server = server
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(3)
        self.port = self.socket.getsockname()[1]
        self.call = secrets.token_hex(8)
        self.sequence = 0

    def register(self, secret: str) -> int:
        """Try to register; gives the status of the last answer."""
        answer = self._send("")
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', answer))
        if "nonce" not in challenge:
            return int(answer.split()[1])
        uri = "sip:127.0.0.1"
        first = _md5(f"{self.number}:{challenge['realm']}:{secret}")
        response = _md5(f"{first}:{challenge['nonce']}:00000001:c:auth:{_md5('REGISTER:' + uri)}")
        parts = {"username": self.number, "uri": uri, "response": response, "cnonce": "c", **challenge}
        parts.pop("qop", None)
        quoted = ", ".join(f'{key}="{value}"' for key, value in parts.items())
        answer = self._send(f"Authorization: Digest {quoted}, algorithm=MD5, qop=auth, nc=00000001\r\n")
        return int(answer.split()[1])

    def received(self) -> str:
        """Method of the next request that has come, ``""`` for none."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(65536).decode().split()[0]
        except BlockingIOError:
            return ""
        finally:
            self.socket.settimeout(3)

    def invite(self, server: tuple[str, int]) -> int:
        """Call a number from here; gives the status of the first answer."""
        branch = secrets.token_hex(8)
        self.socket.sendto(
            (
                f"INVITE sip:5551234@127.0.0.1 SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{branch};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:0912@127.0.0.1>;tag={branch}\r\n"
                f"To: <sip:5551234@127.0.0.1>\r\nCall-ID: {branch}\r\nCSeq: 1 INVITE\r\n"
                f"Contact: <sip:0912@127.0.0.1:{self.port}>\r\nContent-Length: 0\r\n\r\n"
            ).encode(),
            server,
        )
        while True:
            text = self.socket.recv(65536).decode()
            if text.startswith("SIP/2.0") and branch in text:
                return int(text.split()[1])

    def _send(self, authorization: str) -> str:
        self.sequence += 1
        me = f"sip:{self.number}@127.0.0.1"
        self.socket.sendto(
            (
                "REGISTER sip:127.0.0.1 SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <{me}>;tag=1\r\nTo: <{me}>\r\nCall-ID: {self.call}\r\n"
                f"CSeq: {self.sequence} REGISTER\r\nContact: <{me}:{self.port}>\r\nExpires: 300\r\n"
                f"{authorization}Content-Length: 0\r\n\r\n"
            ).encode(),
            self.server,
        )
        while True:
            text = self.socket.recv(65536).decode()
            if text.startswith("SIP/2.0"):
                return text


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def phone(bench: Bench, number: str) -> Iterator[Registrar]:
    registrar = Registrar(number, ("127.0.0.1", bench.settings.sip_port))
    with contextlib.closing(registrar.socket):
        yield registrar


@contextmanager
def carrier() -> Iterator[Registrar]:
    """A socket that a trunk leads to."""
    provider = Registrar("carrier", ("127.0.0.1", 0))
    with contextlib.closing(provider.socket):
        yield provider


async def test_a_new_extension_registers_at_once(bench: Bench) -> None:
    """A phone registers right after users/add; a wrong secret and a type never let it in unauthenticated."""
    for number, kind in (("101", "user"), ("102", "peer"), ("103", "friend")):
        await bench.api.extension(number, type=kind, qualify="no")
        with phone(bench, number) as registrar:
            assert registrar.register("wrong") == 401
            assert registrar.register(f"s{number}") == 200
        assert f"sip:{number}@127.0.0.1" in await bench.contacts(number)


async def test_every_printable_secret_works(bench: Bench) -> None:
    """Only a digest reaches Asterisk, so the secret may hold anything printable."""
    secret = 'پ ${x};^3B"\\,&|<>'
    await bench.api.extension("110", secret=secret, qualify="no")
    with phone(bench, "110") as registrar:
        assert registrar.register(secret) == 200


async def test_a_new_secret_ends_old_registrations(bench: Bench) -> None:
    """After a change of the secret the registered phone is not called any more and must use the new one."""
    identity = await bench.api.extension("120", qualify="no")
    with phone(bench, "120") as registrar:
        assert registrar.register("s120") == 200
        await bench.api.done("pbx/users/update", {"_id": identity, "secret": "new"})
        assert await bench.contacts("120") == ""
        assert registrar.register("s120") == 401
        assert registrar.register("new") == 200
    assert "sip:120@" in await bench.contacts("120")


async def test_deactivated_and_removed_extensions_are_gone(bench: Bench) -> None:
    """Deactivated, an extension cannot register nor be called; activated again it can; removed, never."""
    identity = await bench.api.extension("130", qualify="no")
    with phone(bench, "130") as registrar:
        assert registrar.register("s130") == 200
        await bench.api.done("pbx/users/update", {"_id": identity, "active": "no"})
        assert await bench.contacts("130") == ""
        assert registrar.register("s130") in {401, 403, 404}
        await bench.api.done("pbx/users/update", {"_id": identity, "active": "yes"})
        assert await bench.contacts("130") == ""
        assert registrar.register("s130") == 200
        await bench.api.done("pbx/users/remove", {"_id": identity})
        assert await bench.contacts("130") == ""
        assert registrar.register("s130") in {401, 403, 404}


async def test_a_renumbered_extension_registers_under_its_new_number(bench: Bench) -> None:
    """The old number stops, the new one takes the same secret."""
    identity = await bench.api.extension("140", qualify="no")
    with phone(bench, "140") as old:
        assert old.register("s140") == 200
        await bench.api.done("pbx/users/update", {"_id": identity, "number": "141"})
        assert old.register("s140") in {401, 403, 404}
    assert await bench.contacts("140") == ""
    with phone(bench, "141") as new:
        assert new.register("s140") == 200


async def test_a_fixed_host_is_called_without_registering(bench: Bench) -> None:
    """peer and friend with an address are dialed there; user is not."""
    for number, kind in (("150", "peer"), ("151", "friend"), ("152", "user")):
        await bench.api.extension(number, type=kind, host="127.0.0.66", port="5999", qualify="no")
        contacts = await bench.contacts(number)
        assert (f"sip:{number}@127.0.0.66:5999" in contacts) is (kind != "user"), contacts


async def test_extension_settings_reach_pjsip(bench: Bench) -> None:
    """Settings show in the endpoint as Asterisk reads it."""
    await bench.api.extension(
        "160",
        name="علی رضایی",
        cid_number="+982112345",
        dtmfmode="info",
        nat="no",
        callgroup="5",
        call_limit="2",
        deny="10.0.0.0/8",
        more_options="allow=alaw\nlanguage=fa",
    )
    shown = await bench.engine.ami.command("pjsip show endpoint 160")
    for name, value in {
        "callerid": '"علی رضایی" <+982112345>',
        "dtmf_mode": "info",
        "force_rport": "false",
        "call_group": "5",
        "device_state_busy_at": "2",
        "allow": "(alaw)",
        "language": "fa",
        "acl": "deny/permit",
    }.items():
        assert re.search(rf"^ {name} +: {re.escape(value)}\s*$", shown, re.MULTILINE), (name, shown)


async def test_agents_are_in_the_live_queue_at_once(bench: Bench) -> None:
    """Joining, moving, leaving, and the removal of queue and extension show in the running queue."""
    await bench.api.queue("900", joinempty="yes", leavewhenempty="no")
    for number in ("201", "202"):
        await bench.api.extension(number)
    call = bench.api.done
    await call("pbx/queues/addagent", {"queue": "900", "source": "201", "agent": "201", "penalty": "3"})
    assert await bench.members_of("900") == "Local/201@simotel-local-agents/n"
    await call("pbx/queues/addagent", {"queue": "900", "source": "202", "agent": "310"})
    member = await bench.member("900", "310")
    assert member is not None
    assert (member["Location"], member["StateInterface"], member["Paused"]) == (
        "Local/310@simotel-local-agents/n",
        "PJSIP/202",
        "0",
    )
    await call("pbx/queues/removeagent", {"queue": "900", "agent": "201"})
    assert await bench.members_of("900") == "Local/310@simotel-local-agents/n"
    await call("pbx/queues/removeagent", {"queue": "900", "agent": "310"})
    assert await bench.members_of("900") == ""
    await call("pbx/queues/addagent", {"queue": "900", "source": "201", "agent": "201"})
    (row,) = await call("pbx/queues/search", {"alike": False, "conditions": {"number": "900"}})
    await call("pbx/queues/update", {"_id": row["_id"], "number": "909", "strategy": "linear"})
    assert await bench.members_of("909") == "Local/201@simotel-local-agents/n"
    assert "'linear' strategy" in await bench.engine.ami.command("queue show 909")
    await call("pbx/queues/remove", {"_id": row["_id"]})
    assert "No such queue" in await bench.engine.ami.command("queue show 909")


async def test_breaks_are_in_the_live_queue_at_once(bench: Bench) -> None:
    """A break shows in the running queue with its reason, ends, and is written to the queue log."""
    await bench.api.queue("910")
    await bench.api.extension("211")
    await bench.api.done("pbx/queues/addagent", {"queue": "910", "source": "211", "agent": "211"})
    who = {"queue": "910", "agent": "211"}
    await bench.api.done("pbx/queues/pauseagent", {**who, "reason": "lunch"})
    member = await bench.member("910", "211")
    assert member is not None
    assert (member["Paused"], member["PausedReason"]) == ("1", "lunch")
    await bench.api.done("pbx/queues/batchresumeagent", {"agents": [who]})
    member = await bench.member("910", "211")
    assert member is not None
    assert member["Paused"] == "0"

    async def logged() -> bool:
        rows = await bench.api.rows(select(queue_log).where(queue_log.c.queuename == "910"))
        events = {(row["event"], row["agent"], row["data1"] or "") for row in rows}
        return {("PAUSE", "211", "lunch"), ("UNPAUSE", "211", "")} <= events

    await eventually(logged, within=5, what="queue log of the break")


async def test_agents_join_while_a_caller_waits(bench: Bench) -> None:
    """With a caller in the queue, an agent who joins is rung; one who is on break is not."""
    await bench.api.queue("920", joinempty="yes", leavewhenempty="no", retry="1", timeout="5")
    for number in ("221", "222"):
        await bench.api.extension(number, qualify="no")
    with phone(bench, "221") as resting, phone(bench, "222") as working:
        assert resting.register("s221") == working.register("s222") == 200
        await bench.api.done("pbx/queues/addagent", {"queue": "920", "source": "221", "agent": "221"})
        await bench.api.done("pbx/queues/pauseagent", {"queue": "920", "agent": "221"})
        caller = {"Channel": "Local/920@tamas-outgoing/n", "Application": "Wait", "Data": "60"}
        await bench.engine.ami.action("Originate", {**caller, "Async": "true"})

        async def waiting() -> bool:
            events = await bench.engine.ami.list_action("QueueStatus", {"Queue": "920"})
            return any(event.event == "QueueEntry" for event in events)

        await eventually(waiting, within=10, what="a caller in the queue")
        await bench.api.done("pbx/queues/addagent", {"queue": "920", "source": "222", "agent": "310"})
        assert await eventually(working.received, within=10, what="a call for the agent") == "INVITE"
        assert resting.received() == ""
        await bench.engine.ami.command("channel request hangup all")


async def test_option_lines_of_a_queue_work(bench: Bench) -> None:
    """With ``autopause=yes`` among the option lines, an agent who lets a call ring out is put on break."""
    calm = {"joinempty": "yes", "leavewhenempty": "no", "retry": "1", "timeout": "1"}
    lines = (
        "autopause=yes\nmemberdelay=1\nannounce-position-limit=3\nannounce-round-seconds=10\nqueue-minute=x"
    )
    await bench.api.queue("930", **calm, more_options=lines)
    await bench.api.extension("231", qualify="no")
    with phone(bench, "231") as silent:
        assert silent.register("s231") == 200
        await bench.api.done("pbx/queues/addagent", {"queue": "930", "source": "231", "agent": "231"})
        caller = {"Channel": "Local/930@tamas-outgoing/n", "Application": "Wait", "Data": "60"}
        await bench.engine.ami.action("Originate", {**caller, "Async": "true"})

        async def paused() -> bool:
            member = await bench.member("930", "231")
            return member is not None and (member["Paused"], member["PausedReason"]) == ("1", "Auto-Pause")

        await eventually(paused, within=15, what="the break of the agent who does not answer")
        await bench.engine.ami.command("channel request hangup all")


async def test_trunks_come_and_go(bench: Bench) -> None:
    """Registration and qualify of a trunk start, change and end with the services, without a full reload."""
    with carrier() as first, carrier() as second:
        identity = await bench.api.trunk(
            "one",
            host="127.0.0.1",
            port=str(first.port),
            register_string=f"user:p;w^d@127.0.0.1:{first.port}/77",
            insecure="port",
            more_options="username=me\nsecret=in;side",
        )
        ami = bench.engine.ami
        assert f"sip:127.0.0.1:{first.port}" in await ami.command("pjsip show registration trunk-one")
        shown = await ami.command("pjsip show auth trunk-one-out")
        assert re.search(r"^ password +: p;w\^d\s*$", shown, re.MULTILINE), shown
        shown = await ami.command("pjsip show auth trunk-one-in")
        assert re.search(r"^ password +: in;side\s*$", shown, re.MULTILINE), shown
        shown = await ami.command("pjsip show endpoint trunk-one")
        assert re.search(r"Match: 127\.0\.0\.1/32", shown), shown
        assert await eventually(first.received, within=20, what="a request to the carrier")
        await bench.api.done(
            "pbx/trunks/update",
            {"_id": identity, "port": str(second.port), "register_string": f"u:p@127.0.0.1:{second.port}"},
        )
        assert f"sip:127.0.0.1:{second.port}" in await ami.command("pjsip show registration trunk-one")
        assert await eventually(second.received, within=20, what="a request to the new address")
        await bench.api.done("pbx/trunks/update", {"_id": identity, "active": "no"})
        assert "Unable to find" in await ami.command("pjsip show registration trunk-one")
        await bench.api.done("pbx/trunks/update", {"_id": identity, "active": "yes", "name": "two"})
        assert "trunk-two" in await ami.command("pjsip show registrations")
        assert "trunk-one" not in await ami.command("pjsip show registrations")
        await bench.api.done("pbx/trunks/remove", {"_id": identity})
        assert "trunk-two" not in await ami.command("pjsip show registrations")
        assert "Unable to find" in await ami.command("pjsip show endpoint trunk-two")


async def test_trunk_calls_are_known_by_address(bench: Bench) -> None:
    """A call from a trunk's address enters; with an inbound secret it is challenged; strangers stay out."""
    with carrier() as provider:
        server = ("127.0.0.1", bench.settings.sip_port)
        assert provider.invite(server) in {401, 403}
        identity = await bench.api.trunk("known", host="127.0.0.1", qualify="no")
        assert provider.invite(server) == 100
        await bench.api.done(
            "pbx/trunks/update", {"_id": identity, "insecure": "port", "more_options": "username=a\nsecret=b"}
        )
        assert provider.invite(server) == 401
        await bench.api.done("pbx/trunks/remove", {"_id": identity})
        assert provider.invite(server) in {401, 403}
        await bench.engine.ami.command("channel request hangup all")
