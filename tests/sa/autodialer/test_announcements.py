"""Sounds of campaigns through the API. How sounds are taken in is tested with those of the call flow."""

from __future__ import annotations

import io
import wave

from sa.autodialer._dialer import NOBODY, SOUND, Dialer
from sa.pbx.conftest import FAILED


async def test_sounds_of_campaigns_lie_apart(dialer: Dialer) -> None:
    """``autodialer/announcements/upload``, ``add``, ``search``: own folder, own names, 8 kHz WAV."""
    filename = await dialer.upload("autodialer/announcements/upload", SOUND, name="promo.mp3")
    assert filename.endswith("-promomp3_.wav")
    kept = io.BytesIO(dialer.content("dialer-sounds", filename))
    with wave.open(kept, "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    identity = await dialer.add(
        "autodialer/announcements/add", name="test_sound", filename=filename, description="x"
    )
    (row,) = await dialer.rows(
        "autodialer/announcements/search", conditions={"name": "SOUND"}, pagination={"start": 3}
    )
    assert list(row) == ["_id", "name", "filename", "description", "fileData", "date"]
    assert (row["_id"], row["name"], row["filename"], row["description"], row["fileData"]) == (
        identity,
        "test_sound",
        filename,
        "x",
        "",
    )
    body = {"name": "x", "filename": filename}
    assert await dialer.api.refused("pbx/announcements/add", body) == (FAILED, "filename")
    assert await dialer.api.done("pbx/announcements/search", {"alike": True}) == []


async def test_what_is_no_sound(dialer_once: Dialer) -> None:
    """Refused, and nothing is left."""
    answer = await dialer_once.send("autodialer/announcements/upload", b"no sound " * 100, name="a.wav")
    assert (answer.json()["message"], answer.headers["x-error-field"]) == (FAILED, "file")
    assert dialer_once.files("dialer-sounds") == []
    assert await dialer_once.refused("autodialer/announcements/add", name="x", filename="a.wav") == "filename"


async def test_update_and_remove(dialer: Dialer) -> None:
    """``autodialer/announcements/update`` and ``remove``: files that nothing uses go."""
    identity = await dialer.sound()
    second = await dialer.upload("autodialer/announcements/upload", SOUND)
    await dialer.update(
        "autodialer/announcements/update", identity, name="New", filename=second, description="x"
    )
    assert dialer.files("dialer-sounds") == [second]
    await dialer.update("autodialer/announcements/update", identity, description="")
    (row,) = await dialer.rows("autodialer/announcements/search")
    assert (row["name"], row["filename"], row["description"]) == ("New", second, "")
    await dialer.remove("autodialer/announcements/remove", identity)
    assert dialer.files("dialer-sounds") == []
    assert await dialer.refused("autodialer/announcements/remove", _id=identity) == "_id"
    assert await dialer.refused("autodialer/announcements/update", _id=NOBODY, name="x") == "_id"


async def test_a_sound_in_use_stays(dialer: Dialer) -> None:
    """Until the campaigns that play it are completed or gone."""
    sound = await dialer.sound()
    campaign = await dialer.campaign(announcement=sound)
    assert await dialer.refused("autodialer/announcements/remove", _id=sound) == "_id"
    await dialer.remove("autodialer/campaigns/remove", campaign)
    await dialer.remove("autodialer/announcements/remove", sound)


async def test_leniency(dialer_once: Dialer) -> None:
    """With it a sound is named by its name, when only one has it."""
    await dialer_once.sound("Hello")
    await dialer_once.api.set("sa.lenient", True)
    await dialer_once.api.done("autodialer/announcements/update", {"name": "Hello", "description": "x"})
    (row,) = await dialer_once.api.done("autodialer/announcements/search", {"name": "Hello"})
    assert row["description"] == "x"
    await dialer_once.sound("Hello")
    assert await dialer_once.refused("autodialer/announcements/remove", name="Hello") == "name"
