"""What would stop working if an extension or a queue were not there any more."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, or_, select

from tamas.engine.live import state_interface
from tamas.sa.pbx.rows import number_order
from tamas.sa.pbx.users import merged_policy
from tamas.store.database import Connection as StoreConnection
from tamas.store.database import Database
from tamas.store.schema import agent_mappings, extensions, queue_members, queues

_e = extensions.c
_m = queue_members.c


class Forward(msgspec.Struct, kw_only=True):
    """An extension that forwards calls."""

    number: str
    name: str


class QueueUse(msgspec.Struct, kw_only=True):
    """A queue, and those of its agents who would have to leave it."""

    number: str
    name: str
    agents: list[str]


class MappedAgent(msgspec.Struct, kw_only=True):
    """An agent who sits at a phone of another number."""

    agent: str
    phone: str


async def forwards_to(database: Database, numbers: Collection[str]) -> list[Forward]:
    """Other extensions whose calls are forwarded to one of these numbers."""
    wanted = frozenset(numbers)
    # Of ten thousand policies few say anything; those are read here, which beats asking for each number.
    silent = ("{}", merged_policy("{}", None))
    statement = (
        select(_e.number, _e.name, _e.forward_policy)
        .where(_e.forward_policy.not_in(silent))
        .order_by(_e.number)
    )

    def read(connection: Connection) -> list[Forward]:
        return [
            Forward(number=row.number, name=row.name)
            for row in connection.execute(statement)
            if row.number not in wanted
            and not wanted.isdisjoint(msgspec.json.decode(row.forward_policy, type=dict[str, str]).values())
        ]

    return sorted(await database.long_read(read), key=lambda one: number_order(one.number))


async def seats_at(
    connection: StoreConnection, numbers: Collection[str]
) -> tuple[list[QueueUse], list[MappedAgent]]:
    """The queues and mappings that go with extensions: of those who sit there, and of their own numbers."""
    mappings = await connection.rows(
        select(agent_mappings.c.agent, agent_mappings.c.phone)
        .where(or_(agent_mappings.c.phone.in_(numbers), agent_mappings.c.agent.in_(numbers)))
        .order_by(agent_mappings.c.agent)
    )
    agents = {*numbers, *(row["agent"] for row in mappings)}
    seats = [state_interface(number) for number in numbers]
    members = await connection.rows(
        select(_m.queue_name, _m.membername, queues.c.name)
        .join(queues, queues.c.number == _m.queue_name)
        .where(_m.membername.in_(agents), or_(_m.state_interface.in_(seats), _m.membername.in_(numbers)))
    )
    by_queue: dict[str, QueueUse] = {}
    for row in members:
        use = QueueUse(number=row["queue_name"], name=row["name"], agents=[])
        by_queue.setdefault(use.number, use).agents.append(row["membername"])
    for use in by_queue.values():
        use.agents.sort(key=number_order)
    used = sorted(by_queue.values(), key=lambda use: number_order(use.number))
    return used, [MappedAgent(agent=row["agent"], phone=row["phone"]) for row in mappings]
