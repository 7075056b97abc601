"""Looking calls up."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import or_, select

from tamas.store.database import Database, Row
from tamas.store.schema import calls

MAX_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call that is over: the columns of ``calls``. Times and durations are microseconds, UTC."""

    id: str
    cuid: str
    type: str
    src: str
    src_name: str
    dst: str
    did: str
    started_at: int
    answered_at: int | None
    ended_at: int
    wait: int
    billsec: int
    disposition: str
    hangup_cause: int | None
    reason: str | None
    record: str | None
    entry_point: str | None
    outgoing_point: str | None
    queue: str | None
    agent: str | None
    originated_call_id: str | None
    amended_at: int | None


_COLUMNS = [calls.c[column.name] for column in fields(Call)]


async def list_calls(
    database: Database,
    *,
    limit: int,
    before: str | None = None,
    originated_call_id: str | None = None,
    number: str | None = None,
) -> list[Call]:
    """Calls, newest first.

    :param limit: at most so many, cut to 1 .. :data:`MAX_LIMIT`.
    :param before: only rows with a smaller id, to go on from the last one of a page.
    :param originated_call_id: only the call that this originate made.
    :param number: only calls from or to exactly this number.
    """
    statement = select(*_COLUMNS).order_by(calls.c.id.desc()).limit(min(max(limit, 1), MAX_LIMIT))
    if before is not None:
        statement = statement.where(calls.c.id < before)
    if originated_call_id is not None:
        statement = statement.where(calls.c.originated_call_id == originated_call_id)
    if number is not None:
        statement = statement.where(or_(calls.c.src == number, calls.c.dst == number))
    async with database.read() as connection:
        return [_call(row) for row in await connection.rows(statement)]


async def get_call(database: Database, cuid: str) -> Call | None:
    """The call of a linked id, ``None`` when there is none (yet)."""
    async with database.read() as connection:
        row = await connection.row(select(*_COLUMNS).where(calls.c.cuid == cuid))
    return None if row is None else _call(row)


def _call(row: Row) -> Call:
    return Call(**row)
