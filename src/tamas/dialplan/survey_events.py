"""Telling of a survey's answer as soon as it is given.

An integrator wants it then, not when the call is over. The fact in Asterisk's own events is what lasts: of an
answer that nobody told of, because our process died or the store was away, the call's record tells in the end
(:mod:`tamas.records.announcing`).
"""

from __future__ import annotations

import logging

from tamas.dialplan.call import Call
from tamas.dialplan.store_wait import StoreUnreachable, in_time
from tamas.events.marks import answer_mark, mark
from tamas.events.of_calls import survey
from tamas.events.outbox import Event, emit
from tamas.store.clock import now
from tamas.store.database import Database

log = logging.getLogger(__name__)

_AGENT = "${MEMBERNAME}/${QUEUENAME}"
"""Who talked to the caller for a queue; Asterisk sets it on the caller's channel, also for the call after."""


async def tell_answer(call: Call, point: int, label: str) -> None:
    """Tell that the caller gave points."""
    agent, _, queue = (await call.session.get_full_variable(_AGENT) or "").partition("/")
    event = survey(
        call=call.cuid,
        src=call.caller_number,
        dst=agent or call.state.dst,
        queue=queue if agent else "",
        at=now(),
        point=point,
        label=label,
    )
    try:
        await in_time(_write(call.services.database, call.cuid, event))
    except StoreUnreachable as error:
        log.warning("the answer to survey %s is told when the call is over: %s", label, error)


async def _write(database: Database, cuid: str, event: Event) -> None:
    fields = event.fields
    name = f"{cuid}/{fields['date']}"
    async with database.write() as tx:
        await mark(
            tx, database.dialect, "survey", {name: answer_mark(fields["point"], fields["label"], cuid)}
        )
        await emit(tx, [event])
