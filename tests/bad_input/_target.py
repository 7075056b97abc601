"""A running server that is thrown at: valid requests, the store's contents, and what the engine knows."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from support.server import TamasServer
from support.sounds import tone_wav
from support.waiting import eventually
from tamas.engine.ami import AmiClient
from tamas.engine.configuration import AMI_USER
from tamas.engine.layout import EngineLayout
from tamas.sa.app import declared_services
from tamas.sa.service import Answer, Service
from tamas.store import fax_schema, schema, voicemail_schema
from tamas.store.database import Database, open_database

FAILED = {"success": 0, "message": "Requested operation failed", "data": None}
CARRIER = "127.0.0.9"
"""Where trunks lead: an address of loopback, for Asterisk really sends there."""

_TABLES = (
    schema.change_generation,
    schema.runtime_settings,
    schema.api_accounts,
    schema.dialable_numbers,
    schema.extensions,
    schema.trunks,
    schema.queues,
    schema.queue_members,
    schema.agent_mappings,
    schema.blacklist,
    schema.whitelist,
    schema.announcements,
    schema.uploads,
    fax_schema.faxes,
    schema.music_classes,
    schema.music_files,
    voicemail_schema.mailboxes,
    voicemail_schema.voicemail_messages,
    schema.originates,
    schema.calls,
    schema.ps_contacts,
)
_NOT_COMPARED = frozenset({"last_used_at"})
_COMMANDS = (
    "core show channels count",
    "core show channels",
    "core show hints",
    "dialplan show",
    "dialplan show globals",
    "pjsip show endpoints",
    "pjsip show aors",
    "pjsip show auths",
    "pjsip show registrations",
    "pjsip show identifies",
    "queue show",
    "database show",
)


@dataclass(kw_only=True)
class Target:
    """A server with a few objects in it that requests can name."""

    server: TamasServer
    database: Database
    ami: AmiClient
    extension: dict[str, str]
    queue: dict[str, str]
    trunk: dict[str, str]
    entry: dict[str, str]
    """Of the black list and, with the same number, the white list; ``_id`` by group."""
    announcement: dict[str, str]
    mailbox: dict[str, str]
    fax: dict[str, str]
    """A document to fax, ``file``, and the trunk that would carry it, ``trunk_name``, were it active."""
    paused: str
    """Number of an agent who is in the queue and on break."""
    numbers: Callable[[], str]
    """Gives a number that nobody has."""

    def valid(self, service: Service) -> dict[str, Any]:
        """A body that the service would carry out, all fields given; but no fax leaves."""
        body = copy.deepcopy(service.request.example())
        group, _, action = service.path.rpartition("/")
        if action == "search":
            body["conditions"] = dict.fromkeys(body["conditions"], "")
        elif group in ("pbx/blacklists", "pbx/whitelists"):
            body["number"] = self.numbers()
        elif group == "pbx/announcements":
            body["filename"] = self.announcement["filename"]
        elif group == "voicemails/voicemails":
            body["number"] = self.numbers()
        elif service.path == "pbx/faxes/add":
            body |= self.fax
        elif group == "pbx/users":
            number = self.numbers()
            body |= {"name": f"User {number}", "number": number, "cid_number": number}
        elif group == "pbx/trunks":
            body |= {
                "name": f"trunk_{self.numbers()}",
                "host": CARRIER,
                "register_string": f"user:pass@{CARRIER}/user",
                "active": "no",
            }
        elif group == "pbx/queues" and action in {"add", "update", "remove"}:
            number = self.numbers()
            body |= {"name": f"Queue {number}", "number": number}
        elif group == "pbx/queues":
            agent = {"queue": self.queue["number"], "agent": self.paused, "source": self.extension["number"]}
            inner = body["agents"][0] if "agents" in body else body
            inner.update({name: value for name, value in agent.items() if name in inner})
        elif service.path == "call/originate/act":
            body |= {"caller": self.extension["number"], "callee": self.extension["number"]}
        made = {
            "pbx/users": self.extension["_id"],
            "pbx/trunks": self.trunk["_id"],
            "pbx/queues": self.queue["_id"],
            "pbx/announcements": self.announcement["_id"],
            "voicemails/voicemails": self.mailbox["_id"],
            **self.entry,
        }
        if "_id" in body and group in made:
            body["_id"] = made[group]
        return {name: value for name, value in body.items() if action != "remove" or name == "_id"}

    async def send(self, path: str, body: Any, *, method: str = "POST") -> httpx.Response:
        """Send a body as JSON; lone surrogates travel as escapes."""
        return await self.server.client.request(
            method,
            f"/api/v4/{path}",
            content=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )

    async def stored(self) -> dict[str, list[str]]:
        """Everything that requests may change, as text by table."""
        found = {}
        async with self.database.read() as connection:
            for table in _TABLES:
                rows = await connection.rows(select(table))
                found[table.name] = sorted(
                    repr({name: value for name, value in row.items() if name not in _NOT_COMPARED})
                    for row in rows
                )
            found["cel"] = [str(await connection.scalar(select(func.count()).select_from(schema.cel)))]
        return found

    async def settled(self) -> dict[str, list[str]]:
        """As :meth:`stored`, once the last calls are over and their rows are in."""
        last: dict[str, list[str]] = {}

        async def unchanged() -> bool:
            nonlocal last
            before, last = last, await self.stored()
            channels = await self.ami.command("core show channels count")
            return before == last and "0 active channels" in channels

        # Rows of a call come within milliseconds of each other; the record follows within a second or two.
        for _ in range(3):
            await eventually(unchanged, within=10, what="a store at rest")
            await asyncio.sleep(0.1)
        return last

    async def engine_knows(self) -> str:
        """What the engine's command line shows, and the endpoints as AMI lists them."""
        shown = [await self.ami.command(command) for command in _COMMANDS]
        return "\n".join(shown)


def services() -> list[Service]:
    """Every service that takes JSON and answers JSON, by path; files have tests of their own."""
    found = (one for one in declared_services() if not one.max_file and isinstance(one.answer, Answer))
    return sorted(found, key=lambda service: service.path)


def with_value(body: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy of a body with another value of a field, whose name is the catalogue's dotted one."""
    changed: dict[str, Any] = copy.deepcopy(dict(body))
    inner: Any = changed
    *outer, last = name.split(".")
    for part in outer:
        inner = inner[part.removesuffix("[]")]
        if part.endswith("[]"):
            inner = inner[0]
    inner[last] = value
    return changed


@asynccontextmanager
async def manager(state_dir: Path) -> AsyncIterator[AmiClient]:
    """A manager connection of our own to a running engine."""
    layout = EngineLayout(state_dir=state_dir)
    record = json.loads(layout.record.read_text())
    client = AmiClient(
        host="127.0.0.1",
        port=record["ami_port"],
        username=AMI_USER,
        secret=layout.ami_secret.read_text().strip(),
        on_event=lambda _: None,
        event_mask="off",
    )
    running = asyncio.create_task(client.run())
    try:
        await client.wait_connected(10)
        yield client
    finally:
        await client.close()
        await running


def url_of(server: TamasServer) -> str:
    """Where a server's store is."""
    return server.environment.get("TAMAS_DATABASE_URL") or f"sqlite:///{server.state_dir}/tamas.db"


@asynccontextmanager
async def aimed_at(server: TamasServer) -> AsyncIterator[Target]:
    """Make the objects on a running server, and open its store and its engine."""
    serial = count(7000)

    def number() -> str:
        return str(next(serial))

    async def made(path: str, **fields: str) -> dict[str, str]:
        return {**fields, **await server.api(path, fields)}

    extension = await made("pbx/users/add", name="First", number=number(), secret="first-secret")
    queue = await made("pbx/queues/add", name="Sales", number=number())
    trunk = await made("pbx/trunks/add", name="carrier", host=CARRIER, port="5099", qualify="no", active="no")
    paused = number()
    seat = await made("pbx/users/add", name="Seat", number=number(), secret="seat-secret")
    await server.api(
        "pbx/queues/addagent", {"queue": queue["number"], "source": seat["number"], "agent": paused}
    )
    await server.api("pbx/queues/pauseagent", {"queue": queue["number"], "agent": paused})
    number_listed = number()
    entry = {
        group: (await server.api(f"{group}/add", {"number": number_listed}))["_id"]
        for group in ("pbx/blacklists", "pbx/whitelists")
    }
    uploaded = await server.client.post(
        "/api/v4/pbx/announcements/upload", files={"file": ("a.wav", tone_wav(440, seconds=0.2))}
    )
    filename = uploaded.json()["data"]["filename"]
    document = await server.client.post("/api/v4/pbx/faxes/upload", files={"file": ("a.txt", b"A letter")})
    fax = {"file": document.json()["data"]["filename"], "trunk_name": trunk["name"]}
    announcement = await made("pbx/announcements/add", name="Welcome", filename=filename)
    mailbox = await made("voicemails/voicemails/add", name="Box", number=number(), password="1234")
    database = await open_database(url_of(server))
    try:
        async with manager(server.state_dir) as ami:
            yield Target(
                server=server,
                database=database,
                ami=ami,
                extension=extension,
                queue=queue,
                trunk=trunk,
                entry=entry,
                announcement=announcement,
                mailbox=mailbox,
                fax=fax,
                paused=paused,
                numbers=number,
            )
    finally:
        await database.close()
