"""Mailboxes of a running server, for scenarios with phones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.server import TamasServer
from support.sounds import strength, wav_samples
from support.waiting import eventually
from tamas.demo.call import PhoneCall

BEEP = 700
"""Hertz of Asterisk's ``beep``."""
PASSWORD = "4711"


class Box:
    """A mailbox, made through the API."""

    def __init__(self, server: TamasServer, identity: str, number: str) -> None:
        self.server = server
        self.id = identity
        self.number = number

    @classmethod
    async def add(cls, server: TamasServer, number: str, **settings: Any) -> Box:
        """Add one."""
        body = {"name": f"Box {number}", "number": number, "password": PASSWORD, **settings}
        return cls(server, (await server.api("voicemails/voicemails/add", body))["_id"], number)

    async def remove(self) -> None:
        """Remove it with everything in it."""
        await self.server.api("voicemails/voicemails/remove", {"_id": self.id})

    async def change(self, **settings: Any) -> None:
        """Change settings."""
        await self.server.api("voicemails/voicemails/update", {"_id": self.id, **settings})

    async def messages(self) -> list[dict[str, Any]]:
        """Rows of its inbox, newest first."""
        data = await self.server.api(
            "voicemails/inbox/search", {"alike": False, "conditions": {"number": self.number}}
        )
        rows: list[dict[str, Any]] = data["data"]
        return rows

    async def message(self, *, within: float = 10) -> dict[str, Any]:
        """Wait for its only message."""
        (row,) = await eventually(self.messages, within=within, what=f"a message in mailbox {self.number}")
        return dict(row)

    async def download(self, filename: str, target: Path) -> Path:
        """Fetch a recording."""
        answer = await self.server.client.post("/api/v4/voicemails/audio/download", json={"file": filename})
        assert answer.status_code == 200, answer.text
        await asyncio.to_thread(target.write_bytes, answer.content)
        return target

    def files(self) -> set[str]:
        """Names of the recordings that lie there."""
        return {file.name for file in (self.server.state_dir / "voicemail" / self.number).glob("*")}


async def speak(call: PhoneCall, *, seconds: float = 2.0) -> None:
    """Wait for the beep, and go on sending the phone's tone, measured by what was sent."""
    await call.until_heard(BEEP, within=20)
    begun = call.rtp.packets_sent

    def spoken() -> bool:
        return call.rtp.packets_sent - begun >= seconds * 50

    await eventually(spoken, within=seconds + 10, what=f"{seconds} s of speech")


def tone_in(file: Path, hertz: int) -> float:
    """How much of a recording, but for its first and last fifth, is a tone."""
    samples = wav_samples(file)
    fifth = len(samples) // 5
    return strength(samples[fifth:-fifth], hertz)
