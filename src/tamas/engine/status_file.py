"""How the engine is, written down by the worker that supervises it for those that do not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from tamas.engine.engine import EngineStatus

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
"""How far what is written down may be behind."""


def read_status(path: Path) -> EngineStatus | None:
    """What was written down; ``None`` when there is nothing, or nothing that can be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=EngineStatus)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def keep_status(path: Path, status: Callable[[], EngineStatus | None]) -> None:
    """Write down how the engine is whenever that changes, until cancelled; then nothing is left there."""
    _remove(path)  # of a process that was killed
    written: EngineStatus | None = None
    try:
        while True:
            current = status()
            if current is not None and current != written:
                _write(path, current)
                written = current
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _write(path: Path, status: EngineStatus) -> None:
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.json.encode(status))
        fresh.chmod(0o600)
        fresh.replace(path)
    except OSError as error:
        log.warning("cannot write down how the engine is: %s", error)
