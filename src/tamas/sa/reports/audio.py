"""``/reports/audio/*`` and its old name ``/reports/quick/cdr``: recordings of calls.

A recording is asked for by the name that a report row gives (``record``), never by a path. The name may come
without its ending, or with the other one: what lies there in another form is converted for this answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec

from tamas.dialplan.recording import recording_file
from tamas.engine.layout import EngineLayout
from tamas.media.apart import sound_apart
from tamas.media.audio import MEDIA_TYPES, SoundFormat, probe
from tamas.media.refusals import MediaRefused
from tamas.sa.errors import FileMissing
from tamas.sa.fields import Text, required
from tamas.sa.sent_files import SentFile, sent_file
from tamas.sa.service import FileBytes, ServiceContext, service
from tamas.sa.uploads import incoming

log = logging.getLogger(__name__)

_ENDING = re.compile(r"\.(mp3|wav)", re.IGNORECASE)
_FORMS: tuple[SoundFormat, ...] = ("mp3", "wav")
"""In the order in which they are looked for."""

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
    return await _sent(context, request.file, None)


@service(
    "reports/quick/cdr",
    op="download",
    summary="Old name of the recording download",
    description="As reports/audio/download; without an ending in the name an MP3.",
    request=RecordingRequest,
    answer=FileBytes(MEDIA_TYPES["mp3"], MEDIA_TYPES["wav"]),
)
async def old_download(context: ServiceContext, request: RecordingRequest) -> SentFile:
    return await _sent(context, request.file, "mp3")


@service(
    "reports/audio/dual_channel_download",
    op="download",
    summary="Fetch a recording with one party per channel",
    description="404 when the call was recorded with both parties in one channel.",
    request=RecordingRequest,
    answer=FileBytes(MEDIA_TYPES["wav"], MEDIA_TYPES["mp3"]),
)
async def download_both_channels(context: ServiceContext, request: RecordingRequest) -> SentFile:
    stem, _ = _named(request.file)
    for form in reversed(_FORMS):
        path = await _found(context, stem, form)
        if path is not None and await asyncio.to_thread(_channels, path) == 2:
            return await asyncio.to_thread(sent_file, path, media_type=MEDIA_TYPES[form])
    raise FileMissing(request.file)


async def _sent(context: ServiceContext, name: str, form: SoundFormat | None) -> SentFile:
    """A recording in the form that its name ends in, else in ``form``, else in the one that there is."""
    stem, ending = _named(name)
    wanted = ending or form
    found = {each: path for each in _FORMS if (path := await _found(context, stem, each)) is not None}
    if not found:
        raise FileMissing(name)
    form, path = next(((each, found[each]) for each in found if each == wanted), next(iter(found.items())))
    if wanted is not None and form != wanted:
        converted = await _converted(context, path, wanted)
        if converted is not None:
            return sent_file(
                converted, media_type=MEDIA_TYPES[wanted], name=f"{stem}.{wanted}", temporary=True
            )
    return await asyncio.to_thread(sent_file, path, media_type=MEDIA_TYPES[form])


def _named(name: str) -> tuple[str, SoundFormat | None]:
    """A name without its ending, and the form that the ending names."""
    stem, dot, ending = name.rpartition(".")
    if _ENDING.fullmatch(dot + ending) is None:
        return name, None
    return stem, "mp3" if ending.lower() == "mp3" else "wav"


async def _found(context: ServiceContext, stem: str, form: SoundFormat) -> Path | None:
    directory = EngineLayout(state_dir=context.settings.state_dir).recordings
    path = recording_file(directory, f"{stem}.{form}")
    return path if path is not None and await asyncio.to_thread(_is_plain, path) else None


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _channels(path: Path) -> int:
    try:
        return probe(path).channels
    except MediaRefused:
        return 0


async def _converted(context: ServiceContext, source: Path, form: SoundFormat) -> Path | None:
    """The recording in another form, as a file for this answer; ``None`` when it cannot be understood.

    A recording that still goes on cannot: it is then sent as it lies there.
    """
    folder = incoming(context.settings.state_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=f".{form}", dir=folder)
    os.close(handle)
    target = Path(name)
    try:
        await sound_apart(source, target, to=form, channels=None)
    except MediaRefused as refusal:
        log.info("recording %s is sent as it is: %s", source.name, refusal)
        return None
    return target
