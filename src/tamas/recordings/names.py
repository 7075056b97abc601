"""Names of recordings: fixed when a talk is about to begin, one for each stretch of talk.

``<YYYYMMDD>_<cuid>.mp3`` (or ``.wav``); the date is the call's start in the configured time zone, the ending
is the form in which the recording will be kept. Later pieces of a call get ``.1``, ``.2``, ... before it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tamas.media.formats import SoundFormat
from tamas.recordings.folders import RecordingFolders

REMEMBERED_CALLS: Final = 20_000
"""Calls whose taken names are remembered; those of older calls are seen on disk."""
MAX_PIECES: Final = 1_000

_CUID: Final = re.compile(r"(?P<epoch>\d{1,12})\.\d{1,12}")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording that is going to be made."""

    name: str
    """As reports show it."""
    file: str
    """Absolute name of what Asterisk writes."""

    @property
    def directory(self) -> str:
        return self.file.rpartition("/")[0]


class RecordingNames:
    """Gives each stretch of talk a name of its own."""

    def __init__(self, folders: RecordingFolders) -> None:
        """:param folders: in a state directory that :mod:`tamas.state` let pass."""
        self._folders = folders
        self._taken: OrderedDict[str, int] = OrderedDict()

    def take(self, cuid: str, timezone: str, form: SoundFormat) -> Recording | None:
        """Take the next free name of a call; ``None`` for an id that is not Asterisk's, or far too many.

        :param timezone: IANA name.
        :param form: in which it will be kept.
        """
        match = _CUID.fullmatch(cuid)
        if match is None:
            return None
        start = datetime.fromtimestamp(int(match["epoch"]), tz=UTC).astimezone(ZoneInfo(timezone))
        for piece in range(self._taken.get(cuid, 0), MAX_PIECES):
            stem = f"{start:%Y%m%d}_{cuid}{f'.{piece}' if piece else ''}"
            if not self._folders.holds(stem):
                self._remember(cuid, piece + 1)
                name = f"{stem}.{form}"
                return Recording(name=name, file=str(self._folders.source(name)))
        return None

    def give_back(self, cuid: str, recording: Recording) -> None:
        """Free the last name taken, because nobody answered; a name with a file stays taken."""
        if not Path(recording.file).exists() and self._taken.get(cuid, 0) > 0:
            self._remember(cuid, self._taken[cuid] - 1)

    def _remember(self, cuid: str, taken: int) -> None:
        self._taken[cuid] = taken
        self._taken.move_to_end(cuid)
        if len(self._taken) > REMEMBERED_CALLS:
            self._taken.popitem(last=False)
