"""``/voicemails/audio/download`` and its old name ``/voicemails/inbox/read``: what callers said.

A message is asked for by its file name or by its id, never by a path. Who fetches a message has read it.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from sqlalchemy import or_, select

from tamas.engine.layout import EngineLayout
from tamas.media.formats import MEDIA_TYPES
from tamas.sa.errors import FileMissing
from tamas.sa.fields import Text, required
from tamas.sa.sent_files import SentFile, sent_file
from tamas.sa.service import FileBytes, ServiceContext, service
from tamas.store.voicemail_schema import voicemail_messages
from tamas.voicemail.files import message_file
from tamas.voicemail.messages import mark_heard

_FILE = "400_1623742139-vm-record-file-9758.wav"
_NOTE = "As filename of an inbox row, or its _id."
_m = voicemail_messages.c


class MessageRequest(msgspec.Struct, kw_only=True):
    """Which message."""

    file: Annotated[str, required(Text(max=200), aliases=("id",), example=_FILE, note=_NOTE)]


class OldMessageRequest(msgspec.Struct, kw_only=True):
    """Which message."""

    id: Annotated[str, required(Text(max=200), aliases=("file",), example=_FILE, note=_NOTE)]


@service(
    "voicemails/audio/download",
    op="download",
    summary="Fetch a voicemail recording",
    description="The message counts as read then.",
    request=MessageRequest,
    answer=FileBytes(MEDIA_TYPES["wav"]),
)
async def download(context: ServiceContext, request: MessageRequest) -> SentFile:
    return await message_sent(context, request.file)


@service(
    "voicemails/inbox/read",
    op="download",
    summary="Old name of the voicemail recording download",
    description="The message counts as read then.",
    request=OldMessageRequest,
    answer=FileBytes(MEDIA_TYPES["wav"]),
)
async def old_download(context: ServiceContext, request: OldMessageRequest) -> SentFile:
    return await message_sent(context, request.id)


async def message_sent(context: ServiceContext, named: str) -> SentFile:
    """The recording of a message; it counts as read then.

    :param named: its file name, with or without ``.wav``, or its id.
    :raises FileMissing: there is none.
    """
    names = (named, f"{named}.wav")
    async with context.database.read() as connection:
        row = await connection.row(
            select(_m.id, _m.filename)
            .where(or_(_m.filename.in_(names), _m.id == named.lower()), _m.state == "stored")
            .limit(1)
        )
    directory = EngineLayout(state_dir=context.settings.state_dir).voicemail
    file = None if row is None else message_file(directory, row["filename"])
    if row is None or file is None:
        raise FileMissing(named)
    found = await asyncio.to_thread(sent_file, file, media_type=MEDIA_TYPES["wav"])
    await mark_heard(context.database, row["id"])
    return found
