"""Names of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamas.recordings.folders import RecordingFolders, read_name
from tamas.recordings.names import RecordingNames

CUID = "1763870000.12"  # 2025-11-23 03:53:20 UTC


@pytest.fixture
def folders(tmp_path: Path) -> RecordingFolders:
    """Folders in which nothing lies."""
    return RecordingFolders(root=tmp_path)


def test_name_has_the_local_date_of_the_start(folders: RecordingFolders) -> None:
    """The date is the call's start in the configured time zone, whatever day it is now."""
    recording = RecordingNames(folders).take(CUID, "UTC", "mp3")
    assert recording is not None
    assert recording.name == f"20251123_{CUID}.mp3"
    assert recording.file == f"{folders.root}/source/20251123_{CUID}.mp3.raw"
    assert recording.directory == f"{folders.root}/source"
    west = RecordingNames(folders).take(CUID, "America/Los_Angeles", "wav")
    assert west is not None
    assert west.name == f"20251122_{CUID}.wav"


def test_pieces_of_a_call(folders: RecordingFolders) -> None:
    """Each further stretch gets a number; a name nobody used is given again."""
    names = RecordingNames(folders)
    first, second = names.take(CUID, "UTC", "mp3"), names.take(CUID, "UTC", "mp3")
    assert first is not None
    assert second is not None
    assert second.name == f"20251123_{CUID}.1.mp3"
    names.give_back(CUID, second)
    assert names.take(CUID, "UTC", "mp3") == second


@pytest.mark.parametrize(
    "there",
    [f"source/20251123_{CUID}.wav.raw", f"20251123/20251123_{CUID}.mp3", f"removed/20251123_{CUID}.mp3.raw"],
)
def test_a_name_that_was_used_is_never_given_again(folders: RecordingFolders, there: str) -> None:
    """A process that knows nothing of the call's earlier pieces sees them on disk, in whatever form."""
    (folders.root / there).parent.mkdir()
    (folders.root / there).touch()
    second = RecordingNames(folders).take(CUID, "UTC", "mp3")
    assert second is not None
    assert second.name == f"20251123_{CUID}.1.mp3"


@pytest.mark.parametrize("cuid", ["", "x.1", "../etc.1", "1763870000.12/../x"])
def test_foreign_id(folders: RecordingFolders, cuid: str) -> None:
    """An id that is not Asterisk's makes no file name."""
    assert RecordingNames(folders).take(cuid, "UTC", "mp3") is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x.wav",
        "../20251123_1.2.wav",
        "20251123_1/../../2.wav",
        "20251123_1.2.wav\n",
        "20251123_1.2.ogg",
        "20251123_1.2.dual.mp3",
    ],
)
def test_a_name_that_is_no_recordings_leads_nowhere(name: str) -> None:
    """Only names as they are given here are looked for."""
    assert read_name(name) is None
