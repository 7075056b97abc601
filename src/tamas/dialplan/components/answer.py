"""Answer: from here on the caller hears us."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, component
from tamas.dialplan.graph import NEXT

ANSWER: Final = "answer"
PROGRESS: Final = "progress"
DEFINITE: Final = "definite_answer"


class AnswerParams(Params):
    """Parameters of an Answer."""

    type: Annotated[
        str,
        Param(
            label="Type",
            choices=(ANSWER, PROGRESS, DEFINITE),
            help="answer: the report counts the call as not answered until a person takes it; progress: "
            "sound without an answer; definite_answer: the report counts the call as answered.",
        ),
    ] = ANSWER


@component(type="Answer", group=Group.AUDIO, outputs=(NEXT,), answers=(NEXT,), instant=True)
async def answer(call: Call, params: AnswerParams) -> Exit:
    """Answer the call, so that the caller hears what comes; needed before menus, sounds and surveys."""
    if params.type == PROGRESS:
        await call.session.execute("Progress")
        return NEXT
    await call.answer()
    if params.type == DEFINITE:
        call.count_as_answered()
        await call.flush()
    return NEXT
