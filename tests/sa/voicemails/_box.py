"""Mailboxes and messages for tests of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sa.pbx.conftest import Api
from support.sounds import tone_wav
from tamas.voicemail.messages import Kept, begin_message, close_message

GROUP = "voicemails/voicemails"
EXISTS = "This number already exists"
RUNTIME = {"voicemail.min_seconds": 1}


async def mailbox(api: Api, number: str, **settings: Any) -> str:
    """Add a mailbox; gives its id."""
    body = {"name": f"Box {number}", "number": number, "password": "1234", **settings}
    return str((await api.done(f"{GROUP}/add", body))["_id"])


def folder(api: Api) -> Path:
    """Where messages lie."""
    return api.folder / "voicemail"


async def leave(
    api: Api, mailbox_id: str, number: str, *, caller: str = "570", seconds: float = 2.0, content: bytes = b""
) -> str:
    """Leave a message as the call flow does; gives its file name."""
    message = await begin_message(
        api.database,
        folder(api),
        mailbox_id=mailbox_id,
        number=number,
        caller_id=caller,
        caller_name="",
        cuid="1623742139.1",
        channel_id=f"1623742139.{caller}",
    )
    if seconds:
        message.file.write_bytes(content or tone_wav(440, seconds=seconds))
    assert await close_message(api.database, folder(api), message.id, RUNTIME) is not Kept.NONE
    return message.file.name


def left_files(api: Api) -> set[str]:
    """Names of the recordings that there are."""
    return {file.name for file in folder(api).rglob("*") if file.is_file()}
