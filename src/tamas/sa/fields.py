"""Request models of the SA: a msgspec Struct whose annotations say how each field travels.

::

    class UserForward(msgspec.Struct, kw_only=True):
        no_answer: Annotated[str, optional(DigitsOrEmpty(), wire="No Answer", example="570")] = ""

    class UserAdd(msgspec.Struct, kw_only=True):
        name: Annotated[str, required(Name(), example="User2")]
        secret: Annotated[str, required(ExtensionSecret(), aliases=("password",), example="999")]
        active: Annotated[str | None, logical(YesNo(), example="yes")] = None
        forward_policy: Annotated[UserForward | None, optional(Nested(UserForward))] = None

A field that is absent or null, or ``""`` where its type has no such value, keeps the default of the Struct; a
*required* one is then missing. Missing fields of the whole body are found before any value is looked at.
Fields that are not declared are ignored. Dotted names are the catalogue's: ``forward_policy.No Answer``,
``agents[].queue``.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Literal, TypeVar

import msgspec

from tamas.sa.errors import MissingField, OperationFailed
from tamas.sa.field_types import (
    MAX_INTEGER,
    MAX_TEXT,
    BadValue,
    Boolish,
    CidrMask,
    CodecList,
    ContextName,
    Dialable,
    Digits,
    DigitsOrEmpty,
    Email,
    FieldType,
    Id,
    IntOrDigits,
    Lines,
    Name,
    OneOf,
    Pattern,
    SafeText,
    Schema,
    SoundName,
    Text,
    TrunkName,
    YesNo,
)

Requirement = Literal["required", "logical", "optional"]
S = TypeVar("S", bound=msgspec.Struct)

MAX_ITEMS = 1000
"""Items of one list in a request."""

_ABSENT: Any = object()


@dataclass(frozen=True, kw_only=True)
class Field:
    """How one field travels. Made by :func:`required`, :func:`logical` and :func:`optional`."""

    type: FieldType
    requirement: Requirement
    wire: str | None = None
    """Name on the wire; ``None``: the attribute's."""
    aliases: tuple[str, ...] = ()
    """Other names, always accepted; the proper one wins."""
    lenient_aliases: tuple[str, ...] = ()
    """Other names accepted while ``sa.lenient`` is on."""
    lenient_default: Any = None
    """JSON value taken when the field is missing and ``sa.lenient`` is on; ``None``: there is none."""
    lenient_same_as: str | None = None
    """Wire name of the field whose value stands in when this one is missing and ``sa.lenient`` is on."""
    natural_key: str | None = None
    """While ``sa.lenient`` is on, the Struct's default stands when this other field is given in its place."""
    lenient_only: bool = False
    """Looked at only while ``sa.lenient`` is on, and not described."""
    lenient_optional: bool = False
    """Not required while ``sa.lenient`` is on: the Struct's default stands."""
    unless: str | None = None
    """Not required when this other field is given: one beside it, or any by its dotted name."""
    always: bool = False
    """An object that is absent is read as ``{}``, so that what it requires is asked for."""
    example: Any = None
    """JSON value that works when pasted; ``None``: left out of examples."""
    note: str = ""


def required(type: FieldType, **how: Any) -> Field:  # noqa: A002 - reads best in declarations
    """A field whose absence is an error. Keywords are those of :class:`Field`."""
    return Field(type=type, requirement="required", **how)


def logical(type: FieldType, **how: Any) -> Field:  # noqa: A002
    """A field that clients are expected to send but need not."""
    return Field(type=type, requirement="logical", **how)


def optional(type: FieldType, **how: Any) -> Field:  # noqa: A002
    """A field that clients may send."""
    return Field(type=type, requirement="optional", **how)


def identifier(*, natural_key: str | None = None, example: str = "6033876dc92de036d1390923") -> Field:
    """The ``_id`` of an object, ``id`` accepted as well.

    Give the attribute the default ``""``, which is what a service gets when ``sa.lenient`` let the natural
    key (``number`` or ``name``) stand in.
    """
    return required(
        Id(),
        wire="_id",
        aliases=("id",),
        natural_key=natural_key,
        example=example,
        note="From the answer of add or search; that of the example must be replaced.",
    )


def alike() -> Field:
    """The ``alike`` switch of searches: substring when true, equality when false."""
    return required(Boolish(), lenient_default=False, example=True)


def yes_no(example: str) -> Field:
    """A setting that is ``yes`` or ``no``, and may be left out."""
    return logical(YesNo(), example=example)


class NoParameters(msgspec.Struct, kw_only=True):
    """The request of a service that takes nothing."""


@dataclass(frozen=True)
class Malformed:
    """Stands for an item of a list with :attr:`ListOf.each_alone` that could not be read."""

    sent: Mapping[str, str]
    """What was sent for its fields, by wire name, as far as that was text or a whole number."""


@dataclass(frozen=True)
class _Gathered:
    """An object whose required fields are known to be there."""

    model: Model[Any]
    present: list[tuple[_Bound, Any]]


@dataclass(frozen=True, kw_only=True)
class _Bound:
    attribute: str
    wire: str
    declared: Field
    strict_names: tuple[str, ...]
    lenient_names: tuple[str, ...]
    is_nested: bool


class Nested(FieldType):
    """An object inside the request; ``[]`` counts as ``{}`` because PHP writes empty maps so."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.struct = struct

    def gather(self, value: Any, prefix: str, root: Mapping[str, Any], *, lenient: bool) -> Any:
        """Find missing fields inside; a value of another kind is left for :meth:`convert` to refuse.

        :param root: the whole request.
        """
        if value == []:
            value = {}
        if not isinstance(value, Mapping):
            return value
        return model_of(self.struct).gather(value, prefix + ".", root, lenient=lenient)

    def convert(self, value: Any, *, lenient: bool) -> Any:  # noqa: ARG002
        raise BadValue  # a gathered object never comes here

    def schema(self) -> Schema:
        return model_of(self.struct).schema()


class ListOf(Nested):
    """A list of objects, at least one.

    :param lenient_item: field that a bare text stands for while ``sa.lenient`` is on. Items then also take
        fields they lack from the object around the list.
    :param each_alone: an item whose values do not fit becomes a :class:`Malformed` and the others are read
        all the same; a field that an item lacks is still an error of the whole request.
    """

    def __init__(
        self, struct: type[msgspec.Struct], *, lenient_item: str | None = None, each_alone: bool = False
    ) -> None:
        super().__init__(struct)
        self.lenient_item = lenient_item
        self.each_alone = each_alone

    def gather_items(
        self, value: Any, prefix: str, around: Mapping[str, Any], root: Mapping[str, Any], *, lenient: bool
    ) -> Any:
        """As :meth:`Nested.gather`, for each item; ``around`` is the object that holds the list."""
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            return value
        model = model_of(self.struct)
        return [
            model.gather(item, prefix + "[].", root, lenient=lenient) if isinstance(item, Mapping) else item
            for item in (self._items(value, around) if lenient and self.lenient_item else value)
        ]

    def _items(self, value: list[Any], around: Mapping[str, Any]) -> Iterable[Any]:
        names = {name for bound in model_of(self.struct).fields for name in bound.lenient_names}
        shared = {name: around[name] for name in names if name in around}
        for item in value:
            if isinstance(item, (str, int)) and not isinstance(item, bool):
                yield {**shared, self.lenient_item: item}
            elif isinstance(item, Mapping):
                yield {**shared, **item}
            else:
                yield item

    def schema(self) -> Schema:
        return {"type": "array", "items": super().schema(), "minItems": 1, "maxItems": MAX_ITEMS}


class Model(Generic[S]):
    """A request Struct, made ready for reading. Get it from :func:`model_of`."""

    def __init__(self, struct: type[S]) -> None:
        self.struct = struct
        self.fields = tuple(_bind(struct))

    def read(self, values: Mapping[str, Any], *, lenient: bool = False) -> S:
        """Turn a decoded JSON object into the Struct.

        :raises MissingField: a required field is missing, here or further inside.
        :raises OperationFailed: a value does not fit its type; ``field`` says which.
        """
        return self._build(self.gather(values, "", values, lenient=lenient), "", lenient=lenient)  # type: ignore[no-any-return]

    def gather(
        self, values: Mapping[str, Any], prefix: str, root: Mapping[str, Any], *, lenient: bool
    ) -> _Gathered:
        """Find the value of each field, and what is missing.

        :param root: the whole request.
        """
        present = []
        for bound in self.fields:
            declared = bound.declared
            if declared.lenient_only and not lenient:
                continue
            value = self._find(bound, values, lenient=lenient)
            if value is _ABSENT and declared.always:
                value = {}
            if value is _ABSENT:
                excused = _excused(declared, values, root, lenient=lenient) or (
                    lenient and self._has_natural_key(declared, values)
                )
                if declared.requirement == "required" and not excused:
                    raise MissingField(prefix + bound.wire)
                continue
            if bound.is_nested:
                kind = declared.type
                name = prefix + bound.wire
                if isinstance(kind, ListOf):
                    value = kind.gather_items(value, name, values, root, lenient=lenient)
                elif isinstance(kind, Nested):
                    value = kind.gather(value, name, root, lenient=lenient)
            present.append((bound, value))
        return _Gathered(self, present)

    def _find(self, bound: _Bound, values: Mapping[str, Any], *, lenient: bool) -> Any:
        """The value sent for a field, or ``_ABSENT``."""
        for name in bound.lenient_names if lenient else bound.strict_names:
            if name in values and not _is_absent(bound, values[name]):
                return values[name]
        if not lenient:
            return _ABSENT
        declared = bound.declared
        for other in self.fields:
            if other.wire == declared.lenient_same_as:
                return self._find(other, values, lenient=True)
        return _ABSENT if declared.lenient_default is None else declared.lenient_default

    def _has_natural_key(self, declared: Field, values: Mapping[str, Any]) -> bool:
        keys = (other for other in self.fields if other.wire == declared.natural_key)
        return any(self._find(key, values, lenient=True) is not _ABSENT for key in keys)

    def _build(self, gathered: _Gathered, prefix: str, *, lenient: bool) -> Any:
        given = {}
        for bound, value in gathered.present:
            name = prefix + bound.wire
            if not bound.is_nested:
                try:
                    given[bound.attribute] = bound.declared.type.convert(value, lenient=lenient)
                except BadValue:
                    raise OperationFailed(name) from None
            elif isinstance(bound.declared.type, ListOf):
                given[bound.attribute] = self._build_items(bound.declared.type, value, name, lenient=lenient)
            elif isinstance(value, _Gathered):
                given[bound.attribute] = value.model._build(value, name + ".", lenient=lenient)  # noqa: SLF001
            else:
                raise OperationFailed(name)
        return self.struct(**given)

    @classmethod
    def _build_items(cls, kind: ListOf, value: Any, name: str, *, lenient: bool) -> list[Any]:
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise OperationFailed(name)
        items: list[Any] = []
        for item in value:
            try:
                items.append(cls._build_item(item, name, lenient=lenient))
            except OperationFailed:
                if not kind.each_alone:
                    raise
                items.append(Malformed(_as_sent(item)))
        return items

    @staticmethod
    def _build_item(item: Any, name: str, *, lenient: bool) -> Any:
        if not isinstance(item, _Gathered):
            raise OperationFailed(name)
        return item.model._build(item, name + "[].", lenient=lenient)  # noqa: SLF001

    def nested_names(self) -> frozenset[str]:
        """Wire names of fields that hold objects or lists, which a query carries as JSON text."""
        return frozenset(bound.wire for bound in self.fields if bound.is_nested)

    def schema(self) -> Schema:
        """JSON schema of the request body."""
        described = [bound for bound in self.fields if not bound.declared.lenient_only]
        schema: Schema = {
            "type": "object",
            "properties": {bound.wire: _described(bound) for bound in described},
        }
        must = [bound.wire for bound in described if _must_be_sent(bound.declared)]
        if must:
            schema["required"] = must
        return schema

    def example(self) -> dict[str, Any]:
        """A body that works when pasted."""
        example: dict[str, Any] = {}
        for bound in self.fields:
            declared = bound.declared
            if declared.lenient_only:
                continue
            if declared.example is not None:
                example[bound.wire] = declared.example
            elif isinstance(declared.type, ListOf):
                example[bound.wire] = [model_of(declared.type.struct).example()]
            elif isinstance(declared.type, Nested):
                example[bound.wire] = model_of(declared.type.struct).example()
        return example


def _must_be_sent(declared: Field) -> bool:
    if declared.always and isinstance(declared.type, Nested):
        return "required" in declared.type.schema()
    return declared.requirement == "required" and not declared.unless


def _is_absent(bound: _Bound, value: Any) -> bool:
    if value is None:
        return True
    declared = bound.declared
    if value == "" and isinstance(value, str):
        return declared.requirement == "required" or not declared.type.allows_empty
    return value == [] and declared.requirement == "required" and isinstance(declared.type, ListOf)


def _as_sent(item: Any) -> dict[str, str]:
    if not isinstance(item, _Gathered):
        return {}
    return {
        bound.wire: str(value)[:MAX_TEXT].encode("utf-8", "replace").decode()
        for bound, value in item.present
        if isinstance(value, str) or (type(value) is int and abs(value) < MAX_INTEGER)
    }


def _excused(declared: Field, values: Mapping[str, Any], root: Mapping[str, Any], *, lenient: bool) -> bool:
    """Whether a required field may be missing: another stands in for it, or ``sa.lenient`` lets it."""
    if lenient and declared.lenient_optional:
        return True
    return declared.unless is not None and _sent(declared.unless, values, root) not in (None, "")


def _sent(name: str, values: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """What was sent for a field beside, or for one of the request when the name is dotted."""
    outer, dot, inner = name.partition(".")
    if not dot:
        return values.get(name)
    around = root.get(outer)
    return around.get(inner) if isinstance(around, Mapping) else None


def _bind(struct: type[msgspec.Struct]) -> Iterable[_Bound]:
    hints = typing.get_type_hints(struct, include_extras=True)
    for attribute in _own_first(struct):
        marks = [mark for mark in getattr(hints[attribute], "__metadata__", ()) if isinstance(mark, Field)]
        if len(marks) != 1:
            raise TypeError(f"{struct.__name__}.{attribute} needs one of required(), logical(), optional()")
        declared = marks[0]
        wire = declared.wire or attribute
        names = (wire, *declared.aliases)
        yield _Bound(
            attribute=attribute,
            wire=wire,
            declared=declared,
            strict_names=names,
            lenient_names=names + declared.lenient_aliases,
            is_nested=isinstance(declared.type, Nested),
        )


def _own_first(struct: type[msgspec.Struct]) -> list[str]:
    """Fields in the order of declaration, those of base classes after a class's own."""
    declared = (name for one in struct.__mro__ for name in inspect.get_annotations(one))
    return [name for name in dict.fromkeys(declared) if name in struct.__struct_fields__]


def notes(declared: Field) -> list[str]:
    """What the documentation says of a field besides its type."""
    others = f"Also read from {' or '.join(declared.aliases)}." if declared.aliases else ""
    return [text for text in (declared.note, others) if text]


def _described(bound: _Bound) -> Schema:
    declared = bound.declared
    schema = dict(declared.type.schema())
    texts = [*notes(declared), str(schema.pop("description", ""))]
    if declared.requirement == "logical":
        texts.append("Expected, never required.")
    description = " ".join(text for text in texts if text)
    if description:
        schema["description"] = description
    if declared.example is not None:
        schema["examples"] = [declared.example]
    return schema


@cache
def model_of(struct: type[S]) -> Model[S]:
    """The model of a Struct; made once."""
    return Model(struct)


__all__ = [
    "Boolish",
    "CidrMask",
    "CodecList",
    "ContextName",
    "Dialable",
    "Digits",
    "DigitsOrEmpty",
    "Email",
    "Field",
    "FieldType",
    "Id",
    "IntOrDigits",
    "Lines",
    "ListOf",
    "Malformed",
    "Model",
    "Name",
    "Nested",
    "NoParameters",
    "OneOf",
    "Pattern",
    "SafeText",
    "SoundName",
    "Text",
    "TrunkName",
    "YesNo",
    "alike",
    "identifier",
    "logical",
    "model_of",
    "optional",
    "required",
    "yes_no",
]
