"""Music on hold: the folder of the stock class, and the rows that say what there is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import insert, select, text

from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.engine.music import link_stock_music, record_music, stock_folder
from tamas.sa.pbx.musiconholds import size_in_words
from tamas.store.database import Database
from tamas.store.schema import music_classes, music_files


def asterisk(folder: Path | None) -> AsteriskInstall:
    """As much of an Asterisk as has to do with music."""
    return cast("AsteriskInstall", SimpleNamespace(moh_dir=folder))


def music(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def test_the_stock_class_follows_the_asterisk_that_runs(tmp_path: Path) -> None:
    """Another Asterisk brings other music; what people put beside it stays, whatever it is called."""
    layout = EngineLayout(state_dir=tmp_path / "state")
    folder = stock_folder(layout)
    link_stock_music(layout, asterisk(music(tmp_path / "old", "a.wav", "b.wav")))
    (folder / "own.wav").write_bytes(b"own")
    link_stock_music(layout, asterisk(music(tmp_path / "new", "b.wav", "c.wav", "own.wav")))
    assert sorted(file.name for file in folder.iterdir()) == ["b.wav", "c.wav", "own.wav"]
    assert (folder / "b.wav").resolve() == tmp_path / "new" / "b.wav"
    assert (folder / "own.wav").read_bytes() == b"own"
    link_stock_music(layout, asterisk(None))
    assert [file.name for file in folder.iterdir()] == ["own.wav"]


async def test_rows_say_what_is_there(database: Database, tmp_path: Path) -> None:
    """Made at the first start, kept at the next; files that come, change and go are followed."""
    layout = EngineLayout(state_dir=tmp_path / "state")
    link_stock_music(layout, asterisk(music(tmp_path / "moh", "a.wav", "b.wav", ".hidden")))
    await record_music(database, layout)
    first = await rows(database)
    assert [(name, directory) for _, name, directory in first[0]] == [("default", str(stock_folder(layout)))]
    assert [(file, size) for _, file, size in first[1]] == [("a.wav", 5), ("b.wav", 5)]
    await record_music(database, layout)
    assert await rows(database) == first
    (stock_folder(layout) / "a.wav").unlink()
    (stock_folder(layout) / "b.wav").unlink()
    (stock_folder(layout) / "b.wav").write_bytes(b"longer now")
    await record_music(database, layout)
    assert [(file, size) for _, file, size in (await rows(database))[1]] == [("b.wav", 10)]


async def test_a_moved_state_directory_is_noticed(database: Database, tmp_path: Path) -> None:
    """Asterisk is told of other classes by the folder's place of now; one without a folder is empty."""
    async with database.write() as tx:
        row = {"id": "1" * 24, "name": "wait", "path": "w", "directory": "/old; place/w"}
        await tx.execute(insert(music_classes).values(**row, created_at=1, updated_at=1))
    layout = EngineLayout(state_dir=tmp_path / "a; b")
    await record_music(database, layout)
    async with database.read() as connection:
        (seen,) = await connection.rows(text("SELECT * FROM musiconhold"))
    assert (seen["name"], seen["mode"]) == ("wait", "files")
    assert seen["directory"] == str(layout.music / "w").replace(";", "^3B").replace(" ", "^20")
    assert len((await rows(database))[0]) == 2


async def rows(database: Database) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, int]]]:
    """Classes and files, with their ids."""
    async with database.read() as connection:
        classes = await connection.rows(select(music_classes).order_by(music_classes.c.name))
        files = await connection.rows(select(music_files).order_by(music_files.c.file))
    return (
        [(row["id"], row["name"], row["directory"]) for row in classes],
        [(row["id"], row["file"], row["bytes"]) for row in files],
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KB"),
        (56_504, "55.18 KB"),
        (3 << 20, "3.00 MB"),
        (5 << 30, "5.00 GB"),
    ],
)
def test_sizes_in_words(count: int, words: str) -> None:
    """As the SA's sample shows them."""
    assert size_in_words(count) == words
