"""Receivers of events that behave badly, and a clock in which an hour takes a moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.integrator import Asked, Integrator
from tamas.engine.sip_secrets import SecretSeal
from tamas.events.clock import Clock
from tamas.events.delivery import Delivery
from tamas.events.outbox import Event, emit
from tamas.events.receivers import Receiver, add_receiver, checked_events
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database

SEAL = SecretSeal(b"k" * 32)


class VirtualClock(Clock):
    """The time of this machine, and whatever was added to it."""

    def __init__(self) -> None:
        self._ahead = 0
        self._moved = asyncio.Event()

    def now(self) -> int:
        return now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time go on; whoever waits for a time that is over then goes on too."""
        self._ahead += round(seconds * 1_000_000)
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        until = None if seconds is None else self.now() + seconds * 1_000_000
        while not event.is_set():
            left = None if until is None else (until - self.now()) / 1_000_000
            if left is not None and left <= 0:
                return
            waiting = [asyncio.ensure_future(one.wait()) for one in (event, self._moved)]
            try:
                await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)


@asynccontextmanager
async def delivering(database: Database, clock: Clock | None = None) -> AsyncIterator[Delivery]:
    """Deliver what is emitted within the block."""
    changes = Changes(database)
    await changes.start()
    delivery = Delivery(database, changes, SEAL.open_text, clock=clock)
    running = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await changes.close()


async def receiver_at(database: Database, address: str, name: str = "crm", **values: Any) -> Receiver:
    """Add a receiver that may be on this machine and gets every event of the vendor's."""
    values = {"events": checked_events([], shape="vendor"), "allow_internal": True} | values
    return await add_receiver(database, Changes(database), name=name, address=address, **values)


async def tell(database: Database, *events: Event) -> None:
    """Emit events, each in a transaction of its own."""
    for event in events:
        async with database.write() as tx:
            await emit(tx, [event])


def state(exten: str, state: str, call: str) -> Event:
    """An extension changes its state in a call."""
    return Event(name="NewState", fields={"exten": exten, "state": state, "unique_id": call}, call=call)


def numbered(call: str, count: int) -> list[Event]:
    """Events of one call that can be told from each other, in order."""
    return [
        Event(
            name="IncomingCall",
            fields={"number": f"{number}", "entry_point": "t", "unique_id": call},
            call=call,
        )
        for number in range(count)
    ]


def numbers(integrator: Integrator, call: str) -> list[int]:
    """Which of :func:`numbered` arrived, in order."""
    return [
        int(one.fields["number"])
        for one in integrator.asked
        if one.fields.get("unique_id") == call and "number" in one.fields
    ]


def names(asked: list[Asked]) -> list[str]:
    """Names of events that arrived."""
    return [one.fields["event_name"] for one in asked]
