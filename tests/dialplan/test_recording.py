"""Names of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamas.dialplan.recording import RecordingNames, UnusableRecordingDirectory, recording_file

CUID = "1763870000.12"  # 2025-11-23 03:53:20 UTC


def test_name_has_the_local_date_of_the_start(tmp_path: Path) -> None:
    """The date is the call's start in the configured time zone, whatever day it is now."""
    names = RecordingNames(tmp_path)
    recording = names.take(CUID, "UTC")
    assert recording is not None
    assert recording.name == f"20251123_{CUID}.wav"
    assert recording.file == f"{tmp_path}/20251123/20251123_{CUID}.wav"
    assert recording.directory == f"{tmp_path}/20251123"
    west = RecordingNames(tmp_path).take(CUID, "America/Los_Angeles")
    assert west is not None
    assert west.name == f"20251122_{CUID}.wav"


def test_pieces_of_a_call(tmp_path: Path) -> None:
    """Each further stretch gets a number; a name nobody used is given again."""
    names = RecordingNames(tmp_path)
    first, second = names.take(CUID, "UTC"), names.take(CUID, "UTC")
    assert first is not None
    assert second is not None
    assert second.name == f"20251123_{CUID}.1.wav"
    names.give_back(CUID, second)
    again = names.take(CUID, "UTC")
    assert again == second


def test_files_on_disk_are_never_written_again(tmp_path: Path) -> None:
    """A process that knows nothing of the call's earlier pieces sees them on disk."""
    first = RecordingNames(tmp_path).take(CUID, "UTC")
    assert first is not None
    Path(first.file).parent.mkdir()
    Path(first.file).touch()
    second = RecordingNames(tmp_path).take(CUID, "UTC")
    assert second is not None
    assert second.name == f"20251123_{CUID}.1.wav"


@pytest.mark.parametrize("cuid", ["", "x.1", "../etc.1", "1763870000.12/../x"])
def test_foreign_id(tmp_path: Path, cuid: str) -> None:
    """An id that is not Asterisk's makes no file name."""
    assert RecordingNames(tmp_path).take(cuid, "UTC") is None


@pytest.mark.parametrize("path", ["/a,b", "/a b", "/a^b", "/a(b)", "/${X}"])
def test_unusable_directory(path: str) -> None:
    """A path that MixMonitor would take apart is refused at start, not at the first call."""
    with pytest.raises(UnusableRecordingDirectory):
        RecordingNames(Path(path))


@pytest.mark.parametrize(
    "name",
    ["", "x.wav", "../20251123_1.2.wav", "20251123_1/../../2.wav", "20251123_1.2.wav\n", "20251123_1.2.ogg"],
)
def test_a_name_that_is_no_recordings_leads_nowhere(tmp_path: Path, name: str) -> None:
    """Only names that were given here are looked for, each in the folder of its day."""
    assert recording_file(tmp_path, name) is None
    given = RecordingNames(tmp_path).take(CUID, "UTC")
    assert given is not None
    assert str(recording_file(tmp_path, given.name)) == given.file
