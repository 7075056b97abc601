"""Calls that the engine could not end: it was killed, or stopped in mid-call, so no LINKEDID_END came."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import or_, select

from tamas.autodialer.attempts import attempts_among
from tamas.records.closing import write_calls
from tamas.records.facts import time_text
from tamas.records.inbox import read_calls
from tamas.records.ingest import BATCH, closing_of
from tamas.store.autodialer_schema import dial_attempts as attempts
from tamas.store.database import Database
from tamas.store.order import line_up
from tamas.store.schema import calls, cdr, cel


async def close_orphans(
    database: Database,
    live_linkedids: Set[str],
    engine_started_at: int,
    reason: str,
    *,
    stopped_at: int | None = None,
) -> int:
    """Write the calls that began before the engine (re)started and have no live channel.

    Call it when the engine is ready, also after adopting one (with its live channels). Calls whose
    LINKEDID_END is there are left to the ingestion.

    :param live_linkedids: linked ids of the channels that the engine has now.
    :param engine_started_at: microseconds UTC; younger calls are never touched.
    :param reason: plain words for the row, such as ``engine stopped``.
    :param stopped_at: microseconds when the engine ended, when that is known; else the last CEL time counts.
    :returns: how many were closed.
    """
    before = time_text(engine_started_at)

    def search(connection: SyncConnection) -> tuple[list[str], set[str]]:
        """A scan of the whole inbox, so it runs off the event loop."""
        begun = select(cel.c.linkedid).where(cel.c.processed_at.is_(None), cel.c.eventtime < before)
        told = select(cdr.c.linkedid).where(cdr.c.processed_at.is_(None), cdr.c.calldate < before)
        names = {row[0] for statement in (begun, told) for row in connection.execute(statement.distinct())}
        ended = select(cel.c.linkedid).where(cel.c.eventtype == "LINKEDID_END")
        waiting = {row[0] for row in connection.execute(ended.where(cel.c.processed_at.is_(None)))}
        joined = {row[0] for row in connection.execute(ended.where(cel.c.linkedid.in_(begun)))}
        of_these = or_(calls.c.cuid.in_(begun), calls.c.cuid.in_(told))
        written = {row[0] for row in connection.execute(select(calls.c.cuid).where(of_these))}
        settled = select(attempts.c.uniqueid).where(attempts.c.ended_at.is_not(None))
        written |= {row[0] for row in connection.execute(settled.where(attempts.c.uniqueid.in_(begun)))}
        # Linked ids that were joined into others come last: those others fetch them.
        return sorted(names - waiting - live_linkedids, key=lambda name: (name in joined, name)), written

    names, known = await database.long_read(search)
    closed = 0
    done: set[str] = set()
    for start in range(0, len(names), BATCH):
        batch = [name for name in names[start : start + BATCH] if name not in done]
        async with database.write() as tx:
            # The ingestion may have written some of them since they were found; nobody writes calls now.
            await line_up(tx, database.dialect)
            groups = await read_calls(tx, batch)
            done.update(linkedid for group in groups for linkedid in group.linkedids)
            written = select(calls.c.cuid).where(calls.c.cuid.in_(sorted(done)))
            fresh = {row["cuid"] for row in await tx.rows(written)}
            fresh |= set(await attempts_among(tx, done, closed=True))
            fresh -= known
            dead = [
                group
                for group in groups
                if group.unsettled & set(batch)
                and not group.linkedids & live_linkedids
                and not group.linkedids & fresh
            ]
            found = (closing_of(group, cut_off_at=stopped_at, cut_off_by=reason) for group in dead)
            closings = [closing for closing in found if closing is not None]
            await write_calls(tx, database.dialect, closings)
        known |= {closing.cuid for closing in closings}
        closed += len(closings)
    return closed
