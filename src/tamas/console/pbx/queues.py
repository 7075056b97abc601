"""PBX > Queues: queues themselves; see also :mod:`.queue_agents`. Changes are those of the Simotel API."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, func, select

from tamas.console.activity import Facts, Look
from tamas.console.context import ConsoleContext
from tamas.console.errors import NotFound
from tamas.console.lists import ListQuery, Window, by_number, read_window
from tamas.console.pbx.fields import ById, ByIds, Made, Removed
from tamas.console.pbx.noted import looked_at, named, named_row, setting_names, spans
from tamas.console.pbx.queue_agents import QueueAgent, read_agents
from tamas.console.pbx.usage import Forward, forwards_to
from tamas.console.rights import QUEUES, UPDATE
from tamas.console.service import service
from tamas.console.times import milliseconds
from tamas.engine.effects import carry_over, refreshed
from tamas.engine.queue_options import ignored_queue_options
from tamas.engine.watch.view import EngineView
from tamas.sa.pbx import queues as sa_queues
from tamas.sa.pbx.queues import QueueAdd, QueueUpdate
from tamas.store.database import Row
from tamas.store.schema import queue_members, queues

_q = queues.c
_SETTINGS = setting_names(queues)


class QueueRow(msgspec.Struct, kw_only=True):
    """A queue in a list."""

    id: str
    number: str
    name: str
    strategy: str
    call_record: bool
    music: str
    members: int
    available: int
    """Members who could be rung now."""
    paused: int
    waiting: int
    longest_wait_since: int | None
    """When the caller came who has waited longest."""
    updated_at: int


class QueueCaller(msgspec.Struct, kw_only=True):
    """A caller who waits."""

    channel: str
    number: str
    name: str
    position: int
    since: int


class StoredQueue(msgspec.Struct, kw_only=True, rename={"id": "_id"}):
    """Settings of a queue in the words of the Simotel API."""

    id: str
    name: str
    number: str
    strategy: str
    ringinuse: str
    call_record: str
    setinterfacevar: str
    autofill: str
    setqueuevar: str
    setqueueentryvar: str
    persistentmembers: str
    shared_lastcall: str
    announce_holdtime: str
    announce_position: str
    joinempty: str
    leavewhenempty: str
    reportholdtime: str
    maxlen: str
    announce_frequency: str
    min_announce_frequency: str
    periodic_announce_frequency: str
    music: str
    queue_callswaiting: str
    queue_thankyou: str
    queue_thereare: str
    queue_youarenext: str
    retry: str
    servicelevel: str
    timeout: str
    weight: str
    wrapuptime: str
    monitor_type: str
    monitor_format: str
    more_options: str


class QueueDetail(msgspec.Struct, kw_only=True):
    """A queue with all that is known about it."""

    settings: StoredQueue
    agents: list[QueueAgent]
    waiting: list[QueueCaller]
    ignored_options: list[str]
    """Option lines without effect."""
    created_at: int
    updated_at: int


class QueueUsage(msgspec.Struct, kw_only=True):
    """What uses queues."""

    agents: int
    waiting: int
    forwards: list[Forward]


@service("pbx/queues/list", page=QUEUES, summary="List queues", request=ListQuery)
async def list_queues(context: ConsoleContext, request: ListQuery) -> Window[QueueRow]:
    found = await read_window(
        context.database,
        request,
        select(_q.id, _q.number, _q.name, _q.strategy, _q.call_record, _q.music, _q.updated_at),
        row=dict,
        sortable={
            "number": by_number(_q.number),
            "name": _q.name,
            "strategy": _q.strategy,
            "updated_at": _q.updated_at,
        },
        searched=(_q.number, _q.name),
        key=_q.id,
    )
    view = await context.live.view()
    agents = await read_agents(context, view, [row["number"] for row in found.rows])
    rows = [_listed(row, agents[row["number"]], view) for row in found.rows]
    return Window(rows=rows, total=found.total, start=found.start)


@service("pbx/queues/get", page=QUEUES, summary="A queue", request=ById)
async def get_queue(context: ConsoleContext, request: ById) -> QueueDetail:
    row = await _row(context, request.id)
    view = await context.live.view()
    agents = await read_agents(context, view, [row["number"]])
    return QueueDetail(
        settings=StoredQueue(id=row["id"], **_facts(row)),
        agents=agents[row["number"]],
        waiting=[
            QueueCaller(
                channel=caller.channel,
                number=caller.number,
                name=caller.name,
                position=caller.position,
                since=milliseconds(caller.since),
            )
            for caller in view.queue(row["number"]).waiting
        ],
        ignored_options=list(ignored_queue_options(row["more_options"])),
        created_at=milliseconds(row["created_at"]),
        updated_at=milliseconds(row["updated_at"]),
    )


@service("pbx/queues/add", page=QUEUES, right=UPDATE, summary="Add a queue", request=QueueAdd)
async def add_queue(context: ConsoleContext, request: QueueAdd) -> Made:
    subject = named(request.number, request.name)
    async with context.activity.change(QUEUES, "add", subject, _look(_q.number == request.number)):
        return Made(id=await sa_queues.add(context.sa, request))


@service("pbx/queues/update", page=QUEUES, right=UPDATE, summary="Change a queue", request=QueueUpdate)
async def update_queue(context: ConsoleContext, request: QueueUpdate) -> None:
    row = await _row(context, request.id)
    async with context.activity.change(QUEUES, "update", named_row(row), _look(_q.id == row["id"])):
        await sa_queues.change(context.sa, request)


@service("pbx/queues/usage", page=QUEUES, summary="What uses queues", request=ByIds)
async def queue_usage(context: ConsoleContext, request: ByIds) -> QueueUsage:
    async with context.database.read() as connection:
        rows = await connection.rows(select(_q.number).where(_q.id.in_(request.ids)))
        numbers = [row["number"] for row in rows]
        members = await connection.scalar(select(func.count()).where(queue_members.c.queue_name.in_(numbers)))
    view = await context.live.view()
    return QueueUsage(
        agents=int(members),
        waiting=sum(len(view.queue(number).waiting) for number in numbers),
        forwards=await forwards_to(context.database, numbers),
    )


@service("pbx/queues/remove", page=QUEUES, right=UPDATE, summary="Remove queues", request=ByIds)
async def remove_queues(context: ConsoleContext, request: ByIds) -> Removed:
    async with context.database.write() as tx:
        rows = await tx.rows(
            select(queues).where(_q.id.in_(request.ids)).order_by(_q.number).with_for_update()
        )
        if not rows:
            raise NotFound("there are no such queues")
        numbers = [row["number"] for row in rows]
        before = _facts(rows[0]) if len(rows) == 1 else {"numbers": spans(numbers)}
        await sa_queues.remove_rows(context.database, tx, rows)
        subject = ", ".join(named_row(row) for row in rows)
        await context.activity.add(tx, QUEUES.id, "remove", subject, before=before)
    await carry_over(context.sa.engine, refreshed(numbers))
    return Removed(removed=len(rows))


def _look(which: ColumnElement[bool]) -> Look:
    return looked_at(queues, which, facts=_facts, secrets=lambda _row: None)


def _facts(row: Row) -> Facts:
    return {name: row[name] for name in _SETTINGS}


def _listed(row: Row, agents: list[QueueAgent], view: EngineView) -> QueueRow:
    seen = view.queue(row["number"])
    since = seen.longest_wait_since
    return QueueRow(
        id=row["id"],
        number=row["number"],
        name=row["name"],
        strategy=row["strategy"],
        call_record=row["call_record"] == "yes",
        music=row["music"],
        members=len(agents),
        available=sum(not agent.paused and agent.state == "idle" for agent in agents),
        paused=sum(agent.paused for agent in agents),
        waiting=len(seen.waiting),
        longest_wait_since=None if since is None else milliseconds(since),
        updated_at=milliseconds(row["updated_at"]),
    )


async def _row(context: ConsoleContext, identity: str) -> Row:
    async with context.database.read() as connection:
        row = await connection.row(select(queues).where(_q.id == identity))
    if row is None:
        raise NotFound("there is no such queue")
    return row
