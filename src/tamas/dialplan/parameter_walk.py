"""Walking the parameters of a component: which field means what, however deep it stands."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec

from tamas.dialplan.component import VARIABLE, Param

_SEQUENCES: Final = (list, tuple)
_FIELDS: Final[dict[type[Any], Mapping[str, tuple[Any, Param | None]]]] = {}


def fields_of(struct: type[Any]) -> Mapping[str, tuple[Any, Param | None]]:
    """Type and description of the fields of a struct, in order."""
    known = _FIELDS.get(struct)
    if known is None:
        hints = typing.get_type_hints(struct, include_extras=True)
        known = _FIELDS[struct] = {name: _unwrapped(hint) for name, hint in hints.items()}
    return known


def is_struct(hint: Any) -> bool:
    """Whether a type is a struct with fields of its own."""
    return inspect.isclass(hint) and issubclass(hint, msgspec.Struct)


def item_of(hint: Any) -> Any:
    """Type of the items of a list or tuple; ``Any`` for other types."""
    arguments = typing.get_args(hint) if typing.get_origin(hint) in _SEQUENCES else ()
    return arguments[0] if arguments else Any


def variables_in(
    value: Any, hint: Any, param: Param | None, path: str
) -> Iterator[tuple[str, str, Any, Param | None]]:
    """Where variables stand in a raw value: path, name, and type and description of the place.

    :param value: in which no list or object is nested deeper than ``plans.MAX_DEPTH``.
    """
    if isinstance(value, dict):
        if set(value) == {VARIABLE}:
            yield path, str(value[VARIABLE]), hint, param
            return
        inner = fields_of(hint) if is_struct(hint) else {}
        for key, item in value.items():
            yield from variables_in(item, *inner.get(key, (Any, None)), f"{path}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from variables_in(item, item_of(hint), param, f"{path}[{place}]")


def texts_in(value: Any, param: Param | None, path: str) -> Iterator[tuple[str, str, Param]]:
    """Texts in a converted value whose place is described: path, text, description."""
    if isinstance(value, str):
        if param is not None:
            yield path, value, param
    elif isinstance(value, msgspec.Struct):
        for name, (_, inner) in fields_of(type(value)).items():
            yield from texts_in(getattr(value, name), inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from texts_in(item, param, f"{path}[{place}]")


def _unwrapped(hint: Any) -> tuple[Any, Param | None]:
    if typing.get_origin(hint) is not Annotated:
        return hint, None
    inner, *metadata = typing.get_args(hint)
    return inner, next((each for each in metadata if isinstance(each, Param)), None)
