"""Speed dial: short codes that stand for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import String, bindparam, cast, select

from tamas.dialplan.store_wait import in_time
from tamas.store.database import HotQuery
from tamas.store.dialplan_schema import speed_dials

if TYPE_CHECKING:
    from tamas.dialplan.call import Call

_FIND: Final = HotQuery(
    select(speed_dials.c.number).where(speed_dials.c.code == cast(bindparam("code"), String))
)


async def speed_dial(call: Call, number: str) -> str | None:
    """The number that an entered code stands for; ``None`` when it is no speed dial.

    :raises StoreUnreachable: the store does not answer.
    """
    rows = await in_time(call.services.database.hot(_FIND, number))
    return str(rows[0][0]) if rows else None
