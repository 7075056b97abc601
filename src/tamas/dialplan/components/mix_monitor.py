"""Mix Monitor: the call is recorded from here on."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.graph import NEXT

log = logging.getLogger(__name__)

START: Final = "start"
STOP: Final = "stop"
MONITOR: Final = "TAMAS_MONITOR"
"""Channel variable with Asterisk's id of the recording."""


class MixMonitorParams(Params):
    """Parameters of a Mix Monitor."""

    type: Annotated[str, Param(label="Type", choices=(START, STOP))] = START
    options: Annotated[
        str, Param(label="MixMonitor options", ref=Ref.OPTIONS, application="MixMonitor", max_length=40)
    ] = ""


@component(type="MixMonitor", title="Mix Monitor", group=Group.AUDIO, outputs=(NEXT,))
async def mix_monitor(call: Call, params: MixMonitorParams) -> Exit:
    """Record the call from here on, or stop recording it; a recording also ends with the call.

    A call that is being recorded already is not recorded a second time, neither here nor by an extension,
    a queue or a trunk that comes later.
    """
    session = call.session
    if params.type == STOP:
        running = await session.get_variable(MONITOR)
        if running:
            await session.execute("StopMixMonitor", running)
            await call.set(**{MONITOR: "", "TAMAS_RECORDING": ""})
            call.recorded = False
        return NEXT
    if call.recorded:
        return NEXT
    recording = await call.take_recording()
    if recording is None:
        log.error("call %s cannot be recorded: there is no name left for it", call.cuid)
        return NEXT
    await call.tell({"record": recording.name})
    # D keeps the parties apart, by turns in one file.
    await session.execute("MixMonitor", recording.file, f"{params.options}Di({MONITOR})")
    await call.set(TAMAS_RECORDING="1")
    call.recorded = True
    return NEXT
