"""Ringing an extension by its number, with its forward policy: what several components do."""

from __future__ import annotations

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Reroute
from tamas.dialplan.dial import Cause
from tamas.dialplan.directory import Extension
from tamas.dialplan.forwarding import forward_target
from tamas.dialplan.graph import BUSY, FAILURE, SUCCESS
from tamas.dialplan.resume import Outcome, read_hops, write_hops
from tamas.engine.dialing_out import DIALABLE


async def ring_number(
    call: Call,
    number: str,
    *,
    timeout: int,
    limit: int = 0,
    options: str = "",
) -> Exit:
    """Ring the phones on which a number is mapped, and tell by which output the call goes on.

    A call that is not taken follows the forward policy of the extension first: it then enters the Outgoing
    Route of that extension.

    :param timeout: seconds of ringing.
    :param limit: seconds of talk; 0: none of its own.
    :param options: letters of Dial; empty: the usual ones.
    """
    found = await call.look_up(number) if number else None
    extension = found.extension if found is not None else None
    if extension is None:
        call.state.failed, call.state.cause = "no such number", int(Cause.UNALLOCATED)
        return FAILURE
    call.destination(extension.number)
    call.state.hops = write_hops((*read_hops(call.state.hops), extension.number))
    await call.mark()
    if extension.detects_fax:
        # On the caller's side: what the extension itself faxes to others is not ours.
        await call.session.set_variable("FAXOPT(faxdetect)", "yes")
    outcome = await call.ring(
        extension,
        timeout=timeout,
        limit=call.limit(limit),
        options=options + call.masking if options else None,
        recording=await call.recording(wanted=extension.record),
    )
    return await after_ring(call, extension, outcome)


async def resume_number(call: Call, outcome: Outcome) -> Exit:
    """Go on after a Dial that ended while no process of ours lived."""
    hops = read_hops(call.state.hops)
    found = await call.look_up(hops[-1]) if hops else None
    if found is None or found.extension is None:
        return SUCCESS if call.note(outcome) else FAILURE
    return await after_ring(call, found.extension, outcome)


async def after_ring(call: Call, extension: Extension, outcome: Outcome) -> Exit:
    """The output of a Dial to an extension, or where its forward policy sends the call."""
    if call.note(outcome):
        call.state.hops = ""
        return SUCCESS
    target = forward_target(extension.forward_policy, outcome.status, read_hops(call.state.hops))
    if target is not None and DIALABLE.fullmatch(target) is not None:
        lent = await call.look_up(target, phone=extension.number)
        if lent.caller is not None:  # an agent without an extension has no policy, and no rights to lend
            call.destination(target)
            return Reroute(context=lent.context, number=target, phone=extension.number)
    call.state.hops = ""
    return BUSY if outcome.status == "BUSY" else FAILURE
