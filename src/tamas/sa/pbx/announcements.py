"""``/pbx/announcements/*``: sounds that callers are played.

A sound is uploaded first, then an announcement is made of it. Files lie in
:attr:`EngineLayout.announcements`, in the form of :mod:`tamas.sa.sounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import delete, select

from tamas.engine.layout import EngineLayout
from tamas.sa.fields import Text, identifier, logical, optional, required
from tamas.sa.pbx.field_types import Title
from tamas.sa.service import Added, Data, Listed, ServiceContext, Written, service
from tamas.sa.sounds import (
    FILE_NOTE,
    SoundRemove,
    SoundSearch,
    SoundUpload,
    add_sound,
    change_sound,
    find_sounds,
    named_sound,
    sound_kind,
)
from tamas.sa.uploads import forget_uploads, keep_upload
from tamas.store.schema import announcements

UPLOADED = "1 file(s) uploaded successfully"
"""Message of an upload (SA catalogue, ``success_messages``)."""
EXAMPLE_FILE = "file-20230719143541-90036-announcemp3_.wav"
_a = announcements.c

SOUNDS = sound_kind(
    "announcement",
    announcements,
    lambda context: EngineLayout(state_dir=context.settings.state_dir).announcements,
)


class AnnouncementAdd(msgspec.Struct, kw_only=True):
    """A new announcement."""

    name: Annotated[str, required(Title(), example="test_sound")]
    filename: Annotated[str, required(Text(max=160), example=EXAMPLE_FILE, note=FILE_NOTE)]
    comment: Annotated[str, optional(Text(), example="Just for test")] = ""


class AnnouncementUpdate(msgspec.Struct, kw_only=True):
    """Changes of an announcement; what is left out stays."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(Title(), example="test_sound_new")] = None
    filename: Annotated[str | None, logical(Text(max=160), note=FILE_NOTE)] = None
    comment: Annotated[str | None, optional(Text(), example="Just for test")] = None


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "5ea534550a1a2b1d207b1426",
    "filename": EXAMPLE_FILE,
    "name": "test_sound",
    "comment": "",
    "date": "2020-04-26 11:42:21",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_KEYS = tuple(EXAMPLE_ROW)
_SELECT = select(_a.id, _a.filename, _a.name, _a.comment, _a.created_at)


@service(
    "pbx/announcements/upload",
    op="upload",
    summary="Upload an audio file",
    description=(
        "A multipart form with the part file. The sound is checked by its content and kept as WAV; "
        "it becomes an announcement with add."
    ),
    request=SoundUpload,
    answer=Data(message=UPLOADED, data={"filename": EXAMPLE_FILE}),
    max_file="uploads.audio_bytes",
)
async def upload(context: ServiceContext, request: SoundUpload) -> dict[str, str]:
    return {"filename": await keep_upload(context, request.file, SOUNDS)}


@service(
    "pbx/announcements/add",
    op="add",
    summary="Register an uploaded audio file",
    request=AnnouncementAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: AnnouncementAdd) -> str:
    return await add_sound(
        context,
        SOUNDS,
        announcements,
        name=request.name,
        filename=request.filename,
        comment=request.comment,
    )


@service(
    "pbx/announcements/update",
    op="update",
    summary="Change an announcement",
    request=AnnouncementUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: AnnouncementUpdate) -> None:
    await change_sound(
        context,
        SOUNDS,
        announcements,
        request.id,
        name=request.name,
        filename=request.filename,
        comment=request.comment,
    )


@service(
    "pbx/announcements/search",
    op="search",
    summary="List or find announcements",
    request=SoundSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: SoundSearch) -> list[dict[str, Any]]:
    return await find_sounds(context, request, announcements, _SELECT, _KEYS)


@service(
    "pbx/announcements/remove",
    op="remove",
    summary="Delete an announcement",
    request=SoundRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: SoundRemove) -> None:
    async with context.database.write() as tx:
        row = await named_sound(tx, announcements, request.id, request.name)
        await tx.execute(delete(announcements).where(_a.id == row["id"]))
    await forget_uploads(context, SOUNDS, [row["filename"]])
