"""What a failure shows: the log of each server in the test, and what its phones said and heard."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

SHOWN = 8000
"""Characters of each text, its end."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the `report_text` of every fixture that has one."""
    report = yield
    if report.failed:
        fixtures: dict[str, Any] = getattr(item, "funcargs", {})
        for name, value in fixtures.items():
            text = getattr(value, "report_text", "")
            if isinstance(text, str) and text:
                report.sections.append((name, text[-SHOWN:]))
    return report
