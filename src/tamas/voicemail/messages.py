"""Messages: a row before the first sound, closed when the recording is over, whoever still lives to do it.

The call flow closes the row of a caller it still has. What a killed process left open is closed by the next
one that gets the call, or by :mod:`tamas.voicemail.abandoned` once the caller's channel is gone: the
recording is Asterisk's and went on without us. Closing twice does nothing.

With a message that is complete its mail is written down, and that the lights of phones change, in one
transaction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from tamas.events.outbox import emit
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database, HotQuery, Row
from tamas.store.ids import new_id
from tamas.store.voicemail_schema import mailboxes, voicemail_mails, voicemail_messages
from tamas.voicemail.events import HUNG_UP, message_failed, message_stored
from tamas.voicemail.files import finished_length, message_file, new_name
from tamas.voicemail.lights import light_changed

log = logging.getLogger(__name__)

NOT_SAVED: Final = "This file has not been saved properly"
"""SA catalogue, ``inbox_row``."""
_NAME_TRIES: Final = 20

_m = voicemail_messages.c
_RECORDING = HotQuery(select(_m.id, _m.channel_id).where(text("state = 'recording'")))


class Kept(Enum):
    """What became of a recording."""

    STORED = auto()
    NOTHING = auto()
    """It was too short, or its mailbox is gone: nothing of it is left."""
    FAILED = auto()
    """A row says so."""
    NONE = auto()
    """There was none that was open."""


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """A message that is going to be recorded."""

    id: str
    file: Path
    """Where Asterisk is to write it. The folder is there."""


async def begin_message(
    database: Database,
    directory: Path,
    *,
    mailbox_id: str,
    number: str,
    caller_id: str,
    caller_name: str,
    cuid: str,
    channel_id: str,
) -> NewMessage:
    """Write the row of a message that begins now.

    :param directory: of all messages.
    :param number: of the mailbox.
    :param cuid: of the call.
    :param channel_id: unique id of the channel that is recorded.
    """
    at, message_id = now(), new_id()
    row = {
        "id": message_id,
        "mailbox_id": mailbox_id,
        "number": number,
        "caller_id": caller_id[:80],
        "caller_name": caller_name[:80],
        "cuid": cuid[:48],
        "channel_id": channel_id[:48],
        "state": "recording",
        "started_at": at,
        "left_at": at,
    }
    folder = directory / number
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    for _ in range(_NAME_TRIES):
        name = new_name(number, at)
        try:
            async with database.write() as tx:
                await tx.execute(insert(voicemail_messages).values(**row, filename=name))
        except IntegrityError:  # two messages of this mailbox in one second have drawn the same number
            continue
        return NewMessage(id=message_id, file=folder / name)
    raise FileExistsError(f"no free name in {folder}")


async def close_message(
    database: Database,
    directory: Path,
    message_id: str,
    runtime: Mapping[str, Any],
    *,
    may_lack: bool = False,
) -> Kept:
    """Close a message whose recording is over.

    :param directory: of all messages.
    :param runtime: settings of the store, by key.
    :param may_lack: the recording may never have begun, because the caller hung up before or our process
        died: then a missing file is no failure.
    """
    async with database.read() as connection:
        row = await connection.row(
            select(voicemail_messages).where(_m.id == message_id, _m.state == "recording")
        )
    if row is None:
        return Kept.NONE
    file = message_file(directory, row["filename"])
    length = None if file is None else await asyncio.to_thread(finished_length, file)
    if may_lack and file is not None and not await asyncio.to_thread(file.exists):
        length = 0
    if length is None or file is None:
        log.warning("a message in mailbox %s could not be recorded", row["number"])
        return await _fail(database, row)
    if length < runtime["voicemail.min_seconds"] * MICROSECONDS or length == 0:
        async with database.write() as tx:
            gone = await tx.execute(
                delete(voicemail_messages).where(_m.id == row["id"], _m.state == "recording")
            )
            if gone.rowcount and may_lack:  # else the caller is there, and is asked once more
                await emit(tx, [message_failed(row, HUNG_UP)])
        if not gone.rowcount:
            return Kept.NONE
        await asyncio.to_thread(file.unlink, missing_ok=True)
        return Kept.NOTHING
    kept = await _store(database, row, length)
    if kept is Kept.NOTHING:
        await asyncio.to_thread(file.unlink, missing_ok=True)
    return kept


async def _fail(database: Database, row: Row) -> Kept:
    async with database.write() as tx:
        done = await tx.execute(
            update(voicemail_messages)
            .where(_m.id == row["id"], _m.state == "recording")
            .values(state="failed", error=NOT_SAVED, left_at=now())
        )
        if done.rowcount:
            await emit(tx, [message_failed(row, NOT_SAVED)])
    return Kept.FAILED if done.rowcount else Kept.NONE


async def _store(database: Database, row: Row, length: int) -> Kept:
    async with database.write() as tx:
        mailbox = await tx.row(select(mailboxes).where(mailboxes.c.id == row["mailbox_id"]).with_for_update())
        if mailbox is None:  # it was removed while somebody spoke into it
            await tx.execute(delete(voicemail_messages).where(_m.id == row["id"]))
            return Kept.NOTHING
        done = await tx.execute(
            update(voicemail_messages)
            .where(_m.id == row["id"], _m.state == "recording")
            .values(state="stored", duration=length, left_at=now())
        )
        if not done.rowcount:
            return Kept.NONE
        await emit(tx, [message_stored(row, length)])
        await light_changed(database, tx, mailbox["number"])
        if mailbox["send_email"] == "yes" and mailbox["email"]:
            await _mail(tx, mailbox, row["id"])
    return Kept.STORED


async def _mail(tx: Connection, mailbox: Row, message_id: str) -> None:
    at = now()
    attach = mailbox["attach_file_email"] == "yes"
    await tx.execute(
        insert(voicemail_mails).values(
            id=new_id(),
            message_id=message_id,
            mailbox_id=mailbox["id"],
            receiver=mailbox["email"],
            attach=attach,
            # A mail that does not carry the message is no reason to lose it.
            delete_after=attach and mailbox["delete_voicemail"] == "yes",
            due_at=at,
            created_at=at,
        )
    )


async def open_messages(database: Database) -> list[tuple[str, str]]:
    """Messages that are being recorded, or were: id and channel id of each."""
    return [(str(message_id), str(channel_id)) for message_id, channel_id in await database.hot(_RECORDING)]


async def open_message(database: Database, channel_id: str) -> str | None:
    """Id of the message that was begun on a channel and is not closed."""
    async with database.read() as connection:
        found = await connection.scalar(
            select(_m.id).where(_m.state == "recording", _m.channel_id == channel_id).limit(1)
        )
    return None if found is None else str(found)


async def messages_of(database: Database, mailbox_id: str) -> list[Row]:
    """What can be listened to in a mailbox: new messages first, each part from the oldest on."""
    async with database.read() as connection:
        return await connection.rows(
            select(voicemail_messages)
            .where(_m.mailbox_id == mailbox_id, _m.state == "stored")
            .order_by(_m.heard_at.is_not(None), _m.left_at, _m.id)
        )


async def count_messages(database: Database, mailbox_id: str) -> int:
    """How many a mailbox holds, with those that are being left now."""
    async with database.read() as connection:
        count = await connection.scalar(
            select(func.count()).where(_m.mailbox_id == mailbox_id, _m.state != "failed")
        )
    return int(count)


async def mark_heard(database: Database, message_id: str) -> None:
    """Note that somebody opened a message; the first time counts."""
    async with database.write() as tx:
        row = await tx.row(
            update(voicemail_messages)
            .where(_m.id == message_id, _m.heard_at.is_(None), _m.state == "stored")
            .values(heard_at=now())
            .returning(_m.number)
        )
        if row is not None:
            await light_changed(database, tx, row["number"])


async def remove_message(database: Database, directory: Path, message_id: str) -> None:
    """Delete a message and its recording, if they are there."""
    async with database.write() as tx:
        names = await forget_message(database, tx, message_id)
    await asyncio.to_thread(remove_files, directory, names)


async def forget_message(database: Database, tx: Connection, message_id: str) -> list[str]:
    """Delete the row of a message inside a transaction; gives the file to remove behind it, if any."""
    row = await tx.row(
        delete(voicemail_messages).where(_m.id == message_id).returning(_m.number, _m.filename)
    )
    if row is None:
        return []
    await light_changed(database, tx, row["number"])
    return [str(row["filename"])]


def remove_files(directory: Path, names: Collection[str]) -> None:
    """Remove recordings, as far as they are there. Blocks."""
    for name in names:
        file = message_file(directory, name)
        if file is not None:
            file.unlink(missing_ok=True)
