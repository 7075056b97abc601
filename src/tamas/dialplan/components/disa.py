"""DISA: a dial tone for whoever knows the password."""

from __future__ import annotations

import contextlib
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, Reroute, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.typed_secrets import ask_node_secret
from tamas.dialplan.walker import OUTGOING
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.fastagi import AgiCommandFailed

NO_PASSWORD: Final = "no-password"  # noqa: S105 - the documented word for none
FIRST_DIGIT_SECONDS: Final = 20.0
"""Of dial tone."""
NEXT_DIGIT_SECONDS: Final = 5.0
"""After which a number is complete."""


class DisaParams(Params):
    """Parameters of a DISA."""

    password: Annotated[
        str, Param(label="Password", help="no-password: nobody is asked.", ref=Ref.SECRET)
    ] = NO_PASSWORD
    context: Annotated[
        str, Param(label="Context", help="Outgoing Route that the dialed number enters.", ref=Ref.CONTEXT)
    ] = "main_routing"


@component(type="Disa", title="DISA", group=Group.REACH, interacts=True)
async def disa(call: Call, params: DisaParams) -> Exit:
    """Give a dial tone and dial what the caller dials, by the Outgoing Route of a context."""
    if call.live.entry(OUTGOING, params.context) is None:
        return End(cause=Cause.UNALLOCATED, failed="no such outgoing route", started=False)
    await call.answer()
    if params.password != NO_PASSWORD and not await ask_node_secret(call, params.password):
        return End(cause=Cause.REJECTED, failed="no right secret was typed")
    number = await _dialed(call, int((await call.runtime())["disa.max_digits"]))
    if DIALABLE.fullmatch(number) is None:
        return End(cause=Cause.NORMAL, failed="nothing was dialed", started=False)
    call.state.data = ""
    return Reroute(context=params.context, number=number, phone=call.state.phone)


@disa.advised
def _advise(params: DisaParams) -> None:
    if params.password == NO_PASSWORD:
        raise ParamsInvalid(
            "password", "is none: whoever gets here can call at your expense; set one, or ask before"
        )


async def _dialed(call: Call, max_digits: int) -> str:
    """Digits until ``#``, the limit, or a pause; a ``#`` at the begin belongs to the number."""
    session = call.session
    await session.execute("PlayTones", "dial")
    digits = await session.wait_for_digit(FIRST_DIGIT_SECONDS) or ""
    with contextlib.suppress(AgiCommandFailed):
        await session.execute("StopPlayTones")
    if not digits or max_digits == 1:
        return digits
    # Within Asterisk: AGI drops what is pressed between two commands.
    return digits + await session.get_data("", timeout=NEXT_DIGIT_SECONDS, max_digits=max_digits - 1)
