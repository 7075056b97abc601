"""``/pbx/queues/*`` but the agents: queues.

A queue is one row that Asterisk reads again at each caller; its name in Asterisk is its number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tamas.agents.memberships import empty_queue, lock_memberships, renumber_queue
from tamas.engine.effects import carry_over, refreshed
from tamas.engine.queue_options import QueueOptionError, queue_options
from tamas.sa.dates import RowDates
from tamas.sa.errors import NumberExists, OperationFailed, QueueExists
from tamas.sa.fields import (
    Digits,
    Field,
    Lines,
    Name,
    Nested,
    SoundName,
    Text,
    alike,
    identifier,
    logical,
    optional,
    required,
    yes_no,
)
from tamas.sa.pbx.field_types import JOIN_EMPTY, MONITOR_FORMAT, MONITOR_TYPE, STRATEGY
from tamas.sa.pbx.numbers import claim_number, release_number, release_numbers
from tamas.sa.pbx.rows import fetch, matches, plain_rows
from tamas.sa.service import Added, Listed, ServiceContext, Written, service
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Row
from tamas.store.ids import new_id
from tamas.store.schema import queues

KIND = "queue"
"""What a queue is among dialable numbers."""

_SECONDS = Digits(max=5, high=86400, low=0)
_COUNT = Digits(max=5, high=99999, low=0)
_NUMBER_NOTE = "Unique among everything that can be dialed."


def _seconds(example: str) -> Field:
    return logical(_SECONDS, example=example, note="Seconds.")


def _sound(example: str) -> Field:
    return logical(SoundName(), example=example)


class QueueSettings(msgspec.Struct, kw_only=True):
    """Settings of a queue that may be left out."""

    strategy: Annotated[str | None, logical(STRATEGY, example="ringall")] = None
    ringinuse: Annotated[str | None, yes_no("no")] = None
    call_record: Annotated[str | None, yes_no("yes")] = None
    setinterfacevar: Annotated[str | None, yes_no("yes")] = None
    autofill: Annotated[str | None, yes_no("yes")] = None
    setqueuevar: Annotated[str | None, yes_no("yes")] = None
    setqueueentryvar: Annotated[str | None, yes_no("yes")] = None
    persistentmembers: Annotated[str | None, yes_no("no")] = None
    shared_lastcall: Annotated[str | None, yes_no("no")] = None
    announce_holdtime: Annotated[str | None, yes_no("no")] = None
    announce_position: Annotated[str | None, yes_no("yes")] = None
    joinempty: Annotated[str | None, logical(JOIN_EMPTY, example="strict")] = None
    leavewhenempty: Annotated[str | None, yes_no("yes")] = None
    reportholdtime: Annotated[str | None, yes_no("no")] = None
    maxlen: Annotated[str | None, logical(_COUNT, example="0", note="Waiting callers; 0: no limit.")] = None
    announce_frequency: Annotated[str | None, _seconds("120")] = None
    min_announce_frequency: Annotated[str | None, _seconds("60")] = None
    periodic_announce_frequency: Annotated[str | None, _seconds("120")] = None
    music: Annotated[str | None, logical(SoundName(), example="default", note="Hold music class.")] = None
    queue_callswaiting: Annotated[str | None, _sound("queue-callswaiting")] = None
    queue_thankyou: Annotated[str | None, _sound("queue-thankyou")] = None
    queue_thereare: Annotated[str | None, _sound("queue-thereare")] = None
    queue_youarenext: Annotated[str | None, _sound("queue-youarenext")] = None
    retry: Annotated[str | None, _seconds("5")] = None
    servicelevel: Annotated[str | None, _seconds("60")] = None
    timeout: Annotated[str | None, _seconds("30")] = None
    weight: Annotated[str | None, logical(_COUNT, example="10")] = None
    wrapuptime: Annotated[str | None, _seconds("1")] = None
    monitor_type: Annotated[str | None, optional(MONITOR_TYPE, example="MixMonitor")] = None
    monitor_format: Annotated[str | None, optional(MONITOR_FORMAT, example="wav")] = None
    more_options: Annotated[
        str | None, optional(Lines(), example="", note="Lines key=value, as in docs/asterisk.md.")
    ] = None


class QueueAdd(QueueSettings, kw_only=True):
    """A new queue; what is left out has the default of its column."""

    name: Annotated[str, required(Name(), example="Sales")]
    number: Annotated[str, required(Digits(), lenient_same_as="name", example="9009", note=_NUMBER_NOTE)]


class QueueUpdate(QueueSettings, kw_only=True):
    """Changes of a queue; what is left out stays."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    name: Annotated[str | None, logical(Name(), example="Sales")] = None
    number: Annotated[str | None, logical(Digits(), example="9009", note=_NUMBER_NOTE)] = None


class QueueRemove(msgspec.Struct, kw_only=True):
    """Names the queue to delete."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str, optional(Digits(), lenient_only=True, lenient_aliases=("name",))] = ""


class QueueConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="")] = ""
    number: Annotated[str, optional(Text(max=80), example="9009")] = ""


class QueueSearch(msgspec.Struct, kw_only=True):
    """Which queues to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[QueueConditions | None, optional(Nested(QueueConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""
    number: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "603c8d9ffc909f2e766d40d3",
    "name": "Sales",
    "number": "9009",
    "strategy": "ringall",
    "ringinuse": "no",
    "call_record": "yes",
    "setinterfacevar": "yes",
    "autofill": "yes",
    "setqueuevar": "yes",
    "setqueueentryvar": "yes",
    "persistentmembers": "no",
    "shared_lastcall": "no",
    "announce_holdtime": "no",
    "announce_position": "yes",
    "joinempty": "strict",
    "leavewhenempty": "yes",
    "reportholdtime": "no",
    "maxlen": "0",
    "announce_frequency": "120",
    "min_announce_frequency": "60",
    "periodic_announce_frequency": "120",
    "music": "default",
    "queue_callswaiting": "queue-callswaiting",
    "queue_thankyou": "queue-thankyou",
    "queue_thereare": "queue-thereare",
    "queue_youarenext": "queue-youarenext",
    "retry": "5",
    "servicelevel": "60",
    "timeout": "30",
    "weight": "10",
    "wrapuptime": "1",
    "monitor_type": "MixMonitor",
    "monitor_format": "wav",
    "more_options": "",
    "date": "2021-03-01 10:15:51",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_q = queues.c
_ELSEWHERE: Mapping[str, ColumnElement[Any]] = {"_id": _q.id, "date": _q.created_at}
_KEYS = tuple(EXAMPLE_ROW)
_SELECT = select(*[_ELSEWHERE[key] if key in _ELSEWHERE else _q[key] for key in _KEYS])


@service("pbx/queues/add", op="add", summary="Create a queue", request=QueueAdd, answer=Added())
async def add(context: ServiceContext, request: QueueAdd) -> str:
    values = _given(request)
    moment = now()
    identity = new_id()
    try:
        async with context.database.write() as tx:
            await _claim(context, tx, request.number, identity)
            await tx.execute(
                insert(queues).values(**values, id=identity, created_at=moment, updated_at=moment)
            )
    except IntegrityError as error:
        raise QueueExists("name") from error
    return identity


@service("pbx/queues/update", op="update", summary="Change a queue", request=QueueUpdate, answer=Written())
async def change(context: ServiceContext, request: QueueUpdate) -> None:
    values = _given(request)
    try:
        async with context.database.write() as tx:
            row = await _find(tx, request.id, request.number)
            number = str(values.get("number", row["number"]))
            if number != row["number"]:
                await _claim(context, tx, number, row["id"])
                await release_number(tx, row["number"], owner=row["id"])
                await lock_memberships(context.database, tx)
                await renumber_queue(tx, row["number"], number)
            await tx.execute(update(queues).where(_q.id == row["id"]).values(**values, updated_at=now()))
    except IntegrityError as error:
        raise QueueExists("name") from error
    await carry_over(context.engine, refreshed({row["number"], number}))


@service(
    "pbx/queues/search",
    op="search",
    summary="List or find queues",
    request=QueueSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: QueueSearch) -> list[dict[str, Any]]:
    wanted = request.conditions or QueueConditions(name=request.name, number=request.number)
    statement = _SELECT.order_by(func.length(_q.number), _q.number)
    for column, text in ((_q.name, wanted.name), (_q.number, wanted.number)):
        if text:
            statement = statement.where(matches(column, text, like=request.alike))
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(plain_rows, found, _KEYS, RowDates(context.runtime))


@service("pbx/queues/remove", op="remove", summary="Delete a queue", request=QueueRemove, answer=Written())
async def remove(context: ServiceContext, request: QueueRemove) -> None:
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.number)
        await remove_rows(context.database, tx, [row])
    await carry_over(context.engine, refreshed({row["number"]}))


async def remove_rows(database: Database, tx: Connection, rows: Sequence[Row]) -> None:
    """Delete queues with their members, inside somebody's transaction."""
    identities = [row["id"] for row in rows]
    await lock_memberships(database, tx)
    for row in rows:
        await empty_queue(tx, row["number"])
    await release_numbers(tx, identities)
    await tx.execute(delete(queues).where(_q.id.in_(identities)))


def _given(request: QueueAdd | QueueUpdate) -> dict[str, Any]:
    """Values by column name of the settings that were sent; ``options`` is what the option lines set."""
    sent = msgspec.structs.asdict(request)
    values = {key: value for key, value in sent.items() if value is not None and key != "id"}
    if request.more_options is not None:
        values["options"] = _options(request.more_options)
    return values


def _options(text: str) -> str:
    try:
        return msgspec.json.encode(queue_options(text)).decode()
    except QueueOptionError as error:
        raise OperationFailed("more_options") from error


async def _claim(context: ServiceContext, tx: Connection, number: str, owner: str) -> None:
    holder = await claim_number(context.database, tx, number, kind=KIND, owner=owner)
    if holder == KIND:
        raise QueueExists("number")
    if holder is not None:
        raise NumberExists("number")


async def _find(tx: Connection, identity: str, number: str | None) -> Row:
    """The queue that a request names, by id or (lenient) by number, kept from changing meanwhile."""
    which = _q.id == identity if identity else _q.number == number
    row = await tx.row(select(queues).where(which).with_for_update())
    if row is None:
        raise OperationFailed("_id" if identity else "number")
    return row
