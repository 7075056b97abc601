"""Build hook: a package without the console's pages is not built.

They are made from ``web/`` with Node, which whoever builds or installs a package need not have; so they are
built before, by ``make console``, and only looked for here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = Path("src/tamas/console/static")


class ConsolePages(BuildHookInterface):  # type: ignore[type-arg]
    """Refuses to build a wheel or a source distribution when the pages are not there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the interface
        """End the build when they are not there; an editable installation may come before them."""
        if version != "editable" and not (Path(self.root) / PAGES / "index.html").is_file():
            self.app.abort(f"{PAGES} does not hold the console's pages: run 'make console' first")
