"""From the bytes of a request to a JSON object: limits, strictness, query parameters."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from tamas.errors import TamasError
from tamas.sa.fields import Model

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""
MAX_PARAMETERS = 200
"""Parameters of one query."""


class Unparseable(TamasError):
    """The body is too large, or no JSON object."""


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
