"""Request models and their types: generous in what they take, exact in what they hand over."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sa._server import Add, Batch, Remove, Search
from tamas.sa.errors import MissingField, OperationFailed
from tamas.sa.field_types import BadValue
from tamas.sa.fields import (
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
    ListOf,
    Malformed,
    Name,
    OneOf,
    SafeText,
    SoundName,
    Text,
    TrunkName,
    YesNo,
    model_of,
    optional,
    required,
)
from tamas.sa.pbx.field_types import ExtensionSecret

REACH_ASTERISK: list[FieldType] = [
    Id(),
    Digits(),
    DigitsOrEmpty(),
    Dialable(),
    ContextName(),
    TrunkName(),
    SoundName(),
    Email(),
    CidrMask(),
    CodecList(),
    YesNo(),
    OneOf("a", "b"),
    Name(),
    SafeText(),
]
EVERY_TYPE = [*REACH_ASTERISK, IntOrDigits(), Boolish(), Text(), Lines(), ExtensionSecret()]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("kind", "given_value", "result"),
    [
        (Digits(), 101, "101"),
        (Digits(), " 101 ", "101"),
        (Digits(), "007", "007"),
        (DigitsOrEmpty(), "", ""),
        (IntOrDigits(), "30", 30),
        (IntOrDigits(), 30, 30),
        (Id(), "6033876DC92DE036D1390923", "6033876dc92de036d1390923"),
        (Id(), {"$oid": "6033876dc92de036d1390923"}, "6033876dc92de036d1390923"),
        (Boolish(), "false", False),
        (Boolish(), 1, True),
        (Boolish(), "YES", True),
        (YesNo(), True, "yes"),
        (YesNo(), "0", "no"),
        (YesNo(), "No", "no"),
        (OneOf("SIP", "IAX2"), "sip", "SIP"),
        (OneOf("rrmemory", labels={"rr memory": "rrmemory"}), "RR Memory", "rrmemory"),
        (OneOf("yes", "no", "strict"), True, "yes"),
        (CidrMask(), "0.0.0.0/0.0.0.0", "0.0.0.0/0.0.0.0"),
        (CidrMask(), "10.0.0.0/8", "10.0.0.0/255.0.0.0"),
        (CidrMask(), "10.1.2.3", "10.1.2.3/255.255.255.255"),
        (CidrMask(), "2001:db8::/32", "2001:db8::/32"),
        (CodecList(), "ulaw, ALAW,ulaw", "ulaw,alaw"),
        (Name(), 557, "557"),
        (Name(), "فروش ۲", "فروش ۲"),
        (Text(), "$5, please | ok", "$5, please | ok"),
        (Lines(), "a=1\r\nb=2 \t\n\n", "a=1\nb=2"),
        (SoundName(), "custom/welcome", "custom/welcome"),
        (ExtensionSecret(), 999, "999"),
        (ExtensionSecret(), "a b;c^", "a b;c^"),
    ],
)
def test_values_are_brought_into_one_form(kind: FieldType, given_value: Any, result: Any) -> None:
    """Every accepted spelling becomes the one form that services see."""
    converted = kind.convert(given_value, lenient=False)
    assert (converted, type(converted)) == (result, type(result))


@pytest.mark.parametrize(
    ("kind", "given_value"),
    [
        (Digits(), "12a"),
        (Digits(), -1),
        (Digits(), 1.0),
        (Digits(), True),
        (Digits(), "1" * 21),
        (Digits(), "١٢"),
        (Digits(), "999\n"),
        (Digits(low=1, high=65535), "70000"),
        (IntOrDigits(low=1), 0),
        (IntOrDigits(), 10**400),
        (Id(), "6033876dc92de036d139092"),
        (Id(), "z" * 24),
        (Boolish(), "perhaps"),
        (Boolish(), 2),
        (YesNo(), "maybe"),
        (OneOf("SIP"), ["SIP"]),
        (CidrMask(), "300.0.0.0/8"),
        (CidrMask(), "10.0.0.0/8; drop"),
        (CodecList(), "ulaw,nonsense"),
        (Name(), "Sales\r\nX: y"),
        (Name(), "${SHELL(id)}"),
        (Name(), "a,b"),
        (Name(), "a&b"),
        (Name(), "a|b"),
        (Name(), "x" * 81),
        (Name(), "\ud800"),
        (Name(), "\u202eevil"),
        (Text(), "a\nb"),
        (Text(), "a\x00b"),
        (Text(max=5), "123456"),
        (Lines(), "a\x00b"),
        (Dialable(), "09${EXTEN}"),
        (Dialable(), "1" * 33),
        (SoundName(), "../../etc/passwd"),
        (SoundName(), "/etc/passwd"),
        (TrunkName(), "-x"),
        (TrunkName(), "a/b"),
        (ExtensionSecret(), ""),
        (ExtensionSecret(), "a\nb"),
        (ExtensionSecret(), "\tabc\t"),
        (ExtensionSecret(), " abc"),
    ],
)
def test_bad_values_are_refused(kind: FieldType, given_value: Any) -> None:
    """What does not fit is refused, and nothing else is raised."""
    with pytest.raises(BadValue):
        kind.convert(given_value, lenient=False)


@pytest.mark.parametrize("kind", REACH_ASTERISK, ids=lambda kind: type(kind).__name__)
@settings(max_examples=40)
@given(value=ANY_JSON, lenient=st.booleans())
def test_nothing_dangerous_reaches_asterisk(kind: FieldType, value: Any, lenient: bool) -> None:
    """Whatever JSON is sent, a type that reaches Asterisk hands over no control or dialplan character."""
    try:
        result = kind.convert(value, lenient=lenient)
    except BadValue:
        return
    assert isinstance(result, str)
    assert not re.search(r'[\x00-\x1f\x7f${}\[\]&|;"<>\\`^]', result)
    result.encode()


@pytest.mark.parametrize("kind", EVERY_TYPE, ids=lambda kind: type(kind).__name__)
@settings(max_examples=40)
@given(value=ANY_JSON)
def test_conversion_is_stable(kind: FieldType, value: Any) -> None:
    """Any JSON is converted or refused, and a converted value converts to itself."""
    try:
        result = kind.convert(value, lenient=False)
    except BadValue:
        return
    if result != "" or kind.allows_empty:
        assert kind.convert(result, lenient=False) == result


@given(
    st.dictionaries(
        st.sampled_from(["name", "number", "active", "forward_policy", "agents", "_id"]), ANY_JSON
    )
)
def test_any_object_is_read_or_refused(values: dict[str, Any]) -> None:
    """Any JSON object is read, or refused with a failure that names a field."""
    for struct in (Add, Search, Remove, Batch):
        for lenient in (False, True):
            fields = []
            try:
                model_of(struct).read(values, lenient=lenient)
            except (MissingField, OperationFailed) as failure:
                fields.append(failure.field)
            assert all(fields)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "name"),
        ({"name": None, "number": "1"}, "name"),
        ({"name": "", "number": "1"}, "name"),
        ({"name": "x"}, "number"),
        ({"name": "\x00"}, "number"),
    ],
)
def test_missing_fields(values: dict[str, Any], field: str) -> None:
    """Absent, null and empty are missing, and are found before any bad value."""
    with pytest.raises(MissingField) as caught:
        model_of(Add).read(values)
    assert str(caught.value) == f"Field '{field}':value is missing"


def test_missing_fields_inside_lists() -> None:
    """A field missing in an item is named as the catalogue writes it; an empty list is missing itself."""
    model = model_of(Batch)
    for values, field in (
        ({"agents": []}, "agents"),
        ({"agents": [{"queue": "x"}]}, "agents[].source"),
        ({"agents": [{"queue": "1", "source": "1", "agent": "1"}, {"queue": "1"}]}, "agents[].source"),
    ):
        with pytest.raises(MissingField) as caught:
            model.read(values)
        assert caught.value.field == field


def test_bad_values_name_their_field() -> None:
    """Dotted names, as the catalogue writes them."""
    for struct, values, field in (
        (Add, {"name": "x", "number": "1", "forward_policy": {"Busy": "z"}}, "forward_policy.Busy"),
        (Add, {"name": "x", "number": "1", "forward_policy": "z"}, "forward_policy"),
        (Add, {"name": "x", "number": "1", "forward_policy": [1]}, "forward_policy"),
        (Batch, {"agents": [{"queue": "1", "source": "1", "agent": "x"}]}, "agents[].agent"),
        (Batch, {"agents": ["1"]}, "agents"),
        (Batch, {"agents": {"queue": "1"}}, "agents"),
        (Remove, {"_id": "1"}, "_id"),
    ):
        with pytest.raises(OperationFailed) as caught:
            model_of(struct).read(values)
        assert caught.value.field == field


def test_empty_maps_ids_and_unknown_fields() -> None:
    """PHP's ``[]`` is an empty object, ``id`` stands for ``_id``, what is not declared is ignored."""
    read = model_of(Add).read({"name": "x", "number": 1, "forward_policy": [], "extra": {"a": 1}})
    assert read.forward_policy is not None
    assert read.forward_policy.no_answer == ""
    assert model_of(Remove).read({"id": "A" * 24}).id == "a" * 24
    assert model_of(Remove).read({"_id": "a" * 24, "id": "b" * 24}).id == "a" * 24


def test_absent_and_empty_are_told_apart() -> None:
    """A logical field that is absent, null or empty keeps the Struct's default."""
    for values in ({}, {"active": None}, {"active": ""}):
        assert model_of(Add).read({"name": "x", "number": "1", **values}).active is None
    assert model_of(Add).read({"name": "x", "number": "1", "active": False}).active == "no"


def test_lenient_reading() -> None:
    """Defaults, natural keys, other names and batches of bare numbers, only when lenient."""
    assert model_of(Search).read({}, lenient=True).alike is False
    read = model_of(Remove).read({"number": 5}, lenient=True)
    assert (read.id, read.number) == ("", "5")
    assert model_of(Remove).read({"_id": "a" * 24, "number": 5}).number is None
    batch = {"queue_number": 9, "penalty": 2, "agents": ["1", {"agent_number": "2"}]}
    items = model_of(Batch).read(batch, lenient=True).agents
    assert [(one.queue, one.agent, one.source, one.penalty) for one in items] == [
        ("9", "1", "1", "2"),
        ("9", "2", "2", "2"),
    ]
    assert Digits().convert("۱٢3", lenient=True) == "123"


class Item(msgspec.Struct, kw_only=True):
    """One item of a batch whose field has another name."""

    queue: Annotated[str, required(Digits(), aliases=("queue_number",))]


class Items(msgspec.Struct, kw_only=True):
    """A batch whose items are read each alone."""

    items: Annotated[list[Item | Malformed], required(ListOf(Item, each_alone=True))]


def test_other_names_are_always_read() -> None:
    """Names that the catalogue has seen clients send need no switch; the proper one wins."""
    for values in (
        {"queue_number": "9"},
        {"queue": "9", "queue_number": "8"},
        {"queue": "", "queue_number": 9},
    ):
        assert model_of(Item).read(values).queue == "9"
    assert model_of(Item).schema()["properties"]["queue"]["description"] == "Also read from queue_number."


def test_each_item_alone() -> None:
    """An item that does not fit is told with what was sent of it, and the others are read."""
    sent = [{"queue": "nope\ud800"}, {"queue": 9}, 5, "9", {"queue_number": -1}, {"queue": ["x"]}]
    items = model_of(Items).read({"items": sent}).items
    assert [one.queue if isinstance(one, Item) else one.sent for one in items] == [
        {"queue": "nope?"},
        "9",
        {},
        {},
        {"queue": "-1"},
        {},
    ]
    with pytest.raises(MissingField):
        model_of(Items).read({"items": [{"queue": "9"}, {}]})


def test_schema_and_example_agree() -> None:
    """The documented example can be sent; required fields are required in the schema."""
    for struct in (Add, Search, Batch):
        model = model_of(struct)
        model.read(model.example())
    schema = model_of(Add).schema()
    assert schema["required"] == ["name", "number"]
    assert schema["properties"]["forward_policy"]["properties"]["No Answer"]["examples"] == ["570"]


def test_undeclared_attributes_are_refused_early() -> None:
    """A Struct whose field says not how it travels cannot become a model."""

    class Bad(msgspec.Struct):
        name: str

    with pytest.raises(TypeError, match=r"Bad\.name"):
        model_of(Bad)


def test_unless_waives_a_requirement() -> None:
    """A field that another makes unnecessary is missing only when both are."""

    class Dated(msgspec.Struct, kw_only=True):
        day: Annotated[str, required(Text(), unless="cuid")] = ""
        cuid: Annotated[str, optional(Text())] = ""

    assert model_of(Dated).read({"cuid": "1"}).cuid == "1"
    with pytest.raises(MissingField):
        model_of(Dated).read({})
