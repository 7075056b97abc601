"""Which tests of a folder are for every day, where each takes long and proves more of the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest


def keep_for_every_day(items: Sequence[pytest.Item], folder: Path, most: Mapping[str, int]) -> None:
    """Mark as slow what comes behind the first tests of a module.

    :param folder: whose modules are meant.
    :param most: module name to how many of its tests, from the first, are for every day.
    """
    seen: Counter[str] = Counter()
    for item in items:
        kept = most.get(item.path.stem)
        if kept is None or item.path.parent != folder or item.get_closest_marker("slow"):
            continue
        seen[item.path.stem] += 1
        if seen[item.path.stem] > kept:
            item.add_marker(pytest.mark.slow)
