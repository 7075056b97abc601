"""A trial: one event with sample values, sent to a receiver at once, to see whether it arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
import msgspec

from tamas.events.catalogue import EVENTS, Field
from tamas.events.receivers import Receiver
from tamas.events.rendering import Told, request_for
from tamas.events.sending import Outcome, send
from tamas.outgoing.web import WebConnections
from tamas.store.clock import MICROSECONDS, now

_TEXTS: Final = {
    "exten": "991",
    "number": "09330000000",
    "src": "09330000000",
    "dst": "991",
    "queue": "902",
    "unique_id": "1610778618.378",
    "fax_id": "5f6f182c8a315630478f6d28",
    "id": "5fedc3b31b05af9835bbcfdd",
    "campaign_id": "63e24b3e3ba6c708b7612152",
}


async def send_trial(
    receiver: Receiver, name: str, *, runtime: Mapping[str, Any], open_secret: Callable[[str], str]
) -> Outcome:
    """Send a sample of an event, whether the receiver is enabled and selects it or not; nothing is stored.

    :param runtime: runtime settings.
    """
    at = now()
    fields = {field.name: _sample(field, at) for field in EVENTS[name].fields}
    event = Told(position=0, name=name, created_at=at, fields=msgspec.json.encode(fields).decode())
    request = request_for(
        event,
        receiver,
        zone=ZoneInfo(runtime["timezone"]) if receiver.local_time else UTC,
        password=open_secret(receiver.password) if receiver.password else "",
        secret=open_secret(receiver.secret) if receiver.secret else "",
        at=at // MICROSECONDS,
    )
    connections = WebConnections()
    internal = receiver.allow_internal or bool(runtime["events.allow_internal"])
    try:
        async with await connections.connection(httpx.URL(receiver.address), internal=internal) as connection:
            return await send(connection, request, seconds=receiver.timeout_ms / 1000)
    finally:
        connections.close()


def _sample(field: Field, at: int) -> Any:
    match field.type:
        case "datetime_us" | "datetime" | "epoch_float":
            return at
        case "int" | "digits" | "string_or_int":
            return 1
        case "boolword":
            return True
        case "object":
            return {}
        case "list":
            return [{item.name: _sample(item, at) for item in field.items}]
        case "enum":
            return field.values[0]
        case _:
            return _TEXTS.get(field.name, "test")
