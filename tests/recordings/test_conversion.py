"""From what Asterisk wrote to what is kept; whoever dies in between loses nothing."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from recordings._archive import CALLEE, CALLER, Archive, two_tones
from support.sounds import strength, wav_samples
from tamas.media.apart import recordings_apart
from tamas.media.audio import convert, probe
from tamas.media.refusals import MediaRefused, TooCostly
from tamas.recordings import conversion as module
from tamas.recordings.care import RecordingCare
from tamas.recordings.conversion import Conversion
from tamas.recordings.rows import note_recordings
from tamas.store.recordings_schema import recordings


class _Killed(BaseException):
    """The process is no more."""


def _heard(path: Path, tmp_path: Path) -> list[list[bool]]:
    """For each channel: whether caller and callee are heard in it."""
    as_wav = tmp_path / "heard.wav"
    sound = convert(path, as_wav, to="wav", channels=None)
    samples = [wav_samples(as_wav, channel=channel) for channel in range(sound.channels)]
    return [[strength(each, hertz) > 0.3 for hertz in (CALLER, CALLEE)] for each in samples]


@pytest.mark.parametrize("form", ["mp3", "wav"])
async def test_a_recording_is_kept_mixed_and_apart(archive: Archive, tmp_path: Path, form: str) -> None:
    """In the form that its name says: both parties together, and caller left, callee right."""
    name = archive.name(1, form)
    archive.write_source(name)
    await archive.note(name)
    assert await Conversion(archive.database, archive.folders).step(archive.runtime) == 1
    assert archive.files() == {f"20251123/{name.name}", f"20251123/{name.stem}.dual.{form}"}
    kept, dual = archive.folders.kept(name), archive.folders.kept_dual(name)
    assert _heard(kept, tmp_path) == [[True, True]]
    assert _heard(dual, tmp_path) == [[True, False], [False, True]]
    row = await archive.row(name)
    assert (row["state"], row["duration"], bool(row["dual"])) == ("kept", 1_000_000, True)
    assert row["bytes"] == kept.stat().st_size + dual.stat().st_size
    assert await archive.reported(name) == name.name
    assert await Conversion(archive.database, archive.folders).step(archive.runtime) == 0


async def test_only_mixed_when_so_set(sqlite_archive: Archive) -> None:
    """Without ``recordings.dual_channel`` one file is kept."""
    archive, name = sqlite_archive, sqlite_archive.name(1)
    archive.write_source(name)
    await archive.note(name)
    await Conversion(archive.database, archive.folders).step(
        archive.runtime | {"recordings.dual_channel": False}
    )
    assert archive.files() == {f"20251123/{name.name}"}
    assert probe(archive.folders.kept(name)).channels == 1


@pytest.mark.parametrize(
    "where",
    [
        "before the rename",
        pytest.param("before the row", marks=pytest.mark.slow),
        pytest.param("before the source goes", marks=pytest.mark.slow),
    ],
)
async def test_killed_at_any_step(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The next process ends where an undisturbed one would have: one row, the same files, no source."""
    archive, name = sqlite_archive, sqlite_archive.name(1)
    source = archive.write_source(name)
    await archive.note(name)

    def die(*_: Any, **__: Any) -> Any:
        raise _Killed

    with monkeypatch.context() as patched:
        if where == "before the rename":
            patched.setattr(module, "_put_in_place", die)
        elif where == "before the row":
            patched.setattr(Conversion, "_keep", die)
        else:
            patched.setattr(Path, "unlink", die if where == "before the source goes" else Path.unlink)
            patched.setattr(module, "_put_in_place", _put_in_place_without_unlink)
        with pytest.raises(_Killed):
            await Conversion(archive.database, archive.folders).step(archive.runtime)
    assert source.exists()
    state = "kept" if where == "before the source goes" else "waiting"
    assert (await archive.row(name))["state"] == state

    care = RecordingCare(archive.database, archive.folders)
    await care.tidy_up()
    await Conversion(archive.database, archive.folders).step(archive.runtime)
    assert (await archive.row(name))["state"] == "kept"
    assert not source.exists()
    assert {f for f in archive.files() if not f.startswith("converting")} == {
        f"20251123/{name.name}",
        f"20251123/{name.stem}.dual.mp3",
    }


def _put_in_place_without_unlink(folders: Any, one: Any) -> int:
    kept = folders.kept(one.name)
    kept.parent.mkdir(parents=True)
    one.order.dual.replace(folders.kept_dual(one.name))
    one.order.mixed.replace(kept)
    return 1


async def test_what_is_still_written_to_waits(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that changed a moment ago, or while it was converted, is not taken for whole."""
    archive, fresh, growing = sqlite_archive, sqlite_archive.name(1), sqlite_archive.name(2)
    archive.write_source(fresh, age=0)
    await archive.note(fresh)
    worker = Conversion(archive.database, archive.folders)
    assert await worker.step(archive.runtime) == 1
    assert (await archive.row(fresh))["state"] == "waiting"
    source = archive.write_source(growing)
    await archive.note(growing)
    really = recordings_apart

    async def slowly(orders: Any) -> Any:
        outcomes = await really(orders)
        with source.open("ab") as file:
            file.write(two_tones(0.5))
        return outcomes

    monkeypatch.setattr(module, "recordings_apart", slowly)
    await worker.step(archive.runtime)
    row = await archive.row(growing)
    assert (row["state"], row["tries"]) == ("waiting", 0)
    assert archive.files() == {f"source/{fresh.name}.raw", f"source/{growing.name}.raw"}


async def test_nothing_was_recorded(archive: Archive) -> None:
    """No file, or not a moment of sound in it: the report names no recording, also when written again."""
    without, empty = archive.name(1), archive.name(2)
    archive.write_source(empty, b"\x00\x01")
    await archive.note(without, empty)
    await Conversion(archive.database, archive.folders).step(archive.runtime)
    for name in (without, empty):
        assert (await archive.row(name))["state"] == "gone"
        assert await archive.reported(name) is None
    assert archive.files() == set()
    async with archive.database.write() as tx:
        again = {name.name: ("1.1", 1) for name in (without, empty)}
        assert await note_recordings(tx, archive.database.dialect, again) == again.keys()


async def test_a_recording_that_cannot_be_converted_is_set_aside(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What kills its process three times is broken: kept apart and told; its neighbours are kept as usual."""
    archive, bad, good = sqlite_archive, sqlite_archive.name(1), sqlite_archive.name(2)
    archive.write_source(bad)
    archive.write_source(good)
    await archive.note(bad, good)
    really = recordings_apart

    async def dying(orders: Any) -> Any:
        if any(order.source.name.startswith(bad.name) for order in orders):
            return [TooCostly("it was given up") for _ in orders]
        return await really(orders)

    monkeypatch.setattr(module, "recordings_apart", dying)
    worker = Conversion(archive.database, archive.folders)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            async with archive.database.write() as tx:
                await tx.execute(update(recordings).values(due_at=0))
            await worker.step(archive.runtime)
    row = await archive.row(bad)
    assert (row["state"], row["reason"], row["bytes"]) == ("broken", "it was given up", len(two_tones()))
    assert await archive.reported(bad) is None
    assert f"recording {bad.name} is broken" in caplog.text
    assert (await archive.row(good))["state"] == "kept"
    assert f"removed/{bad.name}.raw" in archive.files()


async def test_a_full_disk_breaks_nothing(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Recordings wait, however often it is tried, and are kept when there is room again."""
    archive, name = sqlite_archive, sqlite_archive.name(1)
    archive.write_source(name)
    await archive.note(name)
    worker = Conversion(archive.database, archive.folders)

    async def full(orders: Any) -> list[int | MediaRefused | OSError]:
        return [OSError(errno.ENOSPC, "No space left on device") for _ in orders]

    async def again() -> None:
        async with archive.database.write() as tx:
            await tx.execute(update(recordings).values(due_at=0))
        await worker.step(archive.runtime)

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(module, "recordings_apart", full)
        for _ in range(5):
            await again()
    assert (await archive.row(name))["state"] == "waiting"
    assert caplog.text.count("No space left on device") == 1
    await again()
    assert (await archive.row(name))["state"] == "kept"


async def test_sources_of_calls_without_a_record_are_taken_in(sqlite_archive: Archive) -> None:
    """After hours without a change they are kept as well; younger ones are left alone."""
    archive, old, young = sqlite_archive, sqlite_archive.name(1), sqlite_archive.name(2)
    archive.write_source(old, age=7 * 3600)
    archive.write_source(young)
    await RecordingCare(archive.database, archive.folders).tidy_up()
    await Conversion(archive.database, archive.folders).step(archive.runtime)
    row = await archive.row(old)
    assert (row["state"], row["cuid"]) == ("kept", old.stem.partition("_")[2])
    assert f"source/{young.name}.raw" in archive.files()
