"""A contact center at work and a receiver of all that is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from events.sources._receiver import Receiver, receiving
from sa.reports._floor import SUPPORT, Floor, open_floor
from support.mail_server import MailBin
from support.server import TamasServer
from tamas.dialplan.default_plan import default_plan
from tamas.dialplan.graph import Node, Output, Plan, write_plan
from tamas.store.changes import Changes
from tamas.store.database import open_database
from tamas.store.runtime_settings import set_runtime_setting

SURVEY, KEEPS_PLACES, FAX = "800", "801", "2100"
"""Numbers beyond the trunk: a queue with questions behind it, one in which a place can be kept, the fax."""
LABEL = "service"


def plan() -> Plan:
    """The plan of a fresh system, and two more numbers for callers from outside."""
    plan = default_plan()

    def more(node: Node) -> Node:
        if node.type != "IncomingRoute":
            return node
        rows = (
            Output(key="survey", match={"cid": "", "did": SURVEY}, target="survey-queue"),
            Output(key="keeps", match={"cid": "", "did": KEEPS_PLACES}, target="keeps-queue"),
        )
        return msgspec.structs.replace(node, outputs=(*rows, *node.outputs))

    def node(identity: str, kind: str, params: dict[str, object], *outputs: Output) -> Node:
        return Node(id=identity, sheet="incoming", type=kind, name=identity, params=params, outputs=outputs)

    return msgspec.structs.replace(
        plan,
        nodes=(
            *map(more, plan.nodes),
            node("survey-queue", "Queue", {"queue": SUPPORT}, Output(key="S", target="survey")),
            node("survey", "Poll", {"label": LABEL, "timeout": 8}),
            node("keeps-queue", "Queue", {"queue": SUPPORT, "reserve": True}),
        ),
    )


@pytest.fixture(scope="module")
async def mail_server() -> AsyncIterator[MailBin]:
    """A mail server for the module."""
    with MailBin() as running:
        yield running


@pytest.fixture(scope="module")
async def _center(
    server: TamasServer,
    sipp: tuple[str, ...],
    mail_server: MailBin,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Floor, Receiver]]:
    database = await open_database(server.database_url)
    try:
        settings = {**mail_server.settings(), "fax.numbers": [FAX], "voicemail.min_seconds": 1}
        for key, value in settings.items():
            await set_runtime_setting(database, Changes(database), key, value)
    finally:
        await database.close()
    file = tmp_path_factory.mktemp("plan") / "plan.json"
    await asyncio.to_thread(file.write_text, write_plan(plan()))
    async with receiving(server) as receiver, open_floor(server, sipp) as floor:
        await server.cli("dialplan", "import", str(file), "--publish")
        for number in floor.phones:
            if number.isdigit():
                await receiver.until("NewState", exten=number, state="Idle")
        yield floor, receiver


@pytest.fixture
async def floor(_center: tuple[Floor, Receiver]) -> AsyncIterator[Floor]:
    """The contact center at rest."""
    floor, _ = _center
    await floor.rest()
    yield floor
    await floor.rest()


@pytest.fixture
async def told(_center: tuple[Floor, Receiver], floor: Floor) -> Receiver:
    """Receives every event; remembers those of this test."""
    _, receiver = _center
    receiver.forget()
    return receiver
