"""Music on hold: folders below :attr:`EngineLayout.music`, one for each class, and the rows that say so.

The class ``default`` plays what came with Asterisk, by links, so that what people put beside it stays when
Asterisk is replaced. Asterisk reads ``default`` from its configuration, because without a class there its
module stays idle, and every other class from the view ``musiconhold`` when somebody is to hear it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Row
from tamas.store.ids import new_id
from tamas.store.schema import music_classes, music_files
from tamas.store.views import STOCK_MUSIC

_c, _f = music_classes.c, music_files.c


def stock_folder(layout: EngineLayout) -> Path:
    """Where the class ``default`` lies."""
    return layout.music / STOCK_MUSIC


def link_stock_music(layout: EngineLayout, install: AsteriskInstall) -> None:
    """Make the folder of the class ``default`` show the music of an Asterisk, and no other's any more."""
    folder = stock_folder(layout)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = {} if install.moh_dir is None else {file.name: file for file in _sounds(install.moh_dir)}
    for link in (path for path in folder.iterdir() if path.is_symlink()):
        if wanted.get(link.name) != link.readlink():
            link.unlink()
    for name, file in wanted.items():
        if not (folder / name).exists():
            (folder / name).symlink_to(file)


async def record_music(database: Database, layout: EngineLayout) -> None:
    """Write down which classes there are and what lies in their folders, as far as it changed."""
    async with database.read() as connection:
        classes = await connection.rows(select(music_classes))
    found = await asyncio.to_thread(_look, layout, classes)
    async with database.write() as tx:
        if STOCK_MUSIC not in {one["name"] for one in classes}:
            classes = [*classes, await _add_stock(tx, stock_folder(layout))]
        for one in classes:
            folder, files = found[one["path"]]
            if one["directory"] != folder:
                await tx.execute(update(music_classes).where(_c.id == one["id"]).values(directory=folder))
            await _record_files(tx, one["id"], files)


def _look(layout: EngineLayout, classes: list[Row]) -> dict[str, tuple[str, dict[str, int]]]:
    """Of each class, by path: its folder, and its files with their bytes."""
    found = {}
    for path in {STOCK_MUSIC, *(one["path"] for one in classes)}:
        folder = layout.music / path
        found[path] = str(folder), {file.name: file.stat().st_size for file in _sounds(folder)}
    return found


def _sounds(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


async def _add_stock(tx: Connection, folder: Path) -> Row:
    moment = now()
    row = {"id": new_id(), "name": STOCK_MUSIC, "path": STOCK_MUSIC, "directory": str(folder)}
    await tx.execute(insert(music_classes).values(**row, created_at=moment, updated_at=moment))
    return row


async def _record_files(tx: Connection, class_id: str, files: dict[str, int]) -> None:
    known = {
        row["file"]: row["bytes"]
        for row in await tx.rows(select(_f.file, _f.bytes).where(_f.class_id == class_id))
    }
    gone = [name for name, size in known.items() if files.get(name) != size]
    if gone:
        await tx.execute(delete(music_files).where(_f.class_id == class_id, _f.file.in_(gone)))
    new = [
        {"id": new_id(), "class_id": class_id, "file": name, "bytes": size, "created_at": now()}
        for name, size in files.items()
        if known.get(name) != size
    ]
    if new:
        await tx.execute(insert(music_files), new)
