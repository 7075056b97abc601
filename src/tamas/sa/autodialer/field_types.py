"""Parameter types that only the autodialer's services have. Source: SA catalogue, ``params``."""
# ruff: noqa: ARG002 - convert() has one signature for all types

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tamas.autodialer.numbers import normalised
from tamas.sa.field_types import BadValue, FieldType, Id, Schema, Text


class CalledNumber(FieldType):
    """A number as people write it; services get it as it is dialed."""

    _TEXT = Text(max=64)

    def convert(self, value: Any, *, lenient: bool) -> str:
        number = normalised(self._TEXT.convert(value, lenient=lenient))
        if number is None:
            raise BadValue
        return number

    def schema(self) -> Schema:
        return {
            "type": "string",
            "maxLength": self._TEXT.max,
            "description": "2 to 31 digits, perhaps after +; blanks, dashes and brackets are dropped.",
        }


class Numbers(FieldType):
    """A list of numbers as people write them; services get the texts. A number alone is a list of one."""

    MAX = 100_000
    _ONE = Text(max=64)

    def convert(self, value: Any, *, lenient: bool) -> list[str]:
        given = [value] if isinstance(value, (str, int)) else value
        if not isinstance(given, list) or len(given) > self.MAX:
            raise BadValue
        return [self._ONE.convert(one, lenient=lenient) for one in given]

    def schema(self) -> Schema:
        return {"type": "array", "items": self._ONE.schema(), "maxItems": self.MAX}


class Ids(FieldType):
    """A list of ids; ``""`` among them is none."""

    MAX = 1000
    _ONE = Id()

    def convert(self, value: Any, *, lenient: bool) -> list[str]:
        if not isinstance(value, list) or len(value) > self.MAX:
            raise BadValue
        return [self._ONE.convert(one, lenient=lenient) for one in value if one not in ("", None)]

    def schema(self) -> Schema:
        return {"type": "array", "items": self._ONE.schema(), "maxItems": self.MAX}


class IdOrEmpty(Id):
    """An id, or ``""`` for none."""

    allows_empty = True

    def convert(self, value: Any, *, lenient: bool) -> str:
        return "" if value == "" and isinstance(value, str) else super().convert(value, lenient=lenient)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^([0-9A-Fa-f]{24})?$"}


class ActiveTimes(FieldType):
    """Hours by weekday; what they may be, the autodialer tells. PHP writes an empty map as ``[]``."""

    def convert(self, value: Any, *, lenient: bool) -> Mapping[str, Any]:
        if isinstance(value, str):  # inside a form or a query it is text
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                raise BadValue from error
        if value == [] and isinstance(value, list):
            return {}
        if not isinstance(value, Mapping):
            raise BadValue
        return value

    def schema(self) -> Schema:
        hours = {"type": "array", "items": {"type": "string", "pattern": "^(1?[0-9]|2[0-3])$"}}
        return {
            "type": "object",
            "propertyNames": {"pattern": "^[1-7]$"},
            "additionalProperties": hours,
            "description": "Hours by weekday, 1 is Monday; hour 10 is 10:00:00 to 10:59:59. A day that is "
            "missing has none.",
        }
