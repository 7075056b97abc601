"""Fixtures that every test may use; `tests/README.md` lists them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The suite starts some hundred processes of ours; each would compile every module anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = [
    "support.commands",
    "support.databases",
    "support.leaks",
    "support.phones",
    "support.quick_passwords",
    "support.reports",
    "support.tamas_processes",
    "support.servers",
]

TOGETHER = ("autodialer", "bad_input", "browser", "dialplan", "faults")
"""Folders of which one process runs everything, because all their tests share one server or engine."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Say what runs in one process: a file, or a folder of :data:`TOGETHER`."""
    folder = item.path.parent
    together = folder if folder.name in TOGETHER else item.path
    item.add_marker(pytest.mark.xdist_group(str(together.relative_to(Path(__file__).parent))))
