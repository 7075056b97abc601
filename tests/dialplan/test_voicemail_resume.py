"""Our process dies while a caller is in a mailbox; the caller stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from dialplan._mailbox import BEEP, speak
from dialplan._switchboard import Switchboard
from support.waiting import eventually
from tamas.demo.phone import AutoReject
from tamas.store.ids import new_id
from tamas.store.voicemail_schema import mailboxes, voicemail_messages

pytestmark = pytest.mark.engine


@pytest.fixture
async def mailbox(board: Switchboard) -> AsyncIterator[str]:
    """A mailbox of extension 202, which is busy; gives its id."""
    identity = new_id()
    row: dict[str, Any] = {"id": identity, "name": "Two", "number": "202", "password_sealed": b""}
    async with board.database.write() as tx:
        await tx.execute(insert(mailboxes).values(**row, created_at=1, updated_at=1))
    board.phones["202"].manner = AutoReject()
    yield identity
    async with board.database.write() as tx:
        await tx.execute(delete(mailboxes))
        await tx.execute(delete(voicemail_messages))


async def states(board: Switchboard) -> list[str]:
    async with board.database.read() as connection:
        rows = await connection.rows(select(voicemail_messages).order_by(voicemail_messages.c.id))
    return [row["state"] for row in rows]


@pytest.mark.usefixtures("mailbox")
async def test_death_while_a_message_is_recorded(board: Switchboard) -> None:
    """The caller ends the message while we are away: the next process finds it, and does not ask again."""
    call = await board.phones["201"].call("202")
    await speak(call, seconds=1)
    board.die()
    assert await states(board) == ["recording"]
    await speak(call, seconds=1)
    call.dial("#")
    board.revive()
    await call.until_ended(within=15)
    assert await states(board) == ["stored"]
    facts = await board.facts(await board.last_cuid())
    assert facts.count(("definite", "1")) == 1
    assert "Mailbox (outgoing)" in await board.route(await board.last_cuid())
    assert "failed" not in dict(facts)


@pytest.mark.slow
@pytest.mark.usefixtures("mailbox")
async def test_death_before_the_recording(board: Switchboard) -> None:
    """In the greeting: the next process begins anew, and there is one message in the end."""
    async with board.database.write() as tx:
        await tx.execute(mailboxes.update().values(play_welcome="yes"))
    call = await board.phones["201"].call("202")
    await eventually(lambda: call.rtp.listener.seconds > 0.5, within=10, what="the greeting")
    board.die()
    board.revive()
    await speak(call, seconds=1.5)
    call.dial("#")
    await call.until_ended(within=15)
    assert await states(board) == ["stored"]
    assert call.heard(BEEP)
