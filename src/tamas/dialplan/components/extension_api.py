"""Extension API: a web service says whose phone rings."""

from __future__ import annotations

from tamas.dialplan.asking import ApiAddress, ask, blame, check_address
from tamas.dialplan.call import Call
from tamas.dialplan.common_params import DialOptions, RingTime
from tamas.dialplan.component import Exit, Group, Params, component
from tamas.dialplan.graph import BUSY, FAILURE, SUCCESS
from tamas.dialplan.reaching import resume_number, ring_number
from tamas.dialplan.resume import Outcome
from tamas.dialplan.web_service import WebServiceFailed, answered_text
from tamas.engine.dialing_out import DIALABLE
from tamas.engine.fixed_dialplan import EXTENSION_RING_SECONDS


class ExtensionApiParams(Params):
    """Parameters of an Extension API."""

    api_address: ApiAddress = ""
    timeout: RingTime = EXTENSION_RING_SECONDS
    options: DialOptions = ""


@component(
    type="ExtensionApi",
    title="Extension API",
    group=Group.REACH,
    outputs=(SUCCESS, BUSY, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
)
async def extension_api(call: Call, params: ExtensionApiParams) -> Exit:
    """Ring the extension that a web service names; otherwise as Extension.

    F when the web service fails, or names nobody that can be rung. Such as: bring callers back to the person
    they talked to last.
    """
    try:
        number = answered_text(await ask(call, params.api_address), "extension")
    except WebServiceFailed:
        return FAILURE
    if DIALABLE.fullmatch(number) is None:
        blame(call, WebServiceFailed(f"{number!r:.60} is no extension"))
        return FAILURE
    return await ring_number(call, number, timeout=params.timeout, options=params.options)


@extension_api.resumed
async def _resumed(call: Call, _params: ExtensionApiParams, outcome: Outcome) -> Exit:
    return await resume_number(call, outcome)


@extension_api.checked
def _check(params: ExtensionApiParams) -> None:
    check_address(params.api_address)
