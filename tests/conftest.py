"""Fixtures that every test may use; `tests/README.md` lists them."""

from __future__ import annotations

pytest_plugins = [
    "support.databases",
    "support.leaks",
    "support.phones",
    "support.reports",
    "support.servers",
]
