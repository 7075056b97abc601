"""What campaigns are made of, through the API."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import insert, update

from sa.pbx.conftest import Api
from support.sounds import tone_wav
from tamas.dialplan.graph import Node, Output, Plan, Sheet
from tamas.dialplan.publishing import publish
from tamas.store.autodialer_schema import campaigns, dial_attempts, dialer_reports
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Row

NOBODY = "0" * 24
SOUND = tone_wav(440, seconds=0.2)


class Dialer:
    """The autodialer's services as a client sees them, and the store behind them."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.made = 0

    async def add(self, path: str, **body: Any) -> str:
        return str((await self.api.done(path, body))["_id"])

    async def search(self, path: str, **body: Any) -> Any:
        return await self.api.done(path, {"alike": "true", **body})

    async def rows(self, path: str, **body: Any) -> list[dict[str, Any]]:
        """Rows of a search, paged or not."""
        found = await self.search(path, **body)
        rows: list[dict[str, Any]] = found["data"] if isinstance(found, dict) else found
        return rows

    async def update(self, path: str, identity: str, **body: Any) -> Any:
        return await self.api.done(path, {"_id": identity, **body})

    async def remove(self, path: str, identity: str) -> Any:
        return await self.api.done(path, {"_id": identity})

    async def refused(self, path: str, **body: Any) -> str | None:
        """The field that is named when a request is refused, in the catalogue's one text."""
        message, field = await self.api.refused(path, body)
        assert message == "Requested operation failed"
        return field

    async def send(self, path: str, content: bytes, *, name: str) -> httpx.Response:
        return await self.api.client.post(f"/api/v4/{path}", files={"file": (name, content)})

    async def upload(self, path: str, content: bytes, *, name: str = "book1.csv") -> str:
        answer = (await self.send(path, content, name=name)).json()
        assert answer["success"] == 1, answer
        assert answer["message"] == ""
        return str(answer["data"]["filename"])

    def files(self, folder: str) -> list[str]:
        """What lies in a folder of the state directory."""
        return sorted(file.name for file in (self.api.folder / folder).glob("*"))

    def content(self, folder: str, name: str) -> bytes:
        """A file there."""
        return (self.api.folder / folder / name).read_bytes()

    async def sound(self, name: str = "Hello") -> str:
        filename = await self.upload("autodialer/announcements/upload", SOUND, name="hello.wav")
        return await self.add("autodialer/announcements/add", name=name, filename=filename)

    async def manager(self, **settings: Any) -> str:
        self.made += 1
        trunk = await self.api.trunk(f"trunk{self.made}")
        return await self.add("autodialer/trunks/add", **{"title": "Line", "trunk_id": trunk, **settings})

    async def campaign(self, **settings: Any) -> str:
        """A campaign of one number, or as it is told."""
        body: dict[str, Any] = {"name": "test", "numbers": ["09120000000"], **settings}
        if "trunk_manager_id" not in body:
            body["trunk_manager_id"] = await self.manager()
        if "announcement" not in body and "interface_context" not in body:
            body["announcement"] = await self.sound()
        return await self.add("autodialer/campaigns/add", **body)

    async def plan(self, *contexts: str) -> None:
        """Make a plan live with Autodialer Routes of these contexts."""
        nodes = tuple(
            Node(
                id=f"r{position}",
                sheet="s",
                type="AutodialerRoute",
                name=context,
                params={"context": context},
                outputs=(Output(key="any", label="any", match={"text": "any"}),),
            )
            for position, context in enumerate(contexts)
        )
        plan = Plan(sheets=(Sheet(id="s", name="Main"),), nodes=nodes)
        await publish(self.api.database, self.api.changes, plan, account="tester")

    async def put(self, identity: str, **values: Any) -> None:
        """What the dialer does with a campaign."""
        async with self.api.database.write() as tx:
            await tx.execute(update(campaigns).where(campaigns.c.id == identity).values(**values))

    async def row(self, identity: str) -> Row:
        (row,) = await self.api.rows(campaigns.select().where(campaigns.c.id == identity))
        return row

    async def attempt(self, campaign: Row, identity: int, **values: Any) -> str:
        """What the dialer writes of a call that is over."""
        row = {
            "id": f"{identity:024x}",
            "campaign": campaign["serial"],
            "number_id": 1,
            "number": "0911",
            "round": 1,
            "try": 1,
            "trunk_manager_id": campaign["trunk_manager_id"],
            "trunk": "trunk1",
            "uniqueid": f"1.{identity}",
            "started_at": now(),
            "ended_at": now(),
            "disposition": "BUSY",
            "cause": 17,
            "wait": 3,
            "duration": 4,
            "channel": "PJSIP/trunk-trunk1-0000000a",
            "dcontext": "autodialer",
            **values,
        }
        async with self.api.database.write() as tx:
            await tx.execute(insert(dial_attempts), row)
        return str(row["id"])

    async def report(self, campaign: Row, identity: int, **values: Any) -> str:
        """What the dialer writes of a number."""
        row = {
            "id": f"{identity:024x}",
            "campaign": campaign["serial"],
            "number_id": identity,
            "campaign_id": campaign["id"],
            "name": campaign["name"],
            **{
                key: campaign[key]
                for key in (
                    "interface_context",
                    "interface_text",
                    "trunk_manager_id",
                    "announcement",
                    "start_at",
                    "end_at",
                )
            },
            "number": f"09{identity:09}",
            "round": 1,
            "tries": 1,
            "disposition": "ANSWERED",
            "billsec": 0,
            "wait": 0,
            "input": "",
            "attempted_at": now() // MICROSECONDS * MICROSECONDS,
            "amended_at": now(),
            **values,
        }
        async with self.api.database.write() as tx:
            await tx.execute(insert(dialer_reports), row)
        return str(row["id"])
