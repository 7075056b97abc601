"""Feature codes and speed dials as people use them: dialed from real phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, select

from dialplan._switchboard import FALLBACK, TONES, Switchboard
from support.spoken import Ear
from tamas.demo.call import PhoneCall
from tamas.dialplan.code_books import add_feature_code, add_speed_dial
from tamas.dialplan.feature_codes import Auth, CodeType, WhoseNumber
from tamas.engine.install import AsteriskInstall
from tamas.store.clock import now
from tamas.store.dialplan_schema import feature_codes, secret_guesses, speed_dials
from tamas.store.ids import new_id
from tamas.store.schema import (
    agent_mappings,
    agent_sessions,
    blacklist,
    calls,
    extensions,
    queue_members,
    queues,
)

pytestmark = pytest.mark.engine

AGENT = "210"
"""A number that belongs to no phone."""
PASSWORD = "2468"


@pytest.fixture(autouse=True)
async def _books(board: Switchboard) -> AsyncIterator[None]:
    """Nothing of a scenario stays."""
    yield
    async with board.database.write() as tx:
        for table in (feature_codes, speed_dials, secret_guesses, blacklist, calls, agent_sessions):
            await tx.execute(delete(table))
        await tx.execute(delete(queues).where(queues.c.number == "901"))


async def add_code(board: Switchboard, code: str, type_: CodeType, **more: Any) -> None:
    """Add a feature code."""
    await add_feature_code(board.database, board.flow.services.seal, code=code, type_=type_, **more)


async def members(board: Switchboard) -> list[tuple[str, str, str, int]]:
    """Queue, agent, seat and whether on break, of everybody in a queue."""
    m = queue_members.c
    async with board.database.read() as connection:
        rows = await connection.rows(
            select(m.queue_name, m.membername, m.state_interface, m.paused).order_by(m.queue_name)
        )
    return [tuple(row.values()) for row in rows]


async def mappings(board: Switchboard) -> list[tuple[str, str]]:
    """Agents and the phones they sit at."""
    async with board.database.read() as connection:
        rows = await connection.rows(select(agent_mappings.c.agent, agent_mappings.c.phone))
    return [(row["agent"], row["phone"]) for row in rows]


async def dial(
    board: Switchboard, phone: str, number: str, install: AsteriskInstall
) -> tuple[PhoneCall, Ear]:
    """Dial a code, and listen."""
    call = await board.phones[phone].call(number)
    ear = Ear(call, install)
    await call.until_talking()
    return call, ear


async def add_queue(board: Switchboard, number: str) -> None:
    """Another queue."""
    at = now()
    async with board.database.write() as tx:
        await tx.execute(
            insert(queues).values(id=new_id(), name=number, number=number, created_at=at, updated_at=at)
        )


async def test_an_agent_works_by_codes(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """210 signs in on phone 201 by code: queue calls ring there, calls show 210; the last leave ends it."""
    await add_queue(board, "901")
    await add_code(board, "#", CodeType.QUEUE_JOIN, agent=WhoseNumber.ASK)
    await add_code(board, "##", CodeType.QUEUE_LEAVE)
    await add_code(board, "*1", CodeType.WHO_AM_I)
    for queue in ("900", "901"):
        call, ear = await dial(board, "201", f"{queue}#", asterisk_install)
        await ear.until_said("agent-user")
        call.dial(f"{AGENT}#" if queue == "900" else "#")  # # alone: whoever sits there
        await ear.until_said("agent-loginok")
        await call.hang_up()
    assert await mappings(board) == [(AGENT, "201")]
    assert [row[:3] for row in await members(board)] == [
        ("900", AGENT, "PJSIP/201"),
        ("901", AGENT, "PJSIP/201"),
    ]
    call, ear = await dial(board, "201", "*1", asterisk_install)
    await ear.until_said("your", "extension", "digits/2", "digits/1", "digits/0")
    await call.hang_up()
    assert ("type", "feature") in await board.facts(await board.last_cuid())

    await board.queue_is_ready("900", AGENT)
    customer = await board.phones["202"].call("900")
    agent = await board.phones["201"].answer()
    await customer.until_heard(TONES["201"])
    await agent.until_heard(TONES["202"])
    await customer.hang_up()
    await agent.until_ended()

    call = await board.phones["201"].call("202")
    shown = await board.phones["202"].answer()
    assert shown.remote_number == AGENT
    await call.until_talking()
    await call.hang_up()
    await shown.until_ended()

    for queue, left in (("901", 1), ("900", 0)):
        call, ear = await dial(board, "201", f"{queue}##", asterisk_install)
        await ear.until_said("agent-loggedoff")
        await call.hang_up()
        assert len(await members(board)) == left
        assert len(await mappings(board)) == left


async def test_breaks_by_code(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """A break in one queue, then in all; while it lasts no queue call rings, afterwards one does."""
    await add_queue(board, "901")
    await add_code(board, "*2", CodeType.QUEUE_PAUSE, queue_number="900")
    await add_code(board, "*3", CodeType.PAUSE)
    await add_code(board, "*4", CodeType.UNPAUSE)
    await board.join("900", "201", "201")
    await board.join("901", "201", "201")
    await board.queue_is_ready("900", "201")
    for code, said, paused in (
        ("*2", "activated", [1, 0]),
        ("*3", "activated", [1, 1]),
        ("*4", "de-activated", [0, 0]),
    ):
        call, ear = await dial(board, "201", code, asterisk_install)
        await ear.until_said("do-not-disturb", said)
        await call.hang_up()
        assert [row[3] for row in await members(board)] == paused
        shown = await board.engine.ami.command("queue show 900")
        assert ("(paused" in shown) is bool(paused[0])
    async with board.database.read() as connection:
        rows = await connection.rows(select(agent_sessions.c.type, agent_sessions.c.queue))
    assert sorted((row["type"], row["queue"]) for row in rows) == [("pause", "900"), ("pause", "901")]


async def test_the_same_agent_at_another_phone(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """A sign-in elsewhere moves the agent, and the phone before is its own again."""
    await add_code(board, "91", CodeType.QUEUE_JOIN, agent=WhoseNumber.ASK, queue_number="900")
    for phone in ("201", "202"):
        call, ear = await dial(board, phone, "91", asterisk_install)
        await ear.until_said("agent-user")
        call.dial(f"{AGENT}#")
        await ear.until_said("agent-loginok")
        await call.hang_up()
    assert await mappings(board) == [(AGENT, "202")]
    assert [row[:3] for row in await members(board)] == [("900", AGENT, "PJSIP/202")]


async def test_a_code_with_a_password(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """Nothing happens before the right password; after three wrong ones even that is refused for a while."""
    await add_code(
        board, "92", CodeType.QUEUE_JOIN, queue_number="900", auth=Auth.PASSWORD, password=PASSWORD
    )
    call, ear = await dial(board, "203", "92", asterisk_install)
    for _ in range(3):
        await ear.until_said("vm-password")
        call.dial("1111#")
        await ear.until_said("vm-incorrect")
    await call.hang_up()
    call, ear = await dial(board, "203", "92", asterisk_install)
    await ear.until_said("vm-password")
    call.dial(f"{PASSWORD}#")
    await ear.until_said("vm-incorrect")
    await call.hang_up()
    assert not await members(board)
    call, ear = await dial(board, "201", "92", asterisk_install)  # guesses of another phone do not count
    await ear.until_said("vm-password")
    call.dial(f"{PASSWORD}#")
    await ear.until_said("agent-loginok")
    await call.hang_up()
    assert [row[:2] for row in await members(board)] == [("900", "201")]


@pytest.mark.slow
async def test_a_code_with_the_users_own_secret(
    board: Switchboard, asterisk_install: AsteriskInstall
) -> None:
    """The secret of the person's extension opens the code."""
    await board.change("201", secret_sealed=board.flow.services.seal.seal("739150"))
    await add_code(board, "93", CodeType.QUEUE_JOIN, queue_number="900", auth=Auth.USER_SECRET)
    call, ear = await dial(board, "201", "93", asterisk_install)
    await ear.until_said("vm-password")
    call.dial("739151#")
    await ear.until_said("vm-incorrect", "vm-password")
    call.dial("739150#")
    await ear.until_said("agent-loginok")
    await call.hang_up()
    await board.change("201", secret_sealed=b"")


async def test_call_forwarding_by_code(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """Who set a forward by code is reached there; # alone ends it, and the administrator's part stays."""
    await add_code(board, "*72", CodeType.FORWARD)
    await board.change("202", forward_policy='{"Busy":"205"}')
    call, ear = await dial(board, "202", "*72", asterisk_install)
    await ear.until_said("call-forwarding")
    call.dial("203#")
    await ear.until_said("is-set-to", "digits/2", "digits/0", "digits/3")
    await call.hang_up()
    await board.phones["202"].unregister()
    call = await board.phones["201"].call("202")
    there = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    await call.hang_up()
    await there.until_ended()
    await board.phones["202"].register()
    call, ear = await dial(board, "202", "*72", asterisk_install)
    await ear.until_said("call-forwarding")
    call.dial("#")
    await ear.until_said("de-activated")
    await call.hang_up()
    async with board.database.read() as connection:
        policy = await connection.scalar(
            select(extensions.c.forward_policy).where(extensions.c.number == "202")
        )
    assert msgspec.json.decode(policy) == {"Busy": "205", "All": ""}


async def test_the_black_list_by_code(board: Switchboard, asterisk_install: AsteriskInstall) -> None:
    """1 takes the last caller, else a number is typed."""
    await add_code(board, "*60", CodeType.BLACKLIST)
    async with board.database.write() as tx:
        at = now()
        row = {"type": "incoming", "dst": "201", "ended_at": at, "wait": 0, "billsec": 0}
        for number, place in (("09120000001", 1), ("09120000002", 2)):
            await tx.execute(
                insert(calls).values(
                    **row,
                    id=new_id(),
                    cuid=str(place),
                    src=number,
                    started_at=at + place,
                    disposition="ANSWERED",
                )
            )
    call, ear = await dial(board, "201", "*60", asterisk_install)
    await ear.until_said("privacy-to-blacklist-last-caller")
    call.dial("1")
    await ear.until_said("num-was-successfully", "added")
    await call.hang_up()
    call, ear = await dial(board, "202", "*60", asterisk_install)
    await ear.until_said("enter-num-blacklist")
    call.dial("02112345#")
    await ear.until_said("num-was-successfully", "added")
    await call.hang_up()
    async with board.database.read() as connection:
        rows = await connection.rows(select(blacklist.c.number, blacklist.c.comment))
    assert sorted(tuple(each.values()) for each in rows) == [
        ("02112345", "by 202"),
        ("09120000002", "by 201"),
    ]


async def test_a_code_is_nothing_for_callers_from_outside(
    board: Switchboard, asterisk_install: AsteriskInstall
) -> None:
    """Whoever calls over a trunk reaches no feature code."""
    await add_code(board, "94", CodeType.QUEUE_JOIN, queue_number="900")
    call = await board.phones["carrier"].call("94")
    await board.phones[FALLBACK].reject()
    await call.until_ended()
    assert not await members(board)


async def test_speed_dial(board: Switchboard) -> None:
    """A short code rings the number it stands for; a feature code of the same digits wins."""
    await add_speed_dial(board.database, name="Bob", code="7", number="202")
    call = await board.phones["201"].call("7")
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    await answered.hang_up()
    await call.until_ended()
    assert ("dst", "202") in await board.facts(await board.last_cuid())
