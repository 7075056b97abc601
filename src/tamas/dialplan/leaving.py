"""Calling a number beyond a trunk: what several components do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import String, bindparam, cast, select

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit
from tamas.dialplan.dial import Cause
from tamas.dialplan.directory import active_trunk
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.store_wait import in_time
from tamas.engine.dialing_out import is_barred, trunk_string
from tamas.store.database import HotQuery
from tamas.store.schema import queue_members

_QUEUES_OF: Final = HotQuery(
    select(queue_members.c.queue_name).where(queue_members.c.membername == cast(bindparam("agent"), String))
)


async def may_leave(call: Call, queues: Sequence[str], extensions: Sequence[str]) -> bool:
    """Whether the caller is one of these extensions, or works in one of these queues; none: everyone may."""
    if not queues and not extensions:
        return True
    numbers = {call.state.phone} | ({call.caller.number} if call.caller is not None else set())
    allowed = bool(numbers.intersection(extensions))
    for number in numbers if queues and not allowed else ():
        rows = await in_time(call.services.database.hot(_QUEUES_OF, number))
        allowed = allowed or bool({str(row[0]) for row in rows}.intersection(queues))
    if not allowed:
        call.state.failed, call.state.cause = "not permitted to call over this trunk", int(Cause.REJECTED)
    return allowed


async def dial_trunk(
    call: Call, trunk: str, number: str, *, timeout: int, limit: int = 0, options: str = ""
) -> Exit:
    """Dial a number over a trunk, and tell by which output the call goes on.

    :param trunk: its name; empty: the first active one.
    :param number: empty when it cannot be dialed.
    :param timeout: seconds of ringing.
    :param limit: seconds of talk; 0: none of its own.
    :param options: letters of Dial; empty: the usual ones.
    """
    state = call.state
    if not number:
        state.failed, state.cause = "no number that can be dialed", int(Cause.INVALID_NUMBER)
        return FAILURE
    if state.type != "incoming":
        state.type = "outgoing"
        call.later(("type", "outgoing"))
    call.destination(number)
    if is_barred(number, (await call.runtime())["calls.barred_prefixes"]):
        state.failed, state.cause = "barred number", int(Cause.REJECTED)
        return FAILURE
    name = await _active(call, trunk)
    if name is None:
        state.failed, state.cause = "no such number, and no active trunk", int(Cause.UNALLOCATED)
        return FAILURE
    call.later(("exit", name))
    await call.mark()
    outcome = await call.dial(
        trunk_string(name, number),
        timeout=timeout,
        limit=call.limit(limit),
        options=options + call.masking if options else None,
        recording=await call.recording(wanted=False),
    )
    return SUCCESS if call.note(outcome) else FAILURE


async def _active(call: Call, trunk: str) -> str | None:
    if not trunk:
        return (await call.look_up(call.state.effective_number)).trunk
    return trunk if await in_time(active_trunk(call.services.database, trunk)) else None
