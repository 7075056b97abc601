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
from tamas.engine.link import EngineAccess

log = logging.getLogger(__name__)

EFFECTS_SECONDS = 2.0
"""For all effects of one request together."""
SLOW_SECONDS = 0.2
"""How long a request waits for its slow effects; they go on after it."""

_going_on: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to tell the engine."""

    what: str
    """In words, for the log."""
    run: Callable[[AmiClient], Awaitable[None]]
    slow: bool = False
    """Whether Asterisk may have to read everything for it; it gets a manager connection of its own."""


async def carry_over(engine: EngineAccess, effects: Sequence[Effect]) -> None:
    """Run the effects of a request on the engine, in order, if it is there and answers.

    After the first that gets no answer the rest is left to the rows. Slow ones come last and may go on when
    the request is answered already.
    """
    if not effects:
        return
    if not engine.ready:
        log.info("engine away: %s waits until it reads the store", _named(effects))
        return
    ami = engine.ami
    quick = [effect for effect in effects if not effect.slow]
    slow = [effect for effect in effects if effect.slow]
    if quick and not await _run_within(ami, quick, EFFECTS_SECONDS):
        return
    if slow:
        task = asyncio.create_task(_run_apart(ami, slow), name="slow-effects")
        _going_on.add(task)
        task.add_done_callback(_going_on.discard)
        await asyncio.wait({task}, timeout=SLOW_SECONDS)


async def _run_within(ami: AmiClient, effects: Sequence[Effect], seconds: float | None) -> bool:
    """Run effects in order; tells whether the engine answered. ``None``: each has its own time limit only."""
    done = 0
    try:
        async with asyncio.timeout(seconds):
            for effect in effects:
                try:
                    await effect.run(ami)
                except (AmiTimeout, AmiDisconnected):
                    raise
                except AmiError as error:
                    log.warning("the engine refused %s: %s", effect.what, error)
                done += 1
    except (TimeoutError, AmiTimeout, AmiDisconnected) as error:
        reason = str(error) or f"no answer within {seconds:g} s"
        log.warning("%s did not reach the engine: %s", _named(effects[done:]), reason)
        return False
    return True


async def _run_apart(ami: AmiClient, effects: Sequence[Effect]) -> None:
    try:
        async with ami.apart() as own:
            await _run_within(own, effects, None)
    except AmiError as error:
        log.warning("%s did not reach the engine: %s", _named(effects), error)


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


def break_told(queue: str, agent: str, *, paused: bool, reason: str = "") -> Effect:
    """Make the engine put an agent on break in a queue, or end the break; it also writes the queue log."""

    async def pause(ami: AmiClient) -> None:
        interface = live.member_interface(agent)
        await live.pause_member(ami, queue, interface, paused=paused, reason=reason)

    return Effect(what=f"break of agent {agent} in queue {queue}", run=pause)


def phones_followed(number: str) -> Effect:
    """Make the engine follow the state of an extension's phones."""

    async def follow(ami: AmiClient) -> None:
        await live.endpoint_changed(ami, number)

    return Effect(what=f"following the phones of extension {number}", run=follow, slow=True)
