"""What one CEL row says: its time, its channel's parts, and the facts the call flow put into it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec

USER_EVENT = "TAMAS"
"""Name given to ``CELGenUserEvent``. ``cel_odbc`` stores it as the row's ``eventtype`` too."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(text: str) -> int:
    """The time of a row (UTC text, with or without a fraction) as microseconds since the epoch.

    :raises ValueError: the text is no time.
    """
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def time_text(at: int) -> str:
    """A time as ``cel_odbc`` writes it, so that texts compare as times do."""
    return (_EPOCH + at * _MICROSECOND).strftime("%Y-%m-%d %H:%M:%S.%f")


def extra_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON that Asterisk puts into ``extra``; empty when there is none or it was cut off."""
    text = row["extra"]
    if not text:
        return {}
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def facts_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of a user event, in order; none for other rows."""
    if USER_EVENT not in (row["eventtype"], row["userdeftype"]):
        return []
    return parse_qsl(str(extra_of(row).get("extra", "")), keep_blank_values=True)


def technology(channel: str) -> str:
    """``PJSIP`` of ``PJSIP/101-0000001f``."""
    return channel.partition("/")[0]


def resource(channel: str) -> str:
    """``101`` of ``PJSIP/101-0000001f``; ``201@agents`` of ``Local/201@agents-00000001;2``."""
    return channel.partition("/")[2].rpartition("-")[0]
