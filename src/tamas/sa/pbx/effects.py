"""Carrying committed changes over to the running engine.

The rows are the truth: an engine that is away reads them when it comes back, so what fails here is logged and
never turns a change that was made into a failure.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from tamas.engine import live
from tamas.engine.ami import AmiClient, AmiError
from tamas.sa.service import ServiceContext

log = logging.getLogger(__name__)


async def carry_over(
    context: ServiceContext, what: str, effect: Callable[[AmiClient], Awaitable[None]]
) -> None:
    """Run one effect on the engine if it is there.

    :param what: the effect in words, for the log.
    """
    if not context.engine.ready:
        log.info("engine away: %s waits until it reads the store", what)
        return
    try:
        await effect(context.engine.ami)
    except AmiError as error:
        log.warning("%s did not reach the engine: %s", what, error)


async def refresh_queues(context: ServiceContext, queues: Iterable[str]) -> None:
    """Make the engine read queues (numbers) and their members again."""
    for queue in sorted(set(queues)):

        async def refresh(ami: AmiClient, queue: str = queue) -> None:
            await live.queue_members_changed(ami, queue)

        await carry_over(context, f"change of queue {queue}", refresh)
