"""Uploaded sounds and music as a real phone hears them from a running Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert

from sa.pbx.conftest import Api, open_api
from support.engine import instance_settings, running_engine
from support.phones import PhoneBench
from support.sounds import encoded, tone_wav
from tamas.demo.phone import Phone
from tamas.engine.engine import Engine
from tamas.engine.fastagi import AgiSession
from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.engine.music import record_music
from tamas.store.clock import now
from tamas.store.database import open_database
from tamas.store.ids import new_id
from tamas.store.schema import music_classes

pytestmark = pytest.mark.engine

PLAY, HOLD = "700", "701"


class Player:
    """A call flow: one number plays a sound, another lets the caller wait with the music ``wait``."""

    sound = Path()

    async def __call__(self, session: AgiSession) -> None:
        await session.set_variable("TAMAS_END", "1")
        await session.execute("Answer")
        if session.extension == PLAY:
            await session.execute("Playback", str(self.sound.with_suffix("")))
        else:
            await session.execute("MusicOnHold", "wait", "20")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The services, an engine behind them, and a phone."""

    api: Api
    engine: Engine
    layout: EngineLayout
    player: Player
    phone: Phone


@pytest.fixture(params=["sqlite", "postgresql"])
async def bench(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    new_store: Callable[[str, Path], str],
    new_phone: PhoneBench,
    asterisk_install: AsteriskInstall,
) -> AsyncIterator[Bench]:
    url = new_store(request.param, tmp_path)
    settings = instance_settings(tmp_path, url)
    layout, player = EngineLayout(state_dir=settings.state_dir), Player()
    database = await open_database(url)
    try:
        async with (
            running_engine(settings, asterisk_install, agi_handler=player) as engine,
            open_api(database, url, tmp_path, engine) as api,
        ):
            await record_music(database, layout)
            await api.extension("201")
            phone = await new_phone("201", server=("127.0.0.1", settings.sip_port), secret="s201")
            await phone.register()
            yield Bench(api=api, engine=engine, layout=layout, player=player, phone=phone)
    finally:
        await database.close()


async def test_a_caller_hears_an_uploaded_sound(bench: Bench) -> None:
    """An MP3 that was uploaded and made an announcement is played to a phone by Playback."""
    sent = encoded(tone_wav(660, seconds=3, rate=44100), container="mp3", codec="libmp3lame", rate=44100)
    answer = await bench.api.client.post(
        "/api/v4/pbx/announcements/upload", files={"file": ("welcome.mp3", sent)}
    )
    filename = answer.json()["data"]["filename"]
    await bench.api.done("pbx/announcements/add", {"name": "Welcome", "filename": filename})
    bench.player.sound = bench.layout.announcements / filename
    call = await bench.phone.call(PLAY)
    await call.until_heard(660)
    await call.until_ended()


async def test_music_is_what_the_rows_say(bench: Bench) -> None:
    """The stock class is there with Asterisk's own files; one that is added as a row is heard at once."""
    (stock,) = await bench.api.done("pbx/musiconholds/search", {"alike": False})
    files = {music["file"] for music in stock["musics"]}
    assert (stock["name"], stock["path"], stock["count"]) == ("default", "default", len(files))
    assert files
    shown = await bench.engine.ami.command("moh show files")
    assert {Path(line.split(": ")[1]).name for line in shown.splitlines() if "\tFile: " in line} == {
        Path(name).stem for name in files
    }
    folder = bench.layout.music / "wait-folder"
    folder.mkdir()
    (folder / "tone.wav").write_bytes(tone_wav(523, seconds=10))
    row = {"id": new_id(), "name": "wait", "path": folder.name, "directory": "to be found"}
    async with bench.api.database.write() as tx:
        await tx.execute(insert(music_classes).values(**row, created_at=now(), updated_at=now()))
    await record_music(bench.api.database, bench.layout)
    (found,) = await bench.api.done("pbx/musiconholds/search", {"alike": True, "conditions": {"name": "AI"}})
    (music,) = found["musics"]
    assert list(found) == ["_id", "name", "date", "path", "count", "musics"]
    assert (found["path"], found["count"]) == ("wait-folder", 1)
    assert list(music) == ["file", "size", "date", "type"]
    assert (music["file"], music["size"], music["type"]) == ("tone.wav", "156.29 KB", "file")
    assert music["date"] == found["date"][:16]
    call = await bench.phone.call(HOLD)
    await call.until_heard(523)
    await call.hang_up()
