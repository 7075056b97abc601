"""Forgetting inbox rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update

from records import _samples
from tamas.records.calls import list_calls
from tamas.records.facts import time_text
from tamas.records.ingest import Ingestion
from tamas.records.retention import prune_inbox
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.schema import cdr, cel, queue_log

DAY = 24 * 3600 * 1_000_000


async def _count(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)))


async def test_only_old_processed_rows_go(database: Database) -> None:
    """Processed long ago: gone, in batches. Processed lately, or never processed: kept. Calls stay."""
    old = [_samples.load("answered").again(ended_at=now() - 90 * DAY) for _ in range(4)]
    await _samples.arrive(database, *old)
    assert await Ingestion(database).drain(10)
    lately, never = _samples.load("busy"), _samples.load("answered")
    async with database.write() as tx:
        for table in (cel, cdr):
            await tx.execute(update(table).values(processed_at=now() - 40 * DAY))
        await tx.execute(
            queue_log.insert(),
            [{"event": "X", "processed_at": now() - 40 * DAY}, {"event": "Y", "processed_at": None}],
        )
    await _samples.arrive(database, lately)
    assert await Ingestion(database).drain(10)
    await _samples.arrive(database, _samples.Sample(situation="", cel=never.cel[:8], cdr=[]))
    deleted = await prune_inbox(database, days=30, batch=7)
    assert deleted == sum(len(sample.cel) + len(sample.cdr) for sample in old) + 1
    assert await _count(database, cel) == len(lately.cel) + 8
    assert await _count(database, cdr) == len(lately.cdr)
    assert await _count(database, queue_log) == 1
    assert len(await list_calls(database, limit=99)) == 5
    assert await prune_inbox(database, days=30) == 0


async def test_the_queue_log_does_not_grow_for_ever(database: Database) -> None:
    """Rows of a call are settled with it; rows of none, and those that came too late, go by their age."""
    sample = _samples.load("queue_answered").again()
    callers = {sample.cuid}
    sample.queue_log.clear()
    lately, long_ago = time_text(now()), time_text(now() - 40 * DAY)
    rows = [{"callid": callid, "event": "ENTERQUEUE", "time": lately} for callid in callers]
    rows += [{"callid": "NONE", "event": "ADDMEMBER", "time": at} for at in (lately, long_ago)]
    rows += [{"callid": sample.cuid + "9", "event": "COMPLETECALLER", "time": long_ago}]
    async with database.write() as tx:
        await tx.execute(queue_log.insert(), rows)
    await _samples.arrive(database, sample)
    assert await Ingestion(database).drain(10)
    async with database.read() as connection:
        settled = select(queue_log.c.callid).where(queue_log.c.processed_at.is_not(None))
        assert {row["callid"] for row in await connection.rows(settled)} == callers
    assert await prune_inbox(database, days=30, batch=1) == 2
    assert await _count(database, queue_log) == len(callers) + 1
    async with database.write() as tx:
        await tx.execute(update(queue_log).values(processed_at=now() - 40 * DAY, time=long_ago))
    await prune_inbox(database, days=30)
    assert await _count(database, queue_log) == 0
