"""Asking the web service of a node about a call: what it is told, and what a call remembers when it fails."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Param, ParamsInvalid, Ref
from tamas.dialplan.dial import Cause
from tamas.dialplan.web_service import WebServiceFailed

log = logging.getLogger(__name__)

FAILED: Final = "the web service failed"
"""What reports say when nobody was reached after that."""
ORIGINATE: Final = "TAMAS_ORIGINATE"
"""Channel variable with the id of the originate that made the call."""


ApiAddress = Annotated[
    str, Param(label="Address", ref=Ref.URL, help="Of the web service: http or https.", max_length=2_000)
]
"""A parameter: which web service is asked."""


def check_address(address: str) -> None:
    """A check of parameters. :raises ParamsInvalid: no web service can be asked at all."""
    if not address:
        raise ParamsInvalid("api_address", "is empty; write the address of a web service")


async def ask(call: Call, address: str, *, originated: bool = False) -> dict[str, Any]:
    """The answer of a web service about a call, with a truthy ``ok``.

    :param originated: tell it the id of the originate, if the call comes of one.
    :raises WebServiceFailed: there is none; it is logged.
    """
    state = call.state
    fields = {
        "src": call.caller_number,
        "dst": state.exten,
        "data": state.data,
        "unique_id": call.cuid,
        "app_name": call.node.name,
    }
    if originated and (identity := await call.session.get_variable(ORIGINATE)):
        fields["originated_call_id"] = identity
    runtime = await call.runtime()
    try:
        answer = await call.services.web.ask(address, fields, runtime)
    except WebServiceFailed as error:
        blame(call, error)
        raise
    if state.failed == FAILED:
        state.failed, state.cause = "", 0
    return answer


def blame(call: Call, reason: Exception) -> None:
    """Keep that a web service failed a call: for the log, and for the report if nobody is reached."""
    log.warning("web service of %r failed call %s: %s", call.node.name, call.cuid, reason)
    call.state.failed, call.state.cause = FAILED, int(Cause.CONGESTION)
