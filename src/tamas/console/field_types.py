"""Parameter types that only the console has; the others are those of the Simotel API."""
# ruff: noqa: ARG002 - convert() has one signature for all types

from __future__ import annotations

from typing import Any

from tamas.sa.field_types import BadValue, FieldType, Schema

MAX_ITEMS = 1000
"""Items of one list in a request."""


class ListOfValues(FieldType):
    """A list whose items are of one type; in a query, text with commas."""

    allows_empty = True

    def __init__(self, item: FieldType, *, least: int = 0, most: int = MAX_ITEMS) -> None:
        self.item = item
        self.least = least
        self.most = most

    def convert(self, value: Any, *, lenient: bool) -> list[Any]:
        if isinstance(value, str):
            value = [part for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            raise BadValue
        return [self.item.convert(one, lenient=lenient) for one in value]

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.least,
            "maxItems": self.most,
        }


class Truth(FieldType):
    """A JSON boolean; in a query, ``true`` or ``false``."""

    def convert(self, value: Any, *, lenient: bool) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        raise BadValue

    def schema(self) -> Schema:
        return {"type": "boolean"}


class Whole(FieldType):
    """A whole number as JSON integer; in a query, as digits."""

    def __init__(self, *, low: int = 0, high: int = 2**53 - 1) -> None:
        self.low = low
        self.high = high

    def convert(self, value: Any, *, lenient: bool) -> int:
        if (
            isinstance(value, str)
            and value.isascii()
            and value.removeprefix("-").isdigit()
            and len(value) < 18
        ):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise BadValue
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Secret(FieldType):
    """A password as typed: nothing is trimmed, and it is never part of an example."""

    allows_empty = True

    def __init__(self, *, most: int = 256) -> None:
        self.most = most

    def convert(self, value: Any, *, lenient: bool) -> str:
        if not isinstance(value, str) or len(value) > self.most or not (value.isprintable() or not value):
            raise BadValue
        return value

    def schema(self) -> Schema:
        return {"type": "string", "format": "password", "maxLength": self.most}
