"""Rows of recordings: noted when their call is written, and what reports say once there is no file any more.

Times are microseconds, UTC. Everything here happens inside the caller's transaction or is a single statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.recordings.folders import read_name
from tamas.store.clock import now
from tamas.store.database import Connection, Database, Dialect, Row
from tamas.store.recordings_schema import recordings
from tamas.store.schema import calls, queue_attempts

State = Literal["waiting", "kept", "broken", "gone"]

_c = recordings.c


async def note_recordings(
    tx: Connection, dialect: Dialect, made: Mapping[str, tuple[str, int]]
) -> frozenset[str]:
    """Note recordings that ended with their calls; those that are known stay as they are.

    :param made: linked id and end of the call by the recording's name; what is no such name is passed over.
    :returns: those of them that have no usable file any more, so that no report may name them.
    """
    made = {name: call for name, call in made.items() if read_name(name) is not None}
    if not made:
        return frozenset()
    at = now()
    rows = [
        {"name": name, "cuid": cuid, "recorded_at": ended_at, "state": "waiting", "due_at": at}
        for name, (cuid, ended_at) in made.items()
    ]
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    await tx.execute(insert(recordings).on_conflict_do_nothing(), rows)
    lost = select(_c.name).where(_c.name.in_(list(made)), _c.state.in_(("broken", "gone")))
    return frozenset(row["name"] for row in await tx.rows(lost))


async def lose(
    tx: Connection, which: Mapping[str, str], state: Literal["broken", "gone"], reason: str, *, size: int = 0
) -> None:
    """Note that recordings cannot be had any more; reports name them no longer.

    :param which: linked ids of the calls by the recordings' names.
    :param size: bytes of what is left of each.
    """
    names, cuids = list(which), list(which.values())
    await tx.execute(
        update(recordings)
        .where(_c.name.in_(names))
        .values(state=state, reason=reason, bytes=size, dual=False)
    )
    for table in (calls, queue_attempts):
        these = table.c.cuid.in_(cuids), table.c.record.in_(names)
        await tx.execute(update(table).where(*these).values(record=None))


async def list_recordings(database: Database, *, limit: int, state: State | None = None) -> Sequence[Row]:
    """Rows of ``recordings``, the latest first."""
    statement = select(recordings).order_by(_c.recorded_at.desc(), _c.name.desc()).limit(limit)
    if state is not None:
        statement = statement.where(_c.state == state)
    async with database.read() as connection:
        return await connection.rows(statement)


async def count_recordings(database: Database) -> dict[str, dict[str, int]]:
    """How many there are in each state, and their ``bytes``."""
    statement = select(_c.state, func.count().label("count"), func.sum(_c.bytes).label("bytes"))
    states: Collection[State] = ("waiting", "kept", "broken", "gone")
    found: dict[str, dict[str, int]] = {state: {"count": 0, "bytes": 0} for state in states}

    def read(connection: Any) -> None:
        for row in connection.execute(statement.group_by(_c.state)).mappings():
            found[row["state"]] = {"count": int(row["count"]), "bytes": int(row["bytes"] or 0)}

    await database.long_read(read)
    return found
