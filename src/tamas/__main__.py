"""``python -m tamas``."""

from __future__ import annotations

from tamas.cli import main

main()
