"""Parameter types that only the switchboard's services have.

Source: SA catalogue, ``params``; panel labels are mapped to the words of the wire.
"""
# ruff: noqa: ARG002 - convert() has one signature for all types

from __future__ import annotations

from typing import Any

from tamas.engine.sip_objects import is_host, is_port
from tamas.sa.field_types import BadValue, FieldType, OneOf, Pattern, Schema, Text


class CallerNumber(Pattern):
    """The number shown to the called side."""

    def __init__(self) -> None:
        super().__init__(r"\+?[0-9]{1,20}")


class Port(Text):
    """A port number as text."""

    allows_empty = False

    def __init__(self) -> None:
        super().__init__(max=5)

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = super().convert(value, lenient=lenient).lstrip("0")
        if not is_port(text):
            raise BadValue
        return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[1-9][0-9]{0,4}$"}


class SipHost(FieldType):
    """``dynamic``, an IPv4 address or a host name; ``""`` where no address is wanted.

    No IPv6: it would need a transport of its own.
    """

    def __init__(self, *, allows_empty: bool = False) -> None:
        self.allows_empty = allows_empty  # type: ignore[misc]

    def convert(self, value: Any, *, lenient: bool) -> str:
        if not isinstance(value, str):
            raise BadValue
        text = value.strip(" \t").lower()
        if text and (len(text) > 120 or not is_host(text)):
            raise BadValue
        return text

    def schema(self) -> Schema:
        return {
            "type": "string",
            "maxLength": 120,
            "description": "dynamic, an IPv4 address or a host name.",
        }


class ForwardTarget(Pattern):
    """Where a forwarded call goes: something that can be dialed, or ``""``."""

    def __init__(self) -> None:
        super().__init__(r"[+*#0-9]{1,32}", allows_empty=True)


class ExtensionSecret(Text):
    """What a phone authenticates with: printable characters, blanks only inside."""

    allows_empty = False
    MAX = 128

    def __init__(self) -> None:
        super().__init__(max=self.MAX)

    def convert(self, value: Any, *, lenient: bool) -> str:
        if isinstance(value, str) and (not value or value != value.strip()):
            raise BadValue  # a phone's own form would cut blanks
        return super().convert(value, lenient=lenient)

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": self.MAX}


class Labels(FieldType):
    """Words by which a call flow chooses; services get each once, in order. A text alone is one label."""

    allows_empty = True
    MAX = 50
    _ONE = Text(max=64)

    def convert(self, value: Any, *, lenient: bool) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or len(given) > self.MAX:
            raise BadValue
        labels = (self._ONE.convert(label, lenient=lenient) for label in given)
        return tuple(dict.fromkeys(label for label in labels if label))

    def schema(self) -> Schema:
        return {"type": "array", "items": self._ONE.schema(), "maxItems": self.MAX}


class Title(Text):
    """What people call something; it does not reach Asterisk. Never empty."""

    allows_empty = False

    def __init__(self) -> None:
        super().__init__(max=80)

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = super().convert(value, lenient=lenient)
        if not text:
            raise BadValue
        return text

    def schema(self) -> Schema:
        return super().schema() | {"minLength": 1}


USER_TYPE = OneOf("SIP", "IAX2", labels={"iax": "IAX2"})
TRUNK_TYPE = OneOf("SIP", "IAX2", "DAHDI", labels={"iax": "IAX2"})
# One client puts the protocol here.
PEER_TYPE = OneOf("user", "peer", "friend", labels={"sip": "friend", "pjsip": "friend"})
DTMF_MODE = OneOf(
    "rfc2833",
    "info",
    "inband",
    "auto",
    labels={"rfc4733": "rfc2833", "rfc 2833": "rfc2833", "sip info": "info", "in band": "inband"},
)
NAT = OneOf(
    "yes",
    "no",
    "force_rport,comedia",
    "force_rport",
    "comedia",
    labels={
        "both": "force_rport,comedia",
        "comedia,force_rport": "force_rport,comedia",
        "force_rport, comedia": "force_rport,comedia",
        "force report & co-media": "force_rport,comedia",
        "force rport & co-media": "force_rport,comedia",
        "force rport & comedia": "force_rport,comedia",
        "force report": "force_rport",
        "force rport": "force_rport",
        "co-media": "comedia",
    },
)
INSECURE = OneOf(
    "port",
    "invite",
    "port,invite",
    labels={
        "invite,port": "port,invite",
        "port, invite": "port,invite",
        "port & invite": "port,invite",
        "very": "port,invite",
    },
)
TRANSFER = OneOf("yes", "no", "mediaonly", labels={"media only": "mediaonly"})
STRATEGY = OneOf(
    "ringall",
    "leastrecent",
    "fewestcalls",
    "random",
    "rrmemory",
    "rrordered",
    "linear",
    "wrandom",
    labels={
        "ring all": "ringall",
        "least recent": "leastrecent",
        "fewest calls": "fewestcalls",
        "rr memory": "rrmemory",
        "rr ordered": "rrordered",
        "w random": "wrandom",
    },
)
JOIN_EMPTY = OneOf("yes", "no", "strict")
MONITOR_FORMAT = OneOf("gsm", "wav", "wav49")
MONITOR_TYPE = OneOf("MixMonitor", labels={"mix monitor": "MixMonitor", "monitor": "MixMonitor"})
