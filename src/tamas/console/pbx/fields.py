"""Parameters and answers that the pages of the switchboard share."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tamas.console.field_types import ListOfValues
from tamas.sa.field_types import BadValue, Id, Name, OneOf, Schema
from tamas.sa.fields import Field, optional, required

MAX_IDS = 1000
"""Objects of one request."""
NUMBER_PLACE = "{number}"
"""Stands for each number in the name of several extensions."""

_YES_NO_ALL = OneOf("all", "yes", "no")


def yes_no_all() -> Field:
    """A filter of a list on something that is or is not; ``all`` by default."""
    return optional(_YES_NO_ALL)


class ById(msgspec.Struct, kw_only=True):
    """Names one object."""

    id: Annotated[str, required(Id())]


class ByIds(msgspec.Struct, kw_only=True):
    """Names objects; those that do not exist any more are passed over."""

    ids: Annotated[list[str], required(ListOfValues(Id(), least=1, most=MAX_IDS))]


class Made(msgspec.Struct, kw_only=True):
    """The object that was made."""

    id: str


class Removed(msgspec.Struct, kw_only=True):
    """How many are gone."""

    removed: int


class NumberedName(Name):
    """A name for several extensions, with ``{number}`` in place of the number of each."""

    def convert(self, value: Any, *, lenient: bool) -> str:
        if not isinstance(value, str):
            raise BadValue
        super().convert(value.replace(NUMBER_PLACE, "0"), lenient=lenient)
        return value.strip(" \t")

    def schema(self) -> Schema:
        return super().schema() | {"description": "{number} stands for the number of each extension."}
