"""Black List: callers who are not welcome."""

from __future__ import annotations

from typing import Final

from sqlalchemy import String, bindparam, cast, select

from tamas.dialplan.call import Call
from tamas.dialplan.component import Exit, Group, NoParams, component
from tamas.dialplan.graph import NO, YES
from tamas.dialplan.store_wait import in_time
from tamas.store.database import HotQuery
from tamas.store.schema import blacklist

_FIND: Final = HotQuery(select(blacklist.c.id).where(blacklist.c.number == cast(bindparam("number"), String)))


@component(type="BlackList", title="Black List", group=Group.CONDITION, outputs=(YES, NO), instant=True)
async def black_list(call: Call, _params: NoParams) -> Exit:
    """Choose by the caller: ✓ their number is on the black list, ✗ it is not. ✓ marks the call as such."""
    number = call.caller_number
    if not number or not await in_time(call.services.database.hot(_FIND, number)):
        return NO
    call.later(("blacklist", "1"))
    return YES
