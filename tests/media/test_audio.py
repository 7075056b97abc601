"""Sounds are told by their content, brought into the form that Asterisk plays, and refused when broken."""

from __future__ import annotations

import wave
from array import array
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.sounds import encoded, strength, tone_wav, wav_samples
from tamas.media.audio import Sound, convert, probe
from tamas.media.refusals import CutOff, MediaRefused, NotUnderstood, TooLong

KINDS = {
    "wav": ("wav", "pcm_s16le", 44100),
    "mulaw": ("wav", "pcm_mulaw", 8000),
    "mp3": ("mp3", "libmp3lame", 44100),
    "opus": ("ogg", "libopus", 48000),
    "m4a": ("ipod", "aac", 44100),
    "mp4": ("mp4", "aac", 44100),
    "flac": ("flac", "flac", 44100),
    "aac": ("adts", "aac", 44100),
    "webm": ("webm", "libopus", 48000),
    "aiff": ("aiff", "pcm_s16be", 44100),
    "au": ("au", "pcm_s16be", 8000),
    "ac3": ("ac3", "ac3", 44100),
}
TELLS_NO_LENGTH = {"ac3"}
"""Cut at the right place, these are whole."""
SECONDS = 2.0


@cache
def sound(kind: str) -> bytes:
    """Two seconds of 440 Hz on one side and 660 Hz on the other."""
    container, codec, rate = KINDS[kind]
    return encoded(
        tone_wav(440, 660, seconds=SECONDS, rate=rate), container=container, codec=codec, rate=rate
    )


def written(folder: Path, content: bytes, name: str = "sound.bin") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def form(path: Path) -> tuple[int, int, int]:
    with wave.open(str(path), "rb") as file:
        return file.getframerate(), file.getnchannels(), file.getsampwidth()


@pytest.mark.parametrize("kind", KINDS)
def test_any_common_sound_becomes_what_asterisk_plays(tmp_path: Path, kind: str) -> None:
    """Whatever it is called: 16 bits, 8 kHz, both sides mixed, of the same length."""
    source, target = written(tmp_path, sound(kind), "virus.exe"), tmp_path / "out.wav"
    made = convert(source, target, to="wav")
    assert form(target) == (8000, 1, 2)
    assert made.duration == pytest.approx(SECONDS * 1e6, abs=1e5)
    samples = wav_samples(target)[2000:12000]
    assert strength(samples, 440) > 0.35
    assert strength(samples, 660) > 0.35
    assert strength(samples, 550) < 0.05
    assert target.read_bytes()[:4] == b"RIFF"
    assert b"LIST" not in target.read_bytes()[:64]


@pytest.mark.parametrize("to", ["wav", "mp3"])
def test_two_channels_stay_apart_when_asked(tmp_path: Path, to: Any) -> None:
    """Each side of a call keeps its own voice; without asking they are mixed."""
    source = written(tmp_path, sound("wav"))
    both = tmp_path / f"both.{to}"
    assert convert(source, both, to=to, channels=None).channels == 2
    known = probe(both)
    assert (known.channels, known.rate) == (2, 8000)
    again = tmp_path / "again.wav"
    convert(both, again, to="wav", channels=2)
    left, right = (wav_samples(again, channel=side)[2000:12000] for side in (0, 1))
    assert strength(left, 440) > 0.9
    assert strength(right, 660) > 0.9
    assert strength(left, 660) < 0.02
    mixed = tmp_path / f"mixed.{to}"
    convert(source, mixed, to=to)
    assert probe(mixed).channels == 1


def test_probing_tells_without_decoding(tmp_path: Path) -> None:
    """Container, codec, rate, channels and length are read from the file's own words."""
    known = probe(written(tmp_path, sound("flac")))
    assert known == Sound(container="flac", codec="flac", rate=44100, channels=2, duration=2_000_000)
    with pytest.raises(NotUnderstood):
        probe(written(tmp_path, b"no sound at all" * 100))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    """Half an upload is no sound, and nothing of it is left."""
    content = sound(kind)
    target = tmp_path / "out.wav"
    source = written(tmp_path, content[: len(content) * 55 // 100])
    if kind in TELLS_NO_LENGTH:
        assert convert(source, target, to="wav").duration < 1_300_000
        return
    with pytest.raises((CutOff, NotUnderstood)):
        convert(source, target, to="wav")
    assert not target.exists()


def test_a_wav_that_was_never_finished_is_whole(tmp_path: Path) -> None:
    """Programs that write to a pipe leave the length open; what follows the header is all there is."""
    content = bytearray(tone_wav(440, seconds=1))
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    target = tmp_path / "out.wav"
    assert convert(written(tmp_path, bytes(content)), target, to="wav").duration == pytest.approx(
        1e6, abs=1e4
    )


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{path}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        tone_wav(440, seconds=0.1)[:44],
        tone_wav(440, seconds=0),
        b"\x89PNG\r\n\x1a\n" + bytes(3000),
        b"%PDF-1.7\n" + b"text " * 900,
        b"MZ" + bytes(range(256)) * 40,
        b"<html><script>" + b"alert(1);" * 500,
        b"hello world\n" * 400,
    ],
    ids=["empty", "beginning", "header", "silent", "png", "pdf", "program", "page", "text"],
)
@pytest.mark.parametrize("to", ["wav", "mp3"])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes, to: Any) -> None:
    """A name like sound.wav does not make it one; nothing is left."""
    source, target = written(tmp_path, content, "sound.wav"), tmp_path / f"out.{to}"
    with pytest.raises(MediaRefused):
        convert(source, target, to=to)
    assert not target.exists()


@pytest.mark.parametrize(
    "text",
    [PLAYLIST, "ffconcat version 1.0\nfile {path}\n", "concat:{path}", "[playlist]\nFile1={path}\n"],
    ids=["hls", "concat", "protocol", "pls"],
)
def test_a_file_opens_no_other(tmp_path: Path, text: str) -> None:
    """A playlist of a file of this machine is refused, not played."""
    other = written(tmp_path, sound("mp3"), "secret.mp3")
    target = tmp_path / "out.wav"
    with pytest.raises(NotUnderstood):
        convert(written(tmp_path, text.format(path=other).encode()), target, to="wav")


def test_length_is_limited(tmp_path: Path) -> None:
    """By what a file says of itself, and by what comes out of one that says nothing."""
    for kind in ("wav", "aac"):
        target = tmp_path / "out.wav"
        with pytest.raises(TooLong):
            convert(written(tmp_path, sound(kind)), target, to="wav", max_seconds=1)
        assert not target.exists()


def test_broken_places_inside_are_left_out(tmp_path: Path) -> None:
    """A scratch in the middle of an MP3 does not make it worthless."""
    content = bytearray(sound("mp3"))
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    made = convert(written(tmp_path, bytes(content)), tmp_path / "out.wav", to="wav")
    assert made.duration > 1_700_000


def test_a_picture_inside_is_no_hindrance(tmp_path: Path) -> None:
    """Music files carry the picture of their cover; the sound beside it is taken."""
    # ID3v2.3 (id3.org) with one frame APIC that holds a PNG of one dot.
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
        "0000000049454e44ae426082"
    )
    frame = b"\x00image/png\x00\x03\x00" + picture
    apic = b"APIC" + len(frame).to_bytes(4, "big") + b"\x00\x00" + frame
    size = len(apic)
    tag = b"ID3\x03\x00\x00" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + apic
    made = convert(written(tmp_path, tag + sound("mp3")), tmp_path / "out.wav", to="wav")
    assert made.duration == pytest.approx(SECONDS * 1e6, abs=1e5)


def test_loudness_stays(tmp_path: Path) -> None:
    """A tone has its level after the way through, within a decibel."""
    content = encoded(tone_wav(440, seconds=1, rate=44100), container="flac", codec="flac", rate=44100)
    target = tmp_path / "out.wav"
    convert(written(tmp_path, content), target, to="wav")
    samples: array[int] = wav_samples(target)[1000:7000]
    assert max(samples) == pytest.approx(12_000, rel=0.1)
