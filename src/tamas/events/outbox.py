"""The outbox: events are rows first, written in the transaction of the fact they tell of.

See ``docs/decisions/0024-outbox.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tamas.events.catalogue import EVENTS, checked_fields
from tamas.events.signals import WRITTEN
from tamas.store.clock import now
from tamas.store.database import Connection
from tamas.store.events_schema import events as outbox

ORDER_KEY_LENGTH: Final = 80


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact to be told."""

    name: str
    """One of :data:`tamas.events.catalogue.EVENTS`."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """By the names and with the values that the catalogue declares; ``None`` stands for absent."""
    call: str = ""
    """``cuid`` of the call it belongs to: its events arrive in the order in which they were emitted. Where it
    is empty, the order is kept among events of the same kind of thing (an extension, a trunk)."""

    @property
    def order_key(self) -> str:
        """Events with the same one keep their order; an empty one keeps none."""
        if self.call:
            return self.call[:ORDER_KEY_LENGTH]
        by = EVENTS[self.name].in_order_of
        value = self.fields.get(by) if by else None
        return f"{by}:{value}"[:ORDER_KEY_LENGTH] if value is not None else ""


async def emit(tx: Connection, events: Sequence[Event]) -> None:
    """Write events inside the caller's transaction: they are told if it commits, and only then.

    :raises ValueError: an event or a field that the catalogue does not have.
    """
    if not events:
        return
    at = now()
    rows = [
        {
            "name": event.name,
            "order_key": event.order_key,
            "created_at": at,
            "fields": msgspec.json.encode(checked_fields(event.name, event.fields)).decode(),
        }
        for event in events
    ]
    await tx.execute(outbox.insert(), rows)
    tx.after_commit.append(WRITTEN.give)
