"""Where recordings lie. A file is found by the name that reports give, never by a path that somebody sends.

| folder below the root | what lies there |
|---|---|
| ``source/`` | what Asterisk writes or wrote, ``<name>.raw``, until it is converted |
| ``<YYYYMMDD>/`` | kept recordings, ``<name>``; beside it ``<stem>.dual.<form>`` with one party per channel |
| ``removed/`` | sources that could not be converted |
| ``converting/`` | what a conversion is writing; means nothing to anybody else |

A source holds 16-bit samples of both parties by turns, without a head: whatever Asterisk wrote before it died
is usable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tamas.media.formats import SoundFormat

FORMS: Final[tuple[SoundFormat, ...]] = ("mp3", "wav")
"""In the order in which they are looked for."""
SOURCE_ENDING: Final = ".raw"
"""For MixMonitor the name of the format too: signed linear, 8 kHz."""

_NAME: Final = re.compile(r"(?P<stem>(?P<day>[0-9]{8})_[0-9.]{1,80})\.(?P<form>wav|mp3)")
_STEM: Final = re.compile(r"[0-9]{8}_[0-9.]{1,80}")


@dataclass(frozen=True, kw_only=True)
class RecordingName:
    """A name that reports may show, taken apart."""

    name: str
    stem: str
    day: str
    form: SoundFormat


def read_name(name: str) -> RecordingName | None:
    """Take a name apart; ``None`` for what is no name of a recording."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    form: SoundFormat = "mp3" if match["form"] == "mp3" else "wav"
    return RecordingName(name=name, stem=match["stem"], day=match["day"], form=form)


@dataclass(frozen=True, kw_only=True)
class RecordingFolders:
    """The folders of all recordings."""

    root: Path

    @property
    def sources(self) -> Path:
        return self.root / "source"

    @property
    def removed(self) -> Path:
        return self.root / "removed"

    @property
    def converting(self) -> Path:
        return self.root / "converting"

    def source(self, name: str) -> Path:
        """What Asterisk writes of a recording."""
        return self.sources / f"{name}{SOURCE_ENDING}"

    def broken(self, name: str) -> Path:
        """Where a source goes that could not be converted."""
        return self.removed / f"{name}{SOURCE_ENDING}"

    def kept(self, name: RecordingName) -> Path:
        """Both parties in one channel."""
        return self.root / name.day / name.name

    def kept_dual(self, name: RecordingName) -> Path:
        """One party per channel."""
        return self.root / name.day / f"{name.stem}.dual.{name.form}"

    def find_kept(self, stem: str, form: SoundFormat) -> Path | None:
        """The kept recording of a stem in one form; ``None`` when there is none. Links are none."""
        name = read_name(f"{stem}.{form}")
        return None if name is None else _plain(self.kept(name))

    def find_dual(self, stem: str, form: SoundFormat) -> Path | None:
        """The same with one party per channel."""
        name = read_name(f"{stem}.{form}")
        return None if name is None else _plain(self.kept_dual(name))

    def find_source(self, stem: str) -> Path | None:
        """What is not converted yet, or is still being recorded; ``None`` when there is no such thing."""
        if _STEM.fullmatch(stem) is None:
            return None
        found = (_plain(self.source(f"{stem}.{form}")) for form in FORMS)
        return next((path for path in found if path is not None), None)

    def holds(self, stem: str) -> bool:
        """Whether there is anything of a stem, of whatever use."""
        for form in FORMS:
            name = read_name(f"{stem}.{form}")
            if name is None:
                return False
            places = (self.source(name.name), self.kept(name), self.broken(name.name))
            if any(place.exists() for place in places):
                return True
        return False

    def list_sources(self) -> Iterator[tuple[RecordingName, os.stat_result]]:
        """The sources that lie there; what vanishes meanwhile is left out."""
        try:
            entries = os.scandir(self.sources)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                name = read_name(entry.name.removesuffix(SOURCE_ENDING))
                if name is None or not entry.name.endswith(SOURCE_ENDING):
                    continue
                try:
                    if entry.is_file(follow_symlinks=False):
                        yield name, entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue


def _plain(path: Path) -> Path | None:
    return path if path.is_file() and not path.is_symlink() else None
