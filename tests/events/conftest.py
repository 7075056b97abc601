"""What of the events is seen on both stores every day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.every_day import keep_on_postgresql

WHERE_STORES_DIFFER = (
    "test_a_fact_that_is_undone_is_not_told",
    "test_one_process_delivers",
    "test_old_events_go",
    "test_positions_have_no_gaps",
    "test_told_once_in_order",
)
"""Tests of what the store does itself."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_on_postgresql(items, Path(__file__).parent, most=1, always=WHERE_STORES_DIFFER)
