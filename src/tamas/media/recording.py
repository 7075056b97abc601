"""Recordings of calls as Asterisk leaves them, and as they are kept.

MixMonitor with option ``D`` writes 16-bit samples by turns: one of what came from the recorded channel, one
of what went to it. The recorded channel is that of whoever answered. In what is kept the first (left) channel
is whoever called, the second (right) whoever answered; mixed, both are as loud as they were.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import av
import av.error
from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from tamas.media.audio import PHONE_RATE, writing
from tamas.media.formats import SAMPLE_BYTES, SoundFormat
from tamas.media.refusals import NotUnderstood

_QUALITY: Final = "7"
"""Of LAME, 0 best to 9 fastest; more is not heard at 8 kHz and costs four times the time."""
_SOURCE: Final = {"sample_rate": str(PHONE_RATE), "ch_layout": "stereo"}
_MIXED: Final = "mono|c0=c0+c1"
_SWAPPED: Final = "stereo|c0=c1|c1=c0"


def keep_recording(source: Path, *, mixed: Path | None, dual: Path | None, to: SoundFormat) -> int:
    """Write a recording as it is kept; what was written is on disk when this returns.

    :param source: what MixMonitor wrote; may still grow, then it is what was there.
    :param mixed: to write with both parties in one channel; ``None``: not at all.
    :param dual: to write with one party per channel; ``None``: not at all.
    :returns: microseconds of sound.
    :raises NotUnderstood: there is not a moment of sound in it; nothing is left of the targets.
    :raises OSError: it cannot be read or written; likewise.
    """
    wanted = [
        (path, pan, n) for path, pan, n in ((mixed, _MIXED, 1), (dual, _SWAPPED, 2)) if path is not None
    ]
    if source.stat().st_size < SAMPLE_BYTES:
        raise NotUnderstood("there is not a moment of sound in it")
    samples = 0
    try:
        with ExitStack() as stack:
            writers = [
                (_Pan(pan), stack.enter_context(writing(path, to, PHONE_RATE, channels, quality=_QUALITY)))
                for path, pan, channels in wanted
            ]
            for frame in _frames(source):
                samples += frame.samples
                for pan, write in writers:
                    write(pan.through(frame))
        for path, _, _ in wanted:
            _sync(path)
    except BaseException as error:
        for path, _, _ in wanted:
            path.unlink(missing_ok=True)
        if isinstance(error, av.error.FFmpegError) and not isinstance(error, OSError):
            raise NotUnderstood(f"FFmpeg says: {error.strerror}") from error
        raise
    return samples * 1_000_000 // PHONE_RATE


def _frames(source: Path) -> Iterator[AudioFrame]:
    with av.open(str(source), format="s16le", options=_SOURCE) as container:
        stream = container.streams.audio[0]
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                if packet.size >= SAMPLE_BYTES:  # less is half a moment, at the very end
                    raise


class _Pan:
    """FFmpeg's filter ``pan``: channels out of channels."""

    def __init__(self, how: str) -> None:
        self._graph = Graph()
        self._source: FilterContext = self._graph.add_abuffer(
            format="s16", sample_rate=PHONE_RATE, layout="stereo"
        )
        pan, sink = self._graph.add("pan", how), self._graph.add("abuffersink")
        self._source.link_to(pan)
        pan.link_to(sink)
        self._graph.configure()

    def through(self, frame: AudioFrame) -> AudioFrame:
        """One frame in, one frame out."""
        self._graph.push(frame)
        out = self._graph.pull()
        assert isinstance(out, AudioFrame)  # noqa: S101 - a graph of sound gives sound
        return out


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
