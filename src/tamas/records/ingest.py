"""Ingestion: the rows that Asterisk wrote become calls (architecture rule 5).

A call is over when its LINKEDID_END is in the inbox and every channel has its CHAN_END; then its row is
built and written, and its inbox rows are marked, in one short transaction.

- The CDR of the call's first channel may come after LINKEDID_END (seen: by up to 21 ms). It is waited for up
  to :data:`LATE_SECONDS`; one that comes later amends the row.
- A LINKEDID_END with a channel still open means that Asterisk joined this linked id into another (attended
  transfer, pickup). The call is then written when the last of them ends; see :mod:`tamas.records.inbox`.
- Rows are claimed by 'not yet processed', never by a last id, because ids commit out of order.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from sqlalchemy import bindparam, or_, select, text, update

from tamas.records.breaks import note_breaks
from tamas.records.build import build_record
from tamas.records.closing import Closing, pass_over, write_calls
from tamas.records.facts import microseconds
from tamas.records.inbox import CallRows, read_calls
from tamas.store.autodialer_schema import dial_attempts
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import STORE_ERRORS, Database, HotQuery
from tamas.store.leases import HeldLease
from tamas.store.schema import calls, cdr, cel, merged_linkedids, queue_log

log = logging.getLogger(__name__)

LEASE = "records"
LEASE_SECONDS = 3.0
"""A killed holder blocks others for so long. Correctness does not rest on it (see closing.write_calls)."""
BATCH = 25
"""Calls per transaction: some milliseconds, for Asterisk waits for the same lock on SQLite."""
LINE_SECONDS = 0.15
"""How long a line that we hang up is still taken: Asterisk sends its BYE or CANCEL behind the last event."""
LATE_BATCH = 500
"""CDRs per transaction that are only marked."""
POLL_SECONDS = 1.0
LATE_SECONDS = 2.0
"""How long a call that ended waits for its CDR, or for a channel that has not ended."""

_LOOK_AGAIN_SECONDS = 0.05
_AFTER_WAKE_SECONDS = (0.03, 0.1, 0.3)
"""A wake comes with a hangup, a moment before the last rows are committed."""
_LATE_LOOK_SECONDS = 0.25
_TROUBLE_SECONDS = 1.0

_ENDED = HotQuery(
    # Conditions are written out, so that the partial index answers.
    text(
        "SELECT linkedid FROM cel WHERE processed_at IS NULL AND eventtype = 'LINKEDID_END'"
        " ORDER BY id LIMIT :most"
    )
)
_CLAIM = (
    select(cel.c.id, cel.c.linkedid)
    .where(cel.c.id.in_(bindparam("ends", expanding=True)), cel.c.processed_at.is_(None))
    .with_for_update(skip_locked=True)
)
_LATE = HotQuery(
    select(
        or_(
            select(cdr.c.id).where(text("processed_at IS NULL")).exists(),
            # The others go with their call; the line of Asterisk's start has none and stays.
            select(queue_log.c.id)
            .where(text("processed_at IS NULL"), text("event IN ('PAUSE', 'UNPAUSE')"))
            .exists(),
        )
    )
)
"""Whether a look for what came late is worth more than this question: on a quiet system it hardly ever is."""


class Ingestion:
    """Turns inbox rows into calls for as long as :meth:`run` runs and this process holds the lease."""

    def __init__(
        self,
        database: Database,
        *,
        holder: str | None = None,
        all_told: Callable[[Collection[str]], bool] = lambda _: True,
        on_attempts: Callable[[], None] = lambda: None,
    ) -> None:
        """
        :param all_told: whether all that happened in the call of these linked ids was told: what its record
            tells comes after that. Not waited for longer than for a late CDR.
        :param on_attempts: called when attempts of campaigns were closed: their lines are free.
        """
        self._database = database
        self._all_told = all_told
        self._on_attempts = on_attempts
        self._woken = asyncio.Event()
        self._looks = 0
        self._waiting: dict[str, tuple[float, float]] = {}
        """Linked id to when it was first found not ready, and when to look again (monotonic)."""
        self._lease = HeldLease(database, LEASE, seconds=LEASE_SECONDS, holder=holder)
        self._stepping = asyncio.Lock()
        self._late_at = 0.0
        """When to look again for what came late (monotonic)."""

    def wake(self) -> None:
        """Something ended: look now instead of at the next poll. Cheap; call it on every AMI ``Hangup``."""
        self._looks = len(_AFTER_WAKE_SECONDS)
        self._woken.set()

    async def run(self) -> None:
        """Ingest until cancelled. A transaction that is cancelled leaves nothing behind."""
        troubled = False
        try:
            while True:
                try:
                    late = time.monotonic() >= self._late_at
                    worked = await self.step(late=late)
                    if late and not worked:
                        self._late_at = time.monotonic() + _LATE_LOOK_SECONDS
                except STORE_ERRORS as error:
                    if not troubled:
                        log.warning("cannot ingest call records: %s; trying on", error)
                    troubled = True
                    await asyncio.sleep(_TROUBLE_SECONDS)
                else:
                    if troubled:
                        log.info("ingesting call records again")
                    troubled = False
                    await (asyncio.sleep(0) if worked else self._rest())
        finally:
            await self._lease.release()

    async def drain(self, timeout: float) -> bool:
        """Work until nothing is left to close, at most ``timeout`` seconds; tells whether it was reached."""
        deadline = time.monotonic() + timeout
        while True:
            worked = await self.step()
            if not worked and not self._waiting and self._lease.held:
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0 if worked else _LOOK_AGAIN_SECONDS / 2)

    async def step(self, *, late: bool = True) -> int:
        """Do a few milliseconds' worth of work; returns how many rows of the inboxes led to it.

        :param late: whether to look also for what came behind the record of its call, and for breaks.
        """
        async with self._stepping:
            if not await self._lease.hold():
                return 0
            return await self._close_ended() or (await self._look_for_late() if late else 0)

    async def _look_for_late(self) -> int:
        ((anything,),) = await self._database.hot(_LATE)
        if not anything:
            return 0
        return await self._amend_late() or await self._pass_over_late() or await note_breaks(self._database)

    # -- calls that ended -----------------------------------------------------------------------------------

    async def _close_ended(self) -> int:
        groups = await self._candidates()
        if not groups:
            return 0
        await asyncio.sleep(0)  # each part takes milliseconds, in which calls wait for the loop
        closings: list[Closing] = []
        elsewhere: list[int] = []
        ends: list[int] = []
        nothing: list[str] = []
        for group in groups:
            late = self._is_late(group)
            if not group.is_call:
                nothing.extend(group.linkedids)
                ends.extend(group.ends)
            elif group.open_channels:
                if late:  # the rest of it comes under another linked id
                    elsewhere.extend(group.ends)
                else:
                    self._wait(group)
            elif not late and not self._is_complete(group):
                self._wait(group)
            else:
                closing = closing_of(group)
                if closing is None:
                    elsewhere.extend(group.ends)
                else:
                    closings.append(closing)
                    ends.extend(group.ends)
        if not closings and not elsewhere and not nothing:
            return 0
        await asyncio.sleep(0)
        async with self._database.write() as tx:
            claimed = {row["linkedid"] for row in await tx.rows(_CLAIM, {"ends": ends + elsewhere})}
            mine = [closing for closing in closings if closing.linkedids & claimed]
            await write_calls(tx, self._database.dialect, mine)
            await pass_over(tx, nothing)
            if elsewhere:
                await tx.execute(update(cel).where(cel.c.id.in_(elsewhere)).values(processed_at=now()))
        if any(closing.record.attempt is not None for closing in mine):
            self._on_attempts()
        for group in groups:
            if group.ends and (set(group.ends) & set(ends + elsewhere)):
                for linkedid in group.linkedids:
                    self._waiting.pop(linkedid, None)
        return len(ends) + len(elsewhere)

    def _is_complete(self, group: CallRows) -> bool:
        if group.is_attempt and not group.queued:
            # No row of it shows words of a CDR, and its line is wanted for the next call.
            return group.ended_by_far_end or self._age(group) >= LINE_SECONDS * MICROSECONDS
        return group.has_own_cdr and self._all_told(group.linkedids)

    async def _candidates(self) -> list[CallRows]:
        """Calls whose LINKEDID_END is unprocessed, but for those that were looked at a moment ago."""
        at = time.monotonic()
        ended = [str(row[0]) for row in await self._database.hot(_ENDED, BATCH + len(self._waiting))]
        for linkedid in self._waiting.keys() - set(ended):
            del self._waiting[linkedid]
        due = [name for name in ended if name not in self._waiting or self._waiting[name][1] <= at]
        if not due:
            return []
        async with self._database.read() as connection:
            return await read_calls(connection, due[:BATCH])

    def _is_late(self, group: CallRows) -> bool:
        since = [self._waiting[name][0] for name in group.linkedids if name in self._waiting]
        if since and time.monotonic() - min(since) >= LATE_SECONDS:
            return True
        return self._age(group) >= LATE_SECONDS * MICROSECONDS

    def _age(self, group: CallRows) -> float:
        """Microseconds since its last event; infinite when that has no time."""
        try:
            return now() - microseconds(max(row["eventtime"] or "" for row in group.cel))
        except ValueError:
            return math.inf

    def _wait(self, group: CallRows) -> None:
        at = time.monotonic()
        for row in group.cel:
            if row["eventtype"] == "LINKEDID_END":
                since = self._waiting.get(row["linkedid"], (at, at))[0]
                self._waiting[row["linkedid"]] = (since, at + _LOOK_AGAIN_SECONDS)

    # -- CDRs that came late --------------------------------------------------------------------------------

    async def _amend_late(self) -> int:
        direct = select(cdr.c.linkedid).join(calls, calls.c.cuid == cdr.c.linkedid)
        merged = select(cdr.c.linkedid).join(merged_linkedids, merged_linkedids.c.linkedid == cdr.c.linkedid)
        late: set[str] = set()
        async with self._database.read() as connection:
            for statement in (direct, merged):
                found = await connection.rows(statement.where(cdr.c.processed_at.is_(None)).limit(BATCH))
                late.update(row["linkedid"] for row in found)
            if not late:
                return 0
            groups = await read_calls(connection, late)
        closings = [closing for group in groups if (closing := closing_of(group)) is not None]
        async with self._database.write() as tx:
            await write_calls(tx, self._database.dialect, closings)
        return len(closings)

    async def _pass_over_late(self) -> int:
        """Mark CDRs of campaigns' calls that came behind the result, which needs none."""
        late = (
            select(cdr.c.id)
            .join(dial_attempts, dial_attempts.c.uniqueid == cdr.c.linkedid)
            .where(cdr.c.processed_at.is_(None), dial_attempts.c.ended_at.is_not(None))
            .limit(LATE_BATCH)
        )
        async with self._database.read() as connection:
            found = [row["id"] for row in await connection.rows(late)]
        if found:
            async with self._database.write() as tx:
                await tx.execute(update(cdr).where(cdr.c.id.in_(found)).values(processed_at=now()))
        return len(found)

    # -- turns ----------------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        if self._looks:
            delay = _AFTER_WAKE_SECONDS[-self._looks]
            self._looks -= 1
            await asyncio.sleep(delay)
        elif self._waiting:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        else:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()


def closing_of(
    group: CallRows, *, cut_off_at: int | None = None, cut_off_by: str | None = None
) -> Closing | None:
    """What to write for a call; ``None`` when there was none, or (logged) its rows make no sense.

    :param cut_off_at: microseconds; end of a call with open channels, when its rows do not say it.
    :param cut_off_by: plain words for the end of a call with open channels.
    """
    if not group.is_call:
        return None
    cut_off = bool(group.open_channels) or not group.cel
    try:
        record = build_record(
            cuid=group.cuid,
            cel=group.cel,
            cdr=group.cdr,
            queue_log=group.queue_log,
            originate=group.originate,
            is_attempt=group.is_attempt,
            ended_at=cut_off_at if cut_off else None,
            end_reason=cut_off_by if cut_off else None,
        )
    except ValueError as error:
        log.error("no call record for %s: %s", group.cuid, error)  # noqa: TRY400 - the text says it all
        return None
    return Closing(
        record=record,
        linkedids=frozenset(group.linkedids),
        cdr_ids=tuple(row["id"] for row in group.cdr),
        queued=frozenset(group.linkedids | group.queued),
    )
