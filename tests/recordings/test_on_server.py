"""A recorded call between real phones, from the talk to the downloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.server import TamasServer
from support.servers import NewExtension
from support.sounds import strength, wav_samples
from support.waiting import eventually
from tamas.media.audio import convert

pytestmark = pytest.mark.engine

CALLER, CALLEE = 440, 660


def _heard(content: bytes, tmp_path: Path) -> list[list[bool]]:
    """For each channel of a sound: whether caller and callee are heard in it."""
    given, as_wav = tmp_path / "given", tmp_path / "heard.wav"
    given.write_bytes(content)
    sound = convert(given, as_wav, to="wav", channels=None)
    channels = [wav_samples(as_wav, channel=channel) for channel in range(sound.channels)]
    return [[strength(samples, hertz) > 0.2 for hertz in (CALLER, CALLEE)] for samples in channels]


async def test_a_talk_can_be_had_mixed_and_apart(
    server: TamasServer, new_extension: NewExtension, tmp_path: Path
) -> None:
    """While it goes on, and when it is kept: an MP3 with both tones, and each party in a channel of its own.

    The name is the one that was fixed when the talk began.
    """
    first = await new_extension(server, "201", tone_hz=CALLER, call_record="yes")
    second = await new_extension(server, "202", tone_hz=CALLEE)
    originated = await server.originate("201", "202")
    a = await first.answer()
    b = await second.answer()
    await a.until_heard(CALLEE)
    await b.until_heard(CALLER)
    folder = server.state_dir / "recordings"
    (source,) = await eventually(
        lambda: [each for each in folder.glob("source/*.mp3.raw") if each.stat().st_size > 40_000],
        what="a second of the recording",
    )
    name = source.stem

    async def fetch(service: str, file: str = name) -> tuple[str, bytes]:
        answer = await server.client.post(f"/api/v4/reports/audio/{service}", json={"file": file})
        assert answer.status_code == 200, answer.text
        return answer.headers["content-type"], answer.content

    async def both() -> Any:
        kind, content = await fetch("download")
        apart_kind, apart = await fetch("dual_channel_download")
        return kind, _heard(content, tmp_path), apart_kind, _heard(apart, tmp_path)

    wanted = ("audio/mpeg", [[True, True]], "audio/mpeg", [[True, False], [False, True]])

    async def as_wanted() -> bool:
        return bool(await both() == wanted)

    await eventually(as_wanted, within=15, what="both tones, mixed and apart")
    await first.hang_up()
    await b.until_ended()
    record = await server.call_record(originated)
    assert record["record"] == name
    kept = folder / name[:8] / name
    await eventually(lambda: kept.exists() and not source.exists(), within=15, what="the kept recording")
    assert await both() == wanted
    kind, content = await fetch("download", name.replace(".mp3", ".wav"))
    assert (kind, content[:4], _heard(content, tmp_path)) == ("audio/wav", b"RIFF", [[True, True]])
    listed = await server.cli("recordings", "list")
    assert [(each["name"], each["state"], each["dual"]) for each in listed] == [(name, "kept", True)]
    counts = await server.cli("recordings", "count")
    assert (counts["kept"]["count"], counts["waiting"]["count"]) == (1, 0)
