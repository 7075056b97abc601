"""PBX > Queues: who is in them. Joining, leaving and breaks are those of the Simotel API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from sqlalchemy import select

from tamas.agents.memberships import empty_queue, lock_memberships
from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import Invalid, NotFound
from tamas.console.field_types import Truth, Whole
from tamas.console.lists import ListQuery, Window, by_number, read_window
from tamas.console.pbx.fields import Removed
from tamas.console.pbx.noted import named_row, spans
from tamas.console.pbx.phones import State, phone_of, read_phones
from tamas.console.rights import QUEUES, UPDATE
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.engine.effects import carry_over, refreshed
from tamas.engine.watch.view import EngineView
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Digits, Id, SafeText, optional, required
from tamas.sa.pbx import agents as sa_agents
from tamas.store.database import Connection, Row
from tamas.store.schema import extensions, queue_members, queues

MAX_PENALTY = 999_999

_e = extensions.c
_m = queue_members.c


class QueueAgent(msgspec.Struct, kw_only=True):
    """An agent in a queue."""

    agent: str
    name: str
    """Of the extension with the agent's number, if there is one."""
    phone: str
    """Number of the extension at which the agent sits."""
    penalty: int
    paused: bool
    paused_reason: str
    state: State
    joined_at: int
    calls_taken: int


class JoinQueue(msgspec.Struct, kw_only=True):
    """Who joins which queue, and where the person sits."""

    queue: Annotated[str, required(Digits(), example="9009", note="Number of the queue.")]
    agent: Annotated[str, required(Digits(), example="210")]
    phone: Annotated[str, required(Digits(), example="101", note="Extension the person sits at.")]
    penalty: Annotated[int, optional(Whole(high=MAX_PENALTY))] = 0


class AgentOfQueue(msgspec.Struct, kw_only=True):
    """Which agent in which queue."""

    queue: Annotated[str, required(Digits(), example="9009", note="Number of the queue.")]
    agent: Annotated[str, required(Digits(), example="210")]


class PauseAgent(AgentOfQueue, kw_only=True):
    """Whether an agent is on a break, and why."""

    paused: Annotated[bool, required(Truth())]
    reason: Annotated[str, optional(SafeText(max=80), example="lunch")] = ""


class QueueNamed(msgspec.Struct, kw_only=True):
    """Names a queue by its number."""

    queue: Annotated[str, required(Digits(), example="9009")]


class CandidateQuery(ListQuery, kw_only=True):
    """Who could join a queue."""

    id: Annotated[str, required(Id(), note="Of the queue.")]


class Candidate(msgspec.Struct, kw_only=True):
    """An extension whose person could join a queue."""

    number: str
    name: str
    mapped: str | None
    """Number of the agent who sits there under a number that is not the extension's."""
    registered: bool
    member: bool
    """Whether whoever sits there is in the queue."""


async def read_agents(
    context: ConsoleContext, view: EngineView, numbers: Sequence[str]
) -> dict[str, list[QueueAgent]]:
    """The agents of queues by the queue's number, in order of joining: rows first, the engine decorates."""
    async with context.database.read() as connection:
        members = await connection.rows(
            select(queue_members).where(_m.queue_name.in_(numbers)).order_by(_m.joined_at, _m.uniqueid)
        )
        people = {row["membername"] for row in members} | {
            phone_of(row["state_interface"]) for row in members
        }
        known = await connection.rows(select(_e.number, _e.name, _e.active).where(_e.number.in_(people)))
    people_known = {row["number"]: row for row in known}
    seen = {(number, agent.agent): agent for number in numbers for agent in view.queue(number).agents}
    agents: dict[str, list[QueueAgent]] = {number: [] for number in numbers}
    for row in members:
        agent, phone = row["membername"], phone_of(row["state_interface"])
        live = seen.get((row["queue_name"], agent))
        inactive = phone in people_known and people_known[phone]["active"] != "yes"
        agents[row["queue_name"]].append(
            QueueAgent(
                agent=agent,
                name=people_known[agent]["name"] if agent in people_known else "",
                phone=phone,
                penalty=row["penalty"],
                paused=bool(row["paused"]),
                paused_reason=row["reason_paused"] or "",
                state="inactive" if inactive else live.state if live else view.phone(phone).state,
                joined_at=milliseconds(row["joined_at"]),
                calls_taken=live.calls_taken if live else 0,
            )
        )
    return agents


@service("pbx/queues/candidates", page=QUEUES, summary="Who could join a queue", request=CandidateQuery)
async def list_candidates(context: ConsoleContext, request: CandidateQuery) -> Window[Candidate]:
    async with context.database.read() as connection:
        queue = await connection.scalar(select(queues.c.number).where(queues.c.id == request.id))
    if queue is None:
        raise NotFound("there is no such queue")
    found = await read_window(
        context.database,
        request,
        select(_e.number, _e.name, _e.active, _e.host).where(_e.active == "yes"),
        row=dict,
        sortable={"number": by_number(_e.number), "name": _e.name},
        searched=(_e.number, _e.name),
        key=_e.id,
    )
    view = await context.live.view()
    async with context.database.read() as connection:
        phones = await read_phones(connection, view, found.rows)
        members = await connection.rows(select(_m.membername).where(_m.queue_name == queue))
    inside = {row["membername"] for row in members}
    rows = [
        Candidate(
            number=row["number"],
            name=row["name"],
            mapped=phones[row["number"]].mapped,
            registered=phones[row["number"]].registered,
            member=not inside.isdisjoint({row["number"], phones[row["number"]].mapped}),
        )
        for row in found.rows
    ]
    return Window(rows=rows, total=found.total, start=found.start)


@service("pbx/queues/join", page=QUEUES, right=UPDATE, summary="Put an agent into a queue", request=JoinQueue)
async def join_queue(context: ConsoleContext, request: JoinQueue) -> None:
    wanted = sa_agents.AgentAdd(
        queue=request.queue, source=request.phone, agent=request.agent, penalty=str(request.penalty)
    )
    async with _noted(context, "join", request.queue, request.agent):
        try:
            await sa_agents.add_agent(context.sa, wanted)
        except OperationFailed as error:
            if error.field != "source":
                raise
            raise Invalid("there is no such extension", field="phone") from error


@service(
    "pbx/queues/leave",
    page=QUEUES,
    right=UPDATE,
    summary="Take an agent out of a queue",
    request=AgentOfQueue,
)
async def leave_queue(context: ConsoleContext, request: AgentOfQueue) -> None:
    named = sa_agents.AgentNamed(queue=request.queue, agent=request.agent)
    async with _noted(context, "leave", request.queue, request.agent):
        await sa_agents.remove_agent(context.sa, named)


@service("pbx/queues/pause", page=QUEUES, right=UPDATE, summary="Begin or end a break", request=PauseAgent)
async def pause_agent(context: ConsoleContext, request: PauseAgent) -> None:
    async with _noted(context, "pause" if request.paused else "resume", request.queue, request.agent):
        if request.paused:
            pause = sa_agents.AgentPause(queue=request.queue, agent=request.agent, reason=request.reason)
            await sa_agents.pause_agent(context.sa, pause)
        else:
            resume = sa_agents.AgentNamed(queue=request.queue, agent=request.agent)
            await sa_agents.resume_agent(context.sa, resume)


@service(
    "pbx/queues/clear", page=QUEUES, right=UPDATE, summary="Take everybody out of a queue", request=QueueNamed
)
async def clear_queue(context: ConsoleContext, request: QueueNamed) -> Removed:
    async with context.database.write() as tx:
        await lock_memberships(context.database, tx)
        row = await tx.row(select(queues).where(queues.c.number == request.queue))
        if row is None:
            raise Invalid("there is no such queue", field="queue")
        agents = await empty_queue(tx, request.queue)
        if agents:
            before = {"agents": spans(agents)}
            await context.activity.add(tx, QUEUES.id, "clear", named_row(row), before=before)
    await carry_over(context.sa.engine, refreshed([request.queue]))
    return Removed(removed=len(agents))


@asynccontextmanager
async def _noted(context: ConsoleContext, action: str, queue: str, agent: str) -> AsyncIterator[None]:
    """Note a change of one membership."""
    async with context.activity.change(QUEUES, action, f"{agent} in {queue}", _look(queue, agent)):
        yield


def _look(queue: str, agent: str) -> Look:
    statement = select(queue_members).where(_m.queue_name == queue, _m.membername == agent)

    async def look(connection: Connection) -> Facts | None:
        row = await connection.row(statement)
        return None if row is None else _facts(row)

    return look


def _facts(row: Row) -> Facts:
    return {
        "queue": row["queue_name"],
        "agent": row["membername"],
        "phone": phone_of(row["state_interface"]),
        "penalty": row["penalty"],
        "paused": bool(row["paused"]),
        "reason": row["reason_paused"] or "",
    }
