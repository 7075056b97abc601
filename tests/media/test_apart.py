"""Files of strangers are worked on elsewhere, with limits."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from support.documents import pdf
from support.sounds import tone_wav
from tamas.media import apart
from tamas.media.apart import document_apart, pdf_apart, sound_apart
from tamas.media.names import STORED_NAME, stored_name
from tamas.media.refusals import CutOff, NotUnderstood, TooCostly, TooLong, TooManyPages


async def test_each_job(tmp_path: Path) -> None:
    """A sound, a document and a fax; refusals come back as what they are, and leave nothing."""
    sound, document = tmp_path / "sound", tmp_path / "document"
    sound.write_bytes(tone_wav(440, seconds=1))
    document.write_bytes(pdf(pages=2))
    assert await sound_apart(sound, tmp_path / "a.mp3", to="mp3", channels=2) == 1_000_000
    assert await document_apart(document, tmp_path / "a.tif") == 2
    assert await pdf_apart(tmp_path / "a.tif", tmp_path / "a.pdf") == 2
    target = tmp_path / "none"
    with pytest.raises(TooLong):
        await sound_apart(sound, target, to="wav", max_seconds=0.1)
    with pytest.raises(TooManyPages, match="2 pages, at most 1"):
        await document_apart(document, target, max_pages=1)
    with pytest.raises(NotUnderstood):
        await pdf_apart(document, target)
    sound.write_bytes(sound.read_bytes()[:9000])
    with pytest.raises(CutOff):
        await sound_apart(sound, target, to="wav")
    assert not target.exists()


async def test_what_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job beyond its time is killed, with what it wrote; the loop goes on meanwhile."""
    monkeypatch.setattr(apart, "SECONDS", 0.05)
    document = tmp_path / "document"
    document.write_bytes(pdf(pages=90))
    beginning = time.monotonic()
    with pytest.raises(TooCostly):
        await document_apart(document, tmp_path / "a.tif")
    assert time.monotonic() - beginning < 5
    assert not (tmp_path / "a.tif").exists()


async def test_a_process_that_dies_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a file does to a library ends in that process, and the log says how."""
    sound = tmp_path / "sound"
    sound.write_bytes(tone_wav(440))
    with pytest.raises(TooCostly):
        await sound_apart(sound, tmp_path / "a.wav", to="nothing that is known")
    assert "ended with status 1" in caplog.text


@pytest.mark.slow
async def test_jobs_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more processes at once than there are slots."""
    running, most = 0, 0
    real = apart._run

    async def counted(order: bytes) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await real(order)
        finally:
            running -= 1

    monkeypatch.setattr(apart, "_run", counted)
    monkeypatch.setattr(apart, "_slots", asyncio.Semaphore(2))
    (tmp_path / "s").write_bytes(tone_wav(440, seconds=0.1))
    jobs = (sound_apart(tmp_path / "s", tmp_path / f"{n}.wav", to="wav") for n in range(5))
    assert await asyncio.gather(*jobs) == [100_000] * 5
    assert most == 2


@pytest.mark.parametrize(
    ("original", "slug"),
    [
        ("announce.mp3", "announcemp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\sounds\\hello world.wav", "helloworldwav"),
        ("سلام.wav", "wav"),
        ("سلام", "file"),
        ("", "file"),
        ("a\x00b\r\nX: y.wav", "abXywav"),
        ("--rf -x", "rf-x"),
        ("．．／secret", "secret"),
        ("a" * 300, "a" * 40),
        ("%2e%2e%2fx", "2e2e2fx"),
        ("<script>.wav", "scriptwav"),
    ],
)
def test_kept_names_are_ours(original: str, slug: str) -> None:
    """Nothing of a client's name can be more than letters, digits and hyphens."""
    name = stored_name(original, extension="wav")
    assert re.fullmatch(rf"file-\d{{14}}-\d{{5}}-{slug}_\.wav", name)
    assert STORED_NAME.fullmatch(name)
    assert STORED_NAME.fullmatch(stored_name(original, extension="tiff", prefix="sen_"))
