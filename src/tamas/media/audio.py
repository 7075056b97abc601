"""Sound: what is in a file, and bringing it into the form that Asterisk or people play.

Content decides, never a name. Of containers only those of :data:`CONTAINERS` are opened, and nothing that a
file points to (a playlist names other files, also of this machine). A file that ends too early is refused
where its format tells: by the length it declares, by a last frame or page that is not whole.

These functions block; :mod:`tamas.media.apart` runs them elsewhere, with limits, which is right for
what strangers send.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import av.logging
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from tamas.media.formats import SoundFormat
from tamas.media.refusals import CutOff, NotUnderstood, TooLong

PHONE_RATE = 8000
"""Samples per second of a telephone line."""
MAX_SECONDS = 3600.0
CONTAINERS = (
    "wav",
    "mp3",
    "ogg",
    "flac",
    "mov",
    "matroska",
    "aac",
    "amr",
    "aiff",
    "au",
    "asf",
    "ac3",
    "w64",
    "caf",
)
"""Demuxers of FFmpeg."""
MP3_BITRATE = {1: 32_000, 2: 64_000}
"""By channels: more than a telephone line gives, at its rate."""

_OPENING = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}
_DECLARING = frozenset({"wav", "flac", "mov", "matroska", "aiff", "au", "w64", "caf"})
"""Containers that say how long their sound is; the length of others is estimated from the file's."""
_MP3_LENGTHS = (b"Xing", b"Info", b"VBRI")
"""Marks of the tag in which an MP3 says how long it is."""
_MP3_HEAD = 512 * 1024
_TOLERANCE = 0.5
"""Seconds, and twentieths of the length, by which less sound than declared is not yet too little."""
_OPEN_ENDED = 0x7FFF_FFFF
"""A RIFF chunk of this size or more was never finished by whoever wrote it."""

av.logging.set_level(None)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """What is known of a sound."""

    container: str
    """Name of FFmpeg's demuxer."""
    codec: str
    rate: int
    channels: int
    duration: int
    """Microseconds."""


def probe(path: Path) -> Sound:
    """What a file says of its sound, without decoding it. The duration may be an estimate, or 0.

    :raises NotUnderstood: there is no sound in it.
    """
    with _opened(path) as (container, stream):
        return _described(container, stream, _declared_seconds(container, stream))


def convert(
    source: Path,
    target: Path,
    *,
    to: SoundFormat,
    rate: int = PHONE_RATE,
    channels: int | None = 1,
    max_seconds: float = MAX_SECONDS,
) -> Sound:
    """Write the sound of a file anew.

    :param to: ``wav`` is 16-bit PCM, which at 8 kHz mono is what Asterisk's ``format_wav`` plays.
    :param rate: samples per second.
    :param channels: 1 mixes, 2 keeps both sides apart, ``None`` is as the source has it, 2 at most.
    :param max_seconds: of sound.
    :returns: what was found, with the duration that was written.
    :raises MediaRefused: it is no sound, cut off or too long; the target is then gone.
    :raises OSError: it cannot be read or written.
    """
    try:
        with _opened(source) as (container, stream):
            wanted = min(stream.codec_context.channels, 2) if channels is None else channels
            told = _told_seconds(container, stream, source)
            if told is not None:
                _check_length(told, max_seconds)
            with writing(target, to, rate, wanted) as write:
                seconds = _resampled(container, stream, rate, wanted, max_seconds, write) / rate
            _check_whole(seconds, told)
            _check_ending(source, container.format.name)
            return _described(container, stream, seconds)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """A file and its first sound. Errors of FFmpeg become refusals."""
    try:
        with av.open(str(path), options=_OPENING) as container:
            if not container.streams.audio:
                raise NotUnderstood("there is no sound in it")
            stream = container.streams.audio[0]
            stream.codec_context.thread_count = 1
            if not stream.codec_context.rate or not stream.codec_context.channels:
                raise NotUnderstood("its sound has no form")
            yield container, stream
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and not isinstance(error, ValueError):
            raise
        raise NotUnderstood(f"FFmpeg says: {error.strerror}") from error


def _described(container: InputContainer, stream: AudioStream, seconds: float) -> Sound:
    context = stream.codec_context
    return Sound(
        container=container.format.name,
        codec=context.name,
        rate=context.rate,
        channels=context.channels,
        duration=round(seconds * 1_000_000),
    )


def _declared_seconds(container: InputContainer, stream: AudioStream) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _told_seconds(container: InputContainer, stream: AudioStream, path: Path) -> float | None:
    """How long a file itself says that its sound is; ``None`` when it does not."""
    name = container.format.name.partition(",")[0]
    if name == "mp3":
        with path.open("rb") as file:
            head = file.read(_MP3_HEAD)
        tells = any(mark in head for mark in _MP3_LENGTHS)
    else:
        tells = name in _DECLARING
    return _declared_seconds(container, stream) if tells else None


def _check_length(seconds: float, max_seconds: float) -> None:
    if seconds > max_seconds + _TOLERANCE:
        raise TooLong(f"{seconds:.0f} s of sound, at most {max_seconds:.0f} s are taken")


def _check_whole(seconds: float, told: float | None) -> None:
    if not seconds:
        raise NotUnderstood("there is not a moment of sound in it")
    if told is not None and told - seconds > max(_TOLERANCE, told / 20):
        raise CutOff(f"{seconds:.1f} s of sound where {told:.1f} s are announced")


def _resampled(
    container: InputContainer,
    stream: AudioStream,
    rate: int,
    channels: int,
    max_seconds: float,
    write: Callable[[AudioFrame], None],
) -> int:
    """Hand over all sound in 16 bits; gives the number of samples per channel.

    :raises TooLong: see there.
    :raises CutOff: its last frame is not whole. Broken frames before it are left out, as players do.
    """
    resampler = AudioResampler(format="s16", layout="mono" if channels == 1 else "stereo", rate=rate)
    samples = 0
    broken: av.error.FFmpegError | None = None

    def pass_on(frame: AudioFrame | None) -> None:
        nonlocal samples
        for piece in resampler.resample(frame):
            samples += piece.samples
            _check_length(samples / rate, max_seconds)
            write(piece)

    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            broken = error
            continue
        if packet.size:
            broken = None
        for frame in frames:
            pass_on(frame)
    if broken is not None:
        raise CutOff("its last frame is not whole") from broken
    pass_on(None)
    return samples


@contextmanager
def writing(
    path: Path, form: SoundFormat, rate: int, channels: int, *, quality: str | None = None
) -> Iterator[Callable[[AudioFrame], None]]:
    """A file to which frames of 16 bits, by turns, are written.

    :param quality: of LAME, ``"0"`` (best) to ``"9"`` (fastest); ``None``: its own choice.
    """
    writers = {"wav": lambda: _wav(path, rate, channels), "mp3": lambda: _mp3(path, rate, channels, quality)}
    with writers[form]() as write:
        yield write


@contextmanager
def _wav(path: Path, rate: int, channels: int) -> Iterator[Callable[[AudioFrame], None]]:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)

        def write(frame: AudioFrame) -> None:
            file.writeframesraw(bytes(frame.planes[0])[: frame.samples * channels * 2])

        yield write


@contextmanager
def _mp3(path: Path, rate: int, channels: int, quality: str | None) -> Iterator[Callable[[AudioFrame], None]]:
    with av.open(str(path), "w", format="mp3") as file:
        options = None if quality is None else {"compression_level": quality}
        stream = file.add_stream("libmp3lame", rate=rate, options=options)
        stream.layout = "mono" if channels == 1 else "stereo"
        stream.bit_rate = MP3_BITRATE[channels]

        def write(frame: AudioFrame | None) -> None:
            for packet in stream.encode(frame):
                file.mux(packet)

        yield write
        write(None)


def _check_ending(path: Path, container: str) -> None:
    """Find out what FFmpeg is silent about. :raises CutOff: the last chunk or page is not whole."""
    with path.open("rb") as file:
        if container == "wav":
            _check_riff(file.read(64 * 1024), path.stat().st_size)
        elif container == "ogg":
            file.seek(max(0, path.stat().st_size - 128 * 1024))
            _check_ogg(file.read())


def _check_riff(head: bytes, size: int) -> None:
    """The chunk ``data`` must be as long as it says (RIFF: four letters, a little-endian length, content)."""
    at = 12
    while at + 8 <= len(head):
        length = int.from_bytes(head[at + 4 : at + 8], "little")
        if head[at : at + 4] == b"data":
            if length < _OPEN_ENDED and at + 8 + length > size:
                raise CutOff(f"{size} bytes where {at + 8 + length} are announced")
            return
        at += 8 + length + length % 2


def _check_ogg(tail: bytes) -> None:
    """The last page must be whole (RFC 3533, section 6: 27 bytes, the lengths of its segments, these)."""
    at = tail.rfind(b"OggS")
    segments = tail[at + 26] if at >= 0 and at + 27 <= len(tail) else None
    if segments is None or at + 27 + segments + sum(tail[at + 27 : at + 27 + segments]) > len(tail):
        raise CutOff("its last page is not whole")
