"""What of the mailboxes is seen on both stores every day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.every_day import keep_on_postgresql

WHERE_STORES_DIFFER = (
    "test_many_calls_at_once_gain_nothing",
    "test_it_is_closed_once",
)
"""Tests of what the store does itself."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_on_postgresql(items, Path(__file__).parent, most=1, always=WHERE_STORES_DIFFER)
