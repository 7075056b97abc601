"""Smart API: a web service says what to do, command by command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from tamas.dialplan.asking import ApiAddress, ask, blame, check_address
from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, Row, component
from tamas.dialplan.graph import ERROR
from tamas.dialplan.menu import case_of
from tamas.dialplan.smart_api import SmartApiError, parse_commands
from tamas.dialplan.smart_commands import CommandFailed, run_commands
from tamas.dialplan.web_service import WebServiceFailed


class SmartApiParams(Params):
    """Parameters of a Smart API."""

    api_address: ApiAddress = ""


class ExitCase(Row):
    """What a row matches: what the command Exit names, letter by letter."""

    case: Annotated[str, Param(label="Case", max_length=80)]


@component(
    type="SmartApi",
    title="Smart API",
    group=Group.MENU,
    row=ExitCase,
    optional=(ERROR,),
    plays=True,
    interacts=True,
)
async def smart_api(call: Call, params: SmartApiParams) -> Exit:
    """Carry out the commands of a web service: play, say, ask for digits, set the number, leave by a row.

    Any error leads to ``e``: the web service, the list of commands (nothing of it is begun then), a command
    that fails (the rest is not begun), a case that is not there. Without Exit the call goes on by the only
    row, if there is only one.
    """
    rows = {case_of(output): output.key for output in call.node.outputs}
    try:
        answer = await ask(call, params.api_address, originated=True)
    except WebServiceFailed:
        return ERROR
    try:
        case = await _carry_out(call, answer.get("commands") or "", rows)
    except (SmartApiError, CommandFailed) as error:
        blame(call, error)
        return ERROR
    if case is not None:
        return rows[case]
    keys = [key for key in rows.values() if key != ERROR]
    return keys[0] if len(keys) == 1 else call.end()


async def _carry_out(call: Call, commands: Any, rows: Mapping[str, str]) -> str | None:
    """The case to leave by; ``None``: the commands name none."""
    if not isinstance(commands, str):
        raise CommandFailed("commands is no text")
    case = await run_commands(call, parse_commands(commands))
    if case is not None and case not in rows:
        raise CommandFailed(f"Exit: there is no case {case!r:.80}")
    return case


@smart_api.checked
def _check(params: SmartApiParams) -> None:
    check_address(params.api_address)
