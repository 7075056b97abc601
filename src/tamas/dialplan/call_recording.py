"""Recording a call on its own channel, from when the plan says so until it says stop, or the call ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tamas.dialplan.call import Call

log = logging.getLogger(__name__)

MONITOR: Final = "TAMAS_MONITOR"
"""Channel variable with Asterisk's id of the recording."""
TALKS: Final = "talks"
"""In place of an id: the talks to come are recorded, each on its own."""


async def start_recording(call: Call, options: str) -> None:
    """Record from here on, unless the call is being recorded already.

    :param options: letters of MixMonitor.
    """
    if call.recorded:
        return
    recording = await call.take_recording()
    if recording is None:
        log.error("call %s cannot be recorded: there is no name left for it", call.cuid)
        return
    await call.tell({"record": recording.name})
    # D keeps the parties apart, by turns in one file.
    await call.session.execute("MixMonitor", recording.file, f"{options}Di({MONITOR})")
    await call.set(TAMAS_RECORDING="1")
    call.recorded = True


async def stop_recording(call: Call) -> None:
    """End the recording that the plan began, if one is running."""
    running = await call.session.get_variable(MONITOR)
    if running and running != TALKS:
        await call.session.execute("StopMixMonitor", running)
    if running:
        await call.set(**{MONITOR: "", "TAMAS_RECORDING": ""})
        call.recorded = False


async def talk_takes_over(call: Call) -> bool:
    """Whether the coming talk has to be recorded on the other side, because the plan's own recording cannot.

    MixMonitor now and then loses one side of the second talk of a channel (seen with Asterisk 22.10; its
    issue 507 tells of the same after transfers). So from the second talk on each talk is a recording of its
    own, made on the channel that answers.
    """
    if not call.state.talked:
        return False
    running = await call.session.get_variable(MONITOR)
    if not running:
        return False
    if running != TALKS:
        await call.session.execute("StopMixMonitor", running)
        await call.set(**{MONITOR: TALKS, "TAMAS_RECORDING": ""})
        call.recorded = False
    return True
