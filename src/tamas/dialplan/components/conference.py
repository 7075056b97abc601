"""Conference: everybody who comes to a room hears everybody there."""

from __future__ import annotations

import re
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import NEXT
from tamas.dialplan.resume import Outcome

ROOM: Final = re.compile(r"[0-9A-Za-z]{1,20}")
BRIDGE_PROFILE: Final = "tamas_bridge"
USER_PROFILE: Final = "tamas_user"
MENU: Final = "tamas_menu"
"""All three stand in ``confbridge.conf``."""
RESULT: Final = "CONFBRIDGE_RESULT"
"""What Asterisk says when somebody left."""


class ConferenceParams(Params):
    """Parameters of a Conference."""

    conference: Annotated[
        str,
        Param(label="Room", help="Number of the room; empty: the dialed one.", ref=Ref.NUMBER, max_length=20),
    ] = ""


@component(type="Conference", group=Group.REACH, outputs=(NEXT,), interacts=True, answers=(NEXT,))
async def conference(call: Call, params: ConferenceParams) -> Exit:
    """Lead the caller into a conference room. Inside, ``*0`` leaves it and ``*1`` mutes."""
    room = call.number(params.conference)
    if ROOM.fullmatch(room) is None:
        return End(cause=Cause.INVALID_NUMBER, failed="no number of a conference room", started=False)
    await call.answer()
    call.count_as_answered()
    call.state.talked = True
    await call.flush()
    await call.set(**{RESULT: ""})
    await call.session.execute("ConfBridge", room, BRIDGE_PROFILE, USER_PROFILE, MENU)
    return NEXT


@conference.resumed_always
async def _resumed(call: Call, params: ConferenceParams, _: Outcome) -> Exit:
    if await call.session.get_variable(RESULT):
        return NEXT
    return await conference.run(call, params)


@conference.checked
def _check(params: ConferenceParams) -> None:
    if params.conference and ROOM.fullmatch(params.conference) is None:
        raise ParamsInvalid("conference", "a room has up to 20 digits or letters")
