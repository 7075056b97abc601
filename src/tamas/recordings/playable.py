"""A recording as a file that people can play, made for the occasion when it is not kept in that form."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tamas.media.apart import RecordingOrder, recordings_apart, sound_apart
from tamas.media.formats import SoundFormat
from tamas.media.refusals import MediaRefused
from tamas.recordings.folders import FORMS, RecordingFolders

log = logging.getLogger(__name__)

_ENDING = re.compile(r"\.(mp3|wav)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Playable:
    """A file to be played."""

    path: Path
    form: SoundFormat
    name: str
    """What it may be called."""
    temporary: bool
    """Whether it was made for the occasion: whoever asked for it removes it."""


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """All recordings of an instance."""

    folders: RecordingFolders
    scratch: Path
    """Folder for what is made for an occasion."""

    async def playable(self, name: str, form: SoundFormat | None = None) -> Playable | None:
        """A recording with both parties in one channel; ``None`` when there is none of this name.

        :param name: as reports show it; the ending may lack, or be the other one. Of a call that goes on
            there is what was said so far.
        :param form: wanted where the name has no ending; else the one that there is.
        """
        stem, ending = _named(name)
        wanted = ending or form
        kept = {
            each: path
            for each in FORMS
            if (path := await asyncio.to_thread(self.folders.find_kept, stem, each)) is not None
        }
        if wanted in kept:
            return _as_kept(kept[wanted], wanted)
        if not kept:
            return await self._from_source(stem, wanted, dual=False)
        present, path = next(iter(kept.items()))
        if wanted is None:
            return _as_kept(path, present)
        target = await asyncio.to_thread(self._scratch_file, wanted)
        try:
            await sound_apart(path, target, to=wanted, channels=None)
        except MediaRefused as refusal:
            log.info("recording %s is given as it is: %s", path.name, refusal)
            return _as_kept(path, present)
        return Playable(path=target, form=wanted, name=f"{stem}.{wanted}", temporary=True)

    async def playable_dual(self, name: str) -> Playable | None:
        """A recording with one party per channel: first whoever called, second whoever answered.

        :returns: ``None`` when there is none, or none of that kind.
        """
        stem, ending = _named(name)
        for form in sorted(FORMS, key=lambda each: each != ending):
            path = await asyncio.to_thread(self.folders.find_dual, stem, form)
            if path is None:
                path = await asyncio.to_thread(self._find_stereo, stem, form)
            if path is not None:
                return Playable(path=path, form=form, name=f"{stem}.{form}", temporary=False)
        if await asyncio.to_thread(self._is_kept, stem):
            return None
        return await self._from_source(stem, ending, dual=True)

    def _find_stereo(self, stem: str, form: SoundFormat) -> Path | None:
        """A recording of somebody else's making, put there by hand, may have its parties apart."""
        from tamas.media.audio import probe  # large, and seldom needed

        path = self.folders.find_kept(stem, form)
        try:
            return path if path is not None and probe(path).channels == 2 else None
        except MediaRefused:
            return None

    def _is_kept(self, stem: str) -> bool:
        return any(self.folders.find_kept(stem, form) is not None for form in FORMS)

    async def _from_source(self, stem: str, wanted: SoundFormat | None, *, dual: bool) -> Playable | None:
        source = await asyncio.to_thread(self.folders.find_source, stem)
        if source is None:
            return None
        form: SoundFormat = wanted or ("wav" if source.name.endswith(".wav.raw") else "mp3")
        target = await asyncio.to_thread(self._scratch_file, form)
        order = RecordingOrder(
            source=source, mixed=None if dual else target, dual=target if dual else None, to=form
        )
        (outcome,) = await recordings_apart([order])
        if not isinstance(outcome, int):
            log.info("recording %s cannot be played: %s", source.name, outcome)
            target.unlink(missing_ok=True)
            return None
        return Playable(path=target, form=form, name=f"{stem}.{form}", temporary=True)

    def _scratch_file(self, form: SoundFormat) -> Path:
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=f".{form}", dir=self.scratch)
        os.close(handle)
        return Path(name)


def _as_kept(path: Path, form: SoundFormat) -> Playable:
    return Playable(path=path, form=form, name=path.name, temporary=False)


def _named(name: str) -> tuple[str, SoundFormat | None]:
    """A name without its ending, and the form that the ending names."""
    stem, dot, ending = name.rpartition(".")
    if _ENDING.fullmatch(dot + ending) is None:
        return name, None
    return stem, "mp3" if ending.lower() == "mp3" else "wav"
