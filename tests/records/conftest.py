"""What of the records is seen on both stores every day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.every_day import keep_on_postgresql

WHERE_STORES_DIFFER = (
    "test_two_at_once_never_double",
    "test_a_row_with_a_smaller_id_may_commit_later",
    "test_only_old_processed_rows_go",
    "test_two_processes_never_claim_the_same_fax",
    "test_both_at_once_give_one_row",
    "test_a_call_that_ends_meanwhile_keeps_its_record",
)
"""Tests of what the store does itself."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_on_postgresql(items, Path(__file__).parent, most=1, always=WHERE_STORES_DIFFER)
