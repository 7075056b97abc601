"""Waiting with a deadline: the only way tests wait."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 0.1


@overload
async def eventually(
    condition: Callable[[], Awaitable[T]], *, within: float = 10.0, what: str = "the condition"
) -> T: ...


@overload
async def eventually(
    condition: Callable[[], T], *, within: float = 10.0, what: str = "the condition"
) -> T: ...


async def eventually(
    condition: Callable[[], Any], *, within: float = 10.0, what: str = "the condition"
) -> Any:
    """Ask until the answer is truthy, and return it.

    ``condition`` may be a plain or a coroutine function. An ``AssertionError`` in it counts as "not yet".
    :raises AssertionError: it did not come true within ``within`` seconds; says the last answer.
    """
    deadline = time.monotonic() + within
    pause = SHORTEST_PAUSE
    while True:
        failed: AssertionError | None = None
        answer: Any = None
        try:
            given = condition()
            answer = await given if inspect.isawaitable(given) else given
        except AssertionError as error:
            failed = error
        if answer:
            return answer
        if time.monotonic() > deadline:
            last = f"last answer {answer!r}" if failed is None else f"last failure: {failed}"
            raise AssertionError(f"{what} did not come true within {within} s; {last}") from failed
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)
