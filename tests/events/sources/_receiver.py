"""A receiver of events beside a running server, and the forms of times and ids."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from support.integrator import Asked, Integrator, page
from support.server import TamasServer
from support.waiting import eventually
from tamas.engine.sip_secrets import open_seal
from tamas.events.catalogue import EVENTS
from tamas.events.marks import marks_of
from tamas.events.receivers import add_receiver, remove_receiver
from tamas.store.changes import Changes
from tamas.store.database import Database, open_database

USER, PASSWORD = "events", "s3cret"
PATH: Final = "/hooks/tamas"


class Like:
    """Equals every text of a form."""

    def __init__(self, name: str, form: str) -> None:
        self._name = name
        self._form = re.compile(form)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._form.fullmatch(other) is not None

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self._name


class Epoch:
    """Equals every moment of these days in seconds, as a float."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and 1_600_000_000 < other < 4_000_000_000

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "EPOCH"


TIME: Final = Like("TIME", r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
ID: Final = Like("ID", r"[0-9a-f]{24}")
CUID: Final = Like("CUID", r"\d{10}\.\d+")
ORIGINATED: Final = Like("ORIGINATED", r"orig\.call\.\d{10}\.\d{6}")
RECORD: Final = Like("RECORD", r"\d{8}_\d{10}\.\d+\.mp3")
EPOCH: Final = Epoch()

Body = dict[str, Any]


class Receiver:
    """What was told since the test began."""

    def __init__(self, integrator: Integrator, path: str) -> None:
        self._integrator = integrator
        self._path = path

    async def close(self) -> None:
        """Be away."""
        await self._integrator.stop()

    async def open(self) -> None:
        """Be there again, at the same address."""
        await self._integrator.start()

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self._integrator.asked.clear()

    @property
    def requests(self) -> list[Asked]:
        """Everything that came, in order."""
        return [asked for asked in self._integrator.asked if asked.path.startswith(self._path)]

    def bodies(self, *names: str, **fields: Any) -> list[Body]:
        """What events of these names (all, when there is none) with these fields say, in order."""
        return [
            asked.fields
            for asked in self.requests
            if (not names or asked.fields["event_name"] in names)
            and all(asked.fields.get(name) == value for name, value in fields.items())
        ]

    async def until(self, name: str, *, within: float = 10.0, **fields: Any) -> Body:
        """The first event of a name with these fields, once it is there."""
        found = await eventually(
            lambda: self.bodies(name, **fields), within=within, what=f"{name} {fields or ''}"
        )
        body: Body = found[0]
        return body

    def of_call(self, call: str) -> list[str]:
        """Events of a call, in the order in which they came: names, for NewState with extension and state."""
        lines = []
        for body in self.bodies(unique_id=call):
            words = [body["event_name"], body.get("exten", ""), body.get("state", "")]
            words += ["dialing"] if body.get("dialing") else []
            lines.append(" ".join(word for word in words if word))
        return lines


def check_g4(asked: Asked) -> None:
    """A request is a G4 delivery by POST in everything but its body."""
    assert (asked.method, asked.path, asked.query) == ("POST", PATH, {})
    assert asked.headers["content-type"] == "application/json"
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert asked.headers["authorization"] == f"Basic {login}"
    assert not [name for name in asked.headers if name.startswith("webhook-")]


@asynccontextmanager
async def receiving(
    server: TamasServer, *, name: str = "crm", path: str = PATH, **settings: Any
) -> AsyncIterator[Receiver]:
    """Add a receiver of every event to a server."""
    async with Integrator() as integrator:
        integrator.answers[path] = page("")
        for event in EVENTS:
            integrator.answers[f"{path}/{event}"] = page("")
        seal = open_seal(server.state_dir)
        database = await open_database(server.database_url)
        changes = Changes(database)
        try:
            await add_receiver(
                database,
                changes,
                name=name,
                address=integrator.url(path),
                events=frozenset(settings.pop("events", EVENTS)),
                username=USER,
                password=seal.seal_text(PASSWORD),
                allow_internal=True,
                **settings,
            )
            await until_watched(database)
            yield Receiver(integrator, path)
            await remove_receiver(database, changes, name)
        finally:
            await database.close()


async def until_watched(database: Database) -> None:
    """The engine is watched for live events; it is when somebody wants them."""

    async def watched() -> bool:
        async with database.read() as connection:
            return bool(await marks_of(connection, "watch"))

    await eventually(watched, within=20, what="the watch for live events")


def in_order(lines: Sequence[str], *wanted: str) -> None:
    """Those lines are among others, in this order."""
    places = [lines.index(line) for line in wanted]
    assert places == sorted(places), lines
