"""How an event looks on the wire, by the settings of its receiver.

Vendor-shaped: the names and values of the SA catalogue, ``events.yaml`` (``delivery``; README, points 10 to
12), as G4 or Rest4, by GET or POST. Ours: one JSON object with ``id``, ``position``, ``type``, ``timestamp``
and ``data``, times in RFC 3339, as the live stream tells them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final

import httpx
import msgspec

from tamas.events.catalogue import EVENTS, NAMED_TWICE, Field
from tamas.events.receivers import Receiver
from tamas.events.signature import signature_headers
from tamas.outgoing.web import Request, basic
from tamas.store.clock import MICROSECONDS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE: Final = frozenset({True, "True", "true", "yes", "1"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event of the outbox."""

    position: int
    name: str
    created_at: int
    fields: str
    """JSON, as stored."""
    rendered: dict[object, Any] = field(default_factory=dict, compare=False)
    """What was made of it already, because many receivers want the same."""

    @property
    def id(self) -> str:
        """What receivers know it by, in every try the same: 24 hexadecimal digits, as ids in the SA."""
        return f"{self.created_at // MICROSECONDS:08x}{self.position:016x}"


def vendor_fields(event: Told, zone: tzinfo) -> dict[str, Any]:
    """The fields of the SA's payload in their order, ``event_name`` first, second spellings last."""
    key = ("vendor", str(zone))
    known: dict[str, Any] | None = event.rendered.get(key)
    if known is None:
        known = event.rendered[key] = _vendor_fields(event, zone)
    return known


def _vendor_fields(event: Told, zone: tzinfo) -> dict[str, Any]:
    given = msgspec.json.decode(event.fields)
    payload: dict[str, Any] = {"event_name": event.name}
    if event.name in NAMED_TWICE:
        payload["event"] = event.name
    again = {}
    declared = EVENTS.get(event.name)
    for one in declared.fields if declared else ():
        if one.name not in given:
            continue
        payload[one.name] = value = _vendor_value(one, given[one.name], zone)
        if one.also == "cuid":
            payload["cuid"] = value
        elif one.also and one.also not in given:
            again[one.also] = value
    return payload | again


def own_body(event: Told) -> bytes:
    """The JSON object of our own shape."""
    known: bytes | None = event.rendered.get("own")
    if known is None:
        given = msgspec.json.decode(event.fields)
        declared = EVENTS.get(event.name)
        data = {
            one.name: _own_value(one, given[one.name])
            for one in (declared.fields if declared else ())
            if one.name in given
        }
        known = event.rendered["own"] = msgspec.json.encode(
            {
                "id": event.id,
                "position": event.position,
                "type": event.name,
                "timestamp": rfc3339(event.created_at),
                "data": data,
            }
        )
    return known


def request_for(
    event: Told, receiver: Receiver, *, zone: tzinfo, password: str, secret: str, at: int
) -> Request:
    """The request that tells a receiver of an event.

    :param zone: of its times.
    :param password: for HTTP Basic, in clear.
    :param secret: of the signature, in clear; empty: it is not signed.
    :param at: epoch seconds of the try, which a signature carries.
    """
    rest = receiver.shape == "vendor" and receiver.version == "Rest4"
    url = _url(receiver.address, event.name if rest else "")
    headers = [("Accept-Encoding", "identity"), ("User-Agent", "tamas")]
    if receiver.username:
        headers.append(basic(receiver.username, password))
    content: bytes | None
    if receiver.shape == "own":
        method, content = "POST", own_body(event)
    else:
        payload = vendor_fields(event, zone)
        method = receiver.method
        if method == "GET":
            content = None
            url = url.copy_merge_params({name: _as_text(value) for name, value in payload.items()})
        else:
            content = msgspec.json.encode(payload)
    if content is not None:
        headers.append(("Content-Type", "application/json"))
    if secret:
        headers += signature_headers(secret, event.id, at, content or b"")
    return Request(method=method, url=url, headers=headers, content=content)


@lru_cache(maxsize=4096)
def _url(address: str, name: str) -> httpx.URL:
    """An address, with the name of an event at the end of its path, if there is one."""
    url = httpx.URL(address).copy_with(fragment=None)
    return url.copy_with(path=f"{url.path.rstrip('/')}/{name}") if name else url


def _vendor_value(declared: Field, value: Any, zone: tzinfo) -> Any:
    match declared.type:
        case "datetime_us":
            return _local(value, zone).strftime("%Y-%m-%d %H:%M:%S.%f")
        case "datetime":
            return _local(value, zone).strftime("%Y-%m-%d %H:%M:%S")
        case "epoch_float":
            return value / MICROSECONDS
        case "digits":
            return str(value)
        case "boolword":
            return "True" if value in _TRUE else "False"
        case "list":
            return [
                _items(declared.items, item, lambda one, each: _vendor_value(one, each, zone))
                for item in value
            ]
        case _:
            return value


def _own_value(declared: Field, value: Any) -> Any:
    match declared.type:
        case "datetime_us" | "datetime" | "epoch_float":
            return rfc3339(value)
        case "digits":
            return int(value) if str(value).isdecimal() else value
        case "boolword":
            return value in _TRUE
        case "list":
            return [_items(declared.items, item, _own_value) for item in value]
        case _:
            return value


def _items(declared: Sequence[Field], item: Mapping[str, Any], value_of: Any) -> dict[str, Any]:
    return {one.name: value_of(one, item[one.name]) for one in declared if item.get(one.name) is not None}


def _local(at: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone)


def rfc3339(at: int) -> str:
    """A time (microseconds UTC) as events of our own shape show it (RFC 3339)."""
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _as_text(value: Any) -> str:
    """A value as a query parameter: what has parts becomes JSON text."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
