"""One try to tell a receiver of an event, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from tamas.outgoing.web import AnswerTooLong, Exchanging, NoAnswer, NotAllowed, Request, body_of, exchange

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Read of an answer, so that its connection can be used again; what it says does not matter."""
MAX_ERROR: Final = 200

Verdict = Literal["delivered", "gone", "refused", "trouble", "unreachable"]
"""delivered: it has it; gone: it wants nothing any more; refused: it does not take this one; trouble: it has
trouble of its own; unreachable: it did not answer."""

_BUSY: Final = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses by which a receiver, or the proxy before it, says that it cannot answer now."""
_GONE: Final = 410


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a try."""

    verdict: Verdict
    status: int | None
    ms: int
    error: str | None


async def send(over: Exchanging, request: Request, *, seconds: float) -> Outcome:
    """Send a request; any 2xx says that it was taken, whatever follows."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    status: int | None = None
    error: str | None = None
    try:
        async with exchange(over, request, deadline=begin + seconds, seconds=seconds) as response:
            status = response.status
            await body_of(response, most=MAX_ANSWER_BYTES)
    except AnswerTooLong:
        pass
    except (NoAnswer, NotAllowed) as failed:
        error = str(failed) if status is None else None
    verdict = _verdict(status)
    if verdict != "delivered" and status is not None:
        error = f"status {status}" + (": redirects are not followed" if 300 <= status < 400 else "")
    return Outcome(
        verdict=verdict,
        status=status,
        ms=round((loop.time() - begin) * 1000),
        error=None if error is None else error[:MAX_ERROR],
    )


def _verdict(status: int | None) -> Verdict:
    if status is None or status in _BUSY:
        return "unreachable"
    if 200 <= status < 300:
        return "delivered"
    if status == _GONE:
        return "gone"
    return "trouble" if status >= 500 else "refused"
