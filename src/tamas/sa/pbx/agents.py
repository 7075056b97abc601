"""``/pbx/queues/*agent``: operators in queues, one by one and in batches.

Rows first, then the engine: joining and leaving are rows that it is told to read again; a break is a row and
the AMI action ``QueuePause``, which also writes the queue log. A batch goes on after an item that failed and
tells the outcome of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from tamas.agents.memberships import MembershipRefused, join, leave, lock_memberships, set_paused
from tamas.engine.effects import break_told, carry_over, phones_followed, refreshed
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import (
    Digits,
    DigitsOrEmpty,
    Field,
    ListOf,
    Malformed,
    SafeText,
    optional,
    required,
)
from tamas.sa.service import AgentBatch, AgentDone, ServiceContext, service
from tamas.store.database import Connection

ADDED = "Added successfully"
REMOVED = "Removed successfully"
PAUSED = "Paused successfully"
RESUMED = "UnPaused successfully"
ITEMS_PER_TRANSACTION = 50
"""Keeps each transaction of a long batch to milliseconds."""

_PENALTY = DigitsOrEmpty(max=6)
_REASON = SafeText(max=80)


def _queue() -> Field:
    return required(Digits(), aliases=("queue_number",), example="9009")


def _agent() -> Field:
    return required(Digits(), aliases=("agent_number",), example="999")


def _source() -> Field:
    return required(
        Digits(),
        lenient_aliases=("agent", "agent_number"),
        example="999",
        note="Extension the operator sits at; a mapping when it differs from agent.",
    )


class AgentAdd(msgspec.Struct, kw_only=True):
    """Who joins which queue, and where the person sits."""

    queue: Annotated[str, _queue()]
    source: Annotated[str, _source()]
    agent: Annotated[str, _agent()]
    penalty: Annotated[str, optional(_PENALTY, example="1")] = ""


class AgentNamed(msgspec.Struct, kw_only=True):
    """Which agent in which queue."""

    queue: Annotated[str, _queue()]
    agent: Annotated[str, _agent()]


class AgentPause(msgspec.Struct, kw_only=True):
    """Who takes a break from which queue, and why."""

    queue: Annotated[str, _queue()]
    agent: Annotated[str, _agent()]
    reason: Annotated[str, optional(_REASON, example="lunch")] = ""


def _items(struct: type[msgspec.Struct]) -> ListOf:
    return ListOf(struct, lenient_item="agent", each_alone=True)


class BatchAdd(msgspec.Struct, kw_only=True):
    """Several who join."""

    agents: Annotated[list[AgentAdd | Malformed], required(_items(AgentAdd))]


class BatchNamed(msgspec.Struct, kw_only=True):
    """Several agents in queues."""

    agents: Annotated[list[AgentNamed | Malformed], required(_items(AgentNamed))]


class BatchPause(msgspec.Struct, kw_only=True):
    """Several who take a break."""

    agents: Annotated[list[AgentPause | Malformed], required(_items(AgentPause))]


Item = TypeVar("Item", AgentAdd, AgentNamed, AgentPause)
Step = Callable[[Connection, Item], Awaitable[set[str]]]
"""Changes the rows for one item; gives the queues that the engine must read again."""


async def _add(tx: Connection, item: AgentAdd) -> set[str]:
    penalty = int(item.penalty or "0")
    return await join(tx, queue=item.queue, agent=item.agent, phone=item.source, penalty=penalty)


async def _remove(tx: Connection, item: AgentNamed) -> set[str]:
    return await leave(tx, queue=item.queue, agent=item.agent)


async def _pause(tx: Connection, item: AgentPause) -> set[str]:
    await set_paused(tx, queue=item.queue, agent=item.agent, paused=True, reason=item.reason)
    return set()


async def _resume(tx: Connection, item: AgentNamed) -> set[str]:
    await set_paused(tx, queue=item.queue, agent=item.agent, paused=False, reason="")
    return set()


# -- one by one --------------------------------------------------------------------------------------------


@service(
    "pbx/queues/addagent",
    op="act",
    summary="Put an operator into a queue",
    request=AgentAdd,
    answer=AgentDone(ADDED),
)
async def add_agent(context: ServiceContext, request: AgentAdd) -> None:
    queues = await _one(context, request, _add)
    await carry_over(context.engine, [*refreshed(queues), phones_followed(request.source)])


@service(
    "pbx/queues/pauseagent",
    op="act",
    summary="Put a queue operator on break",
    request=AgentPause,
    answer=AgentDone(PAUSED),
)
async def pause_agent(context: ServiceContext, request: AgentPause) -> None:
    await _one(context, request, _pause)
    await _tell_pause(context, [request], paused=True)


@service(
    "pbx/queues/resumeagent",
    op="act",
    summary="End an operator break",
    request=AgentNamed,
    answer=AgentDone(RESUMED),
)
async def resume_agent(context: ServiceContext, request: AgentNamed) -> None:
    await _one(context, request, _resume)
    await _tell_pause(context, [request], paused=False)


@service(
    "pbx/queues/removeagent",
    op="act",
    summary="Take an operator out of a queue",
    request=AgentNamed,
    answer=AgentDone(REMOVED),
)
async def remove_agent(context: ServiceContext, request: AgentNamed) -> None:
    queues = await _one(context, request, _remove)
    await carry_over(context.engine, refreshed(queues))


async def _one(context: ServiceContext, item: Item, step: Step[Item]) -> set[str]:
    async with context.database.write() as tx:
        await lock_memberships(context.database, tx)
        try:
            return await step(tx, item)
        except MembershipRefused as error:
            raise OperationFailed(error.field) from error


# -- in batches --------------------------------------------------------------------------------------------

_BATCH_DESCRIPTION = (
    "An item that cannot be done has ok 0 and the others are done all the same; "
    "ok outside is 1 when at least one item was done."
)
_FAILED = OperationFailed.message


def _example(text: str) -> dict[str, Any]:
    return {"agent": "999", "message": text, "ok": 1, "queue": "9009"}


@service(
    "pbx/queues/batchaddagent",
    op="act",
    summary="Put several operators into queues",
    description=_BATCH_DESCRIPTION,
    request=BatchAdd,
    answer=AgentBatch(
        {"agent": "999", "message": ADDED, "ok": 1, "penalty": "1", "queue": "9009", "source": "999"}
    ),
)
async def add_agents(context: ServiceContext, request: BatchAdd) -> list[dict[str, Any]]:
    done, queues = await _several(context, request.agents, _add)
    phones = sorted({item.source for item in _done(request.agents, done)})
    await carry_over(context.engine, [*refreshed(queues), *map(phones_followed, phones)])
    return [
        {
            "agent": _sent(item, "agent"),
            "message": ADDED if ok else _FAILED,
            "ok": int(ok),
            "penalty": _sent(item, "penalty"),
            "queue": _sent(item, "queue"),
            "source": _sent(item, "source"),
        }
        for item, ok in zip(request.agents, done, strict=True)
    ]


@service(
    "pbx/queues/batchpauseagent",
    op="act",
    summary="Put several operators on break",
    description=_BATCH_DESCRIPTION,
    request=BatchPause,
    answer=AgentBatch(_example(PAUSED)),
)
async def pause_agents(context: ServiceContext, request: BatchPause) -> list[dict[str, Any]]:
    done, _ = await _several(context, request.agents, _pause)
    await _tell_pause(context, _done(request.agents, done), paused=True)
    return _verdicts(request.agents, done, PAUSED)


@service(
    "pbx/queues/batchresumeagent",
    op="act",
    summary="End breaks for several operators",
    description=_BATCH_DESCRIPTION,
    request=BatchNamed,
    answer=AgentBatch(_example(RESUMED)),
)
async def resume_agents(context: ServiceContext, request: BatchNamed) -> list[dict[str, Any]]:
    done, _ = await _several(context, request.agents, _resume)
    await _tell_pause(context, _done(request.agents, done), paused=False)
    return _verdicts(request.agents, done, RESUMED)


@service(
    "pbx/queues/batchremoveagent",
    op="act",
    summary="Take several operators out of queues",
    description=_BATCH_DESCRIPTION,
    request=BatchNamed,
    answer=AgentBatch(_example(REMOVED)),
)
async def remove_agents(context: ServiceContext, request: BatchNamed) -> list[dict[str, Any]]:
    done, queues = await _several(context, request.agents, _remove)
    await carry_over(context.engine, refreshed(queues))
    return _verdicts(request.agents, done, REMOVED)


async def _several(
    context: ServiceContext, items: Sequence[Item | Malformed], step: Step[Item]
) -> tuple[list[bool], set[str]]:
    """Do each item; tells which were done, and the queues that the engine must read again."""
    done: list[bool] = []
    queues: set[str] = set()
    for first in range(0, len(items), ITEMS_PER_TRANSACTION):
        async with context.database.write() as tx:
            await lock_memberships(context.database, tx)
            for item in items[first : first + ITEMS_PER_TRANSACTION]:
                if isinstance(item, Malformed):
                    done.append(False)
                    continue
                try:
                    queues |= await step(tx, item)
                except MembershipRefused:
                    done.append(False)
                else:
                    done.append(True)
        await asyncio.sleep(0)  # SQLite works in the loop: let others in between
    return done, queues


def _done(items: Sequence[Item | Malformed], done: Sequence[bool]) -> list[Item]:
    return [item for item, ok in zip(items, done, strict=True) if ok and not isinstance(item, Malformed)]


def _sent(item: msgspec.Struct | Malformed, name: str) -> str:
    """A field of an item for its verdict; of one that could not be read, what was sent."""
    return item.sent.get(name, "") if isinstance(item, Malformed) else str(getattr(item, name))


def _verdicts(
    items: Sequence[AgentNamed | AgentPause | Malformed], done: Sequence[bool], text: str
) -> list[dict[str, Any]]:
    return [
        {
            "agent": _sent(item, "agent"),
            "message": text if ok else _FAILED,
            "ok": int(ok),
            "queue": _sent(item, "queue"),
        }
        for item, ok in zip(items, done, strict=True)
    ]


async def _tell_pause(
    context: ServiceContext, items: Sequence[AgentNamed | AgentPause], *, paused: bool
) -> None:
    told = [
        break_told(
            item.queue,
            item.agent,
            paused=paused,
            reason=item.reason if isinstance(item, AgentPause) else "",
        )
        for item in items
    ]
    await carry_over(context.engine, told)
