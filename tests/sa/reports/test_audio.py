"""``/reports/audio/*`` and ``/reports/quick/cdr``: recordings by their names, and by nothing else."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import pytest

from sa.pbx.conftest import Api, EngineAway, open_api
from support.sounds import tone_wav
from tamas.media.audio import convert
from tamas.store.database import open_database


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The services, and the folders they look into."""

    api: Api
    day: Path
    incoming: Path

    async def get(self, name: str, service: str = "reports/audio/download") -> httpx.Response:
        """Ask for a recording."""
        return await self.api.raw(service, {"file": name})

    def file(self, stem: str) -> Path:
        """The file of a recording."""
        (found,) = self.day.glob(f"{stem}.*")
        return found

    def left_over(self) -> int:
        """Files that a conversion left behind."""
        return len(list(self.incoming.glob("*")))


MONO = tone_wav(440, seconds=1.0)
STEREO = tone_wav(440, 880, seconds=1.0)
WAV, MP3 = "audio/wav", "audio/mpeg"


@pytest.fixture(scope="module")
async def archive(
    tmp_path_factory: pytest.TempPathFactory, new_store: Callable[[str, Path], str]
) -> AsyncIterator[Archive]:
    """Recordings of a day: a WAV, an MP3, one of both parties apart, one that goes on; and a way to trick."""
    folder = tmp_path_factory.mktemp("audio")
    url = new_store("sqlite", folder)
    recordings = folder / "recordings"
    day = recordings / "20210116"
    day.mkdir(parents=True)
    (day / "20210116_1610778618.378.wav").write_bytes(MONO)
    convert(day / "20210116_1610778618.378.wav", day / "20210116_1610778619.1.mp3", to="mp3")
    (day / "20210116_1610778620.2.1.wav").write_bytes(STEREO)
    (day / "20210116_1610778621.3.wav").write_bytes(MONO[: len(MONO) // 2])
    (recordings / "secret.wav").write_bytes(MONO)
    (day / "20210116_1610778622.4.wav").symlink_to(recordings / "secret.wav")
    database = await open_database(url)
    try:
        async with open_api(database, url, folder, EngineAway()) as api:
            yield Archive(api=api, day=day, incoming=folder / "incoming")
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("20210116_1610778618.378.wav", WAV),
        ("20210116_1610778618.378", WAV),
        ("20210116_1610778619.1.mp3", MP3),
        ("20210116_1610778619.1", MP3),
        ("20210116_1610778620.2.1.wav", WAV),
    ],
)
async def test_a_recording_by_its_name(archive: Archive, name: str, media_type: str) -> None:
    """With its ending or without: the bytes of the file, under its own name."""
    answer = await archive.get(name)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    file = archive.file(name.removesuffix(".wav").removesuffix(".mp3"))
    assert answer.content == file.read_bytes()
    assert file.name in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("name", "media_type", "codec"),
    [
        ("20210116_1610778618.378.mp3", MP3, "mp3"),
        ("20210116_1610778619.1.wav", WAV, "pcm_s16le"),
    ],
)
async def test_the_other_form_is_made(archive: Archive, name: str, media_type: str, codec: str) -> None:
    """Asked for by its other ending a recording is converted for this answer; nothing is left behind."""
    answer = await archive.get(name)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert name in answer.headers["content-disposition"]
    with av.open(io.BytesIO(answer.content), "r") as sound:
        stream = sound.streams.audio[0]
        assert stream.codec_context.name.startswith(codec)
        seconds = sum(packet.duration or 0 for packet in sound.demux(stream)) * float(stream.time_base or 0)
    assert seconds == pytest.approx(1.0, abs=0.2)
    assert archive.left_over() == 0


async def test_a_recording_that_goes_on_is_sent_as_it_is(archive: Archive) -> None:
    """It cannot be converted yet: what there is of it comes in its own form."""
    answer = await archive.get("20210116_1610778621.3.mp3")
    assert (answer.status_code, answer.headers["content-type"]) == (200, WAV)
    assert answer.content == archive.file("20210116_1610778621.3").read_bytes()
    assert archive.left_over() == 0


async def test_the_old_name_of_the_service(archive: Archive) -> None:
    """``reports/quick/cdr`` gives an MP3 where the name does not ask for something else."""
    for name, media_type in (("20210116_1610778618.378", MP3), ("20210116_1610778618.378.wav", WAV)):
        answer = await archive.get(name, "reports/quick/cdr")
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


async def test_both_channels_where_there_are_two(archive: Archive) -> None:
    """One party in each channel; a recording in one channel has no such form."""
    answer = await archive.get("20210116_1610778620.2.1.mp3", "reports/audio/dual_channel_download")
    assert (answer.status_code, answer.headers["content-type"]) == (200, WAV)
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert sound.getnchannels() == 2
    for name in ("20210116_1610778618.378.wav", "20210116_1610778619.1.mp3"):
        answer = await archive.get(name, "reports/audio/dual_channel_download")
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "20210116_1610778699.9.wav",
        "secret.wav",
        "../recordings/secret.wav",
        "20210116/20210116_1610778618.378.wav",
        "../20210116/20210116_1610778618.378.wav",
        "20210116_../secret.wav",
        "20210116_..",
        "20210116_1610778618.378.wav/",
        "20210116_1610778618.378.wav%00.mp3",
        "٢٠٢١٠١١٦_1610778618.378.wav",
        "20210116_1610778622.4.wav",
        ".wav",
        "." * 200,
    ],
)
async def test_what_is_no_name_of_a_recording_is_not_found(archive: Archive, name: str) -> None:
    """Unknown names, paths, links and tricks with letters: 404 and nothing else, from each service."""
    for service in ("reports/audio/download", "reports/quick/cdr", "reports/audio/dual_channel_download"):
        answer = await archive.get(name, service)
        assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("name", ["20210116_1610778618.378.wav\x00", "x" * 201])
async def test_a_name_that_is_none_fails(archive: Archive, name: str) -> None:
    """Control characters and endless names are refused before anything is looked for."""
    answer = await archive.get(name)
    assert (answer.status_code, answer.json()["success"]) == (200, 0)
    assert answer.headers["x-error-field"] == "file"
