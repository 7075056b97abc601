"""``call/originate/act``: ring the caller, then connect the callee."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tamas.dialplan.originate import (
    CAUSE_FAILED,
    DEFAULT_CONTEXTS,
    DEFAULT_TIMEOUT,
    MAX_CALL_LIMIT,
    MAX_TIMEOUT,
    BadOriginate,
    EngineRefused,
    OriginateError,
    OriginateRequest,
    originate,
)
from tamas.engine.engine import EngineNotReady
from tamas.records.originates import close_failed
from tamas.sa.errors import OperationFailed
from tamas.sa.fields import (
    ContextName,
    Dialable,
    IntOrDigits,
    SafeText,
    TrunkName,
    logical,
    optional,
    required,
)
from tamas.sa.service import Data, ServiceContext, service
from tamas.store.database import Database

LENIENT_CONTEXTS = frozenset({"default"})
"""What clients send who mean the usual route; accepted while ``sa.lenient`` is on."""


class Originate(msgspec.Struct, kw_only=True):
    """Parameters, with the names of the wire."""

    caller: Annotated[str, required(Dialable(), example="999", note="Extension, agent or outside number.")]
    callee: Annotated[str, required(Dialable(), example="9009", note="Extension, queue or outside number.")]
    context: Annotated[
        str,
        required(ContextName(), example="main_routing", note="Outgoing route of the callee."),
    ]
    caller_id: Annotated[
        str,
        required(
            SafeText(max=80),
            lenient_same_as="caller",
            example="999",
            note="Number or text that both parties see.",
        ),
    ]
    trunk_name: Annotated[
        str,
        logical(
            TrunkName(allows_empty=True),
            example="",
            note="Trunk to the caller when that is an outside number.",
        ),
    ] = ""
    timeout: Annotated[
        int,
        optional(
            IntOrDigits(high=MAX_TIMEOUT),
            example="30",
            note="Seconds for the caller to answer; 0: the default of 30.",
        ),
    ] = DEFAULT_TIMEOUT
    call_limit: Annotated[
        int,
        optional(IntOrDigits(high=MAX_CALL_LIMIT), example="3600", note="Seconds of talk; 0: no limit."),
    ] = 0


@service(
    "call/originate/act",
    op="act",
    summary="Start a two-party call: ring the caller, then connect the callee",
    description=(
        "The answer comes at once. Whatever becomes of the call is in its record, "
        "which carries the same originated_call_id."
    ),
    request=Originate,
    answer=Data(message=None, data={"originated_call_id": "orig.call.1703145054.787335"}),
)
async def act(context: ServiceContext, request: Originate) -> dict[str, str]:
    """Start the call."""
    try:
        started = await originate(context.database, context.engine.ami, asked_call(context, request))
    except BadOriginate as error:
        raise OperationFailed(error.field) from error
    except EngineRefused as error:
        await close_refused(context.database, error)
        raise OperationFailed from error
    except (OriginateError, EngineNotReady) as error:
        raise OperationFailed from error
    return {"originated_call_id": started.originated_call_id}


def asked_call(context: ServiceContext, request: Originate) -> OriginateRequest:
    """The call that somebody asks for."""
    return OriginateRequest(
        caller=request.caller,
        callee=request.callee,
        context=request.context,
        caller_id=request.caller_id,
        trunk_name=request.trunk_name,
        timeout=request.timeout or DEFAULT_TIMEOUT,
        call_limit=request.call_limit or None,
        account=context.account,
        contexts=DEFAULT_CONTEXTS | LENIENT_CONTEXTS if context.lenient else DEFAULT_CONTEXTS,
    )


async def close_refused(database: Database, error: EngineRefused) -> None:
    """Write the record of a call that the engine would not make."""
    await close_failed(database, error.originated_call_id, reason=str(error), cause=CAUSE_FAILED)
