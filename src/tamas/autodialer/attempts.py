"""Which calls are attempts of campaigns."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from tamas.store.autodialer_schema import dial_attempts
from tamas.store.database import Connection
from tamas.store.ids import is_chosen_uniqueid

_a = dial_attempts.c
# Made once, for they run with each call that ends.
_AMONG = select(_a.uniqueid).where(_a.uniqueid.in_(bindparam("names", expanding=True)))
_CLOSED_AMONG = _AMONG.where(_a.ended_at.is_not(None))


async def attempts_among(
    connection: Connection, uniqueids: Iterable[str], *, closed: bool = False
) -> list[str]:
    """Those of some channels that campaigns made.

    :param closed: only those whose attempt is closed.
    """
    maybe = sorted(uniqueid for uniqueid in uniqueids if is_chosen_uniqueid(uniqueid))
    if not maybe:
        return []
    statement = _CLOSED_AMONG if closed else _AMONG
    return [row["uniqueid"] for row in await connection.rows(statement, {"names": maybe})]
