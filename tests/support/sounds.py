"""Sounds to upload and to recognise, made here."""

from __future__ import annotations

import io
import math
import wave
from array import array
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream

RATE = 8000


def tone_samples(hertz: float, *, seconds: float, rate: int = RATE, level: int = 12_000) -> array[int]:
    """A tone, 16 bits."""
    step = 2 * math.pi * hertz / rate
    return array("h", (round(level * math.sin(step * place)) for place in range(round(seconds * rate))))


def tone_wav(*hertz: float, seconds: float = 1.0, rate: int = RATE) -> bytes:
    """A WAV with one tone in each channel."""
    channels = [tone_samples(one, seconds=seconds, rate=rate) for one in hertz]
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(
            array("h", (sample for one in zip(*channels, strict=True) for sample in one)).tobytes()
        )
    return content.getvalue()


def encoded(sound: bytes, *, container: str, codec: str, rate: int) -> bytes:
    """A WAV in another form, made by FFmpeg's encoders."""
    content = io.BytesIO()
    with av.open(io.BytesIO(sound), "r") as source, av.open(content, "w", format=container) as target:
        stream = source.streams.audio[0]
        written = cast("AudioStream", target.add_stream(codec, rate=rate))
        written.layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        context = written.codec_context
        resampler = av.AudioResampler(
            format=context.format.name,
            layout=written.layout.name,
            rate=rate,
            frame_size=context.frame_size or None,
        )
        for frame in source.decode(stream):
            for piece in resampler.resample(frame):
                target.mux(written.encode(piece))
        for piece in resampler.resample(None):
            target.mux(written.encode(piece))
        target.mux(written.encode(None))
    return content.getvalue()


def wav_samples(path: Path, *, channel: int = 0) -> array[int]:
    """The samples of one channel of a 16-bit WAV."""
    with wave.open(str(path), "rb") as file:
        samples = array("h")
        samples.frombytes(file.readframes(file.getnframes()))
        return samples[channel :: file.getnchannels()]


def strength(samples: array[int], hertz: float, *, rate: int = RATE) -> float:
    """How much of a sound is a tone, from 0 to 1 (Goertzel)."""
    coefficient = 2 * math.cos(2 * math.pi * hertz / rate)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = before * before + last * last - coefficient * before * last
    energy = sum(sample * sample for sample in samples) * len(samples) / 2
    return power / energy if energy else 0.0
