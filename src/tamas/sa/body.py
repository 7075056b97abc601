"""From the bytes of a request to a JSON object: limits, strictness, query parameters."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from tamas.errors import TamasError
from tamas.sa.fields import Model

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""
MAX_PARAMETERS = 200
"""Parameters of one query."""


Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

JSON = b"application/json"


class Unparseable(TamasError):
    """The body is too large, or no JSON object."""


class TooLarge(Unparseable):
    """The body is larger than :data:`MAX_BODY`."""


class WrongMediaType(TamasError):
    """There is a body, and it does not say that it is JSON."""


class ClientGone(TamasError):
    """The client hung up before its request was complete."""


class _NotStrict(ValueError):
    """JSON that parsers disagree about: doubled keys, NaN."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrict
    return value


def _constant(_name: str) -> NoReturn:
    raise _NotStrict


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


async def read_object(
    receive: Receive, *, content_type: bytes | None, content_length: bytes | None, chunked: bool
) -> dict[str, Any]:
    """The JSON object that a request carries; without a body ``{}``.

    :raises WrongMediaType: a body that is not ``application/json``.
    :raises Unparseable: it cannot be understood, or is too large.
    :raises ClientGone: the client hung up.
    """
    if not chunked and (content_length is None or content_length == b"0"):
        return {}
    accepted = _is_json(content_type)
    if not chunked:
        if not accepted:
            raise WrongMediaType
        if content_length is not None and not content_length.isdigit():
            raise Unparseable("no length")
        if content_length is not None and (len(content_length) > 9 or int(content_length) > MAX_BODY):
            raise TooLarge("too large")
    body = await _read_body(receive)
    if body and not accepted:
        raise WrongMediaType
    if len(body) > MAX_BODY:
        raise TooLarge("too large")
    return parse_object(body)


def _is_json(content_type: bytes | None) -> bool:
    return content_type is not None and (
        content_type == JSON or content_type.partition(b";")[0].strip().lower() == JSON
    )


async def _read_body(receive: Receive) -> bytes:
    """The body, or a little more than :data:`MAX_BODY` of it.

    :raises ClientGone: the client hung up.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        return body
    parts = bytearray(body)
    while True:
        if message["type"] != "http.request":
            raise ClientGone("hung up while sending its body")
        if not message.get("more_body", False) or len(parts) > MAX_BODY:
            return bytes(parts)
        message = await receive()
        parts += message.get("body", b"")


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object; nothing at all and ``[]`` count as ``{}`` (SA catalogue, README decision 27).

    :raises Unparseable: not UTF-8, not JSON, doubled keys, NaN, absurdly deep or long numbers, no object.
    """
    if body in (b"{}", b""):
        return {}
    try:
        text = body.decode("utf-8-sig").strip(" \t\r\n")
        value = _decoder.decode(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise Unparseable(str(error)) from error
    if isinstance(value, dict):
        return value
    if value == [] and isinstance(value, list):
        return {}
    raise Unparseable("not an object")


def parse_query(query: bytes, model: Model[Any]) -> dict[str, Any]:
    """Parameters of a query: objects and lists as JSON text, or one by one as ``conditions.number=999`` or
    ``conditions[number]=999``.

    :raises Unparseable: not UTF-8, too many, or JSON text that is none.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise Unparseable(str(error)) from error
    nested = model.nested_names()
    values: dict[str, Any] = {}
    for name, text in pairs:
        outer, inner = _split(name)
        if name in nested:
            value = _json_value(text)
            if value is not None or name not in values:
                values[name] = value
        elif inner is not None and outer in nested:
            if values.get(outer) is None:
                values[outer] = {}
            inside = values[outer]
            if isinstance(inside, dict):
                inside[inner] = text
        else:
            values[name] = text
    return values


def _split(name: str) -> tuple[str, str | None]:
    if name.endswith("]") and "[" in name:
        outer, _, inner = name[:-1].partition("[")
        return outer, inner
    outer, dot, inner = name.partition(".")
    return outer, inner if dot else None


def _json_value(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise Unparseable(str(error)) from error
