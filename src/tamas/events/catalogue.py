"""Every event that is told, declared once: its name, its fields in their order, and what kind it is.

Whoever tells an event gives its fields by the names here, with typed values: times are integer microseconds
UTC, numbers are numbers. How they look on the wire is the business of the receiver's settings. Left out is
what follows from the rest: ``event_name``, the second spelling of a field, ``cuid`` beside ``unique_id``.

Source of names, types and order: SA catalogue, ``events.yaml``; README, points 10 to 12. ``RecordingReady``
and ``OriginateResult`` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

FieldType = Literal[
    "string",
    "id",
    "int",
    "digits",
    "string_or_int",
    "enum",
    "datetime_us",
    "datetime",
    "epoch_float",
    "boolword",
    "object",
    "list",
]
"""As in ``events.yaml``. Values are given as: ``digits`` a number or its text; ``datetime_us``, ``datetime``
and ``epoch_float`` microseconds UTC; ``boolword`` a boolean; ``object`` a mapping; ``list`` a list of
mappings."""

Kind = Literal["live", "record", "setup"]
"""Told at once while a call lasts; with a durable record; when somebody changes a setting."""


@dataclass(frozen=True)
class Field:
    """One field of an event."""

    name: str
    type: FieldType = "string"
    when: str = ""
    """In which case it is there; empty: always."""
    also: str = ""
    """A second spelling that carries the same value."""
    values: tuple[str, ...] = ()
    """What an ``enum`` may be."""
    items: tuple[Field, ...] = ()
    """Of a ``list``: fields of each item."""


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One event."""

    name: str
    kind: Kind
    fires: str
    """For people: when it is told."""
    fields: tuple[Field, ...]
    in_order_of: str = ""
    """Field that says which events keep their order, where there is no call."""
    for_vendor: bool = True
    """Whether a vendor-shaped receiver gets it without asking for it."""

    @property
    def names(self) -> frozenset[str]:
        """Names of its fields, as they are given."""
        return _NAMES[self.name]


_CALL: Final = Field("unique_id", also="cuid")
_ORIGINATED: Final = Field("originated_call_id", when="call started by call/originate/act")
_DATE: Final = Field("date", "datetime_us")
_RECORD: Final = Field("record", when="recorded")
_STATES: Final = ("Idle", "InUse", "Pause", "Ringing", "Unavailable")
_TRUNK_STATES: Final = ("Unavailable", "Deactivate", "Ok")
_FAX_STATES: Final = ("SUCCESS", "FAILED")
_TRUNK_FIELDS: Final = (
    Field("state", "enum", values=_TRUNK_STATES),
    Field("last_time", "epoch_float"),
    Field("trunk_name"),
    Field("trunk_type", "enum", values=("SIP", "IAX2", "DAHDI")),
    Field("last_time_sec", "int"),
    Field("date", "epoch_float"),
)

_ALL: Final = (
    EventType(
        name="NewState",
        kind="live",
        fires="an extension changes state",
        in_order_of="exten",
        fields=(
            Field("exten"),
            Field("state", "enum", values=_STATES),
            Field("participant", when="in a call"),
            Field("direction", "enum", when="in a call", values=("in", "out")),
            Field("queue", when="call came through a queue"),
            Field("unique_id", when="in a call", also="cuid"),
            Field(
                "dialer",
                "enum",
                when="state InUse while the extension is still dialling",
                also="dialing",
                values=("yes", "no"),
            ),
        ),
    ),
    EventType(
        name="IncomingCall",
        kind="live",
        fires="a call enters from a trunk",
        fields=(Field("number"), Field("entry_point"), _CALL, _ORIGINATED),
    ),
    EventType(
        name="OutgoingCall",
        kind="live",
        fires="a call leaves through a trunk",
        fields=(Field("number"), Field("outgoing_point", also="entry_point"), _CALL, _ORIGINATED),
    ),
    EventType(
        name="Transfer",
        kind="live",
        fires="a user transfers the current call",
        fields=(
            Field("transferer", also="transfer"),
            Field("transferred_from"),
            Field("transferred_to"),
            _CALL,
        ),
    ),
    EventType(
        name="Cdr",
        kind="record",
        fires="a call has ended",
        fields=(
            Field("starttime", "datetime_us", also="start_time"),
            Field("endtime", "datetime_us", also="end_time"),
            Field("src"),
            Field("dst"),
            Field("type", "enum", values=("incoming", "outgoing", "local", "feature", "no defined")),
            Field("disposition", "enum", values=("ANSWERED", "NO ANSWER", "BUSY", "FAILED")),
            Field("duration", "int"),
            Field("billsec", "int", when="answered"),
            Field("wait", "int"),
            _RECORD,
            Field("poll_point", "string_or_int", when="a survey was answered"),
            Field("poll_lable", when="a survey was answered"),
            Field("entry_point", when="came in by trunk"),
            Field("outgoing_point", when="left by trunk"),
            _CALL,
            _ORIGINATED,
        ),
    ),
    EventType(
        name="CdrQueue",
        kind="record",
        fires="a queue call has ended after reaching an operator",
        fields=(
            _CALL,
            _ORIGINATED,
            Field("src"),
            Field("dst"),
            Field("queue"),
            Field("billsec", "digits"),
            Field("wait", "digits"),
            Field("duration", "digits"),
            Field("agent_wait", "digits"),
            Field("disposition", "enum", values=("ANSWERED", "MISSED", "ABANDONED")),
            Field("queue_status"),
            Field("hangup", "enum", values=("caller", "agent")),
            Field("comment", when="set"),
            _RECORD,
            Field("answeredtime", "datetime_us", when="answered"),
            Field("ringtime", "datetime_us"),
            Field("starttime", "datetime_us"),
            Field("endtime", "datetime_us"),
            Field(
                "detail",
                "list",
                items=(
                    Field("src"),
                    Field("dst"),
                    Field("billsec", "digits"),
                    Field("wait", "digits"),
                    Field("disposition"),
                    Field("comment"),
                    Field("tries", "digits"),
                ),
            ),
        ),
    ),
    EventType(
        name="ExtenAdded",
        kind="setup",
        fires="an extension is created",
        in_order_of="exten",
        fields=(Field("exten"), Field("state", "enum", values=_STATES)),
    ),
    EventType(
        name="ExtenRemoved",
        kind="setup",
        fires="an extension is deleted",
        in_order_of="exten",
        fields=(Field("exten", also="number"), Field("state", "enum", values=_STATES)),
    ),
    EventType(
        name="IncomingFax",
        kind="record",
        fires="a fax was received, or failed",
        in_order_of="unique_id",
        fields=(
            Field("fax_id", "id"),
            Field("entry_point"),
            Field("unique_id"),
            Field("src"),
            Field("dst"),
            Field("state", "enum", values=_FAX_STATES),
            _DATE,
            Field("description", "object"),
        ),
    ),
    EventType(
        name="OutgoingFax",
        kind="record",
        fires="an outgoing fax starts, succeeds or fails",
        in_order_of="fax_id",
        fields=(
            Field("fax_id", "id"),
            Field("state", "enum", values=("SENDING", *_FAX_STATES)),
            Field("unique_id"),
            Field("info", "object"),
            _DATE,
        ),
    ),
    EventType(
        name="VoiceMail",
        kind="record",
        fires="a mailbox recording was stored, or failed",
        in_order_of="id",
        fields=(
            Field("id", "id"),
            Field("number"),
            Field("state", "enum", values=_FAX_STATES),
            Field("filename", when="SUCCESS"),
            Field("duration", "digits", when="SUCCESS"),
            Field("message", when="FAILED"),
            Field("caller"),
            Field("data"),
            _DATE,
            Field("cuid"),
        ),
    ),
    EventType(
        name="VoiceMailEmail",
        kind="record",
        fires="a mailbox e-mail was sent, or failed",
        in_order_of="id",
        fields=(
            Field("id", "id"),
            Field("number"),
            Field("state", "enum", values=_FAX_STATES),
            Field("message", when="FAILED"),
            Field("receiver"),
            Field("active", "boolword"),
            Field("attached_file", "boolword"),
            Field("data"),
            _DATE,
        ),
    ),
    EventType(
        name="Survey",
        kind="record",
        fires="a caller answers a survey component",
        fields=(
            _CALL,
            Field("src"),
            Field("dst"),
            Field("queue"),
            _DATE,
            Field("point", "int"),
            Field("label"),
        ),
    ),
    EventType(
        name="TrunkNewState",
        kind="live",
        fires="a trunk changes state",
        in_order_of="trunk_name",
        fields=_TRUNK_FIELDS,
    ),
    EventType(
        name="TrunkAdded",
        kind="setup",
        fires="a trunk is created",
        in_order_of="trunk_name",
        fields=_TRUNK_FIELDS,
    ),
    EventType(
        name="TrunkRemoved",
        kind="setup",
        fires="a trunk is deleted",
        in_order_of="trunk_name",
        fields=(Field("trunk_name"), Field("date", "epoch_float")),
    ),
    EventType(
        name="AutoDialerReport",
        kind="record",
        fires="a bulk-calling attempt has finished",
        in_order_of="number",
        fields=(
            Field("start", "datetime_us"),
            Field("end", "datetime"),
            Field("campaign_id", "id"),
            Field("campaign"),
            Field("interface_context"),
            Field("interface_text"),
            Field("number"),
            Field("disposition", "enum", values=("ANSWERED", "NO ANSWER", "BUSY", "LOST", "MACHINE")),
            Field("try", "int"),
            Field("repeat", "int"),
            Field("billsec", "int"),
            Field("wait", "int"),
            Field(
                "tries",
                "list",
                items=(
                    Field("cdr_id", "id"),
                    Field("cause", "digits"),
                    Field("cause-txt"),
                    Field("starttime", "datetime"),
                    Field("disposition"),
                    Field("wait", "int"),
                ),
            ),
        ),
    ),
    EventType(
        name="ReservedCallInFront",
        kind="live",
        fires="a queue with call reservation takes a reserved call",
        in_order_of="queue_name",
        fields=(Field("queue_name"), Field("caller_id"), _DATE),
    ),
    EventType(name="Ping", kind="setup", fires="setting/ping/act was called", fields=()),
    EventType(
        name="RecordingReady",
        kind="record",
        fires="the recording of a call can be fetched",
        for_vendor=False,
        fields=(
            _CALL,
            Field("record"),
            Field("duration", "int"),
            Field("bytes", "int"),
            _DATE,
        ),
    ),
    EventType(
        name="OriginateResult",
        kind="record",
        fires="a call that was asked for by call/originate/act is over, or never began",
        for_vendor=False,
        in_order_of="originated_call_id",
        fields=(
            Field("originated_call_id"),
            Field("caller"),
            Field("callee"),
            Field("disposition", "enum", values=("ANSWERED", "NO ANSWER", "BUSY", "FAILED")),
            Field("reason", when="it did not connect"),
            Field("billsec", "int", when="answered"),
            Field("unique_id", when="a channel began", also="cuid"),
            _DATE,
        ),
    ),
)

EVENTS: Final[Mapping[str, EventType]] = {event.name: event for event in _ALL}
"""Every event by its name, in the order of the SA's page, then our own."""

VENDOR_EVENTS: Final = tuple(event.name for event in _ALL if event.for_vendor)
"""What a vendor-shaped receiver gets unless it is set otherwise."""

NAMED_TWICE: Final = frozenset({"Survey", "ReservedCallInFront"})
"""Events that carry their name as ``event`` too."""

_NAMES: Final = {event.name: frozenset(field.name for field in event.fields) for event in _ALL}


def checked_fields(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event in their order; those that are ``None`` are left out.

    :raises ValueError: there is no such event, or it has no such field: a slip in the program.
    """
    event = EVENTS.get(name)
    if event is None:
        raise ValueError(f"there is no event {name!r}")
    if not fields.keys() <= event.names:
        raise ValueError(f"{name} has no fields {sorted(fields.keys() - event.names)}")
    return {field.name: fields[field.name] for field in event.fields if fields.get(field.name) is not None}
