"""Stays and breaks of agents become report rows when they end, in the transaction that ends them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from sa.pbx.conftest import Api
from tamas.records.breaks import note_breaks
from tamas.records.facts import time_text
from tamas.store.clock import MICROSECONDS, now
from tamas.store.schema import agent_sessions, queue_log, queue_members


@pytest.fixture
async def crew(api: Api) -> Api:
    """Agent 210 at phone 101 in two queues, agent 102 at its own phone in one."""
    for queue in ("900", "901"):
        await api.queue(queue)
    for number in ("101", "102"):
        await api.extension(number)
    for queue, source, agent in (("900", "101", "210"), ("901", "101", "210"), ("900", "102", "102")):
        await api.done("pbx/queues/addagent", {"queue": queue, "source": source, "agent": agent})
    return api


async def sessions(api: Api) -> list[tuple[str, str, str]]:
    rows = await api.rows(select(agent_sessions).order_by(agent_sessions.c.ended_at, agent_sessions.c.type))
    assert all(row["started_at"] <= row["ended_at"] <= now() for row in rows)
    return [(row["type"], row["agent"], row["queue"]) for row in rows]


async def member(api: Api, agent: str, queue: str) -> Any:
    statement = select(queue_members).where(
        queue_members.c.membername == agent, queue_members.c.queue_name == queue
    )
    (row,) = await api.rows(statement)
    return row


async def said(api: Api, event: str, agent: str, queue: str, *, at: int | None = None) -> None:
    """Asterisk writes a line of its queue log."""
    async with api.database.write() as tx:
        await tx.execute(
            queue_log.insert().values(
                time=time_text(at or now()), callid="NONE", queuename=queue, agent=agent, event=event
            )
        )


async def set_by_asterisk(api: Api, agent: str, *, paused: int) -> None:
    """Asterisk writes a member's break into its row."""
    async with api.database.write() as tx:
        await tx.execute(
            update(queue_members).where(queue_members.c.membername == agent).values(paused=paused)
        )


async def test_a_stay_is_written_when_it_ends(crew: Api) -> None:
    """Nothing while the agent works; one row for the queue that is left, with its begin and end."""
    assert await sessions(crew) == []
    joined_at = (await member(crew, "210", "900"))["joined_at"]
    await crew.done("pbx/queues/removeagent", {"queue": "900", "agent": "210"})
    assert await sessions(crew) == [("inout", "210", "900")]
    (row,) = await crew.rows(select(agent_sessions))
    assert row["started_at"] == joined_at


async def test_a_break_is_written_when_it_ends(crew: Api) -> None:
    """Paused twice, resumed twice: one row, from the first pause, with the last reason."""
    names = {"queue": "900", "agent": "210"}
    await crew.done("pbx/queues/pauseagent", names | {"reason": "tea"})
    began_at = (await member(crew, "210", "900"))["paused_at"]
    await crew.done("pbx/queues/pauseagent", names | {"reason": "lunch"})
    assert await sessions(crew) == []
    await crew.done("pbx/queues/resumeagent", names)
    await crew.done("pbx/queues/resumeagent", names)
    assert await sessions(crew) == [("pause", "210", "900")]
    (row,) = await crew.rows(select(agent_sessions))
    assert (row["started_at"], row["reason"]) == (began_at, "lunch")
    assert (await member(crew, "210", "900"))["paused_at"] is None


async def test_who_leaves_on_break_ends_both(crew: Api) -> None:
    """The break and the stay end together; the agent's other queue goes on."""
    await crew.done("pbx/queues/pauseagent", {"queue": "900", "agent": "210"})
    await crew.done("pbx/queues/removeagent", {"queue": "900", "agent": "210"})
    assert sorted(await sessions(crew)) == [("inout", "210", "900"), ("pause", "210", "900")]


async def test_a_refused_leave_writes_nothing(crew: Api) -> None:
    """Somebody who is not in the queue cannot leave it, and has no stay."""
    await crew.refused("pbx/queues/removeagent", {"queue": "901", "agent": "102"})
    assert await sessions(crew) == []


async def test_every_way_out_of_a_queue_counts(crew: Api) -> None:
    """Removed in a batch, signed out by the next at the phone, deleted with the queue, or with the phone."""
    (queue,) = await crew.done("pbx/queues/search", {"alike": False, "conditions": {"number": "900"}})
    items = [{"queue": "901", "agent": "210"}, {"queue": "901", "agent": "102"}]
    await crew.done("pbx/queues/batchremoveagent", {"agents": items})
    assert await sessions(crew) == [("inout", "210", "901")], "the second was not in it"
    await crew.done("pbx/queues/addagent", {"queue": "901", "source": "101", "agent": "211"})
    assert ("inout", "210", "900") in await sessions(crew), "211 sits at the phone now"
    await crew.done("pbx/queues/remove", {"_id": queue["_id"]})
    assert ("inout", "102", "900") in await sessions(crew)
    (user,) = await crew.done("pbx/users/search", {"alike": False, "conditions": {"number": "101"}})
    await crew.done("pbx/users/remove", {"_id": user["_id"]})
    assert ("inout", "211", "901") in await sessions(crew)
    assert len(await sessions(crew)) == 4


async def test_what_asterisk_says_of_our_own_breaks_changes_nothing(crew: Api) -> None:
    """The queue log repeats each break that was asked for through the API; it is written once."""
    names = {"queue": "900", "agent": "210"}
    await crew.done("pbx/queues/pauseagent", names)
    await said(crew, "PAUSE", "210", "900")
    assert await note_breaks(crew.database) == 1
    await crew.done("pbx/queues/resumeagent", names)
    await said(crew, "UNPAUSE", "210", "900")
    assert await note_breaks(crew.database) == 1
    assert await note_breaks(crew.database) == 0
    assert await sessions(crew) == [("pause", "210", "900")]


async def test_a_break_that_asterisk_begins_and_ends(crew: Api) -> None:
    """Paused for not answering, resumed on the command line: the queue log tells of both."""
    began_at, over_at = now() + MICROSECONDS, now() + 3 * MICROSECONDS
    await set_by_asterisk(crew, "102", paused=1)
    await said(crew, "PAUSE", "102", "900", at=began_at)
    assert await note_breaks(crew.database) == 1
    assert (await member(crew, "102", "900"))["paused_at"] == began_at
    await set_by_asterisk(crew, "102", paused=0)
    await said(crew, "UNPAUSE", "102", "900", at=over_at)
    assert await note_breaks(crew.database) == 1
    (row,) = await crew.rows(select(agent_sessions))
    assert (row["type"], row["started_at"], row["ended_at"]) == ("pause", began_at, over_at)
    assert (await member(crew, "102", "900"))["paused_at"] is None


async def test_a_break_that_asterisk_begins_and_we_end(crew: Api) -> None:
    """The agent comes back through the API: one row, from the moment Asterisk wrote down."""
    began_at = now() + 1000
    await set_by_asterisk(crew, "102", paused=1)
    await said(crew, "PAUSE", "102", "900", at=began_at)
    await note_breaks(crew.database)
    await crew.done("pbx/queues/resumeagent", {"queue": "900", "agent": "102"})
    (row,) = await crew.rows(select(agent_sessions))
    assert (row["type"], row["agent"], row["started_at"]) == ("pause", "102", began_at)
