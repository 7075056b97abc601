"""What a channel is, read from its name and from the headers that every event about it carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tamas.engine.watch.view import PartyKind
from tamas.store.views import AGENTS_CONTEXT, TRUNK_PREFIX

_NAME: Final = re.compile(r"(?P<technology>PJSIP|Local)/(?P<name>.+)-[0-9a-f]{8}(?P<half>;[12])?")
_NOBODY: Final = frozenset({"", "<unknown>", "unknown"})


class ChannelState(IntEnum):
    """``AST_STATE_*`` of Asterisk's ``channelstate.h``, those that calls go through."""

    DOWN = 0
    RING = 4
    """It called us and waits for our answer."""
    RINGING = 5
    UP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelName:
    """A channel's name, taken apart."""

    hidden: bool
    """Whether nobody is at its end: half of a Local channel."""
    kind: PartyKind = "other"
    endpoint: str = ""
    """Number of the extension, or name of the trunk as in the store."""
    agent: str = ""
    """Agent whom a queue rings through this Local channel."""
    pair: str = ""
    """The same for both halves of a Local channel."""


def read_name(name: str) -> ChannelName | None:
    """Take a name apart; ``None`` for what is no part of a call, such as ``OutgoingSpoolFailed``."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    inner = match["name"]
    if match["technology"] == "Local":
        number, _, context = inner.partition("@")
        agent = number if context == AGENTS_CONTEXT else ""
        return ChannelName(hidden=True, agent=agent, pair=name.removesuffix(match["half"] or ""))
    if inner.startswith(TRUNK_PREFIX):
        return ChannelName(hidden=False, kind="trunk", endpoint=inner.removeprefix(TRUNK_PREFIX))
    return ChannelName(hidden=False, kind="extension", endpoint=inner)


def known(text: str) -> str:
    """A number or name as Asterisk writes it, empty when it says that it knows none."""
    return "" if text in _NOBODY else text


def whole_number(event: Mapping[str, str], header: str) -> int | None:
    """A header's value as number; ``None`` when it is missing or none."""
    value = event.get(header, "")
    return int(value) if value.isascii() and value.isdigit() else None


def age(linkedid: str) -> tuple[int, int, str]:
    """Sorts linked ids as Asterisk does when calls merge: the oldest remains."""
    seconds, _, serial = linkedid.partition(".")
    serial = serial.partition(";")[0]
    return (
        int(seconds) if seconds.isascii() and seconds.isdigit() else 0,
        int(serial) if serial.isascii() and serial.isdigit() else 0,
        linkedid,
    )
