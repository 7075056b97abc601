"""Carrying committed changes over to the running engine.

The rows are the truth: an engine that is away or hangs reads them when it comes back, so what fails here is
logged and never turns a change that was made into a failure, nor keeps its client waiting for long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from tamas.engine import live
from tamas.engine.ami import AmiClient, AmiDisconnected, AmiError, AmiTimeout
from tamas.sa.service import ServiceContext

log = logging.getLogger(__name__)

EFFECTS_SECONDS = 2.0
"""For all effects of one request together."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to tell the engine."""

    what: str
    """In words, for the log."""
    run: Callable[[AmiClient], Awaitable[None]]


async def carry_over(context: ServiceContext, effects: Sequence[Effect]) -> None:
    """Run the effects of a request on the engine, in order, if it is there and answers.

    After the first that gets no answer the rest is left to the rows.
    """
    if not effects:
        return
    if not context.engine.ready:
        log.info("engine away: %s waits until it reads the store", _named(effects))
        return
    ami = context.engine.ami
    done = 0
    try:
        async with asyncio.timeout(EFFECTS_SECONDS):
            for effect in effects:
                try:
                    await effect.run(ami)
                except (AmiTimeout, AmiDisconnected):
                    raise
                except AmiError as error:
                    log.warning("the engine refused %s: %s", effect.what, error)
                done += 1
    except (TimeoutError, AmiTimeout, AmiDisconnected) as error:
        reason = str(error) or f"no answer within {EFFECTS_SECONDS:g} s"
        log.warning("%s did not reach the engine: %s", _named(effects[done:]), reason)


def _named(effects: Sequence[Effect]) -> str:
    others = f" and {len(effects) - 1} more" if len(effects) > 1 else ""
    return effects[0].what + others


def refreshed(queues: Iterable[str]) -> list[Effect]:
    """Make the engine read queues (numbers) and their members again."""
    return [_refreshed(queue) for queue in sorted(set(queues))]


def _refreshed(queue: str) -> Effect:
    async def refresh(ami: AmiClient) -> None:
        await live.queue_members_changed(ami, queue)

    return Effect(what=f"change of queue {queue}", run=refresh)


def phones_followed(number: str) -> Effect:
    """Make the engine follow the state of an extension's phones."""

    async def follow(ami: AmiClient) -> None:
        await live.endpoint_changed(ami, number)

    return Effect(what=f"following the phones of extension {number}", run=follow)
