"""Which tests of a folder are for every day, where each takes long and proves more of the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
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


def keep_on_postgresql(
    items: Sequence[pytest.Item], folder: Path, most: int, always: Collection[str] = ()
) -> None:
    """Mark as slow, of each module's tests that run on PostgreSQL too, what comes behind the first.

    What needs Asterisk beside the store is all slow there: `engine/test_realtime.py` and `conformance` see
    both together every day.

    :param folder: whose modules are meant, with those of the folders in it.
    :param most: how many runs on PostgreSQL of a module, from its first, are for every day.
    :param always: names of test functions whose runs on PostgreSQL are all for every day.
    """
    seen: Counter[Path] = Counter()
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is None or "postgresql" not in callspec.params.values():
            continue
        if folder not in item.path.parents or getattr(item, "originalname", "") in always:
            continue
        if item.get_closest_marker("slow"):
            continue
        seen[item.path] += 1
        if seen[item.path] > most or item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.slow)
