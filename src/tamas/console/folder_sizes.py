"""How much lies in a folder, measured beside everything else: many files take their time."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

FRESH_SECONDS = 300.0
"""How long a measurement is good enough."""
PATIENCE_SECONDS = 0.3
"""How long somebody who asks waits for a new one."""


@dataclass(frozen=True)
class _Measured:
    bytes: int
    at: float
    """Monotonic seconds."""


class FolderSizes:
    """Remembers sizes of folders and measures them anew now and then."""

    def __init__(self) -> None:
        self._known: dict[Path, _Measured] = {}
        self._measuring: dict[Path, asyncio.Task[None]] = {}

    async def bytes(self, folder: Path) -> int | None:
        """What the files in a folder and below take up by the last measurement; ``None`` before the first."""
        known = self._known.get(folder)
        if known is None or time.monotonic() - known.at > FRESH_SECONDS:
            task = self._measuring.get(folder)
            if task is None:
                task = asyncio.create_task(self._measure(folder), name="folder-size")
                self._measuring[folder] = task
                task.add_done_callback(lambda _: self._measuring.pop(folder, None))
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
            known = self._known.get(folder)
        return None if known is None else known.bytes

    async def _measure(self, folder: Path) -> None:
        size = await asyncio.to_thread(_size_of, folder)
        self._known[folder] = _Measured(size, time.monotonic())


def _size_of(folder: Path) -> int:
    """Bytes of the plain files; what vanishes or cannot be read meanwhile counts nothing."""
    size = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                state = os.lstat(os.path.join(place, name))  # noqa: PTH118 - a Path for each costs more
            except OSError:
                continue
            if stat.S_ISREG(state.st_mode):
                size += state.st_size
    return size
