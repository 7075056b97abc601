"""Trunk API: a web service says where the call goes, by which trunk and for how long."""

from __future__ import annotations

from typing import Any, Final

from tamas.dialplan.asking import ApiAddress, ask, blame, check_address
from tamas.dialplan.call import Call
from tamas.dialplan.common_params import DialOptions, RingTime
from tamas.dialplan.component import Exit, Group, Params, component
from tamas.dialplan.dial import TRUNK_RING_SECONDS
from tamas.dialplan.graph import FAILURE, SUCCESS
from tamas.dialplan.leaving import dial_trunk
from tamas.dialplan.resume import Outcome
from tamas.dialplan.web_service import WebServiceFailed, answered_text
from tamas.engine.dialing_out import DIALABLE

LONGEST_TALK: Final = 86_400
"""Seconds; a longer limit is as good as this one."""


class TrunkApiParams(Params):
    """Parameters of a Trunk API."""

    api_address: ApiAddress = ""
    timeout: RingTime = TRUNK_RING_SECONDS
    options: DialOptions = ""


@component(
    type="TrunkApi",
    title="Trunk API",
    group=Group.REACH,
    outputs=(SUCCESS, FAILURE),
    interacts=True,
    answers=(SUCCESS,),
)
async def trunk_api(call: Call, params: TrunkApiParams) -> Exit:
    """Dial the number that a web service names, over the trunk that it names, for as long as it allows.

    S when the talk is over, F when it was not connected, or the web service fails. Barred prefixes are
    refused whoever names them.
    """
    try:
        trunk, number, limit = _read(await ask(call, params.api_address))
    except _Unusable as error:
        blame(call, error)
        return FAILURE
    except WebServiceFailed:
        return FAILURE
    return await dial_trunk(call, trunk, number, timeout=params.timeout, limit=limit, options=params.options)


class _Unusable(WebServiceFailed):
    """An answer whose values cannot be used."""


def _read(answer: dict[str, Any]) -> tuple[str, str, int]:
    """Trunk, number and limit of an answer, seconds; 0: no limit."""
    try:
        trunk, number, limit = (answered_text(answer, key) for key in ("trunk", "extension", "call_limit"))
    except WebServiceFailed as error:
        raise _Unusable(str(error)) from error
    if not trunk or DIALABLE.fullmatch(number) is None:
        raise _Unusable(f"trunk {trunk!r:.60} and number {number!r:.60} cannot be dialed")
    if limit and not (limit.isascii() and limit.isdigit()):
        raise _Unusable(f"{limit!r:.60} is no limit in seconds")
    return trunk, number, min(int(limit or "0"), LONGEST_TALK)


@trunk_api.resumed
async def _resumed(call: Call, _params: TrunkApiParams, outcome: Outcome) -> Exit:
    return SUCCESS if call.note(outcome) else FAILURE


@trunk_api.checked
def _check(params: TrunkApiParams) -> None:
    check_address(params.api_address)
