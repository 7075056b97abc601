"""The parameter types of the SA: what each accepts, what it hands to a service, its JSON schema.

They accept generously (numbers as text or number, yes/no in every usual spelling, labels for enum words) and
hand over exactly one form. Whatever can reach Asterisk is refused here when it holds control characters, lone
surrogates or dialplan metacharacters. Source: SA catalogue, ``types`` and README decisions 6, 13, 14.
"""
# ruff: noqa: ARG002 - convert() has one signature for all types

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any, ClassVar

from tamas.engine.sip_objects import CODECS

Schema = dict[str, Any]

MAX_TEXT = 255
"""Characters of a text that names no limit of its own."""
MAX_INTEGER = 10**15
"""JSON integers beyond this are no number of anything here."""

# Control characters, line and paragraph separators, bidirectional overrides, lone surrogates, non-characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# As above, but line ends and tabs may stay.
_UNPRINTABLE_IN_LINES = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# What a dialplan, a channel variable, a SIP header or an AMI line could take for syntax.
_METACHARACTERS = re.compile(r'[${}\[\],&|;"<>\\`^]')

_EASTERN_DIGITS = {
    **{ord("۰") + i: str(i) for i in range(10)},
    **{ord("٠") + i: str(i) for i in range(10)},
}


class BadValue(Exception):
    """A value does not fit its type. Never leaves :mod:`tamas.sa.fields`."""


class FieldType(ABC):
    """One type of parameter."""

    allows_empty: ClassVar[bool] = False
    """Whether ``""`` is a value of its own; otherwise it means that the field was not sent."""

    @abstractmethod
    def convert(self, value: Any, *, lenient: bool) -> Any:
        """Bring a JSON value, never ``None``, into the form that services get.

        :param lenient: whether ``sa.lenient`` is on.
        :raises BadValue: it does not fit.
        """

    @abstractmethod
    def schema(self) -> Schema:
        """JSON schema (2020-12) of what is best sent."""


def _as_text(value: Any) -> str:
    """Text, or a whole number written as text; blanks around it are dropped."""
    if isinstance(value, str):
        return value.strip(" \t")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_INTEGER:
        return str(value)
    raise BadValue


def western_digits(text: str) -> str:
    """A text with its Persian and Arabic digits in ASCII."""
    return text.translate(_EASTERN_DIGITS)


def _ascii_digits(value: Any, *, lenient: bool) -> str:
    text = _as_text(value)
    if lenient:
        text = western_digits(text)
    if text and not (text.isascii() and text.isdigit()):
        raise BadValue
    return text


class Text(FieldType):
    """One line of free text. It must not reach Asterisk unless it is a channel variable's value."""

    allows_empty = True

    def __init__(self, *, max: int = MAX_TEXT) -> None:  # noqa: A002 - reads as the schema's word
        self.max = max

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = _as_text(value)
        if len(text) > self.max or _UNPRINTABLE.search(text):
            raise BadValue
        return text

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self.max}


class SafeText(Text):
    """One line of text that may reach Asterisk: no metacharacters of dialplan, SIP headers or AMI."""

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = super().convert(value, lenient=lenient)
        if _METACHARACTERS.search(text):
            raise BadValue
        return text

    def schema(self) -> Schema:
        return super().schema() | {
            "description": 'Without any of `$ { } [ ] , & | ; " < > \\ ^` or backquotes.'
        }


class Name(SafeText):
    """A name that people read, of extensions and queues. Never empty."""

    allows_empty = False

    def __init__(self, *, max: int = 80) -> None:  # noqa: A002
        super().__init__(max=max)

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = super().convert(value, lenient=lenient)
        if not text:
            raise BadValue
        return text

    def schema(self) -> Schema:
        return super().schema() | {"minLength": 1}


class Lines(FieldType):
    """Several lines of text. Line ends become ``\\n``, blanks at line ends and empty last lines go."""

    allows_empty = True

    def __init__(self, *, max: int = 4000) -> None:  # noqa: A002
        self.max = max

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = _as_text(value)
        if len(text) > self.max or _UNPRINTABLE_IN_LINES.search(text):
            raise BadValue
        lines = (line.rstrip(" \t") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        return "\n".join(lines).strip("\n")

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self.max}


class Pattern(FieldType):
    """Text that matches a regular expression as a whole."""

    def __init__(self, expression: str, *, allows_empty: bool = False) -> None:
        self._expression = expression
        self._compiled = re.compile(expression)
        self._empty = allows_empty
        self.allows_empty = allows_empty  # type: ignore[misc]

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = _as_text(value)
        if not (self._empty and not text) and not self._compiled.fullmatch(text):
            raise BadValue
        return text

    def schema(self) -> Schema:
        pattern = f"^(?:{self._expression})?$" if self._empty else f"^{self._expression}$"
        return {"type": "string", "pattern": pattern}


class Dialable(Pattern):
    """A number, or a name, that a phone can dial."""

    def __init__(self, *, allows_empty: bool = False) -> None:
        super().__init__(r"[+*#0-9A-Za-z]{1,32}", allows_empty=allows_empty)

    def convert(self, value: Any, *, lenient: bool) -> str:
        if lenient and isinstance(value, str):
            value = western_digits(value)
        return super().convert(value, lenient=lenient)


class ContextName(Pattern):
    """Name of an outgoing or incoming route (a dialplan context in the SA's words)."""

    def __init__(self, *, allows_empty: bool = False) -> None:
        super().__init__(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", allows_empty=allows_empty)


class TrunkName(Pattern):
    """Name of a trunk."""

    def __init__(self, *, allows_empty: bool = False) -> None:
        super().__init__(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", allows_empty=allows_empty)


class SoundName(Pattern):
    """Name of a sound file or hold-music class, without leaving its directory."""

    def __init__(self, *, allows_empty: bool = True) -> None:
        super().__init__(r"[A-Za-z0-9_-][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+){0,5}", allows_empty=allows_empty)

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = super().convert(value, lenient=lenient)
        if len(text) > 80:
            raise BadValue
        return text


class Email(Pattern):
    """One mail address, or ``""``."""

    def __init__(self) -> None:
        super().__init__(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,190}", allows_empty=True)


class Id(FieldType):
    """24 hexadecimal digits."""

    _shape = re.compile(r"[0-9A-Fa-f]{24}")

    def convert(self, value: Any, *, lenient: bool) -> str:
        if isinstance(value, Mapping) and len(value) == 1:  # the extended form {"$oid": ...} of report rows
            value = value.get("$oid")
        if not isinstance(value, str) or not self._shape.fullmatch(value.strip(" \t")):
            raise BadValue
        return value.strip(" \t").lower()

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[0-9A-Fa-f]{24}$"}


class Digits(FieldType):
    """A number as text of ASCII digits, sent as text or as a JSON integer.

    :param max: longest text, in digits.
    :param low: :param high: bounds of its value, where it is a quantity.
    """

    def __init__(self, *, max: int = 20, low: int | None = None, high: int | None = None) -> None:  # noqa: A002
        self.max = max
        self.low = low
        self.high = high

    def convert(self, value: Any, *, lenient: bool) -> str:
        text = _ascii_digits(value, lenient=lenient)
        if not text:
            if self.allows_empty:
                return ""
            raise BadValue
        if len(text) > self.max:
            raise BadValue
        if (self.low is not None and int(text) < self.low) or (
            self.high is not None and int(text) > self.high
        ):
            raise BadValue
        return text

    def schema(self) -> Schema:
        low = 0 if self.allows_empty else 1
        schema: Schema = {"type": "string", "pattern": f"^[0-9]{{{low},{self.max}}}$"}
        if self.low is not None and self.high is not None:
            schema["description"] = f"From {self.low} to {self.high}."
        return schema


class DigitsOrEmpty(Digits):
    """Digits, or ``""``."""

    allows_empty = True


class IntOrDigits(FieldType):
    """A whole number, sent as JSON integer or digits; services get an :class:`int`."""

    def __init__(self, *, low: int = 0, high: int = 2**31 - 1) -> None:
        self.low = low
        self.high = high

    def convert(self, value: Any, *, lenient: bool) -> int:
        text = _ascii_digits(value, lenient=lenient)
        if not text or len(text) > 15 or not self.low <= int(text) <= self.high:
            raise BadValue
        return int(text)

    def schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "integer", "minimum": self.low, "maximum": self.high},
                {"type": "string", "pattern": "^[0-9]{1,10}$"},
            ],
            "description": f"From {self.low} to {self.high}.",
        }


_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) and value not in ("",) else ""
    return True if word in _TRUE else False if word in _FALSE else None


class Boolish(FieldType):
    """A boolean in any of the usual spellings; services get a :class:`bool`."""

    def convert(self, value: Any, *, lenient: bool) -> bool:
        truth = _truth(value)
        if truth is None:
            raise BadValue
        return truth

    def schema(self) -> Schema:
        words = [True, False, "true", "false", 1, 0, "1", "0", "yes", "no"]
        return {"enum": words}


class OneOf(FieldType):
    """One word of a list, compared without case; panel labels are mapped too.

    :param labels: other spellings of a word, in lower case.
    """

    def __init__(self, *words: str, labels: Mapping[str, str] | None = None) -> None:
        self.words = words
        self._known = {word.lower(): word for word in words} | dict(labels or {})

    def convert(self, value: Any, *, lenient: bool) -> str:
        word = self._known.get(value.strip().lower()) if isinstance(value, str) else None
        if word is None and "yes" in self._known and "no" in self._known:
            truth = _truth(value)
            word = None if truth is None else "yes" if truth else "no"
        if word is None:
            raise BadValue
        return word

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}


class YesNo(OneOf):
    """``"yes"`` or ``"no"``; booleans and 1/0 count as well."""

    def __init__(self) -> None:
        super().__init__("yes", "no")


class CidrMask(FieldType):
    """``address/netmask``, or several with commas. A prefix length and a bare address are accepted too.

    Services get ``address/netmask`` (IPv4) or ``address/prefix`` (IPv6).
    """

    MAX = 16

    def convert(self, value: Any, *, lenient: bool) -> str:
        if not isinstance(value, str) or not value.isascii():
            raise BadValue
        parts = [part.strip(" \t") for part in value.split(",")]
        if len(parts) > self.MAX:
            raise BadValue
        return ",".join(map(self._one, parts))

    @staticmethod
    def _one(text: str) -> str:
        if "%" in text:  # an interface scope is no part of a network
            raise BadValue
        try:
            interface = ip_interface(text)
        except ValueError as error:
            raise BadValue from error
        if interface.version == 4:
            return f"{interface.ip}/{interface.netmask}"
        return f"{interface.ip}/{interface.network.prefixlen}"

    def schema(self) -> Schema:
        return {"type": "string", "description": "address/netmask; several are joined with commas."}


class CodecList(FieldType):
    """Codec names with commas, in order of preference, each known to Asterisk 22; or ``all``."""

    allows_empty = True

    def convert(self, value: Any, *, lenient: bool) -> str:
        if not isinstance(value, str):
            raise BadValue
        names = [name.strip().lower() for name in value.replace("&", ",").split(",") if name.strip()]
        if len(names) > len(CODECS) or any(name != "all" and name not in CODECS for name in names):
            raise BadValue
        return ",".join(dict.fromkeys(names))

    def schema(self) -> Schema:
        return {"type": "string", "description": "Codec names with commas, such as ulaw,alaw."}
