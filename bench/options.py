"""How thorough a run is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tamas.engine.install import ensure_sipp, ensure_tool
from tamas.settings import load_settings

_progress = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Tell a person who waits what is going on."""
    _progress.print(text, style="dim", markup=False, soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every bench gets. ``quick`` gives rough figures in a few minutes."""

    quick: bool
    new_postgresql: Callable[[], str]
    """Makes an empty PostgreSQL database and returns its URL."""
    folder: Path
    """For files of this run."""

    def wrk(self) -> tuple[str, ...]:
        """The words that start wrk, fetched when it is not cached."""
        return ensure_tool(load_settings().cache_dir, "wrk", "usr/bin/wrk", say)

    def sipp(self) -> tuple[str, ...]:
        """The words that start SIPp."""
        return ensure_sipp(load_settings().cache_dir, say)

    def database_url(self, store: str) -> str:
        """What ``running_product`` wants for ``sqlite`` or ``postgresql``."""
        return "" if store == "sqlite" else self.new_postgresql()


STORES = ("sqlite", "postgresql")
STORE_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
