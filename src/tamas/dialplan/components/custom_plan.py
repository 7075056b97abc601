"""Custom Plan: lines of Asterisk's dialplan that an administrator wrote."""

from __future__ import annotations

import logging
from typing import Annotated

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, component
from tamas.dialplan.custom_code import DONE, ENTRY, CustomCodeInvalid, context_name, read_code
from tamas.dialplan.custom_plans import load_code
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import NEXT
from tamas.dialplan.resume import Outcome
from tamas.engine.ami import AmiError
from tamas.engine.engine import EngineNotReady

log = logging.getLogger(__name__)

MAX_CODE = 100_000


class CustomPlanParams(Params):
    """Parameters of a Custom Plan."""

    code: Annotated[
        str,
        Param(
            label="Code",
            help="Dialplan lines: exten => s,1,..., same => n,..., or an application alone. Begins at s,1.",
            max_length=MAX_CODE,
        ),
    ] = ""


@component(
    type="CustomPlan",
    title="Custom Plan",
    group=Group.SERVICE,
    outputs=(NEXT,),
    interacts=True,
    administrators_only=True,
)
async def custom_plan(call: Call, params: CustomPlanParams) -> Exit:
    """Run dialplan lines, and go on when they return."""
    context = context_name(params.code)
    if await call.session.get_variable(f"DIALPLAN_EXISTS({context},{ENTRY},1)") != "1":
        try:
            await _load(call, params.code)
        except (CustomCodeInvalid, AmiError, EngineNotReady, OSError) as error:
            log.error("call %s: the custom plan %s is not there: %s", call.cuid, call.node.name, error)  # noqa: TRY400
            return End(cause=Cause.NOT_AVAILABLE, failed="a custom plan could not be loaded")
    await call.set(**{DONE: ""})
    await call.session.command("GOSUB", context, ENTRY, "1")
    return NEXT


@custom_plan.resumed_always
async def _resumed(call: Call, params: CustomPlanParams, _: Outcome) -> Exit:
    if await call.session.get_variable(DONE) == "1":
        return NEXT
    return await custom_plan.run(call, params)


@custom_plan.checked
def _check(params: CustomPlanParams) -> None:
    try:
        read_code(params.code)
    except CustomCodeInvalid as error:
        raise ParamsInvalid("code", str(error)) from error


async def _load(call: Call, code: str) -> None:
    engine = call.services.engine
    if engine is None:
        raise EngineNotReady("this process has no connection to the engine")
    await load_code(engine.ami, call.services.layout.custom_plans, code)
