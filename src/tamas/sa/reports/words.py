"""How report rows say things: times, durations, channels.

Source: SA catalogue, ``shapes`` and README decisions 8 and 9; PBX specification, section 3 (channel names).
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement

from tamas.sa.search import matches
from tamas.store.clock import MICROSECONDS
from tamas.store.views import TRUNK_PREFIX

ROW_VERSION = 2
"""``v`` of every row."""

_TRUNK_DIALED = re.compile(r"PJSIP/([^@&,/]+)@" + re.escape(TRUNK_PREFIX) + r"([^&,/]+)")
_WHOLE_CUID = re.compile(r"\d{9,11}\.\d+")


def seconds(microseconds: int) -> int:
    """A duration in whole seconds, as Asterisk counts them: those that are over."""
    return microseconds // MICROSECONDS


def hhmmss(microseconds: int) -> str:
    """A duration as ``HH:MM:SS``; hours go on beyond 99."""
    minutes, rest = divmod(seconds(microseconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}"


def epoch(at: int) -> dict[str, Any]:
    """A moment in extended JSON, milliseconds UTC."""
    return {"$date": {"$numberLong": str(at // 1000)}}


def sip(text: str) -> str:
    """Channels and dial strings in the words of the SIP driver that clients know.

    ``PJSIP/101-0000002a`` is ``SIP/101-0000002a``, ``PJSIP/0912@trunk-t1`` is ``SIP/t1/0912``.
    """
    if "PJSIP/" not in text:
        return text
    text = _TRUNK_DIALED.sub(r"SIP/\2/\1", text)
    return text.replace(f"PJSIP/{TRUNK_PREFIX}", "SIP/").replace("PJSIP/", "SIP/")


def of_call(column: ColumnElement[str], cuid: str, *, like: bool) -> list[ColumnElement[bool]]:
    """The condition on a call's unique id; ``""`` is none.

    A whole one means that call, also where substrings are asked for: it may be the beginning of another's.
    """
    if not cuid:
        return []
    return [matches(column, cuid, like=like and _WHOLE_CUID.fullmatch(cuid) is None)]
