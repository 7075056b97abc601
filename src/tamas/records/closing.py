"""Writing report rows: the one place where ids are given and inbox rows become processed, in one transaction.

Architecture rule 5: a row's id strictly increases in commit order, a call is never written twice, and its
inbox rows are marked in the transaction that writes it, so that a process killed anywhere loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import BindParameter, Select, Table, bindparam, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.autodialer.results import settle
from tamas.events.marks import unmark_calls
from tamas.events.outbox import emit
from tamas.recordings.rows import note_recordings
from tamas.records.announcing import Fresh, events_of, untold_answers
from tamas.records.build import CallRecord
from tamas.records.faxes import SentFax
from tamas.records.queue_rows import QueueVisit
from tamas.records.report_row import ReportRow
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Dialect, Row
from tamas.store.fax_schema import faxes
from tamas.store.ids import following_id
from tamas.store.order import line_up
from tamas.store.schema import (
    calls,
    cdr,
    cel,
    extensions,
    merged_linkedids,
    originates,
    poll_answers,
    queue_attempts,
    queue_log,
    queue_visits,
)

_KEYS_PER_STATEMENT = 1000
_KEYS: Final[Mapping[Table, tuple[str, ...]]] = {
    calls: ("cuid",),
    queue_visits: ("queue_id",),
    queue_attempts: ("uniqueid",),
    poll_answers: ("cuid", "position"),
    faxes: ("uniqueid",),
}
"""What tells the rows of a table apart."""


def _of_keys(table: Table, keys: tuple[str, ...]) -> Select[Any]:
    columns = [table.c[key] for key in keys]
    wanted: BindParameter[Any] = bindparam("wanted", expanding=True)
    return select(table).where(
        columns[0].in_(wanted) if len(keys) == 1 else tuple_(*columns).in_(wanted),
    )


# Made once, for they run with each call that ends; the parameters are lists but for ``at``.
_KNOWN = {table: _of_keys(table, keys) for table, keys in _KEYS.items()}
_LAST = {table: select(func.max(table.c.id)) for table in _KEYS}
_SETTLE_CEL = (
    update(cel)
    .where(cel.c.linkedid.in_(bindparam("names", expanding=True)), cel.c.processed_at.is_(None))
    .values(processed_at=bindparam("at"))
)
_SETTLE_CDR = (
    update(cdr).where(cdr.c.id.in_(bindparam("ids", expanding=True))).values(processed_at=bindparam("at"))
)
_SETTLE_QUEUE_LOG = (
    update(queue_log)
    .where(queue_log.c.callid.in_(bindparam("names", expanding=True)), queue_log.c.processed_at.is_(None))
    .values(processed_at=bindparam("at"))
)
_CLOSE_ORIGINATE = (
    update(originates)
    .where(originates.c.originated_call_id == bindparam("of"), originates.c.closed_at.is_(None))
    .values(closed_at=bindparam("at"), reason=bindparam("why"))
)


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A call to write, and the inbox rows that it settles."""

    record: CallRecord
    linkedids: frozenset[str]
    """All its linked ids; their CEL rows become processed."""
    cdr_ids: tuple[int, ...]
    queued: frozenset[str]
    """Its channels that may have been in a queue; what the queue log says of them becomes processed."""

    @property
    def cuid(self) -> str:
        """What the call is known by."""
        return self.record.call.cuid


async def write_calls(tx: Connection, dialect: Dialect, closings: Sequence[Closing]) -> None:
    """Insert the rows of calls, or amend those that are there, inside the caller's transaction.

    An originate that a call belongs to is closed with it, and its recordings begin to wait for conversion.
    Events are told of rows that were not there before.
    """
    if not closings:
        return
    await line_up(tx, dialect)
    at = now()
    made = {
        name: (closing.cuid, closing.record.call.ended_at)
        for closing in closings
        for name in closing.record.recordings
    }
    lost = await note_recordings(tx, dialect, made)
    records = [_without(closing.record, lost) if lost else closing.record for closing in closings]
    visits = [visit for record in records for visit in record.visits]
    attempts = [attempt for visit in visits for attempt in visit.attempts]
    names = await _names(tx, {row.agent for row in visits} | {row.agent for row in attempts})
    answers = [answer for record in records for answer in record.polls]
    received = [fax for record in records for fax in record.received]
    # Calls of campaigns have a report of their own.
    ordinary = [record.call for record in records if record.attempt is None]
    fresh = Fresh(
        calls=await _write(tx, calls, ordinary, at),
        visits=await _write(tx, queue_visits, visits, at, names),
        attempts=await _write(tx, queue_attempts, attempts, at, names),
        answers=await _write(tx, poll_answers, answers, at),
        received=await _write(tx, faxes, received, at),
        sent=[
            record.sent for record in records if record.sent is not None and await _end_fax(tx, record.sent)
        ],
    )
    linkedids = {closing.cuid: closing.linkedids for closing in closings}
    fresh.answers = await untold_answers(tx, fresh.answers, linkedids)
    await emit(tx, events_of(records, fresh))
    await settle(tx, [record.attempt for record in records if record.attempt is not None])
    await _settle(tx, dialect, closings, at)


async def _end_fax(tx: Connection, fax: SentFax) -> bool:
    """Write down what became of a fax that was sent; tells whether it was under way."""
    this = faxes.c.id == fax.id
    was = await tx.scalar(select(faxes.c.status).where(this))
    await tx.execute(update(faxes).where(this).values(**fax.values()))
    return bool(was == "SENDING")


def _without(record: CallRecord, lost: frozenset[str]) -> CallRecord:
    """A call that is written again keeps silent of recordings that are no more."""

    def visit_without(visit: QueueVisit) -> QueueVisit:
        attempts = (replace(each, record=None) if each.record in lost else each for each in visit.attempts)
        return replace(visit, attempts=tuple(attempts))

    call = replace(record.call, record=None) if record.call.record in lost else record.call
    return replace(record, call=call, visits=tuple(visit_without(visit) for visit in record.visits))


async def _write(
    tx: Connection,
    table: Table,
    rows: Sequence[ReportRow],
    at: int,
    names: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Write rows of one table; those of known keys are amended where they differ, with their ids kept.

    :param names: names of agents; a row keeps the one it was first written with.
    :returns: the rows that were not there before.
    """
    if not rows:
        return []
    keys = _KEYS[table]
    wanted = {tuple(values[key] for key in keys): values for values in (row.values() for row in rows)}
    known = {tuple(row[key] for key in keys): row for row in await _known(tx, table, list(wanted))}
    last = await tx.scalar(_LAST[table])
    fresh: list[dict[str, Any]] = []
    for key, values in wanted.items():
        old = known.get(key)
        if old is None:
            last = following_id(last, at=at // MICROSECONDS)
            named = {} if names is None else {"agent_name": names.get(values["agent"], values["agent"])}
            fresh.append({"id": last, **values, **named})
        elif any(old[name] != value for name, value in values.items()):
            amended = {"amended_at": at} if "amended_at" in table.c else {}
            await tx.execute(update(table).where(table.c.id == old["id"]).values(**values, **amended))
    if fresh:
        await tx.execute(table.insert(), fresh)
    return fresh


async def _known(tx: Connection, table: Table, wanted: Sequence[tuple[Any, ...]]) -> list[Row]:
    """Rows of these keys that are there. A call may have more of them than a statement parameters."""
    one = len(_KEYS[table]) == 1
    found: list[Row] = []
    for start in range(0, len(wanted), _KEYS_PER_STATEMENT):
        some = wanted[start : start + _KEYS_PER_STATEMENT]
        found += await tx.rows(_KNOWN[table], {"wanted": [key[0] for key in some] if one else list(some)})
    return found


async def _names(tx: Connection, agents: set[str]) -> dict[str, str]:
    """Names of those agents that are extensions."""
    if not agents:
        return {}
    found = select(extensions.c.number, extensions.c.name).where(extensions.c.number.in_(sorted(agents)))
    return {row["number"]: row["name"] for row in await tx.rows(found)}


async def pass_over(tx: Connection, linkedids: Sequence[str]) -> None:
    """Mark inbox rows that tell of no call."""
    if linkedids:
        for inbox in (cel, cdr):
            which = inbox.c.linkedid.in_(linkedids), inbox.c.processed_at.is_(None)
            await tx.execute(update(inbox).where(*which).values(processed_at=now()))


async def _settle(tx: Connection, dialect: Dialect, closings: Sequence[Closing], at: int) -> None:
    """Mark what the calls were made of."""
    linkedids = sorted({linkedid for closing in closings for linkedid in closing.linkedids})
    await unmark_calls(tx, linkedids)
    await tx.execute(_SETTLE_CEL, {"names": linkedids, "at": at})
    cdr_ids = [cdr_id for closing in closings for cdr_id in closing.cdr_ids]
    if cdr_ids:
        await tx.execute(_SETTLE_CDR, {"ids": cdr_ids, "at": at})
    callids = sorted({uniqueid for closing in closings for uniqueid in closing.queued})
    await tx.execute(_SETTLE_QUEUE_LOG, {"names": callids, "at": at})
    joined = [
        {"linkedid": linkedid, "into_linkedid": closing.cuid}
        for closing in closings
        for linkedid in sorted(closing.linkedids - {closing.cuid})
    ]
    if joined:
        insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        await tx.execute(insert(merged_linkedids).on_conflict_do_nothing(), joined)
    originated = [
        {
            "of": closing.record.call.originated_call_id,
            "why": closing.record.call.reason,
            "at": at,
        }
        for closing in closings
        if closing.record.call.originated_call_id is not None
    ]
    if originated:
        await tx.execute(_CLOSE_ORIGINATE, originated)
