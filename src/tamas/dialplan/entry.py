"""How a call came to us: from whom, to which number, by which way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tamas.engine.fastagi import AgiSession
from tamas.engine.fixed_dialplan import ORIGINATED_CONTEXT
from tamas.store.views import (
    AGENTS_CONTEXT,
    FIRST_LEG_CONTEXT,
    INCOMING_CONTEXT,
    OUTGOING_CONTEXT,
    TRUNK_PREFIX,
)

RESUME_SCRIPT: Final = "resume"

_CHANNEL: Final = re.compile(r"(?P<technology>PJSIP|Local)/(?P<name>.+)-[0-9a-f]{8}(?:;[12])?")


class Way(Enum):
    """The ways into the call flow."""

    PHONE = auto()
    """An extension dialed."""
    TRUNK = auto()
    """A trunk brought the call."""
    ORIGINATED = auto()
    """The first party of an originated call has answered."""
    TRANSFER = auto()
    """Somebody in a talk sent the channel, or a consultation call, to another number."""
    AGENT = auto()
    """A queue rings an agent."""
    FIRST_LEG = auto()
    """The first party of an originated call is to be rung at all its phones."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One request of the fixed dialplan, put in our words."""

    way: Way
    cuid: str
    """Unique id of the call's first channel: the key of reports and recordings."""
    dialed: str
    phone: str
    """Extension whose rights the call has; empty: nobody's, so it cannot leave by a trunk."""
    speaker: str
    """Extension whose phone this channel is; differs from ``phone`` after a transfer. May be empty."""
    trunk: str
    """Trunk that brought the call, by its name; empty when none did."""
    party: str
    """First party of an originated call, as the request named it."""
    context: str
    """Outgoing route that an originated call asked for; empty for others."""
    start: str
    """Place of the plan at which an originated call begins; empty: at the route of its context."""
    attempt: str
    """Id of the campaign's attempt that called this number; empty for other calls."""
    answered: bool
    """Whether the channel is up already."""
    limit: int | None
    """Seconds of talk allowed to an originated call."""
    options: str
    """Letters of Dial for the leg of a queue's call; checked when the plan was."""
    recording: bool
    """Whether this talk is being recorded from somewhere else already."""


def read_entry(session: AgiSession) -> Entry:
    """Read what the fixed dialplan hands over. Values that are not ours are checked here."""
    given = _arguments(session)
    way, phone, trunk = _way(session, given)
    return Entry(
        way=way,
        cuid=given.get("linkedid") or session.uniqueid,
        dialed=session.extension,
        phone=phone,
        speaker=_owner_of_channel(session.channel)[0] if way is Way.TRANSFER else phone,
        trunk=trunk,
        party=given.get("party", ""),
        context=given.get("context", "") if way is Way.ORIGINATED else "",
        start=given.get("start", "") if way is Way.ORIGINATED else "",
        attempt=given.get("attempt", "") if way is Way.ORIGINATED else "",
        answered=given.get("state") == "Up",
        limit=_seconds(given.get("limit", "")),
        options=given.get("options", "") if way is Way.AGENT else "",
        recording=bool(given.get("record")) if way is Way.AGENT else given.get("recording") == "1",
    )


def _arguments(session: AgiSession) -> dict[str, str]:
    pairs = (argument.partition("=") for argument in session.arguments)
    return {name: value for name, _, value in pairs}


def _way(session: AgiSession, given: dict[str, str]) -> tuple[Way, str, str]:
    """The way, the phone whose rights count, and the trunk.

    Rights come from the channel's name, which is its endpoint's. The account code would not do: Dial gives
    the caller's to whoever is called.
    """
    context = session.context
    if context == AGENTS_CONTEXT:
        return Way.AGENT, "", ""
    if context == FIRST_LEG_CONTEXT:
        return Way.FIRST_LEG, "", ""
    transferer = given.get("blind") or given.get("attended")
    if context == OUTGOING_CONTEXT and transferer:
        # Who transfers lends the rights, never who is transferred.
        return Way.TRANSFER, *_owner_of_channel(transferer)
    phone, trunk = _owner_of_channel(session.channel)
    if context == ORIGINATED_CONTEXT:
        if session.channel.startswith("Local/"):
            phone = session.environment.get("agi_accountcode", "")
        return Way.ORIGINATED, phone, trunk
    if context == INCOMING_CONTEXT:
        return Way.TRUNK, "", trunk
    return Way.PHONE, phone, trunk


def _owner(endpoint: str) -> tuple[str, str]:
    """Phone or trunk that an endpoint is."""
    if endpoint.startswith(TRUNK_PREFIX):
        return "", endpoint.removeprefix(TRUNK_PREFIX)
    return endpoint, ""


def _owner_of_channel(channel: str) -> tuple[str, str]:
    match = _CHANNEL.fullmatch(channel)
    if match is None:
        return "", ""
    name = match["name"]
    if match["technology"] == "Local":
        name, _, context = name.partition("@")
        return (name, "") if context == AGENTS_CONTEXT else ("", "")
    return _owner(name)


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
