"""Announcements through the API, on both stores: sounds in, kept under names of ours, nothing else left."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from sa.pbx.conftest import FAILED, Api
from support.documents import pdf
from support.sounds import encoded, strength, tone_wav, wav_samples
from tamas.media import apart
from tamas.sa.uploads import UNUSED_SECONDS, clear_incoming
from tamas.store.clock import MICROSECONDS
from tamas.store.schema import uploads

UPLOAD = "/api/v4/pbx/announcements/upload"
SOUND = tone_wav(440, seconds=0.3)
NOBODY = "0" * 24


class Sounds:
    """The services of announcements, and the files behind them."""

    def __init__(self, api: Api, state_dir: Path) -> None:
        self.api = api
        self.state_dir = state_dir

    async def send(self, content: bytes = SOUND, *, name: str = "hello.wav") -> httpx.Response:
        return await self.api.client.post(UPLOAD, files={"file": (name, content)})

    async def upload(self, content: bytes = SOUND, *, name: str = "hello.wav") -> str:
        answer = (await self.send(content, name=name)).json()
        assert answer["message"] == "1 file(s) uploaded successfully", answer
        return str(answer["data"]["filename"])

    async def add(self, filename: str, *, name: str = "Welcome") -> str:
        return str(
            (await self.api.done("pbx/announcements/add", {"name": name, "filename": filename}))["_id"]
        )

    async def found(self, **body: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.api.done("pbx/announcements/search", {"alike": False, **body})
        return rows

    def files(self) -> list[str]:
        """Everything below the state directory, but folders and the store."""
        return sorted(
            str(file.relative_to(self.state_dir))
            for file in self.state_dir.rglob("*")
            if file.is_file() and not file.name.startswith("tamas.db")
        )

    async def uploads(self) -> list[str]:
        return [row["filename"] for row in await self.api.rows(select(uploads.c.filename))]


@pytest.fixture
def sounds(api: Api, tmp_path: Path) -> Sounds:
    return Sounds(api, tmp_path)


async def test_a_sound_is_kept_as_asterisk_plays_it(sounds: Sounds) -> None:
    """An MP3 in stereo becomes 8 kHz mono WAV under a name of ours, and an announcement when added."""
    stereo = tone_wav(440, 440, seconds=1, rate=44100)
    sent = encoded(stereo, container="mp3", codec="libmp3lame", rate=44100)
    filename = await sounds.upload(sent, name="../../../Welcome سلام.mp3")
    assert filename.endswith("-Welcomemp3_.wav")
    assert sounds.files() == [f"announcements/{filename}"]
    path = sounds.state_dir / "announcements" / filename
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    assert strength(wav_samples(path)[1000:7000], 440) > 0.9
    (row,) = await sounds.api.rows(select(uploads))
    assert (row["kind"], row["account"], row["pages"]) == ("announcement", "tester", None)
    assert row["bytes"] == path.stat().st_size
    assert row["duration"] == pytest.approx(1e6, abs=1e5)
    body = {"name": 'A & B "quoted"', "filename": filename, "comment": "Just; for <test>"}
    identity = (await sounds.api.done("pbx/announcements/add", body))["_id"]
    (row,) = await sounds.found()
    assert list(row) == ["_id", "filename", "name", "comment", "date"]
    assert {key: row[key] for key in body} == body
    assert row["_id"] == identity


BAD: dict[str, bytes] = {
    "empty": b"",
    "cut-off": tone_wav(440, seconds=2)[:9000],
    "header-only": SOUND[:44],
    "text": b"this is no sound " * 100,
    "document": pdf(),
    "program": b"\x7fELF" + bytes(4000),
    "playlist": b"#EXTM3U\n#EXTINF:5,\n/etc/passwd\n",
}


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_sound_leaves_nothing(sounds: Sounds, kind: str) -> None:
    """Refused with the catalogue's text, by its content and whatever its name; no file, no row."""
    answer = await sounds.send(BAD[kind], name="sound.wav")
    assert (answer.status_code, answer.json()["message"]) == (200, FAILED)
    assert answer.json()["data"] is None
    assert answer.headers["x-error-field"] == "file"
    assert sounds.files() == []
    assert await sounds.uploads() == []
    assert not list((sounds.state_dir / "incoming").iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a\x00b.wav",
        "..\\..\\x.wav",
        "\u202egpj.wav",
        "x" * 5000,
        ".",
        "..",
        "％2e",
    ],
)
async def test_names_of_clients_lead_nowhere(sounds: Sounds, name: str) -> None:
    """Whatever a file is called, it lies in its folder under a name of ours."""
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode()
        + b'"\r\n\r\n'
        + SOUND
        + b"\r\n--B--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    answer = await sounds.api.client.post(UPLOAD, content=body, headers=headers)
    if answer.status_code == 400:  # a header of that length
        assert sounds.files() == []
        return
    filename = answer.json()["data"]["filename"]
    assert sounds.files() == [f"announcements/{filename}"]
    assert "/" not in filename
    assert filename.isascii()
    assert len(filename) < 100


async def test_too_large_a_file_leaves_nothing(sounds: Sounds) -> None:
    """A byte above the setting is refused by that name, and nothing was converted."""
    await sounds.api.set("uploads.audio_bytes", len(SOUND))
    assert (await sounds.send()).json()["success"] == 1
    answer = await sounds.send(SOUND + b"\x00")
    assert (answer.json()["message"], answer.headers["x-error-field"]) == (FAILED, "file")
    assert len(sounds.files()) == 1


async def test_what_cannot_be_worked_on_leaves_nothing(
    sounds: Sounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that takes too long to convert is refused like any other."""
    monkeypatch.setattr(apart, "SECONDS", 0.0)
    assert (await sounds.send()).json()["message"] == FAILED
    assert sounds.files() == []


async def test_only_uploaded_files_become_announcements(sounds: Sounds) -> None:
    """By the name that upload answered, with or without its ending; anything else is refused."""
    filename = await sounds.upload()
    await sounds.add(filename.removesuffix(".wav"))
    assert (await sounds.found())[0]["filename"] == filename
    for other in (
        "nothing.wav",
        f"../announcements/{filename}",
        f"/{filename}",
        filename[:-1],
        "%",
        f"{filename}\x00",
    ):
        body = {"name": "x", "filename": other}
        assert await sounds.api.refused("pbx/announcements/add", body) == (FAILED, "filename")
    assert len(await sounds.found()) == 1


async def test_change(sounds: Sounds) -> None:
    """What is not sent stays; a file that nothing uses any more goes, one that is used stays."""
    first, second = await sounds.upload(), await sounds.upload()
    identity, other = await sounds.add(first), await sounds.add(first, name="Other")
    await sounds.api.done("pbx/announcements/update", {"_id": identity, "filename": second})
    assert sounds.files() == sorted(f"announcements/{name}" for name in (first, second))
    await sounds.api.done("pbx/announcements/update", {"id": other, "filename": second, "comment": "x"})
    assert sounds.files() == [f"announcements/{second}"]
    rows = {row["_id"]: row for row in await sounds.found()}
    assert (rows[other]["name"], rows[other]["comment"], rows[other]["filename"]) == ("Other", "x", second)
    await sounds.api.done("pbx/announcements/update", {"_id": other, "name": "Renamed", "comment": ""})
    (row,) = await sounds.found(conditions={"name": "Renamed"})
    assert (row["comment"], row["filename"]) == ("", second)
    gone = {"_id": other, "filename": first}
    assert await sounds.api.refused("pbx/announcements/update", gone) == (FAILED, "filename")
    assert await sounds.api.refused("pbx/announcements/update", {"_id": NOBODY, "name": "x"}) == (
        FAILED,
        "_id",
    )


async def test_remove(sounds: Sounds) -> None:
    """The file goes with the last announcement made of it."""
    filename = await sounds.upload()
    first, second = await sounds.add(filename), await sounds.add(filename, name="Second")
    await sounds.api.done("pbx/announcements/remove", {"_id": first})
    assert sounds.files() == [f"announcements/{filename}"]
    await sounds.api.done("pbx/announcements/remove", {"_id": second})
    assert sounds.files() == []
    assert await sounds.uploads() == []
    assert await sounds.api.refused("pbx/announcements/remove", {"_id": second}) == (FAILED, "_id")


async def test_a_file_is_not_taken_from_who_is_using_it(sounds: Sounds) -> None:
    """Announcements that come and go together never leave one without its file."""
    for _ in range(5):
        filename = await sounds.upload()
        first = await sounds.add(filename)
        body = {"name": "Late", "filename": filename}
        await asyncio.gather(
            sounds.api.raw("pbx/announcements/remove", {"_id": first}),
            sounds.api.raw("pbx/announcements/add", body),
        )
        for row in await sounds.found():
            assert f"announcements/{row['filename']}" in sounds.files()


async def test_what_nothing_is_made_of_is_forgotten(sounds: Sounds) -> None:
    """After a week the next upload removes it; what is used stays for ever."""
    used, unused = await sounds.upload(), await sounds.upload()
    await sounds.add(used)
    async with sounds.api.database.write() as tx:
        age = (UNUSED_SECONDS + 60) * MICROSECONDS
        await tx.execute(update(uploads).values(created_at=uploads.c.created_at - age))
    newest = await sounds.upload()
    assert sounds.files() == sorted(f"announcements/{name}" for name in (used, newest))
    assert unused not in await sounds.uploads()


async def test_leniency(sounds: Sounds) -> None:
    """With it an announcement is named by its name, when only one has it."""
    filename = await sounds.upload()
    await sounds.add(filename)
    await sounds.api.set("sa.lenient", True)
    await sounds.api.done("pbx/announcements/update", {"name": "Welcome", "comment": "x"})
    (row,) = await sounds.api.done("pbx/announcements/search", {"name": "Welcome"})
    assert row["comment"] == "x"
    await sounds.add(filename)
    assert await sounds.api.refused("pbx/announcements/remove", {"name": "Welcome"}) == (FAILED, "name")
    assert len(await sounds.found()) == 2


async def test_what_a_killed_process_left_goes_at_the_next_start(sounds: Sounds) -> None:
    """Folders in which work was going on are removed, kept sounds are not."""
    filename = await sounds.upload()
    left = sounds.state_dir / "incoming" / "x"
    left.mkdir()
    (left / "source").write_bytes(b"half a sound")
    clear_incoming(sounds.state_dir)
    assert sounds.files() == [f"announcements/{filename}"]
