"""AGI: a script of the administrator's speaks with Asterisk about the call."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, ParamsInvalid, component
from tamas.dialplan.graph import NEXT
from tamas.dialplan.script_run import run_script
from tamas.dialplan.scripts import NAME, ScriptRefused, script_file, scripts_directory

log = logging.getLogger(__name__)

DEFAULT_SECONDS: Final = 300


class AgiParams(Params):
    """Parameters of an AGI."""

    agi_file: Annotated[
        str, Param(label="Script", help="Name of a script that was added with: tamas scripts add FILE")
    ] = ""
    current_file: Annotated[
        str, Param(label="Current file", help="What the file was called when it was added; only shown.")
    ] = ""
    timeout: Annotated[
        int, Param(label="Time limit", unit="s", low=1, high=3600, help="The script is ended then.")
    ] = DEFAULT_SECONDS


@component(type="AGI", group=Group.SERVICE, outputs=(NEXT,), interacts=True)
async def agi(call: Call, params: AgiParams) -> Exit:
    """Run a script beside the call, then go on, however it ended."""
    name = params.agi_file
    try:
        script = script_file(scripts_directory(call.services.settings.state_dir), name)
    except ScriptRefused as error:
        log.error("call %s goes on without its script: %s", call.cuid, error)  # noqa: TRY400
        return NEXT
    try:
        status = await run_script(call.session, script, name=name, seconds=params.timeout)
    except OSError as error:
        log.error("script %s cannot be run for call %s: %s", name, call.cuid, error)  # noqa: TRY400
        return NEXT
    if status:
        log.warning("script %s ended with status %d (call %s)", name, status, call.cuid)
    return NEXT


@agi.checked
def _check(params: AgiParams) -> None:
    if NAME.fullmatch(params.agi_file) is None:
        raise ParamsInvalid("agi_file", "is not the name of a script")
