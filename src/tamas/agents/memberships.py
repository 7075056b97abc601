"""Who is in which queue, and at which phone: changes of ``queue_members`` and ``agent_mappings``.

A member of a queue is a row that Asterisk reads. An agent whose number is not the phone's own is mapped to
the phone: one phone, one mapped agent. Each function works inside the caller's transaction and tells which
queues (numbers) the engine must read again.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, delete, func, insert, select, update

from tamas.agents import sessions
from tamas.engine.live import member_interface, state_interface
from tamas.errors import TamasError
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.schema import agent_mappings, dialable_numbers, extensions, queue_members, queues

_m = queue_members.c
_LOCK = 7_301_120_001
"""Key of the advisory lock that puts changes of memberships one after the other on PostgreSQL."""


class MembershipRefused(TamasError):
    """A membership cannot be made, found or changed.

    :param field: what was wrong: ``queue``, ``source`` or ``agent``.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


async def lock_memberships(database: Database, tx: Connection) -> None:
    """Let one transaction at a time change memberships; on SQLite every write already is alone."""
    if database.dialect == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def join(tx: Connection, *, queue: str, agent: str, phone: str, penalty: int) -> set[str]:
    """Put an agent, sitting at a phone, into a queue.

    The agent sits there from now on for all its queues. Another agent who was mapped to that phone is signed
    out: its mapping and memberships go.

    :raises MembershipRefused: unknown queue or phone, a number that is no person's, or already in the queue.
    """
    await _check_queue(tx, queue)
    if not await tx.scalar(select(extensions.c.id).where(extensions.c.number == phone)):
        raise MembershipRefused("source", f"there is no extension {phone}")
    if agent != phone:
        kind = await tx.scalar(select(dialable_numbers.c.kind).where(dialable_numbers.c.number == agent))
        if kind not in (None, "extension"):
            raise MembershipRefused("agent", f"{agent} is the number of a {kind}")
    others = await tx.rows(select(_m.queue_name, _m.state_interface).where(_m.membername == agent))
    if any(row["queue_name"] == queue for row in others):
        raise MembershipRefused("agent", f"{agent} is in queue {queue} already")
    changed = {queue}
    replaced = await tx.scalar(
        select(agent_mappings.c.agent).where(agent_mappings.c.phone == phone, agent_mappings.c.agent != agent)
    )
    if replaced is not None:
        changed |= await _forget_agents(tx, [replaced])
    await tx.execute(delete(agent_mappings).where(agent_mappings.c.agent == agent))
    if agent != phone:
        await tx.execute(insert(agent_mappings).values(agent=agent, phone=phone, mapped_at=now()))
    seat = state_interface(phone)
    moved = {row["queue_name"] for row in others if row["state_interface"] != seat}
    if moved:
        await tx.execute(update(queue_members).where(_m.membername == agent).values(state_interface=seat))
    await tx.execute(
        insert(queue_members).values(
            queue_name=queue,
            interface=member_interface(agent),
            membername=agent,
            state_interface=seat,
            penalty=penalty,
            paused=0,
            joined_at=now(),
        )
    )
    return changed | moved


async def sign_in(tx: Connection, *, queue: str, agent: str, phone: str) -> set[str]:
    """Put an agent into a queue from the phone it sits at now, wherever it was before.

    Who is in the queue already stays there; who is there from another phone leaves it there first.

    :raises MembershipRefused: as :func:`join`.
    """
    seat = await tx.scalar(select(_m.state_interface).where(_m.queue_name == queue, _m.membername == agent))
    if seat == state_interface(phone):
        return set()
    changed = await leave(tx, queue=queue, agent=agent) if seat is not None else set()
    return changed | await join(tx, queue=queue, agent=agent, phone=phone, penalty=0)


async def queues_of(tx: Connection, agent: str) -> list[str]:
    """Numbers of the queues that an agent is in, in the order of joining."""
    rows = await tx.rows(select(_m.queue_name).where(_m.membername == agent).order_by(_m.uniqueid))
    return [str(row["queue_name"]) for row in rows]


async def leave(tx: Connection, *, queue: str, agent: str) -> set[str]:
    """Take an agent out of a queue; with the last queue goes the mapping.

    :raises MembershipRefused: unknown queue, or not in it.
    """
    await _check_queue(tx, queue)
    member = _m.queue_name == queue, _m.membername == agent
    gone = await tx.rows(delete(queue_members).where(*member).returning(*sessions.SPANS))
    if not gone:
        raise MembershipRefused("agent", f"{agent} is not in queue {queue}")
    await sessions.left(tx, gone)
    await _unmap_if_idle(tx, agent)
    return {queue}


async def set_paused(tx: Connection, *, queue: str, agent: str, paused: bool, reason: str) -> None:
    """Write down that an agent is on break in a queue, or is not.

    :raises MembershipRefused: unknown queue, or not in it.
    """
    await _check_queue(tx, queue)
    member = and_(_m.queue_name == queue, _m.membername == agent)
    await (sessions.break_began if paused else sessions.break_ended)(tx, member)
    found = await tx.execute(
        update(queue_members)
        .where(member)
        .values(paused=int(paused), reason_paused=(reason or None) if paused else None)
    )
    if not found.rowcount:
        raise MembershipRefused("agent", f"{agent} is not in queue {queue}")


async def empty_queue(tx: Connection, queue: str) -> list[str]:
    """Take everybody out of a queue; tells who was in it."""
    rows = await tx.rows(delete(queue_members).where(_m.queue_name == queue).returning(*sessions.SPANS))
    await sessions.left(tx, rows)
    names = [str(row["membername"]) for row in rows]
    for name in names:
        await _unmap_if_idle(tx, name)
    return names


async def renumber_queue(tx: Connection, old: str, new: str) -> None:
    """Carry the members over to a queue's new number."""
    await tx.execute(update(queue_members).where(_m.queue_name == old).values(queue_name=new))


async def renumber_extension(tx: Connection, old: str, new: str) -> set[str]:
    """Carry memberships and mappings over to an extension's new number.

    The number is both that of a phone and that of the person it belongs to; both follow.
    """
    mapped = await _agents_at(tx, [old])
    rows = await tx.rows(select(_m.queue_name).where(_m.membername.in_([old, *mapped])))
    changed = {str(row["queue_name"]) for row in rows}
    # Whoever used the new number before it was an extension's makes room.
    changed |= await _forget_agents(tx, [new])
    await tx.execute(
        update(queue_members)
        .where(_m.membername.in_([old, *mapped]), _m.state_interface == state_interface(old))
        .values(state_interface=state_interface(new))
    )
    await tx.execute(
        update(queue_members)
        .where(_m.membername == old)
        .values(membername=new, interface=member_interface(new))
    )
    await tx.execute(update(agent_mappings).where(agent_mappings.c.phone == old).values(phone=new))
    await tx.execute(update(agent_mappings).where(agent_mappings.c.agent == old).values(agent=new))
    return changed


async def forget_extensions(tx: Connection, numbers: Collection[str]) -> set[str]:
    """Sign out everybody who sits at these extensions, and the persons whose numbers they are."""
    return await _forget_agents(tx, {*numbers, *await _agents_at(tx, numbers)})


async def _agents_at(tx: Connection, phones: Collection[str]) -> list[str]:
    rows = await tx.rows(select(agent_mappings.c.agent).where(agent_mappings.c.phone.in_(phones)))
    return [str(row["agent"]) for row in rows]


async def _forget_agents(tx: Connection, names: Collection[str]) -> set[str]:
    await tx.execute(delete(agent_mappings).where(agent_mappings.c.agent.in_(names)))
    rows = await tx.rows(delete(queue_members).where(_m.membername.in_(names)).returning(*sessions.SPANS))
    await sessions.left(tx, rows)
    return {str(row["queue_name"]) for row in rows}


async def _unmap_if_idle(tx: Connection, agent: str) -> None:
    if not await tx.scalar(select(_m.queue_name).where(_m.membername == agent).limit(1)):
        await tx.execute(delete(agent_mappings).where(agent_mappings.c.agent == agent))


async def _check_queue(tx: Connection, queue: str) -> None:
    if not await tx.scalar(select(queues.c.id).where(queues.c.number == queue)):
        raise MembershipRefused("queue", f"there is no queue {queue}")
