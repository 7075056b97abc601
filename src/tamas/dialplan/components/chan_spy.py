"""ChanSpy: listening to a running call."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.common_params import Prefix, Skip
from tamas.dialplan.component import End, Exit, Group, Param, Params, Ref, component
from tamas.dialplan.dial import Cause
from tamas.engine.fastagi import AgiRaw

log = logging.getLogger(__name__)

ENDS: Final = "ES"
"""Options that end the listening with the call that is listened to, or when there is none."""


class ChanSpyParams(Params):
    """Parameters of a ChanSpy."""

    extension: Annotated[
        str, Param(label="Extension", ref=Ref.EXTENSION, help="Empty: the entered number.")
    ] = ""
    skip: Skip = 0
    prefix: Prefix = ""
    options: Annotated[
        str,
        Param(
            label="ChanSpy options",
            ref=Ref.OPTIONS,
            application="ChanSpy",
            help="With d the keys 4, 5 and 6 switch between listening, whispering and talking to both.",
            max_length=40,
        ),
    ] = "dq"


@component(type="ChanSpy", group=Group.SERVICE, interacts=True)
async def chan_spy(call: Call, params: ChanSpyParams) -> Exit:
    """Listen to the call of an extension, until that call ends or the listener hangs up.

    Who listens to whom is logged and stands with the call. Callers from outside are refused. Of the others
    whoever gets here may listen: put Authentication before, or use an Outgoing Route of its own context.
    """
    number = call.number(params.extension, skip=params.skip, prefix=params.prefix)
    if call.is_foreign:
        log.warning("call %s from outside was refused to listen to %s", call.cuid, number or "nobody")
        return End(cause=Cause.REJECTED, failed="callers from outside may not listen to calls", started=False)
    found = (await call.look_up(number)).extension if number else None
    if found is None or not found.phone:
        return End(cause=Cause.UNALLOCATED, failed="no such number", started=False)
    who = call.caller.number if call.caller is not None else call.caller_number
    log.warning("call %s: %s listens to %s", call.cuid, who or "somebody", number)
    await call.tell({"spy": number, "dst": number})
    # With the hyphen, or 20 would also mean 201.
    await call.session.execute("ChanSpy", AgiRaw(f"PJSIP/{found.phone}-"), params.options + ENDS)
    return call.end()
