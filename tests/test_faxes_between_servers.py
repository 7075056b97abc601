"""Real faxes from one server to another, a trunk on each side: T.38, G.711, and what goes wrong midway."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence
from sqlalchemy import select

from events.sources._receiver import receiving
from support.documents import noise, pdf, tiff
from support.manager import manager
from support.server import TamasServer
from support.servers import NewExtension
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer
from tamas.media.fax import WIDTH
from tamas.settings import load_settings
from tamas.store.database import open_database
from tamas.store.fax_schema import faxes

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

FAX_NUMBER = "2100"
FAX_SECONDS = 120.0


def pages_of(content: bytes) -> list[tuple[tuple[int, int], bytes]]:
    """Size and dots of each page of a TIFF."""
    with Image.open(io.BytesIO(content)) as image:
        return [(page.size, page.convert("1").tobytes()) for page in ImageSequence.Iterator(image)]


async def stored(server: TamasServer, identity: str) -> dict[str, Any]:
    """A fax as it stands in the store, its details read."""
    url = load_settings(server.environment).database_url
    database = await open_database(url)
    try:
        async with database.read() as connection:
            row = await connection.row(select(faxes).where(faxes.c.id == identity))
    finally:
        await database.close()
    assert row is not None
    return {**row, "details": json.loads(row["details"])}


@dataclass
class Pair:
    """Two servers with a trunk to each other."""

    sender: TamasServer
    receiver: TamasServer
    trunk_to_sender: str
    """Id, at the receiver."""

    async def send(self, content: bytes | None = None, *, name: str = "a.tiff", **fields: str) -> str:
        """Ask the sender for a fax; gives its id."""
        if content is not None:
            answer = await self.sender.client.post(
                "/api/v4/pbx/faxes/upload", files={"file": (name, content)}
            )
            fields["file"] = answer.json()["data"]["filename"]
        body = {"to": FAX_NUMBER, "trunk_name": "out", **fields}
        return str((await self.sender.api("pbx/faxes/add", body))["_id"])

    async def sent(self, identity: str) -> dict[str, Any]:
        """The row of a fax at the sender, once it is over."""

        async def over() -> bool:
            return bool((await stored(self.sender, identity))["status"] != "SENDING")

        await eventually(over, within=FAX_SECONDS, what="the end of the fax")
        return await stored(self.sender, identity)

    async def inbox(self) -> list[dict[str, Any]]:
        """Faxes that the receiver got, newest first."""
        body = {"alike": False, "conditions": {"type": "inbox"}}
        rows: list[dict[str, Any]] = (await self.receiver.api("pbx/faxes/search", body))["data"]
        return rows

    async def received(self, before: int) -> dict[str, Any]:
        """The row of the fax that came after so many others."""

        async def there() -> bool:
            return len(await self.inbox()) > before

        await eventually(there, within=FAX_SECONDS, what="the received fax")
        return (await self.inbox())[0]

    async def on_the_line(self) -> None:
        """Wait until both sides are at it."""
        for server, application in ((self.sender, "SendFAX"), (self.receiver, "ReceiveFAX")):
            async with manager(server) as ami:

                async def busy(ami: Any = ami, application: str = application) -> bool:
                    return application in await ami.command("core show channels concise")

                await eventually(busy, within=20, what=f"a channel in {application}")


async def download(server: TamasServer, identity: str) -> bytes:
    answer = await server.client.post("/api/v4/pbx/faxes/download", json={"_id": identity})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(scope="module")
async def pair(
    tmp_path_factory: pytest.TempPathFactory, new_store: Callable[[str, Path], str]
) -> AsyncIterator[Pair]:
    """The sender on SQLite, the receiver on PostgreSQL, each with a SIP address of its own."""
    one, other = tmp_path_factory.mktemp("sender"), tmp_path_factory.mktemp("receiver")
    sender = TamasServer(one)
    receiver = TamasServer(
        other,
        database_url=new_store("postgresql", other),
        environment={"TAMAS_SIP_HOST": "127.0.0.7", "TAMAS_FALLBACK_NUMBER": ""},
    )
    receiver.sip = ("127.0.0.7", receiver.sip[1])
    common = {"active": "yes", "qualify": "no", "insecure": "port,invite", "allow": "ulaw,alaw"}
    try:
        await asyncio.gather(sender.start(), receiver.start())
        host, port = receiver.sip
        await sender.api("pbx/trunks/add", {**common, "name": "out", "host": host, "port": str(port)})
        host, port = sender.sip
        incoming = await receiver.api(
            "pbx/trunks/add", {**common, "name": "in", "host": host, "port": str(port)}
        )
        await receiver.cli("settings", "set", "fax.numbers", FAX_NUMBER)
        await receiver.cli("settings", "set", "fax.received_format", "tiff")
        await sender.cli("settings", "set", "fax.caller_id", "02155")
        yield Pair(sender=sender, receiver=receiver, trunk_to_sender=incoming["_id"])
    finally:
        await asyncio.gather(sender.close(), receiver.close())


@pytest.mark.parametrize("mode", ["T38", "audio"])
async def test_the_page_received_is_the_page_sent(pair: Pair, mode: str) -> None:
    """Dot by dot, over T.38, and over G.711 where one side refuses T.38; both rows tell of it."""
    options = "" if mode == "T38" else "t38pt_udptl=no"
    await pair.receiver.api("pbx/trunks/update", {"_id": pair.trunk_to_sender, "more_options": options})
    before = len(await pair.inbox())
    document = tiff(noise(size=(WIDTH, 120)), noise(size=(WIDTH, 90), seed=1)) if mode == "T38" else pdf()
    identity = await pair.send(document, name=f"document.{mode}", sender_id="user1")
    sent = await pair.sent(identity)
    assert (sent["status"], sent["reason"], sent["details"]["FAXMODE"]) == ("SUCCESS", None, mode)
    got = await pair.received(before)
    assert {key: got[key] for key in ("type", "src", "dst", "status", "trunk")} == {
        "type": "inbox",
        "src": "02155",
        "dst": FAX_NUMBER,
        "status": "SUCCESS",
        "trunk": "in",
    }
    original, copy = await download(pair.sender, identity), await download(pair.receiver, got["_id"])
    assert pages_of(copy) == pages_of(original)
    kept = await stored(pair.receiver, got["_id"])
    assert kept["pages"] == sent["pages"] == len(pages_of(original))
    assert kept["details"]["REMOTESTATIONID"] == "02155"
    (call,) = [row for row in await pair.receiver.calls() if row["cuid"] == kept["uniqueid"]]
    assert (call["type"], call["disposition"], call["entry_point"]) == ("incoming", "ANSWERED", "in")


async def test_both_sides_are_told(pair: Pair) -> None:
    """Events: the sender's fax begins and went through, the receiver has one, in the fax engine's words."""
    await pair.receiver.api("pbx/trunks/update", {"_id": pair.trunk_to_sender, "more_options": ""})
    async with receiving(pair.sender) as sent, receiving(pair.receiver) as got:
        identity = await pair.send(tiff(noise(size=(WIDTH, 120), seed=2)), sender_id="user1")
        over = await sent.until("OutgoingFax", state="SUCCESS", within=FAX_SECONDS)
        fax = await got.until("IncomingFax", within=FAX_SECONDS)
    begun = sent.bodies("OutgoingFax")[0]
    assert (begun["fax_id"], begun["state"], begun["info"]["FAXSTATUS"]) == (identity, "SENDING", None)
    assert (over["fax_id"], over["unique_id"], len(sent.bodies("OutgoingFax"))) == (
        identity,
        begun["unique_id"],
        2,
    )
    info, description = over["info"], fax["description"]
    assert (info["FAXSTATUS"], info["FAXPAGES"], info["FAXERROR"]) == ("SUCCESS", "1", None)
    assert (fax["state"], fax["entry_point"], fax["src"], fax["dst"]) == (
        "SUCCESS",
        "in",
        "02155",
        FAX_NUMBER,
    )
    assert (description["FAXSTATUS"], description["REMOTESTATIONID"]) == ("SUCCESS", "02155")
    assert description["FAXBITRATE"].isdecimal()
    assert all(isinstance(value, str) for value in description.values())
    row = (await pair.inbox())[0]
    assert fax["fax_id"] == row["_id"]


async def test_a_person_who_answers_a_fax_machine_gets_it_received(
    pair: Pair, new_extension: NewExtension
) -> None:
    """An extension with faxdetect answers; at the machine's tone the call goes to the reception."""
    await pair.receiver.api("pbx/trunks/update", {"_id": pair.trunk_to_sender, "more_options": ""})
    phone = await new_extension(pair.receiver, "201", manner=AutoAnswer(), faxdetect="yes")
    before = len(await pair.inbox())
    identity = await pair.send(to="201", text="A letter\nسلام")
    call = await phone.incoming()
    await call.until_ended(within=30)
    assert (await pair.sent(identity))["status"] == "SUCCESS"
    got = await pair.received(before)
    assert (got["dst"], got["status"]) == ("201", "SUCCESS")
    original, copy = await download(pair.sender, identity), await download(pair.receiver, got["_id"])
    assert pages_of(copy) == pages_of(original)


async def test_both_servers_are_killed_while_a_fax_is_on_the_line(pair: Pair) -> None:
    """The fax goes through without any process of ours, and both tell of it when they are back."""
    before = len(await pair.inbox())
    identity = await pair.send(tiff(noise(size=(WIDTH, 60))))
    await pair.on_the_line()
    await asyncio.gather(pair.sender.kill9(), pair.receiver.kill9())
    async with manager(pair.sender) as one, manager(pair.receiver) as other:

        async def over() -> bool:
            shown = [await ami.command("core show channels count") for ami in (one, other)]
            return all("0 active channels" in each for each in shown)

        await eventually(over, within=FAX_SECONDS, what="the end of the calls")
    await asyncio.gather(pair.sender.start(), pair.receiver.start())
    assert (await pair.sent(identity))["status"] == "SUCCESS"
    got = await pair.received(before)
    assert pages_of(await download(pair.receiver, got["_id"])) == pages_of(
        await download(pair.sender, identity)
    )
    assert len(await pair.inbox()) == before + 1


async def test_what_arrived_of_a_fax_that_was_cut_off_is_kept(pair: Pair) -> None:
    """The sender's engine dies on the second page: failed on both sides, the first page can be fetched."""
    before = len(await pair.inbox())
    pages = [noise(size=(WIDTH, 40)), noise(size=(WIDTH, 900), seed=1)]
    identity = await pair.send(tiff(*pages))
    await pair.on_the_line()

    async with manager(pair.receiver) as ami:

        async def first_page_is_there() -> bool:
            files = list((pair.receiver.state_dir / "faxes" / "received").glob("*.tiff"))
            newest = max(files, key=lambda file: file.stat().st_mtime, default=None)
            return newest is not None and len(files) > before and newest.stat().st_size > WIDTH * 40 // 8

        await eventually(first_page_is_there, within=60, what="the first page")
        pair.sender.asterisk.kill()
        assert "ReceiveFAX" in await ami.command("core show channels concise")
    sent = await pair.sent(identity)
    assert (sent["status"], sent["reason"]) == ("FAILED", "the engine stopped")
    got = await pair.received(before)
    assert got["status"] == "FAILED"
    assert got["description"]
    assert pages_of(await download(pair.receiver, got["_id"]))[0] == pages_of(tiff(*pages))[0]
