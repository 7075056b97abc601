"""Poll: the caller gives points."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.graph import NEXT
from tamas.dialplan.survey_events import tell_answer

TRIES: Final = 3
MOST_POINTS: Final = 999_999_999
MOST_DIGITS: Final = 9


class PollParams(Params):
    """Parameters of a Poll."""

    label: Annotated[
        str, Param(label="Label", help="Under which reports show the answers.", max_length=80)
    ] = ""
    announcement_before: Annotated[str, Param(label="Question", ref=Ref.SOUND)] = ""
    announcement_after: Annotated[str, Param(label="Thanks", ref=Ref.SOUND)] = ""
    timeout: Annotated[int, Param(label="Wait for digits", unit="seconds", help="0: no limit.", high=600)] = (
        10
    )
    max_digits: Annotated[int, Param(label="Most digits", low=1, high=MOST_DIGITS)] = 1
    poll_min: Annotated[int, Param(label="Fewest points", high=MOST_POINTS)] = 1
    poll_max: Annotated[int, Param(label="Most points", high=MOST_POINTS)] = 5


@component(type="Poll", group=Group.AUDIO, outputs=(NEXT,), plays=True, interacts=True)
async def poll(call: Call, params: PollParams) -> Exit:
    """Ask the caller for points, as after a talk; put on record for the agent who talked to them.

    Points out of range, or none, are asked for again; after three tries the call goes on without an answer.
    """
    for _ in range(TRIES):
        typed = await call.collect(
            params.announcement_before, timeout=params.timeout, max_digits=params.max_digits
        )
        if typed.isascii() and typed.isdigit() and params.poll_min <= int(typed) <= params.poll_max:
            await call.tell({"poll": str(int(typed)), "label": params.label})
            await tell_answer(call, int(typed), params.label)
            await call.play(params.announcement_after)
            break
    return NEXT


@poll.checked
def _check(params: PollParams) -> None:
    if params.poll_min > params.poll_max:
        raise ParamsInvalid("poll_max", "is less than the fewest points")
    if len(str(params.poll_min)) > params.max_digits:
        raise ParamsInvalid("max_digits", f"is too few digits for {params.poll_min}")
