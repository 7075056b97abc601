"""Sounds that clients upload and then register by a name: what the services of each kind of sound share.

Files are 16-bit WAV at 8 kHz, which Asterisk plays without a further module; ``Playback`` takes their path
without ``.wav``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import Select, Table, insert, select, update

from tamas.media.apart import sound_apart
from tamas.sa.dates import RowDates
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import Nested, Text, alike, identifier, optional, required
from tamas.sa.forms import FilePart, UploadedFile
from tamas.sa.pbx.field_types import Title
from tamas.sa.pbx.rows import fetch, plain_rows
from tamas.sa.search import matching
from tamas.sa.service import ServiceContext
from tamas.sa.uploads import Facts, UploadKind, forget_uploads, uploaded_name
from tamas.store.clock import now
from tamas.store.database import Connection, Row
from tamas.store.ids import new_id

FILE_NOTE = "From the answer of upload."
_EXTENSION = "wav"


async def _convert(source: Path, target: Path) -> Facts:
    return Facts(duration=await sound_apart(source, target, to=_EXTENSION))


def sound_kind(name: str, table: Table, folder: Callable[[ServiceContext], Path]) -> UploadKind:
    """The uploads that a kind of sound is made of.

    :param table: with the columns ``id``, ``name``, ``filename``, ``created_at`` and ``updated_at``.
    """
    return UploadKind(
        name=name,
        extension=_EXTENSION,
        prefix="",
        folder=folder,
        convert=_convert,
        used=select(table.c.filename),
    )


class SoundUpload(msgspec.Struct, kw_only=True):
    """A sound."""

    file: Annotated[
        UploadedFile, required(FilePart(), example="@announcement.mp3", note="Any common kind of sound.")
    ]
    name: Annotated[str, optional(Text(), note="Not looked at.")] = ""


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


async def add_sound(context: ServiceContext, kind: UploadKind, table: Table, **values: Any) -> str:
    """Register an uploaded file; returns the id of its row.

    :param values: of the columns; ``filename`` as the client gave it.
    :raises OperationFailed: there is no such upload.
    """
    identity, at = new_id(), now()
    async with context.database.write() as tx:
        values["filename"] = await uploaded_name(tx, kind, values["filename"])
        await tx.execute(insert(table).values(id=identity, **values, created_at=at, updated_at=at))
    return identity


async def find_sounds(
    context: ServiceContext, request: SoundSearch, table: Table, rows: Select[Any], keys: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of an answer, in the order of their names.

    :param rows: selects their columns, in the order of ``keys``.
    """
    name = request.name if request.conditions is None else request.conditions.name
    statement = rows.where(*matching(request.alike, (table.c.name, name))).order_by(table.c.name, table.c.id)
    found = await context.database.long_read(fetch(statement))
    return await asyncio.to_thread(plain_rows, found, keys, RowDates(context.runtime))


async def change_sound(
    context: ServiceContext,
    kind: UploadKind,
    table: Table,
    identity: str,
    *,
    name: str | None,
    filename: str | None,
    **values: Any,
) -> None:
    """Change what is given; a file that is no longer used goes.

    :raises OperationFailed: there is no such sound, or no such upload.
    """
    given = {key: value for key, value in {"name": name, **values}.items() if value is not None}
    async with context.database.write() as tx:
        row = await named_sound(tx, table, identity, name)
        if filename:
            given["filename"] = await uploaded_name(tx, kind, filename)
        await tx.execute(update(table).where(table.c.id == row["id"]).values(**given, updated_at=now()))
    if given.get("filename", row["filename"]) != row["filename"]:
        await forget_uploads(context, kind, [row["filename"]])


async def named_sound(tx: Connection, table: Table, identity: str, name: str | None) -> Row:
    """The sound that a request names, by id or (lenient) by a name that no other has; locked.

    :raises OperationFailed: there is none.
    """
    which = table.c.id == identity if identity else table.c.name == name
    rows = await tx.rows(select(table).where(which).limit(2).with_for_update())
    if len(rows) != 1:
        raise OperationFailed("_id" if identity else "name")
    return rows[0]
