"""Recordings of messages: names and lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sounds import tone_wav, wav_samples
from tamas.voicemail.files import finished_length, message_file, new_name

NAME = "400_1623742139-vm-record-file-9758.wav"


def test_names() -> None:
    """A name is of the catalogue's form, and leads into the folder of its mailbox."""
    name = new_name("400", 1_623_742_139_500_000)
    assert name.startswith("400_1623742139-vm-record-file-")
    assert message_file(Path("/x"), name) == Path("/x/400") / name


@pytest.mark.parametrize(
    "name",
    ["", "../" + NAME, NAME + "\n", NAME.replace("400", ".."), NAME.replace("wav", "mp3"), "٤٠٠" + NAME[3:]],
)
def test_what_is_no_name(name: str) -> None:
    """Whatever is not of that form leads nowhere."""
    assert message_file(Path("/x"), name) is None


def test_a_finished_recording(tmp_path: Path) -> None:
    """Its length is that of its samples; the file is left as it is."""
    file, content = tmp_path / NAME, tone_wav(440, seconds=2.5)
    file.write_bytes(content)
    assert finished_length(file) == 2_500_000
    assert file.read_bytes() == content


def test_a_recording_that_was_cut_off(tmp_path: Path) -> None:
    """Asterisk was killed before it said how long it is: it is whole again, up to the last sample."""
    file, content = tmp_path / NAME, tone_wav(440, seconds=1)
    file.write_bytes(content[:4] + bytes(4) + content[8:40] + bytes(4) + content[44:-1])
    assert finished_length(file) == 7_999 * 1_000_000 // 8_000
    assert len(wav_samples(file)) == 7_999
    assert finished_length(file) == 7_999 * 1_000_000 // 8_000


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"no sound" * 20, tone_wav(440, 880), tone_wav(440, rate=16_000)]
)
def test_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    """Nothing, or something that Asterisk did not record: it is not touched."""
    file = tmp_path / NAME
    file.write_bytes(content)
    assert finished_length(file) is None
    assert file.read_bytes() == content
    assert finished_length(tmp_path / "gone.wav") is None
