"""IVR API: the caller types digits, a web service chooses."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.asking import ApiAddress, ask, check_address
from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Row, component
from tamas.dialplan.graph import ERROR, INVALID, TIMEOUT
from tamas.dialplan.menu import MenuParams, case_of, resume_menu, run_menu
from tamas.dialplan.resume import Outcome
from tamas.dialplan.web_service import WebServiceFailed, answered_text


class IvrApiParams(MenuParams):
    """Parameters of an IVR API."""

    api_address: ApiAddress = ""


class NamedCase(Row):
    """What a row matches: the case that the web service names, letter by letter."""

    case: Annotated[str, Param(label="Case", max_length=80)]


@component(
    type="IvrApi",
    title="IVR API",
    group=Group.MENU,
    row=NamedCase,
    optional=(TIMEOUT, INVALID, ERROR),
    plays=True,
    interacts=True,
)
async def ivr_api(call: Call, params: IvrApiParams) -> Exit:
    """Play a menu, tell a web service the typed digits, and go on by the case that it names.

    A case that is not there is wrong input: the menu is repeated, then the call goes on by ``i``. So is a web
    service that fails, unless there is a row ``e``. No input repeats the menu, then it is ``t``.
    """
    keys = {case_of(output): output.key for output in call.node.outputs}

    async def choose(_digits: str) -> str | None:
        try:
            case = answered_text(await ask(call, params.api_address), "case")
        except WebServiceFailed:
            case = ""
        if case:
            return keys.get(case)
        return ERROR if ERROR in keys else None

    return await run_menu(call, params, choose)


@ivr_api.resumed
async def _resumed(call: Call, params: IvrApiParams, outcome: Outcome) -> Exit:
    leave = await resume_menu(call, outcome)
    return await ivr_api.run(call, params) if leave is None else leave


@ivr_api.checked
def _check(params: IvrApiParams) -> None:
    check_address(params.api_address)
