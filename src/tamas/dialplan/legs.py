"""Ringing one party on behalf of another step: for a queue, or as first leg of an originate."""

from __future__ import annotations

from tamas.dialplan.call import KEEP_CALLER_ID, Call
from tamas.dialplan.component import End
from tamas.dialplan.dial import Cause, cause_of
from tamas.dialplan.entry import Way
from tamas.dialplan.resume import Leg, Outcome


async def ring_leg(call: Call) -> End:
    """Ring the phones of an extension: no forwarding, no further steps."""
    entry = call.entry
    extension = (await call.look_up(entry.dialed)).extension
    if extension is None:
        return End(cause=Cause.UNALLOCATED)
    if entry.way is Way.FIRST_LEG:
        await _mark(call, Leg(kind="first-leg", number=extension.number))
        # What an originated call is limited to is the talk, which begins when the second party answers.
        return after_leg(await call.ring(extension, timeout=None, options=KEEP_CALLER_ID))
    await _mark(call, Leg(kind="agent", number=extension.number))
    recording = None
    if extension.record and not entry.recording:
        recording = await call.take_recording()
    outcome = await call.ring(
        extension,
        timeout=None,
        limit=call.limit(),
        options=entry.options,
        recording=recording,
        facts={"agent": extension.number},
    )
    return after_leg(outcome)


def after_leg(outcome: Outcome) -> End:
    """The end of a leg. It is one attempt of several; a reason belongs to the call."""
    if outcome.status == "ANSWER":
        return End(cause=Cause.NORMAL)
    return End(cause=cause_of(outcome.status, outcome.cause))


async def _mark(call: Call, leg: Leg) -> None:
    await call.set(TAMAS_NODE=str(leg), DIALSTATUS="")
