"""Writing down what came of tries: in one transaction what came together while the last one was written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, update

from tamas.store.database import Database
from tamas.store.events_schema import PENDING, event_attempts, event_deliveries
from tamas.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.01
"""Least time between two transactions: when much is delivered, it is written together."""
AGAIN_SECONDS: Final = 1.0
"""After which a store that was away is tried again."""

_THIS = (
    event_deliveries.c.receiver_id == bindparam("of"),
    event_deliveries.c.position == bindparam("which"),
)
_DELIVERED = delete(event_deliveries).where(*_THIS)
_PUT_OFF = (
    update(event_deliveries)
    .where(*_THIS)
    .values(
        tries=bindparam("to_tries"),
        next_at=bindparam("to_next"),
        state=bindparam("to_state"),
        reason=bindparam("to_reason"),
    )
)
_HELD = (
    update(event_deliveries)
    .where(
        event_deliveries.c.receiver_id == bindparam("of"),
        event_deliveries.c.order_key == bindparam("key"),
        event_deliveries.c.position > bindparam("after"),
        event_deliveries.c.state == PENDING,
        event_deliveries.c.next_at < bindparam("to_next"),
    )
    .values(next_at=bindparam("to_next"))
)


@dataclass
class _Lot:
    """What is written together."""

    attempts: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[dict[str, Any]] = field(default_factory=list)
    put_off: list[dict[str, Any]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    written: list[Callable[[], None]] = field(default_factory=list)


class Ledger:
    """Takes notes at once and writes them soon. Run :meth:`run` beside."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lot = _Lot()
        self._some = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def tried(
        self, receiver_id: str, position: int, *, at: int, status: int | None, ms: int, error: str | None
    ) -> None:
        """There was a try."""
        self._lot.attempts.append(
            {
                "receiver_id": receiver_id,
                "position": position,
                "at": at,
                "status": status,
                "ms": ms,
                "error": error,
            }
        )
        self._note()

    def delivered(self, receiver_id: str, position: int) -> None:
        """Nothing is owed any more."""
        self._lot.delivered.append({"of": receiver_id, "which": position})
        self._note()

    def put_off(
        self, receiver_id: str, position: int, *, tries: int, next_at: int, dead: bool, reason: str
    ) -> None:
        """It is tried again later, or given up."""
        self._lot.put_off.append(
            {
                "of": receiver_id,
                "which": position,
                "to_tries": tries,
                "to_next": next_at,
                "to_state": "dead" if dead else "pending",
                "to_reason": reason,
            }
        )
        self._note()

    def held(self, receiver_id: str, key: str, *, after: int, until: int) -> None:
        """What comes behind an event, in the same order, waits as long as that."""
        self._lot.held.append({"of": receiver_id, "key": key, "after": after, "to_next": until})
        self._note()

    def when_written(self, call: Callable[[], None]) -> None:
        """Have ``call`` called once everything noted so far is in the store."""
        self._lot.written.append(call)
        self._note()

    async def settled(self) -> None:
        """Wait until everything noted is in the store."""
        await self._empty.wait()

    async def run(self) -> None:
        """Write, until cancelled."""
        loop = asyncio.get_running_loop()
        written_at = 0.0
        while True:
            await self._some.wait()
            await asyncio.sleep(written_at + GATHER_SECONDS - loop.time())  # at once after a pause
            self._some.clear()
            lot, self._lot = self._lot, _Lot()
            await self._write_at_last(lot)
            written_at = loop.time()
            for call in lot.written:
                call()
            if not self._some.is_set():
                self._empty.set()

    def _note(self) -> None:
        self._empty.clear()
        self._some.set()

    async def _write_at_last(self, lot: _Lot) -> None:
        trouble = StoreTrouble(log, "what became of events cannot be written yet")
        while True:
            with trouble.told():
                await self._write(lot)
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _write(self, lot: _Lot) -> None:
        async with self._database.write() as tx:
            for statement, rows in (
                (event_attempts.insert(), lot.attempts),
                (_DELIVERED, lot.delivered),
                (_PUT_OFF, lot.put_off),
                (_HELD, lot.held),
            ):
                if rows:
                    await tx.execute(statement, rows)
