"""Objects that conformance requests refer to, made through the API itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, select

from conformance.catalogue import Endpoint, body_of
from records._samples import arrive
from records._samples import load as load_sample
from support.documents import pdf
from support.sounds import tone_wav
from support.waiting import eventually
from tamas.dialplan.default_plan import default_plan
from tamas.dialplan.graph import Node, Output, Plan
from tamas.dialplan.publishing import publish
from tamas.store.autodialer_schema import campaigns, dial_attempts, dialer_reports
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.voicemail.messages import Kept, begin_message, close_message

NOWHERE = {"host": "127.0.0.2", "register_string": "user:pass@127.0.0.2/user"}
"""Trunk fields in place of the catalogue's: Asterisk really sends there, so it must stay on this machine."""


CALLS = ("answered", "incoming", "outgoing", "busy", "queue_left_in_silence", "queue_agent_hangs_up")
"""Recorded calls of which the reports tell; the last one ends with a survey."""
RECORDING = "20210116_1610778618.378.mp3"
SOUND = tone_wav(440, seconds=0.2)
DOCUMENT = pdf(size=(80, 80))
NUMBERS = b"number\n09120000001\n09120000002\n"
"""What is uploaded."""
CONTEXT = "auto"
"""Of an Autodialer Route, as the catalogue's examples have it."""

UPLOADED = {"pbx/faxes": DOCUMENT, "autodialer/groups": NUMBERS}
"""By group what is uploaded where it is no sound."""


class World:
    """A running server seen through an account that may call everything."""

    def __init__(self, client: httpx.Client, *, calendar: str = "gregorian") -> None:
        self.client = client
        self.calendar = calendar
        """In which rows have their dates (SA catalogue, README decision 8)."""
        self.cuid = ""
        """Of a call that was in a queue."""
        self.message = ""
        """File of a message in a mailbox."""
        self._sound = ""
        self._dialer_sound = ""
        self._fax: dict[str, str] = {}
        self._list = ""
        self.manager = ""
        """Trunk manager of all campaigns."""
        self.attempt = ""
        """Call of a campaign."""
        self._numbers: Iterator[int] = itertools.count(3000 if calendar == "gregorian" else 6000)

    def number(self) -> str:
        """A number that nothing has yet."""
        return str(next(self._numbers))

    def send(self, endpoint: Endpoint, body: dict[str, Any], *, method: str = "POST") -> httpx.Response:
        """Send a request to an endpoint: JSON, or a form where it takes one. Bytes travel as a file."""
        if endpoint.op != "upload":
            return self.call(endpoint.path, body, method=method)
        parts = [
            (name, ("sound.wav" if isinstance(value, bytes) else None, value))
            for name, value in body.items()
            if isinstance(value, (bytes, str))
        ]
        return self.client.request(
            method, f"/api/v4/{endpoint.path}", files=parts or [("nothing", (None, ""))]
        )

    def call(self, path: str, body: Any, *, method: str = "POST") -> httpx.Response:
        """Send a request with a JSON body."""
        return self.client.request(method, f"/api/v4/{path}", json=body)

    def done(self, path: str, body: Any) -> Any:
        """Send a request that must succeed; gives ``data``."""
        answer = self.call(path, body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["success"] == 1, (path, body, answer.text, answer.headers.get("x-error-field"))
        return answer.json()["data"]

    def extension(self) -> tuple[str, str]:
        """Make an extension; gives its id and number."""
        number = self.number()
        made = self.done(
            "pbx/users/add", {"name": f"User {number}", "number": number, "secret": f"s-{number}-S"}
        )
        return made["_id"], number

    def queue(self) -> tuple[str, str]:
        """Make a queue; gives its id and number."""
        number = self.number()
        made = self.done("pbx/queues/add", {"name": f"Queue {number}", "number": number})
        return made["_id"], number

    def trunk(self) -> tuple[str, str]:
        """Make a trunk; gives its id and name."""
        name = f"trunk_{self.number()}"
        made = self.done("pbx/trunks/add", NOWHERE | {"name": name, "active": "no"})
        return made["_id"], name

    def announcement(self) -> tuple[str, str]:
        """Make an announcement; gives its id and file. All share the file of the first, which stays."""
        if not self._sound:
            answer = self.client.post("/api/v4/pbx/announcements/upload", files={"file": ("a.wav", SOUND)})
            self._sound = answer.json()["data"]["filename"]
        made = self.done("pbx/announcements/add", {"name": "A sound", "filename": self._sound})
        return made["_id"], self._sound

    def mailbox(self) -> tuple[str, str]:
        """Make a mailbox; gives its id and number."""
        number = self.number()
        made = self.done("voicemails/voicemails/add", {"name": "A box", "number": number, "password": number})
        return made["_id"], number

    async def left_message(self, database: Database, directory: Path) -> None:
        """Let a caller's message lie in a mailbox."""
        identity, number = self.mailbox()
        sound = tone_wav(440, seconds=2)

        async def left() -> bool:
            message = await begin_message(
                database,
                directory,
                mailbox_id=identity,
                number=number,
                caller_id="570",
                caller_name="Sara",
                cuid="1623742139.7",
                channel_id="1623742139.7",
            )
            message.file.write_bytes(sound)
            self.message = message.file.name
            kept = await close_message(database, directory, message.id, {"voicemail.min_seconds": 1})
            return kept is Kept.STORED

        # There is no such channel: the server closes the message, if it looks before we have.
        await eventually(left, within=15, what="a message that the server did not find first")

    def fax(self) -> dict[str, str]:
        """What a fax is made of: a number, a document and a trunk, the same ones each time."""
        if not self._fax:
            answer = self.client.post("/api/v4/pbx/faxes/upload", files={"file": ("a.pdf", DOCUMENT)})
            trunk = f"trunk_{self.number()}"
            self.done("pbx/trunks/add", NOWHERE | {"name": trunk, "active": "yes", "register_string": ""})
            self._fax = {"to": "112233", "file": answer.json()["data"]["filename"], "trunk_name": trunk}
        return self._fax

    def entry(self, group: str) -> str:
        """Make an entry of the black list or the white list; gives its id."""
        return str(self.done(f"{group}/add", {"number": self.number()})["_id"])

    def presence(self) -> None:
        """Let an agent join a queue, take a break and leave it."""
        names = {"queue": self.queue()[1], "agent": self.extension()[1]}
        self.done("pbx/queues/addagent", names | {"source": names["agent"]})
        self.done("pbx/queues/pauseagent", names)
        self.done("pbx/queues/resumeagent", names)
        self.done("pbx/queues/removeagent", names)

    async def calls(self, database: Database) -> None:
        """Let calls that once happened arrive in the inbox as if they had just ended; wait for their rows."""
        samples = {name: load_sample(name).again() for name in CALLS}
        await arrive(database, *samples.values())
        self.cuid = samples["queue_agent_hangs_up"].cuid

        def written() -> bool:
            return bool(self.done("reports/quick/info", {"cuid": self.cuid}))

        await eventually(written, within=15, what="the rows of the calls")

    def request(self, endpoint: Endpoint) -> dict[str, Any]:
        """A request for an endpoint that must succeed once, with every documented field."""
        body = body_of(endpoint)
        group, _, action = endpoint.path.rpartition("/")
        if endpoint.op == "search":
            body["conditions"] = dict.fromkeys(body.get("conditions", {}), "")
            if "date_range" in body:
                body["date_range"] = {"from": "2020-06-15 15:16", "to": "2099-06-22 15:16"}
        elif endpoint.op == "download" and group.startswith("reports/"):
            body["file"] = RECORDING
        elif action == "id":  # a feed, from its beginning
            body["_id"] = ""
        elif endpoint.path == "reports/quick/info":
            body["cuid"] = self.cuid
        elif endpoint.op == "upload":
            body |= {"file": UPLOADED.get(group, SOUND)}
        elif group.startswith("autodialer/"):
            body |= self._dialer_request(group, action)
        elif group == "pbx/faxes":
            body |= self.fax() if action == "add" else {"_id": self.done("pbx/faxes/add", self.fax())["_id"]}
        elif group in {"pbx/blacklists", "pbx/whitelists"}:
            if action != "add":
                body["_id"] = self.entry(group)
            if action != "remove":
                body["number"] = self.number()
        elif group == "pbx/announcements":
            identity, filename = self.announcement()
            if action != "add":
                body["_id"] = identity
            if action != "remove":
                body["filename"] = filename
        elif group == "voicemails/voicemails":
            if action != "add":
                body["_id"] = self.mailbox()[0]
            if action != "remove":
                body["number"] = self.number()
        elif group.startswith("voicemails/"):
            body = dict.fromkeys(body, self.message)
        elif group == "pbx/users":
            if action != "add":
                body["_id"] = self.extension()[0]
            if action != "remove":
                number = self.number()
                body |= {"number": number, "cid_number": number, "name": f"User {number}"}
        elif group == "pbx/trunks":
            if action != "add":
                body["_id"] = self.trunk()[0]
            if action != "remove":
                body |= NOWHERE | {"name": f"trunk_{self.number()}"}
        elif group == "pbx/queues" and action in {"add", "update", "remove"}:
            if action != "add":
                body["_id"] = self.queue()[0]
            if action != "remove":
                number = self.number()
                body |= {"name": f"Queue {number}", "number": number}
        elif group == "pbx/queues":
            body = self._agent_request(action, body)
        elif endpoint.path == "call/originate/act":
            body |= {"caller": self.extension()[1], "callee": self.extension()[1], "timeout": "1"}
        return body

    def _dialer_request(self, group: str, action: str) -> dict[str, Any]:
        kind = group.removeprefix("autodialer/")
        if kind == "reports":
            return {"_id": self.attempt}
        made: dict[str, Any] = {}
        if action != "add":
            made["_id"] = self.manager if kind == "trunks" else self.dialer_object(kind)
        if action != "remove":
            made |= self.dialer_parts(kind)
        return made

    def dialer_object(self, kind: str) -> str:
        """Make something of the autodialer; gives its id."""
        made = self.done(f"autodialer/{kind}/add", {"name": f"A {kind}", **self.dialer_parts(kind)})
        return str(made["_id"])

    def dialer_parts(self, kind: str) -> dict[str, Any]:
        """What something of the autodialer refers to, or has for itself."""
        if kind == "contacts":
            return {"number": self.number()}
        if kind == "groups":
            self._list = self._list or self._uploaded(kind, NUMBERS)
            return {"filename": self._list}
        if kind == "announcements":
            self._dialer_sound = self._dialer_sound or self._uploaded(kind, SOUND)
            return {"filename": self._dialer_sound}
        if kind == "campaigns":
            return {
                "start": "2021-02-19 15:17",
                "end": "2021-02-23 15:17",
                "trunk_manager_id": self.manager,
                "groups": [self.dialer_object("groups")],
                "announcement": self.dialer_object("announcements"),
            }
        return {}

    def _uploaded(self, kind: str, content: bytes) -> str:
        answer = self.client.post(f"/api/v4/autodialer/{kind}/upload", files={"file": ("a", content)})
        return str(answer.json()["data"]["filename"])

    async def campaigns(self, database: Database) -> None:
        """Let the plan have the route of the examples, and a campaign that called somebody in vain."""
        plan = default_plan()
        route = Node(
            id="dialed",
            sheet=plan.sheets[0].id,
            type="AutodialerRoute",
            name="Dialed",
            params={"context": CONTEXT},
            outputs=(Output(key="any", label="any", match={"text": "any"}),),
        )
        await publish(
            database,
            Changes(database),
            Plan(sheets=plan.sheets, nodes=(*plan.nodes, route)),
            account="conformance",
        )
        self.manager = self.done(
            "autodialer/trunks/add",
            {
                "title": "Line",
                "trunk_id": self.trunk()[0],
                "active_times": {"1": ["9"]},
                "status": "inactive",
            },
        )["_id"]
        for kind in ("contacts", "campaigns"):
            self.dialer_object(kind)
        self.attempt = await write_attempt(database, trunk_manager_id=self.manager)

    def _agent_request(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        queue, agent = self.queue()[1], self.extension()[1]
        names = {"queue": queue, "agent": agent}
        if action.endswith("addagent"):
            names["source"] = agent
        else:
            self.done("pbx/queues/addagent", {"queue": queue, "source": agent, "agent": agent})
            if "resume" in action:
                self.done("pbx/queues/pauseagent", {"queue": queue, "agent": agent})
        if action.startswith("batch"):
            return body | {"agents": [body["agents"][0] | names]}
        return body | names


async def write_attempt(database: Database, *, trunk_manager_id: str) -> str:
    """Write what the dialer does of a call that was rejected, of a campaign that is there; gives its id."""
    identity, at = new_id(), now()
    async with database.write() as tx:
        campaign = await tx.row(select(campaigns).where(campaigns.c.trunk_manager_id == trunk_manager_id))
        assert campaign is not None
        shared = {
            "campaign": campaign["serial"],
            "number_id": campaign["serial"],
            "number": "09120000000",
            "round": 1,
            "trunk_manager_id": trunk_manager_id,
            "disposition": "BUSY",
            "wait": 1,
            "billsec": 0,
        }
        own = {
            "id": identity,
            "try": 1,
            "trunk": "line",
            "uniqueid": f"conformance.{identity}",
            "started_at": at,
            "ended_at": at,
            "cause": 21,
            "channel": "PJSIP/trunk-line-00000be0",
            "dcontext": CONTEXT,
        }
        await tx.execute(insert(dial_attempts).values(**shared, **own))
        kept = ("interface_context", "interface_text", "announcement", "start_at", "end_at", "name")
        await tx.execute(
            insert(dialer_reports).values(
                **shared,
                **{key: campaign[key] for key in kept},
                id=new_id(),
                campaign_id=campaign["id"],
                tries=1,
                input="",
                attempted_at=at,
                amended_at=at,
            )
        )
    return identity
