"""``/autodialer/announcements/*``: sounds that campaigns play, apart from those of the call flow.

A sound is uploaded first, then an announcement is made of it. Files lie in
:attr:`EngineLayout.dialer_sounds`, in the form of :mod:`tamas.sa.pbx.announcements`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from sqlalchemy import delete, insert, literal, select, update

from tamas.engine.layout import EngineLayout
from tamas.sa.dates import RowDates
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Nested, Text, alike, identifier, logical, optional, required
from tamas.sa.forms import FilePart, UploadedFile
from tamas.sa.pbx.announcements import SOUNDS
from tamas.sa.pbx.field_types import Title
from tamas.sa.pbx.rows import fetch, plain_rows
from tamas.sa.search import matching
from tamas.sa.service import Added, Data, Listed, ServiceContext, Written, service
from tamas.sa.uploads import forget_uploads, keep_upload, uploaded_name
from tamas.store.autodialer_schema import campaigns, dialer_sounds
from tamas.store.clock import now
from tamas.store.database import Connection, Row
from tamas.store.ids import new_id

EXAMPLE_FILE = "file-20200825065434-58826-promomp3_.wav"

_s, _c = dialer_sounds.c, campaigns.c

DIALER_SOUNDS = replace(
    SOUNDS,
    name="dialer-sound",
    folder=lambda context: EngineLayout(state_dir=context.settings.state_dir).dialer_sounds,
    used=select(_s.filename),
)

_FILE_NOTE = "From the answer of upload."


class SoundUpload(msgspec.Struct, kw_only=True):
    """A sound."""

    file: Annotated[
        UploadedFile, required(FilePart(), example="@announcement.mp3", note="Any common kind of sound.")
    ]
    name: Annotated[str, optional(Text(), note="Not looked at.")] = ""


class SoundAdd(msgspec.Struct, kw_only=True):
    """A new announcement."""

    name: Annotated[str, required(Title(), example="test_sound")]
    filename: Annotated[str, required(Text(max=160), example=EXAMPLE_FILE, note=_FILE_NOTE)]
    description: Annotated[str, optional(Text(), example="Just for test")] = ""


class SoundUpdate(msgspec.Struct, kw_only=True):
    """Changes of an announcement; what is left out stays."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(Title(), example="test_sound_new")] = None
    filename: Annotated[str | None, logical(Text(max=160), note=_FILE_NOTE)] = None
    description: Annotated[str | None, optional(Text(), example="Just for test")] = None


class SoundRemove(msgspec.Struct, kw_only=True):
    """Names the announcement to delete."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, optional(Title(), lenient_only=True)] = None


class SoundConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="")] = ""


class SoundSearch(msgspec.Struct, kw_only=True):
    """Which announcements to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[SoundConditions | None, optional(Nested(SoundConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


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
    identity, at = new_id(), now()
    async with context.database.write() as tx:
        filename = await uploaded_name(tx, DIALER_SOUNDS, request.filename)
        await tx.execute(
            insert(dialer_sounds).values(
                id=identity,
                name=request.name,
                filename=filename,
                description=request.description,
                created_at=at,
                updated_at=at,
            )
        )
    return identity


@service(
    "autodialer/announcements/search",
    op="search",
    summary="List or find sounds of campaigns",
    request=SoundSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: SoundSearch) -> list[dict[str, Any]]:
    name = request.name if request.conditions is None else request.conditions.name
    statement = _SELECT.where(*matching(request.alike, (_s.name, name))).order_by(_s.name, _s.id)
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(plain_rows, found, _KEYS, RowDates(context.runtime))


@service(
    "autodialer/announcements/update",
    op="update",
    summary="Change a sound of campaigns",
    request=SoundUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: SoundUpdate) -> None:
    values = {"name": request.name, "description": request.description}
    given = {key: value for key, value in values.items() if value is not None}
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.name)
        if request.filename:
            given["filename"] = await uploaded_name(tx, DIALER_SOUNDS, request.filename)
        await tx.execute(update(dialer_sounds).where(_s.id == row["id"]).values(**given, updated_at=now()))
    if given.get("filename", row["filename"]) != row["filename"]:
        await forget_uploads(context, DIALER_SOUNDS, [row["filename"]])


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
        row = await _find(tx, request.id, request.name)
        played = select(_c.serial).where(
            _c.announcement == row["id"], _c.status != "completed", _c.removed_at.is_(None)
        )
        if await tx.scalar(played.limit(1)) is not None:
            raise OperationFailed("_id" if request.id else "name")
        await tx.execute(delete(dialer_sounds).where(_s.id == row["id"]))
    await forget_uploads(context, DIALER_SOUNDS, [row["filename"]])


async def _find(tx: Connection, identity: str, name: str | None) -> Row:
    """The announcement that a request names, by id or (lenient) by a name that no other has."""
    which = _s.id == identity if identity else _s.name == name
    rows = await tx.rows(select(dialer_sounds).where(which).limit(2).with_for_update())
    if len(rows) != 1:
        raise OperationFailed("_id" if identity else "name")
    return rows[0]
