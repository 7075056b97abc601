"""``/pbx/musiconholds/search``: classes of music on hold, with their files. The API only reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, select

from tamas.sa.dates import RowDates
from tamas.sa.fields import Nested, Text, alike, optional
from tamas.sa.search import matching
from tamas.sa.service import Listed, ServiceContext, service
from tamas.store.schema import music_classes, music_files

_c, _f = music_classes.c, music_files.c
_KILO = 1024


class MusicConditions(msgspec.Struct, kw_only=True):
    """What classes must match; ``""`` matches everything."""

    name: Annotated[str, optional(Text(max=80), example="default")] = ""


class MusicSearch(msgspec.Struct, kw_only=True):
    """Which classes to list."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[MusicConditions | None, optional(Nested(MusicConditions))] = None
    name: Annotated[str, optional(Text(max=80), lenient_only=True)] = ""


EXAMPLE_ROW: Mapping[str, Any] = {
    "_id": "64b7f3e0f944002b8d333ce0",
    "name": "default",
    "date": "2023-07-19 15:32:00",
    "path": "default",
    "count": 1,
    "musics": [
        {
            "file": "macroform-cold_day.wav",
            "size": "3.16 MB",
            "date": "2023-07-19 15:32",
            "type": "file",
        }
    ],
}
"""One row of an answer; its keys are the keys of every row, in this order."""


@service(
    "pbx/musiconholds/search",
    op="search",
    summary="List or find hold-music classes",
    request=MusicSearch,
    answer=Listed(EXAMPLE_ROW),
)
async def find(context: ServiceContext, request: MusicSearch) -> list[dict[str, Any]]:
    name = request.name if request.conditions is None else request.conditions.name
    classes = select(_c.id, _c.name, _c.created_at, _c.path)
    classes = classes.where(*matching(request.alike, (_c.name, name))).order_by(_c.name)
    files = select(_f.class_id, _f.file, _f.bytes, _f.created_at).order_by(_f.file)

    def read(connection: Connection) -> tuple[list[Any], list[Any]]:
        return list(connection.execute(classes)), list(connection.execute(files))

    found, sounds = await context.database.long_read(read)
    return await asyncio.to_thread(_rows, found, sounds, RowDates(context.runtime))


def _rows(classes: Sequence[Any], files: Sequence[Any], dates: RowDates) -> list[dict[str, Any]]:
    musics: dict[str, list[dict[str, str]]] = {}
    for file in files:
        musics.setdefault(file.class_id, []).append(
            {
                "file": file.file,
                "size": size_in_words(file.bytes),
                "date": dates.text(file.created_at)[:-3],  # without seconds
                "type": "file",
            }
        )
    return [
        {
            "_id": one.id,
            "name": one.name,
            "date": dates.text(one.created_at),
            "path": one.path,
            "count": len(musics.get(one.id, ())),
            "musics": musics.get(one.id, []),
        }
        for one in classes
    ]


def size_in_words(count: int) -> str:
    """Bytes as the SA shows them: ``55.18 KB``."""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < _KILO:
            return f"{size:.2f} {unit}" if unit != "B" else f"{count} B"
        size /= _KILO
    return f"{size:.2f} GB"
