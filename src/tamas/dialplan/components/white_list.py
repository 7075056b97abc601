"""White List: callers with labels."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from sqlalchemy import String, bindparam, cast, select

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, Param, Params, Ref, component
from tamas.dialplan.graph import NO, YES
from tamas.dialplan.store_wait import in_time
from tamas.store.database import HotQuery
from tamas.store.schema import whitelist

_FIND: Final = HotQuery(
    select(whitelist.c.labels).where(whitelist.c.number == cast(bindparam("number"), String))
)


class WhiteListParams(Params):
    """Parameters of a White List."""

    labels: Annotated[
        tuple[str, ...], Param(label="Labels", help="Entries with any of them are meant.", max_length=80)
    ] = ()
    numbers: Annotated[
        tuple[str, ...],
        Param(label="Numbers", ref=Ref.NUMBER, help="Callers that are meant without being in the list."),
    ] = ()


@component(type="WhiteList", title="White List", group=Group.CONDITION, outputs=(YES, NO), instant=True)
async def white_list(call: Call, params: WhiteListParams) -> Exit:
    """Choose by the caller: ✓ is meant, ✗ is not. Without labels and numbers all of the list are."""
    number = call.caller_number
    if not number:
        return NO
    if number in params.numbers:
        return YES
    if params.numbers and not params.labels:
        return NO
    rows = await in_time(call.services.database.hot(_FIND, number))
    if not rows:
        return NO
    labels = msgspec.json.decode(rows[0][0])
    return YES if not params.labels or set(params.labels) & set(labels) else NO
