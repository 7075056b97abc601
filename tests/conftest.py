"""Fixtures that every test may use; `tests/README.md` lists them."""

from __future__ import annotations

import os

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
