"""Closing originates: calls that the API asked for.

One whose first channel existed is closed by its CEL, as every call. One that never reached a channel (no
phone registered, no such endpoint) leaves no CEL and no CDR, only AMI's ``OriginateResponse``; its row is
written here. Seen on Asterisk 22.10: ``Reason`` is 0 for an unreachable first party, but also for a busy or
rejecting one (then CEL has the cause), 3 when the time limit ended the ringing, 4 on success.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Set

from sqlalchemy import literal, select, update

from tamas.autodialer.attempts import attempts_among
from tamas.autodialer.results import lose
from tamas.records.build import failed_originate, first_party_of
from tamas.records.causes import NO_ANSWER, NO_ROUTE, Outcome, outcome_of_cause
from tamas.records.closing import Closing, write_calls
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.order import line_up
from tamas.store.schema import calls, cel, originates

log = logging.getLogger(__name__)

CEL_SECONDS = 1.0
"""How long CEL rows may stay behind the OriginateResponse of the same call."""
_LOOK_AGAIN_SECONDS = 0.05

_RESPONSES: Mapping[str, tuple[int | None, str]] = {
    # AST_CONTROL_* of Asterisk's frame.h, as the event's Reason gives them
    "0": (NO_ROUTE, "{party} is unknown or has no phone registered"),
    "1": (None, "{party}: the attempt was ended"),
    "3": (NO_ANSWER, "{party}: nobody answered"),
    "5": (17, "{party}: the line is busy"),
    "8": (34, "{party}: no line was free, or the far end refused the call"),
}


_PLACED_NOWHERE: Mapping[str, str] = {
    "0": "the trunk cannot be reached",
    "1": "the attempt was ended",
    "8": "no line was free, or the far end refused the call",
}
"""The same for a campaign's call, which has one party."""


async def close_failed(
    database: Database, originated_call_id: str, *, reason: str, cause: int | None = None
) -> bool:
    """Write the call row of an originate that never had a channel, and close it.

    Does nothing when it is closed already, or when CEL of its channel is there (CEL closes it). CEL that
    comes after all amends the row, so there is never a second one.

    :param reason: plain words.
    :param cause: Q.850; decides between BUSY, NO ANSWER and FAILED (FAILED without it).
    :returns: whether this call closed it.
    """
    async with database.write() as tx:
        await line_up(tx, database.dialect)  # before the row: everybody takes the two locks in this order
        row = await tx.row(
            select(originates)
            .where(originates.c.originated_call_id == originated_call_id)
            .with_for_update()  # two may close it at once
        )
        if row is None or row["closed_at"] is not None or await _has_cel(tx, row["uniqueid"]):
            return False
        known = outcome_of_cause(cause) if cause is not None else None
        outcome = Outcome(disposition="FAILED" if known is None else known.disposition, reason=reason)
        record = failed_originate(row, outcome, ended_at=now(), cause=cause)
        closing = Closing(
            record=record,
            linkedids=frozenset({record.call.cuid}),
            cdr_ids=(),
            queued=frozenset(),
        )
        await write_calls(tx, database.dialect, [closing])
        return True


async def on_originate_response(database: Database, response: Mapping[str, str]) -> bool:
    """Settle an AMI ``OriginateResponse``, also of a campaign; run it as a task.

    It takes up to :data:`CEL_SECONDS`.

    :param response: the event.
    :returns: whether it closed the originate as failed.
    """
    if response.get("Response") == "Success":
        return False
    async with database.read() as connection:
        row = await connection.row(
            select(originates).where(originates.c.uniqueid == response.get("Uniqueid", ""))
        )
        attempt = None
        if row is None:
            attempt = await attempts_among(connection, [response.get("Uniqueid", "")])
    if not attempt and (row is None or row["closed_at"] is not None):
        return False
    if await _cel_comes(database, response.get("Uniqueid", "")):
        return False
    code = response.get("Reason", "")
    if row is None:
        return bool(
            await lose(database, attempt or (), _PLACED_NOWHERE.get(code, f"it failed (reason {code})"))
        )
    cause, words = _RESPONSES.get(code, (None, "{party}: the attempt failed (reason " + code + ")"))
    if code == "0" and row["fax_id"]:
        words = "{party}: the trunk cannot be reached"
    return await close_failed(
        database, row["originated_call_id"], reason=words.format(party=first_party_of(row)), cause=cause
    )


async def _cel_comes(database: Database, uniqueid: str) -> bool:
    """Whether CEL tells of a channel, waiting for it a little."""
    deadline = time.monotonic() + CEL_SECONDS
    while time.monotonic() < deadline:
        async with database.read() as connection:
            if await _has_cel(connection, uniqueid):
                return True
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return False


async def close_open_originates(
    database: Database, live_uniqueids: Set[str], *, reason: str, before: int | None = None
) -> int:
    """Close originates that nothing will close any more; at start, and after a lost AMI connection.

    Left alone are those with CEL (ingestion and :func:`tamas.records.orphans.close_orphans` close them) and
    those whose channel lives. Those with a call row already are only marked.

    :param live_uniqueids: unique ids of the channels that the engine has now.
    :param reason: plain words for the others.
    :param before: microseconds; only those asked for earlier. Default: now. With a running engine leave
        those out that may still be on their way to it.
    :returns: how many got a call row.
    """
    at = now() if before is None else before
    closed = 0
    async with database.write() as tx:
        written = select(literal(1)).where(calls.c.cuid == originates.c.uniqueid).exists()
        await tx.execute(
            update(originates).where(originates.c.closed_at.is_(None), written).values(closed_at=now())
        )
    async with database.read() as connection:
        statement = select(originates).where(originates.c.closed_at.is_(None), originates.c.created_at < at)
        rows = await connection.rows(statement.order_by(originates.c.created_at))
    for row in rows:
        if row["uniqueid"] not in live_uniqueids:
            closed += await close_failed(database, row["originated_call_id"], reason=reason)
    return closed


async def _has_cel(connection: Connection, uniqueid: str) -> bool:
    return await connection.scalar(select(cel.c.id).where(cel.c.uniqueid == uniqueid).limit(1)) is not None
