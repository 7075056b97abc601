"""Mix Monitor: the call is recorded from here on."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.call_recording import start_recording, stop_recording
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.graph import NEXT

START: Final = "start"
STOP: Final = "stop"


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
    a queue or a trunk that comes later. From its second talk on
    each talk is a piece of its own.
    """
    if params.type == STOP:
        await stop_recording(call)
    else:
        await start_recording(call, params.options)
    return NEXT
