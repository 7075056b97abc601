"""``/autodialer/announcements/*``: sounds that campaigns play, apart from those of the call flow.

A sound is uploaded first, then an announcement is made of it. Files lie in
:attr:`EngineLayout.dialer_sounds`, in the form of :mod:`tamas.sa.sounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import delete, literal, select

from tamas.engine.layout import EngineLayout
from tamas.sa.errors import OperationFailed
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
from tamas.store.autodialer_schema import campaigns, dialer_sounds

EXAMPLE_FILE = "file-20200825065434-58826-promomp3_.wav"

_s, _c = dialer_sounds.c, campaigns.c

DIALER_SOUNDS = sound_kind(
    "dialer-sound",
    dialer_sounds,
    lambda context: EngineLayout(state_dir=context.settings.state_dir).dialer_sounds,
)


class SoundAdd(msgspec.Struct, kw_only=True):
    """A new announcement."""

    name: Annotated[str, required(Title(), example="test_sound")]
    filename: Annotated[str, required(Text(max=160), example=EXAMPLE_FILE, note=FILE_NOTE)]
    description: Annotated[str, optional(Text(), example="Just for test")] = ""


class SoundUpdate(msgspec.Struct, kw_only=True):
    """Changes of an announcement; what is left out stays."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(Title(), example="test_sound_new")] = None
    filename: Annotated[str | None, logical(Text(max=160), note=FILE_NOTE)] = None
    description: Annotated[str | None, optional(Text(), example="Just for test")] = None


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "653e02b6959ca20a2f1b7293",
    "name": "test_sound",
    "filename": EXAMPLE_FILE,
    "description": "Just for test",
    "fileData": "",
    "date": "2023-10-29 10:29:02",
}
"""One row of an answer; its keys are the keys of every row, in this order."""

_KEYS = tuple(EXAMPLE_ROW)
_SELECT = select(_s.id, _s.name, _s.filename, _s.description, literal(""), _s.created_at)


@service(
    "autodialer/announcements/upload",
    op="upload",
    summary="Upload a sound for campaigns",
    description=(
        "A multipart form with the part file. The sound is checked by its content and kept as WAV; "
        "it becomes an announcement with add."
    ),
    request=SoundUpload,
    answer=Data(message="", data={"filename": EXAMPLE_FILE}),
    max_file="uploads.audio_bytes",
)
async def upload(context: ServiceContext, request: SoundUpload) -> dict[str, str]:
    return {"filename": await keep_upload(context, request.file, DIALER_SOUNDS)}


@service(
    "autodialer/announcements/add",
    op="add",
    summary="Register an uploaded sound for campaigns",
    request=SoundAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: SoundAdd) -> str:
    return await add_sound(
        context,
        DIALER_SOUNDS,
        dialer_sounds,
        name=request.name,
        filename=request.filename,
        description=request.description,
    )


@service(
    "autodialer/announcements/search",
    op="search",
    summary="List or find sounds of campaigns",
    request=SoundSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: SoundSearch) -> list[dict[str, Any]]:
    return await find_sounds(context, request, dialer_sounds, _SELECT, _KEYS)


@service(
    "autodialer/announcements/update",
    op="update",
    summary="Change a sound of campaigns",
    request=SoundUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: SoundUpdate) -> None:
    await change_sound(
        context,
        DIALER_SOUNDS,
        dialer_sounds,
        request.id,
        name=request.name,
        filename=request.filename,
        description=request.description,
    )


@service(
    "autodialer/announcements/remove",
    op="remove",
    summary="Delete a sound of campaigns",
    description="Refused while a campaign that plays it waits or runs.",
    request=SoundRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: SoundRemove) -> None:
    async with context.database.write() as tx:
        row = await named_sound(tx, dialer_sounds, request.id, request.name)
        played = select(_c.serial).where(
            _c.announcement == row["id"], _c.status != "completed", _c.removed_at.is_(None)
        )
        if await tx.scalar(played.limit(1)) is not None:
            raise OperationFailed("_id" if request.id else "name")
        await tx.execute(delete(dialer_sounds).where(_s.id == row["id"]))
    await forget_uploads(context, DIALER_SOUNDS, [row["filename"]])
