"""Names and figures of sound formats, for those who open no sound themselves: PyAV is large."""

from __future__ import annotations

from typing import Final, Literal

SoundFormat = Literal["wav", "mp3"]

MEDIA_TYPES: Final[dict[SoundFormat, str]] = {"wav": "audio/wav", "mp3": "audio/mpeg"}

SAMPLE_BYTES: Final = 4
"""Of one moment of a headless recording: 16 bits of each party."""
