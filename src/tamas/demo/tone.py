"""Sine tones as G.711 µ-law audio: making them, and recognising them in what arrives.

Audio is µ-law bytes at 8,000 samples a second, one byte per sample, as RTP payload type 0 carries it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

SAMPLE_RATE = 8000
FRAME_SAMPLES = 160
"""Samples in one RTP packet: 20 ms."""
WINDOW_SAMPLES = 800
"""Samples looked at together, 100 ms; tones whose frequency is a multiple of 10 Hz fit in whole periods."""
NEEDED_WINDOWS = 3
"""A tone counts once it fills this many windows in a row; shorter ones may be a click or a prompt."""
NEEDED_SHARE = 0.7
"""Part of a window's power that must lie on the tone's frequency."""
SILENCE_POWER = 40.0**2
"""Mean square of 16-bit samples below which a window is silence (about -58 dBFS)."""
AMPLITUDE = 8000
"""Peak of the tones made here, of 32,767."""

_BIAS = 0x84
_CLIP = 32635


def encode_sample(sample: int) -> int:
    """µ-law byte of a signed 16-bit sample (ITU-T G.711, section 3)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def decode_sample(code: int) -> int:
    """Signed 16-bit sample of a µ-law byte (ITU-T G.711, section 3)."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS) << ((code & 0x70) >> 4)
    return _BIAS - magnitude if code & 0x80 else magnitude - _BIAS


_DECODED = tuple(decode_sample(code) for code in range(256))


@lru_cache(maxsize=64)
def one_second(hz: int) -> bytes:
    """One second of a tone; it may be repeated without a seam. 0 Hz is silence."""
    step = 2 * math.pi * hz / SAMPLE_RATE
    return bytes(encode_sample(round(AMPLITUDE * math.sin(step * n))) for n in range(SAMPLE_RATE))


def tone_share(samples: Sequence[int], hz: int) -> float:
    """Part (0 to 1) of the power of 16-bit samples that lies on a frequency; 0 when they are silent.

    One bin of the Fourier transform, by Goertzel's recurrence.
    """
    count = len(samples)
    energy = sum(sample * sample for sample in samples)
    if count == 0 or energy / count < SILENCE_POWER:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * hz / SAMPLE_RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    return 2 * (last * last + before * before - turn * last * before) / (count * energy)


class Listener:
    """Collects audio and says which tones were in it; each window is looked at once per frequency."""

    def __init__(self, keep_seconds: float = 60.0) -> None:
        self._audio = bytearray()
        self._dropped = 0
        self._keep = int(keep_seconds * SAMPLE_RATE) // WINDOW_SAMPLES * WINDOW_SAMPLES
        self._searches: dict[tuple[int, float], _Search] = {}

    @property
    def seconds(self) -> float:
        """Length of everything that arrived."""
        return (self._dropped + len(self._audio)) / SAMPLE_RATE

    def add(self, audio: bytes) -> None:
        """Take in more audio."""
        self._audio += audio
        if len(self._audio) > 2 * self._keep:
            del self._audio[: self._keep]
            self._dropped += self._keep

    def heard(self, hz: int, *, share: float = NEEDED_SHARE) -> bool:
        """Whether a tone was there at any time since the beginning, for a third of a second or so.

        :param share: part of the power it has to have: less than the usual where several tones are mixed.
        """
        search = self._search(hz, share)
        return search.longest >= NEEDED_WINDOWS

    def hears(self, hz: int) -> bool:
        """Whether the newest audio is that tone."""
        return self._search(hz, NEEDED_SHARE).current >= NEEDED_WINDOWS

    def share(self, hz: int) -> float:
        """Part (0 to 1) of the newest audio that is a tone, for tones that come mixed with others."""
        newest = self._audio[-WINDOW_SAMPLES:]
        return tone_share([_DECODED[code] for code in newest], hz)

    def forget(self) -> None:
        """Begin anew, so that :meth:`heard` speaks of what comes from now on."""
        self._audio.clear()
        self._dropped = 0
        self._searches.clear()

    def _search(self, hz: int, share: float) -> _Search:
        search = self._searches.setdefault((hz, share), _Search())
        search.position = max(search.position, self._dropped)
        while search.position + WINDOW_SAMPLES <= self._dropped + len(self._audio):
            begin = search.position - self._dropped
            samples = [_DECODED[code] for code in self._audio[begin : begin + WINDOW_SAMPLES]]
            search.current = search.current + 1 if tone_share(samples, hz) >= share else 0
            search.longest = max(search.longest, search.current)
            search.position += WINDOW_SAMPLES
        return search


class _Search:
    def __init__(self) -> None:
        self.position = 0
        self.current = 0
        self.longest = 0
