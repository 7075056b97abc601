"""A running engine with the built-in call flow, a few extensions, a trunk, a queue, and real phones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update

from support.ports import free_port, free_range
from support.sounds import tone_wav
from support.waiting import eventually
from tamas.demo.phone import Phone, Ring, close_phones
from tamas.dialplan.flow import CallFlow
from tamas.dialplan.graph import Node, Output, Plan, Sheet, write_plan
from tamas.dialplan.originate import OriginateRequest, originate
from tamas.engine.ami import AmiMessage
from tamas.engine.engine import Engine
from tamas.engine.fastagi import AgiSession
from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineSlot
from tamas.engine.live import queue_members_changed
from tamas.engine.sip_secrets import ha1
from tamas.records.facts import facts_of
from tamas.settings import Settings, load_settings
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database, open_database
from tamas.store.dialplan_schema import dialplan_live, dialplan_variables, dialplan_versions
from tamas.store.ids import new_id
from tamas.store.runtime_settings import set_runtime_setting
from tamas.store.schema import (
    agent_mappings,
    announcements,
    cel,
    extensions,
    queue_members,
    queues,
    runtime_settings,
    trunks,
)

log = logging.getLogger(__name__)

CARRIER = "127.0.0.9"
"""Address of the far end of the trunk ``carrier``."""
FALLBACK = "205"
READY_SECONDS = 30.0
TONES = {"201": 440, "202": 660, "203": 880, "204": 1100, "205": 1320, "carrier": 500}


def node(
    identity: str,
    kind: str,
    /,
    *rows: Output,
    name: str = "",
    sheet: str = "test",
    params: Any = None,
    **wires: str | None,
) -> Node:
    """A node of a plan.

    :param rows: outputs that have a ``match``: ``row("1", "sales", case="1")``.
    :param wires: targets by the keys of outputs; ``next_``, ``yes`` and ``no`` are the unnamed and the marks.
    """
    keys = {"next_": "next", "yes": "✓", "no": "✗"}
    outputs = tuple(Output(key=keys.get(key, key), target=target) for key, target in wires.items())
    return Node(
        id=identity,
        sheet=sheet,
        type=kind,
        name=name or identity,
        params=params or {},
        outputs=(*rows, *outputs),
    )


def row(key: str, target: str | None, /, **match: str) -> Output:
    """A row of a node."""
    return Output(key=key, match=match, target=target)


def outgoing(target: str, pattern: str = ".", **params: Any) -> Node:
    """An Outgoing Route for the extensions of the switchboard."""
    return node("route", "OutgoingRoute", row(pattern, target, pattern=pattern), params=params)


@dataclass(kw_only=True)
class Switchboard:
    """Everything a scenario needs."""

    settings: Settings
    database: Database
    engine: Engine
    slot: EngineSlot
    """The engine as the flow gets it."""
    flow: CallFlow
    sipp: tuple[str, ...]
    events: list[AmiMessage] = field(default_factory=list)
    phones: dict[str, Phone] = field(default_factory=dict)
    dead: bool = False
    gone: list[CallFlow] = field(default_factory=list)
    """Those that died."""
    listeners: list[Callable[[AmiMessage], None]] = field(default_factory=list)
    """Who is told of each event of the engine."""
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    """One task for each call in the flow."""

    async def handle(self, session: AgiSession) -> None:
        """Serve a call, unless dead."""
        if self.dead:
            return
        task = asyncio.create_task(self.flow.handle(session))
        self.serving.add(task)
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            if not self.dead:
                raise
        finally:
            self.serving.discard(task)

    def die(self) -> None:
        """Leave every call as if the process had been killed, and serve none until :meth:`revive`."""
        self.dead = True
        for task in self.serving:
            task.cancel()

    def revive(self) -> None:
        """Serve calls again; nothing is remembered."""
        self.gone.append(self.flow)
        self.flow = CallFlow(self.database, self.settings, engine=self.slot)
        self.dead = False

    async def originate(self, caller: str, callee: str, **more: Any) -> str:
        """Start a call as the API does."""
        values: dict[str, Any] = {"context": "main_routing", "caller_id": caller, **more}
        started = await originate(
            self.database, self.engine.ami, OriginateRequest(caller=caller, callee=callee, **values)
        )
        return started.originated_call_id

    async def change(self, number: str, **values: Any) -> None:
        """Change columns of an extension."""
        async with self.database.write() as tx:
            await tx.execute(update(extensions).where(extensions.c.number == number).values(**values))

    async def set(self, key: str, value: Any) -> None:
        """Change a runtime setting until the scenario ends."""
        await set_runtime_setting(self.database, Changes(self.database), key, value)

    async def map_agent(self, agent: str, phone: str) -> None:
        """Let an agent sit at a phone."""
        async with self.database.write() as tx:
            await tx.execute(insert(agent_mappings).values(agent=agent, phone=phone, mapped_at=now()))

    async def join(self, queue: str, agent: str, phone: str) -> None:
        """Let an agent work in a queue."""
        async with self.database.write() as tx:
            await tx.execute(
                insert(queue_members).values(
                    queue_name=queue,
                    interface=f"Local/{agent}@simotel-local-agents/n",
                    membername=agent,
                    state_interface=f"PJSIP/{phone}",
                    joined_at=now(),
                )
            )
        await queue_members_changed(self.engine.ami, queue)

    async def publish(self, *nodes: Node, **variables: str) -> int:
        """Make these nodes the live plan until the scenario ends, unchecked; returns its version.

        :param variables: values of variables the plan refers to, all of type string.
        """
        sheets = tuple(Sheet(id=name, name=name) for name in dict.fromkeys(node.sheet for node in nodes))
        text = write_plan(Plan(sheets=sheets, nodes=nodes))
        at = now()
        async with self.database.write() as tx:
            version = await tx.scalar(
                insert(dialplan_versions)
                .values(plan=text, account="test", created_at=at)
                .returning(dialplan_versions.c.version)
            )
            await tx.execute(delete(dialplan_live))
            await tx.execute(insert(dialplan_live).values(id=1, version=version))
            await tx.execute(delete(dialplan_variables))
            for name, value in variables.items():
                await tx.execute(
                    insert(dialplan_variables).values(
                        id=new_id(), name=name, type="string", value=value, created_at=at, updated_at=at
                    )
                )
            await Changes(self.database).bump(tx)
        return int(version)

    async def add_sound(self, name: str, hz: int, seconds: float = 1.0) -> str:
        """An announcement that is a tone, by which a phone recognises it; returns its name."""
        filename = f"{name}.wav"
        directory = EngineLayout(state_dir=self.settings.state_dir).announcements
        directory.mkdir(parents=True, exist_ok=True)
        (directory / filename).write_bytes(tone_wav(hz, seconds=seconds))
        async with self.database.write() as tx:
            await tx.execute(delete(announcements).where(announcements.c.name == name))
            await tx.execute(
                insert(announcements).values(
                    id=new_id(), name=name, filename=filename, created_at=now(), updated_at=now()
                )
            )
        return name

    async def rest(self) -> None:
        """Wait until nobody talks, and undo what a scenario changed."""
        if self.dead:
            self.revive()
        while self.gone:
            await self.gone.pop().close()
        for phone in self.phones.values():
            phone.manner = Ring()
            for call in phone.calls:
                if call.state.value != "ended":
                    await call.hang_up(within=2.0)
                await call.rtp.close()
            phone.calls.clear()
        async with self.database.write() as tx:
            await tx.execute(delete(agent_mappings))
            await tx.execute(delete(queue_members))
            await tx.execute(
                update(extensions).values(
                    call_record="no", call_limit="", forward_policy="{}", active="yes", pjsip_max_contacts=1
                )
            )
            await tx.execute(update(queues).values(call_record="no"))
            await tx.execute(update(trunks).values(active="yes"))
            await tx.execute(delete(dialplan_live))
            await tx.execute(delete(runtime_settings))
            await Changes(self.database).bump(tx)
        await queue_members_changed(self.engine.ami, "900")

        async def silent() -> bool:
            return not await self.engine.ami.list_action("CoreShowChannels")

        await eventually(silent, what="the end of every channel")

    async def cel_rows(self, cuid: str) -> Sequence[Mapping[str, Any]]:
        """CEL of a call, oldest first."""
        async with self.database.read() as connection:
            return await connection.rows(select(cel).where(cel.c.linkedid == cuid).order_by(cel.c.id))

    async def route(self, cuid: str) -> list[str]:
        """Names of the nodes that a call which is over walked, in order."""
        return [value for key, value in await self._stated(cuid) if key == "name"]

    async def facts(self, cuid: str) -> list[tuple[str, str]]:
        """What the flow stated about a call that is over, but for its steps, in order."""
        return [fact for fact in await self._stated(cuid) if fact[0] not in ("step", "name", "at")]

    async def _stated(self, cuid: str) -> list[tuple[str, str]]:

        async def ended() -> bool:
            return any(row["eventtype"] == "LINKEDID_END" for row in await self.cel_rows(cuid))

        await eventually(ended, what=f"the end of {cuid} in CEL")
        return [fact for row in await self.cel_rows(cuid) for fact in facts_of(row)]

    async def last_cuid(self) -> str:
        """Unique id of the newest call's first channel."""

        def newest() -> str:
            return next(
                (
                    event["Uniqueid"]
                    for event in reversed(self.events)
                    if event.get("Event") == "Newchannel" and event["Uniqueid"] == event["Linkedid"]
                ),
                "",
            )

        return await eventually(newest, what="any call")

    async def queue_is_ready(self, queue: str, agent: str) -> None:
        """Wait until Asterisk can ring a member."""

        async def ready() -> bool:
            shown = await self.engine.ami.command(f"queue show {queue}")
            return agent in shown and "Unavailable" not in shown and "Invalid" not in shown

        await eventually(ready, what=f"agent {agent} in queue {queue}")


@asynccontextmanager
async def running_switchboard(
    directory: Path, url: str, install: AsteriskInstall, sipp: tuple[str, ...]
) -> AsyncIterator[Switchboard]:
    """Start the engine and the phones; end all of it afterwards."""
    rtp = free_range(200)
    settings = load_settings(
        {
            "HOME": str(directory),
            "TAMAS_STATE_DIR": str(directory),
            "TAMAS_SIP_HOST": "127.0.0.1",
            "TAMAS_SIP_PORT": str(free_port()),
            "TAMAS_RTP_PORTS": f"{rtp.start}-{rtp.stop - 1}",
            "TAMAS_DATABASE_URL": url,
            "TAMAS_FALLBACK_NUMBER": FALLBACK,
        }
    )
    database = await open_database(url)
    slot = EngineSlot()
    flow = CallFlow(database, settings, engine=slot)
    events: list[AmiMessage] = []

    async def on_ready(_adopted: bool) -> None:
        return None

    async def handle(session: AgiSession) -> None:
        await board.handle(session)

    def on_event(event: AmiMessage) -> None:
        events.append(event)
        for listener in board.listeners:
            listener(event)

    engine = Engine(settings, url, install, agi_handler=handle, on_event=on_event, on_ready=on_ready)
    slot.engine = engine
    board = Switchboard(
        settings=settings,
        database=database,
        engine=engine,
        slot=slot,
        flow=flow,
        sipp=sipp,
        events=events,
    )
    try:
        await _open_carrier(board)
        await _fill(board)
        await engine.start()
        await engine.wait_ready(READY_SECONDS)
        await _open_phones(board)
        yield board
    finally:
        await close_phones(list(board.phones.values()))
        await engine.close(stop_asterisk=True)
        await board.flow.close()
        await database.close()


async def _fill(board: Switchboard) -> None:
    at = now()
    port = board.phones["carrier"].address[1]
    async with board.database.write() as tx:
        for number in ("201", "202", "203", "204", "205", "206"):  # 206 never registers
            await tx.execute(
                insert(extensions).values(
                    id=new_id(),
                    name=f"Phone {number}",
                    number=number,
                    cid_number=number,
                    secret_ha1=ha1(number, f"secret-{number}"),
                    secret_sealed=b"",
                    qualify="no",
                    created_at=at,
                    updated_at=at,
                )
            )
        await tx.execute(
            insert(trunks).values(
                id=new_id(),
                name="carrier",
                host=CARRIER,
                qualify="no",
                pjsip_match=CARRIER,
                pjsip_contact=f"sip:{CARRIER}:{port}",
                created_at=at,
                updated_at=at,
            )
        )
        await tx.execute(
            insert(queues).values(
                id=new_id(),
                name="Support",
                number="900",
                call_record="no",
                announce_position="no",
                joinempty="yes",
                leavewhenempty="no",
                created_at=at,
                updated_at=at,
            )
        )


async def _open_carrier(board: Switchboard) -> None:
    server = ("127.0.0.1", board.settings.sip_port)
    carrier = Phone(
        number="carrier", server=server, tone_hz=TONES["carrier"], sipp=board.sipp, local=(CARRIER, 0)
    )
    board.phones["carrier"] = carrier
    await carrier.open()


async def _open_phones(board: Switchboard) -> None:
    server = ("127.0.0.1", board.settings.sip_port)

    async def open_one(number: str) -> None:
        phone = Phone(
            number=number,
            secret=f"secret-{number}",
            server=server,
            tone_hz=TONES[number],
            sipp=board.sipp,
        )
        board.phones[number] = phone
        await phone.open()
        await phone.register()

    await asyncio.gather(*(open_one(number) for number in ("201", "202", "203", "204", "205")))
