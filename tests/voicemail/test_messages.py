"""From the begin of a message to its end, on both stores."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from support.sounds import tone_wav
from tamas.store.database import Database, Row
from tamas.store.ids import new_id
from tamas.store.voicemail_schema import mailboxes, message_lights, voicemail_mails, voicemail_messages
from tamas.voicemail.messages import (
    Kept,
    NewMessage,
    begin_message,
    close_message,
    count_messages,
    mark_heard,
    messages_of,
    open_message,
    open_messages,
)

RUNTIME = {"voicemail.min_seconds": 1}


@pytest.fixture
async def mailbox(database: Database) -> str:
    """A mailbox of which mails are sent; gives its id."""
    identity = new_id()
    row: dict[str, Any] = {"id": identity, "name": "Box", "number": "400", "password_sealed": b""}
    row |= {"email": "owner@example.com", "send_email": "yes"}
    async with database.write() as tx:
        await tx.execute(insert(mailboxes).values(**row, created_at=1, updated_at=1))
    return identity


async def begun(database: Database, folder: Path, mailbox: str, *, channel: str = "1.1") -> NewMessage:
    return await begin_message(
        database,
        folder,
        mailbox_id=mailbox,
        number="400",
        caller_id="570",
        caller_name="",
        cuid="1.1",
        channel_id=channel,
    )


async def rows(database: Database, table: Any) -> list[Row]:
    async with database.read() as connection:
        return await connection.rows(select(table))


async def test_it_is_closed_once(database: Database, mailbox: str, tmp_path: Path) -> None:
    """Whoever closes it first stores it; there is one mail and one light to change, however many try."""
    message = await begun(database, tmp_path, mailbox)
    assert await open_message(database, "1.1") == message.id
    message.file.write_bytes(tone_wav(440, seconds=2))
    closing = (close_message(database, tmp_path, message.id, RUNTIME) for _ in range(5))
    kept = await asyncio.gather(*closing)
    assert sorted(one.name for one in kept) == ["NONE"] * 4 + ["STORED"]
    assert await open_message(database, "1.1") is None
    assert len(await rows(database, voicemail_mails)) == len(await rows(database, message_lights)) == 1


async def test_how_it_can_end(database: Database, mailbox: str, tmp_path: Path) -> None:
    """Too short: gone with its file. No recording: a row says so, unless it may never have begun."""
    message = await begun(database, tmp_path, mailbox)
    message.file.write_bytes(tone_wav(440, seconds=0.9))
    assert await close_message(database, tmp_path, message.id, RUNTIME) is Kept.NOTHING
    assert not message.file.exists()
    message = await begun(database, tmp_path, mailbox)
    assert await close_message(database, tmp_path, message.id, RUNTIME, may_lack=True) is Kept.NOTHING
    assert await rows(database, voicemail_messages) == []
    message = await begun(database, tmp_path, mailbox)
    assert await close_message(database, tmp_path, message.id, RUNTIME) is Kept.FAILED
    message = await begun(database, tmp_path, mailbox)
    message.file.write_bytes(b"no sound")
    assert await close_message(database, tmp_path, message.id, RUNTIME, may_lack=True) is Kept.FAILED
    assert [row["state"] for row in await rows(database, voicemail_messages)] == ["failed"] * 2
    assert await messages_of(database, mailbox) == []
    assert await count_messages(database, mailbox) == 0
    assert await rows(database, voicemail_mails) == []


async def test_the_mailbox_goes_meanwhile(database: Database, mailbox: str, tmp_path: Path) -> None:
    """Removed while somebody speaks into it: nothing is left, not even the recording."""
    message = await begun(database, tmp_path, mailbox)
    message.file.write_bytes(tone_wav(440, seconds=2))
    async with database.write() as tx:
        await tx.execute(delete(mailboxes))
    assert await close_message(database, tmp_path, message.id, RUNTIME) is Kept.NOTHING
    assert not message.file.exists()
    assert await rows(database, voicemail_messages) == []
    assert await open_messages(database) == []


async def test_new_messages_come_first(database: Database, mailbox: str, tmp_path: Path) -> None:
    """For the owner: what nobody has heard, then the rest, each from the oldest on; hearing counts once."""
    ids = []
    for _ in range(3):
        message = await begun(database, tmp_path, mailbox)
        message.file.write_bytes(tone_wav(440, seconds=1))
        await close_message(database, tmp_path, message.id, RUNTIME)
        ids.append(message.id)
    await mark_heard(database, ids[0])
    async with database.write() as tx:
        await tx.execute(delete(message_lights))
    await mark_heard(database, ids[0])
    assert await rows(database, message_lights) == [], "nothing changed"
    assert [row["id"] for row in await messages_of(database, mailbox)] == [ids[1], ids[2], ids[0]]
    assert await count_messages(database, mailbox) == 3
