"""Recognising Asterisk's own prompts in what a phone hears: their very samples arrive."""

from __future__ import annotations

import wave
from array import array
from functools import lru_cache, partial
from pathlib import Path

from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.demo.tone import Listener, encode_sample
from tamas.engine.install import AsteriskInstall

PIECE = 320
"""Samples out of the middle of a prompt that are looked for."""
STEP = 8
"""Every so many of them are compared."""


class Ear(Listener):
    """What a phone hears in one call, kept."""

    def __init__(self, call: PhoneCall, install: AsteriskInstall) -> None:
        super().__init__()
        self._sounds = sounds_directory(install)
        self._place = 0
        self.audio = b""
        call.rtp.listener = self

    def add(self, audio: bytes) -> None:
        """Take what arrived."""
        self.audio += audio
        super().add(audio)

    async def until_said(self, *prompts: str, within: float = 10.0) -> None:
        """Wait until these prompts came, one after the other, behind those waited for before."""
        for prompt in prompts:
            piece = _middle(self._sounds / f"{prompt}.wav")
            await eventually(partial(self._said, piece), within=within, what=f"the prompt {prompt}")

    def _said(self, piece: bytes) -> bool:
        audio = self.audio
        while self._place + PIECE <= len(audio):
            # Asterisk's encoder rounds other than ours here and there.
            if abs(audio[self._place] - piece[0]) <= 1 and all(
                abs(audio[self._place + at] - piece[at]) <= 1 for at in range(0, PIECE, STEP)
            ):
                self._place += PIECE
                return True
            self._place += 1
        return False


def sounds_directory(install: AsteriskInstall) -> Path:
    """Where English prompts lie."""
    return next(install.data_dir.glob("sounds/en_US_f_Allison"))


@lru_cache
def _middle(file: Path) -> bytes:
    with wave.open(str(file), "rb") as content:
        samples = array("h")
        samples.frombytes(content.readframes(content.getnframes()))
    # Where it is loudest, so that no silence is taken for it.
    start = max(
        range(0, max(1, len(samples) - PIECE), PIECE // 4),
        key=lambda at: sum(abs(sample) for sample in samples[at : at + PIECE : STEP]),
    )
    return bytes(encode_sample(sample // 4 * 4) for sample in samples[start : start + PIECE])
