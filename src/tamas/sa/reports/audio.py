"""``/reports/audio/*`` and its old name ``/reports/quick/cdr``: recordings of calls.

A recording is asked for by the name that a report row gives (``record``), never by a path. The name may come
without its ending, or with the other one: what lies there in another form is converted for this answer. Names
of voicemail messages are taken as well (SA catalogue, README decision 7).
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from tamas.engine.layout import EngineLayout
from tamas.media.formats import MEDIA_TYPES
from tamas.recordings.folders import RecordingFolders
from tamas.recordings.playable import Playable, Recordings
from tamas.sa.errors import FileMissing
from tamas.sa.fields import Text, required
from tamas.sa.sent_files import SentFile, sent_file
from tamas.sa.service import FileBytes, ServiceContext, service
from tamas.sa.uploads import incoming
from tamas.sa.voicemails.audio import message_sent

_FILE = "20200921_1600675211.10033.1.mp3"


class RecordingRequest(msgspec.Struct, kw_only=True):
    """Which recording."""

    file: Annotated[
        str, required(Text(max=200), example=_FILE, note="As record of a report row; the ending may lack.")
    ]


@service(
    "reports/audio/download",
    op="download",
    summary="Fetch a call recording",
    request=RecordingRequest,
    answer=FileBytes(MEDIA_TYPES["mp3"], MEDIA_TYPES["wav"]),
)
async def download(context: ServiceContext, request: RecordingRequest) -> SentFile:
    found = await _recordings(context).playable(request.file)
    if found is None:
        return await message_sent(context, request.file)  # documentation sends names of messages here
    return await _sent(found, request.file)


@service(
    "reports/quick/cdr",
    op="download",
    summary="Old name of the recording download",
    description="As reports/audio/download; without an ending in the name an MP3.",
    request=RecordingRequest,
    answer=FileBytes(MEDIA_TYPES["mp3"], MEDIA_TYPES["wav"]),
)
async def old_download(context: ServiceContext, request: RecordingRequest) -> SentFile:
    return await _sent(await _recordings(context).playable(request.file, "mp3"), request.file)


@service(
    "reports/audio/dual_channel_download",
    op="download",
    summary="Fetch a recording with one party per channel",
    description=(
        "First (left) whoever called, second (right) whoever answered."
        " 404 when it was kept with both parties in one channel only."
    ),
    request=RecordingRequest,
    answer=FileBytes(MEDIA_TYPES["wav"], MEDIA_TYPES["mp3"]),
)
async def download_both_channels(context: ServiceContext, request: RecordingRequest) -> SentFile:
    return await _sent(await _recordings(context).playable_dual(request.file), request.file)


def _recordings(context: ServiceContext) -> Recordings:
    state_dir = context.settings.state_dir
    folders = RecordingFolders(root=EngineLayout(state_dir=state_dir).recordings)
    return Recordings(folders=folders, scratch=incoming(state_dir))


async def _sent(found: Playable | None, name: str) -> SentFile:
    if found is None:
        raise FileMissing(name)
    return await asyncio.to_thread(
        sent_file,
        found.path,
        media_type=MEDIA_TYPES[found.form],
        name=found.name,
        temporary=found.temporary,
    )
