"""Spit Detection: does a call belong to a burst from one area?"""

from __future__ import annotations

import logging

from tamas.dialplan.bursts import burst_of
from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, NoParams, component
from tamas.dialplan.graph import NO, YES
from tamas.dialplan.store_wait import in_time

log = logging.getLogger(__name__)


@component(type="SpitDetection", title="Spit Detection", group=Group.CONDITION, outputs=(YES, NO))
async def spit_detection(call: Call, _: NoParams) -> Exit:
    """Recognise a call of a burst; the caller then hears what the rule has for them."""
    burst = await in_time(
        burst_of(
            call.services.database,
            call.services.bursts,
            await call.runtime(),
            number=call.caller_number,
            cuid=call.cuid,
        )
    )
    if burst is None:
        return NO
    log.info("call %s belongs to a burst (%s)", call.cuid, burst.rule)
    await call.tell({"burst": "1"})
    if burst.announcement:
        await call.answer()
        await call.play(burst.announcement)
    return YES
