"""Where the recording of a message lies, and how long it is.

``<mailbox>_<epoch>-vm-record-file-<4 digits>.wav`` (SA catalogue, ``inbox_row``) in a folder of that
mailbox's number. The name keeps the number that the mailbox had when the message was left.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Final

from tamas.store.clock import MICROSECONDS

_NAME: Final = re.compile(r"(?P<number>[0-9]{1,20})_[0-9]{9,11}-vm-record-file-[0-9]{4}\.wav")

_HEADER_BYTES: Final = 44
"""Of what Asterisk writes as ``wav``: RIFF, WAVE, one chunk ``fmt``, one chunk ``data``."""
_HEADER_START: Final = re.compile(
    rb"RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data....",
    re.DOTALL,
)
"""16-bit PCM, mono, 8000 samples per second."""
_BYTES_PER_SECOND: Final = 16_000


def new_name(number: str, at: int) -> str:
    """A name for a message that begins now; another message may have it.

    :param number: of the mailbox.
    :param at: microseconds since the epoch.
    """
    return f"{number}_{at // MICROSECONDS}-vm-record-file-{1000 + secrets.randbelow(9000)}.wav"


def message_file(directory: Path, name: str) -> Path | None:
    """Where the recording of a name lies, whether it is there or not; ``None`` for what is no such name.

    :param directory: of all messages.
    """
    match = _NAME.fullmatch(name)
    return None if match is None else directory / match["number"] / name


def finished_length(path: Path) -> int | None:
    """The length of a recording that is over, in microseconds; ``None`` when there is none to be heard.

    Asterisk states the length in the file when it closes it. Where it was killed before, that is done here.
    Blocks.
    """
    try:
        with path.open("r+b") as file:
            header = file.read(_HEADER_BYTES)
            if _HEADER_START.fullmatch(header) is None:
                return None
            size = file.seek(0, 2) - _HEADER_BYTES
            size -= size % 2
            stated = (size + _HEADER_BYTES - 8).to_bytes(4, "little"), size.to_bytes(4, "little")
            if (header[4:8], header[40:44]) != stated:
                for place, length in zip((4, 40), stated, strict=True):
                    file.seek(place)
                    file.write(length)
    except OSError:
        return None
    return size * MICROSECONDS // _BYTES_PER_SECOND
