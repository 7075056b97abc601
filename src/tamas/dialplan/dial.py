"""Dial strings, Dial options, and what the caller gets when a Dial did not connect.

Causes are those of ITU-T Q.850; chan_pjsip turns them into SIP responses (486, 480, 404, 503, ...).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from tamas.engine.fastagi import AgiRaw
from tamas.engine.fixed_dialplan import ANSWERED_SUBROUTINE
from tamas.errors import TamasError

TRUNK_RING_SECONDS: Final = 60
"""Networks beyond a trunk have limits of their own; ours only ends what they forget."""

MAX_DIAL_LENGTH: Final = 1_500
"""Of a dial string, so that the AGI command stays below what Asterisk reads."""

_WORD: Final = re.compile(r"[A-Za-z0-9_.:/@+*#=%~ -]*")
_CONTACT_URI: Final = re.compile(r"sips?:[A-Za-z0-9_.!~*'%:;=@+?/$\[\]-]+")


class Cause(IntEnum):
    """Hangup causes the flow gives by itself (ITU-T Q.850)."""

    UNALLOCATED = 1
    NORMAL = 16
    BUSY = 17
    NO_USER_RESPONSE = 18
    NO_ANSWER = 19
    SUBSCRIBER_ABSENT = 20
    REJECTED = 21
    INVALID_NUMBER = 28
    CONGESTION = 34
    NOT_AVAILABLE = 63


_CAUSE_OF_STATUS: Final[Mapping[str, Cause]] = {
    "ANSWER": Cause.NORMAL,
    "BUSY": Cause.BUSY,
    "NOANSWER": Cause.NO_ANSWER,
    "CHANUNAVAIL": Cause.SUBSCRIBER_ABSENT,
    "CONGESTION": Cause.CONGESTION,
    "CANCEL": Cause.NORMAL,
}

_REASON_OF_STATUS: Final[Mapping[str, str]] = {
    "BUSY": "busy",
    "NOANSWER": "did not answer",
    "CHANUNAVAIL": "unreachable",
    "CONGESTION": "could not be reached: congestion",
}


class UnsafeVariable(TamasError, ValueError):
    """A value cannot be set by MSet without being read differently."""


def assignments(values: Mapping[str, str]) -> list[str]:
    """Arguments of ``MSet``, which sets many variables in one round trip but reads quotes and commas itself.

    :raises UnsafeVariable: a value holds more than letters, digits and harmless signs.
    """
    for name, value in values.items():
        if _WORD.fullmatch(value) is None:
            raise UnsafeVariable(f"{name} cannot be set to {value!r}")
    return [f"{name}={value}" for name, value in values.items()]


def phone_string(number: str) -> str:
    """What Dial rings for an extension with one phone."""
    return f"PJSIP/{number}"


def contacts_string(number: str, dial_contacts: str) -> str:
    """What Dial rings for an extension with several phones.

    :param dial_contacts: value of ``PJSIP_DIAL_CONTACTS(number)``. The addresses in it were written by the
        phones that registered, so each is checked; one that could be read as something else is left out.
    """
    before = f"{phone_string(number)}/"
    # An ampersand inside an address splits it into parts, none of which begins like a contact of ours.
    contacts = [
        part
        for part in dial_contacts.split("&")
        if part.startswith(before) and _CONTACT_URI.fullmatch(part.removeprefix(before))
    ]
    joined = "&".join(contacts)
    while len(joined) > MAX_DIAL_LENGTH:
        contacts.pop()
        joined = "&".join(contacts)
    return joined or phone_string(number)


def dial_options(
    *,
    base: str,
    facts: str = "",
    record_file: str = "",
    limit: int | None = None,
    runtime: Mapping[str, Any] | None = None,
) -> AgiRaw:
    """The options of a Dial.

    :param base: letters without arguments.
    :param facts: stated on the channel that answers, URL-encoded.
    :param record_file: absolute name of the recording to start there; empty: none.
    :param limit: seconds of talk; with it ``runtime`` gives the warning beep (``call_limit.*``).
    """
    options = base
    if limit is not None:
        warning = int(runtime["call_limit.warning_seconds"]) if runtime else 0
        repeat = int(runtime["call_limit.repeat_seconds"]) if runtime else 0
        options += f"L({limit * 1000}{_warning(limit, warning, repeat)})"
    if facts or record_file:
        options += f"U({ANSWERED_SUBROUTINE}^{facts}^{record_file})"
    return AgiRaw(options)


def _warning(limit: int, warning: int, repeat: int) -> str:
    if warning <= 0 or warning >= limit:
        return ""
    return f":{warning * 1000}" + (f":{repeat * 1000}" if repeat > 0 else "")


LIMIT_VARIABLES: Final[Mapping[str, str]] = {
    "LIMIT_WARNING_FILE": "beep",
    "LIMIT_PLAYAUDIO_CALLER": "YES",
    "LIMIT_PLAYAUDIO_CALLEE": "YES",
}
"""Variables that make Dial's ``L`` beep on both sides in place of speaking the time left."""


def cause_of(status: str, cause: int | None) -> int:
    """The cause a caller gets after a Dial with this DIALSTATUS; the called party's own when it fits."""
    refusals = (Cause.UNALLOCATED, Cause.REJECTED, Cause.INVALID_NUMBER)
    if cause is not None and cause in refusals and status in ("CHANUNAVAIL", "CONGESTION", "BUSY"):
        return cause
    return _CAUSE_OF_STATUS.get(status, Cause.CONGESTION)


def reason_of(status: str) -> str:
    """Plain words for a Dial that did not connect."""
    return _REASON_OF_STATUS.get(status, "could not be reached")
