"""What Asterisk can say in the language of a channel."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

from tamas.dialplan.call import Call
from tamas.dialplan.spoken import Voice

FRESH_SECONDS: Final = 60
"""After which sounds that were added are seen."""


async def voice_of(call: Call) -> Voice:
    """The voice for a call's channel, with what the folder of its language has."""
    language = "".join(sign for sign in call.session.language if sign.isalnum() or sign in "_-") or "en"
    folder = await call.session.get_full_variable("${ASTDATADIR}")
    period = int(time.monotonic() // FRESH_SECONDS)
    sounds = await asyncio.to_thread(_sounds_of, Path(folder or "/") / "sounds" / language, period)
    return Voice(language=language, has=sounds.__contains__)


@lru_cache(maxsize=16)
def _sounds_of(folder: Path, _period: int) -> frozenset[str]:
    """Names of sounds below a folder, without ending; blocks."""
    if not folder.is_dir():
        return frozenset()
    return frozenset(
        str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*") if file.suffix
    )
