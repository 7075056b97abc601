"""Carrying Asterisk's log files into ours, keeping them small, and noticing that records are lost.

Asterisk writes to files, never to a pipe: with a pipe that nobody reads its logger stops. How far they were
read is written down, so that the next process learns what was logged while there was none.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

log = logging.getLogger("tamas.asterisk")

POLL_SECONDS: Final = 0.5
READ_BYTES: Final = 256 * 1024
"""At most so much is carried over at a time."""
MAX_LINE: Final = 4_000
MAX_FILE_BYTES: Final = 10 * 1024 * 1024
"""A log file longer than this is rotated."""
KEEP_FILES: Final = 3
"""Rotated log files that are kept."""

_LINE: Final = re.compile(
    r"\[\d{4}-[^]]+\] (?:(?P<level>[A-Z]+)\[\d+\](?:\[(?P<call>C-[0-9a-f]+)\])?:? )?(?P<text>.*)", re.DOTALL
)
_LEVELS: Final = {
    "NOTICE": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "SECURITY": logging.INFO,
}
"""Others, and lines that say only which Asterisk begins to write here, are for debugging."""
_LOST_RECORD: Final = re.compile(
    r"(CDR|CEL) failed: |Insert (CDR|CEL)(\(s\)| '.*') failed|realtime queue log|INSERT INTO .*queue_log"
)


_OF_ONE_FAX: Final = re.compile(r"res_fax(?:_spandsp)?\.c: ")
"""Begins what is said of a call's fax, such as that the other side hung up: its row says what counts."""


@dataclass(frozen=True, kw_only=True)
class AsteriskLine:
    """One line of Asterisk's log."""

    level: int
    """As in :mod:`logging`."""
    text: str

    @property
    def lost_record(self) -> bool:
        """Whether it says that a CDR, CEL or queue log row could not be written."""
        return _LOST_RECORD.search(self.text) is not None


def parse_line(line: str, *, previous: int) -> AsteriskLine:
    """Read a line; one without a head of its own goes on from a line of level ``previous``."""
    match = _LINE.match(line)
    if match is None:
        return AsteriskLine(level=previous, text=line)
    call = f"{match['call']} " if match["call"] else ""
    level = _LEVELS.get(match["level"], logging.DEBUG)
    if call and _OF_ONE_FAX.match(match["text"]):
        level = min(level, logging.INFO)
    return AsteriskLine(level=level, text=call + match["text"])


class FilePosition(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log file was read."""

    file: int
    """Its inode: a file that was put aside keeps it under its new name."""
    offset: int
    """Bytes, up to the end of a line."""


class FileTail:
    """Reads what is appended to a file, across rotation and truncation."""

    def __init__(self, path: Path, *, since: FilePosition | None = None) -> None:
        """Begin where somebody stopped reading, also when that file was put aside since.

        :param since: ``None``: begin at the present end of the file, or at its beginning when it comes later.
        """
        self._path = path
        self._descriptor: int | None = None
        self._rest = b""
        if since is None:
            self._open()
            if self._descriptor is not None:
                os.lseek(self._descriptor, 0, os.SEEK_END)
            return
        for candidate in (path, *(_aside(path, number) for number in range(1, KEEP_FILES + 1))):
            if _inode(candidate) == since.file:
                self._descriptor = os.open(candidate, os.O_RDONLY | os.O_CLOEXEC)
                os.lseek(self._descriptor, since.offset, os.SEEK_SET)
                return
        self._open()

    @property
    def position(self) -> FilePosition | None:
        """How far whole lines were returned; ``None`` when there is no file."""
        if self._descriptor is None:
            return None
        offset = os.lseek(self._descriptor, 0, os.SEEK_CUR) - len(self._rest)
        return FilePosition(file=os.fstat(self._descriptor).st_ino, offset=offset)

    def read(self) -> list[str]:
        """Return the whole lines that came since the last call, at most :data:`READ_BYTES` of them."""
        if self._descriptor is None:
            self._open()
        if self._descriptor is None:
            return []
        # What another file has taken the name of is read to its end first.
        replaced = self._is_replaced()
        data = os.read(self._descriptor, READ_BYTES)
        if not data and replaced:
            self.close()
            self._open()
            return self.read()
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            lines, self._rest = [*lines, self._rest], b""
        return [line[:MAX_LINE].decode("utf-8", "replace") for line in lines if line]

    @property
    def is_open(self) -> bool:
        """Whether there is, or was, a file to read."""
        return self._descriptor is not None

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._descriptor = None

    def _is_replaced(self) -> bool:
        """Whether another file has our file's name. One that was cut is read from its new beginning."""
        if self._descriptor is None:
            return False
        ours = os.fstat(self._descriptor)
        if ours.st_size < os.lseek(self._descriptor, 0, os.SEEK_CUR):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return (ours.st_dev, ours.st_ino) != (named.st_dev, named.st_ino)


class AsteriskLog:
    """Both of Asterisk's files, poured into the logger ``tamas.asterisk``."""

    def __init__(
        self, *, messages: Path, output: Path, position: Path, on_lost_record: Callable[[str], None]
    ) -> None:
        """:param position: file that says how far ``messages`` was read, by this process or one before it."""
        self._messages_path = messages
        self._output_path = output
        self._on_lost_record = on_lost_record
        self._position_path = position
        self._position_is_kept = True
        self._messages = FileTail(messages, since=_read_position(position))
        self._output = FileTail(output)
        self._level = logging.INFO
        self._keep_position()

    def carry(self) -> bool:
        """Pass on what is new. Returns whether there was anything."""
        lines = self._messages.read()
        for text in lines:
            line = parse_line(text, previous=self._level)
            self._level = line.level
            log.log(line.level, "%s", line.text)
            if line.lost_record:
                self._on_lost_record(line.text)
        if lines:
            self._keep_position()
        output = self._output.read()
        for text in output:
            log.debug("%s", text)
        return bool(lines or output)

    def rotate(self) -> bool:
        """Put a log file that grew too long aside. Returns whether Asterisk must open its files anew."""
        # Asterisk appends to the output, so cutting it is safe at any time.
        if _size(self._output_path) > MAX_FILE_BYTES:
            os.truncate(self._output_path, 0)
        if not self._messages_path.exists():
            return self._messages.is_open  # put aside before, and Asterisk did not hear of it
        if _size(self._messages_path) <= MAX_FILE_BYTES:
            return False
        for number in range(KEEP_FILES, 0, -1):
            older = _aside(self._messages_path, number)
            newer = _aside(self._messages_path, number - 1) if number > 1 else self._messages_path
            if newer.exists():
                newer.rename(older)
        return True

    def close(self) -> None:
        self._messages.close()
        self._output.close()

    def _keep_position(self) -> None:
        """Write down how far the messages were read; without it the next process reads some of them again."""
        position = self._messages.position
        if position is None:
            return
        fresh = self._position_path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(position))
            fresh.chmod(0o600)
            fresh.replace(self._position_path)
        except OSError as error:
            if self._position_is_kept:
                log.warning("cannot write down how far Asterisk's log was read: %s", error)
            self._position_is_kept = False
        else:
            self._position_is_kept = True


def _read_position(path: Path) -> FilePosition | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=FilePosition)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _aside(path: Path, number: int) -> Path:
    """Name of a log file that was put aside, 1 being the youngest."""
    return path.with_name(f"{path.name}.{number}")


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
