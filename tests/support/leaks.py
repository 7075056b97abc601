"""Fixtures that notice what a test leaves behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

GRACE_SECONDS = 2.0
PROGRAMS = ("asterisk", "chromium", "sipp", "postgres", "tamas")


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fails the test when a task it started is still there two seconds after it.

    For modules without long-lived servers inside the test process:
    ``pytestmark = pytest.mark.usefixtures("no_task_left")``.
    """
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_SECONDS)
    assert not left, f"tasks outlive the test: {left}"


@pytest.fixture(scope="session", autouse=True)
def no_process_left() -> Iterator[None]:
    """Fails the run when one of the programs that tests start is still there after it."""
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := _children()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, f"processes outlive the run: {left}"


def _children() -> list[str]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            words = child.cmdline()
        except psutil.NoSuchProcess:
            continue
        if any(program in word.rpartition("/")[2] for word in words[:4] for program in PROGRAMS):
            found.append(f"{child.pid} {' '.join(words)[:200]}")
    return found
