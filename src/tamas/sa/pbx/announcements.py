"""``/pbx/announcements/*``: sounds that callers are played.

A sound is uploaded first, then an announcement is made of it. Files lie in :attr:`EngineLayout.announcements`
as 16-bit WAV at 8 kHz, which Asterisk plays without a further module; ``Playback`` takes their path without
``.wav``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import delete, insert, select, update

from tamas.engine.layout import EngineLayout
from tamas.media.apart import sound_apart
from tamas.sa.dates import RowDates
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Nested, Text, alike, identifier, logical, optional, required
from tamas.sa.forms import FilePart, UploadedFile
from tamas.sa.pbx.field_types import Title
from tamas.sa.pbx.rows import fetch, plain_rows
from tamas.sa.search import matching
from tamas.sa.service import Added, Data, Listed, ServiceContext, Written, service
from tamas.sa.uploads import Facts, UploadKind, forget_uploads, keep_upload, uploaded_name
from tamas.store.clock import now
from tamas.store.database import Connection, Row
from tamas.store.ids import new_id
from tamas.store.schema import announcements

UPLOADED = "1 file(s) uploaded successfully"
"""Message of an upload (SA catalogue, ``success_messages``)."""
EXAMPLE_FILE = "file-20230719143541-90036-announcemp3_.wav"
_EXTENSION = "wav"

_a = announcements.c


async def _convert(source: Path, target: Path) -> Facts:
    return Facts(duration=await sound_apart(source, target, to=_EXTENSION))


SOUNDS = UploadKind(
    name="announcement",
    extension=_EXTENSION,
    prefix="",
    folder=lambda context: EngineLayout(state_dir=context.settings.state_dir).announcements,
    convert=_convert,
    used=select(_a.filename),
)

_FILE_NOTE = "From the answer of upload."


class AnnouncementUpload(msgspec.Struct, kw_only=True):
    """A sound."""

    file: Annotated[
        UploadedFile, required(FilePart(), example="@announcement.mp3", note="Any common kind of sound.")
    ]
    name: Annotated[str, optional(Text(), note="Not looked at.")] = ""


class AnnouncementAdd(msgspec.Struct, kw_only=True):
    """A new announcement."""

    name: Annotated[str, required(Title(), example="test_sound")]
    filename: Annotated[str, required(Text(max=160), example=EXAMPLE_FILE, note=_FILE_NOTE)]
    comment: Annotated[str, optional(Text(), example="Just for test")] = ""


class AnnouncementUpdate(msgspec.Struct, kw_only=True):
    """Changes of an announcement; what is left out stays."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, logical(Title(), example="test_sound_new")] = None
    filename: Annotated[str | None, logical(Text(max=160), note=_FILE_NOTE)] = None
    comment: Annotated[str | None, optional(Text(), example="Just for test")] = None


class AnnouncementRemove(msgspec.Struct, kw_only=True):
    """Names the announcement to delete."""

    id: Annotated[str, identifier(natural_key="name")] = ""
    name: Annotated[str | None, optional(Title(), lenient_only=True)] = None


class AnnouncementConditions(msgspec.Struct, kw_only=True):
    """What rows must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="")] = ""


class AnnouncementSearch(msgspec.Struct, kw_only=True):
    """Which announcements to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[AnnouncementConditions | None, optional(Nested(AnnouncementConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


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
    request=AnnouncementUpload,
    answer=Data(message=UPLOADED, data={"filename": EXAMPLE_FILE}),
    max_file="uploads.audio_bytes",
)
async def upload(context: ServiceContext, request: AnnouncementUpload) -> dict[str, str]:
    return {"filename": await keep_upload(context, request.file, SOUNDS)}


@service(
    "pbx/announcements/add",
    op="add",
    summary="Register an uploaded audio file",
    request=AnnouncementAdd,
    answer=Added(),
)
async def add(context: ServiceContext, request: AnnouncementAdd) -> str:
    identity, moment = new_id(), now()
    async with context.database.write() as tx:
        filename = await uploaded_name(tx, SOUNDS, request.filename)
        await tx.execute(
            insert(announcements).values(
                id=identity,
                name=request.name,
                filename=filename,
                comment=request.comment,
                created_at=moment,
                updated_at=moment,
            )
        )
    return identity


@service(
    "pbx/announcements/update",
    op="update",
    summary="Change an announcement",
    request=AnnouncementUpdate,
    answer=Written(),
)
async def change(context: ServiceContext, request: AnnouncementUpdate) -> None:
    values = {"name": request.name, "comment": request.comment}
    given = {key: value for key, value in values.items() if value is not None}
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.name)
        if request.filename:
            given["filename"] = await uploaded_name(tx, SOUNDS, request.filename)
        await tx.execute(update(announcements).where(_a.id == row["id"]).values(**given, updated_at=now()))
    if given.get("filename", row["filename"]) != row["filename"]:
        await forget_uploads(context, SOUNDS, [row["filename"]])


@service(
    "pbx/announcements/search",
    op="search",
    summary="List or find announcements",
    request=AnnouncementSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: AnnouncementSearch) -> list[dict[str, Any]]:
    name = request.name if request.conditions is None else request.conditions.name
    statement = _SELECT.where(*matching(request.alike, (_a.name, name))).order_by(_a.name, _a.id)
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(plain_rows, found, _KEYS, RowDates(context.runtime))


@service(
    "pbx/announcements/remove",
    op="remove",
    summary="Delete an announcement",
    request=AnnouncementRemove,
    answer=Written(),
)
async def remove(context: ServiceContext, request: AnnouncementRemove) -> None:
    async with context.database.write() as tx:
        row = await _find(tx, request.id, request.name)
        await tx.execute(delete(announcements).where(_a.id == row["id"]))
    await forget_uploads(context, SOUNDS, [row["filename"]])


async def _find(tx: Connection, identity: str, name: str | None) -> Row:
    """The announcement that a request names, by id or (lenient) by a name that no other has."""
    which = _a.id == identity if identity else _a.name == name
    rows = await tx.rows(select(announcements).where(which).limit(2).with_for_update())
    if len(rows) != 1:
        raise OperationFailed("_id" if identity else "name")
    return rows[0]
