"""Which trunks can be called through, as Asterisk sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from tamas.engine.ami import AmiActionFailed, AmiClient
from tamas.store.views import TRUNK_PREFIX, trunk_endpoint

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
_SILENT: Final = "Unreachable"
_REJECTED: Final = "Rejected"


class Reach:
    """Remembers which trunks do not answer, so that a change is logged once."""

    def __init__(self) -> None:
        self.unreachable: frozenset[str] = frozenset()

    async def look(self, ami: AmiClient, trunks: Iterable[str]) -> None:
        """Ask Asterisk about trunks.

        :param trunks: names.
        :raises AmiError: Asterisk does not say.
        """
        refused = await _refused(ami)
        wanted = sorted(set(trunks))
        silent = frozenset([each for each in wanted if each in refused or await _is_silent(ami, each)])
        for trunk in sorted(silent - self.unreachable):
            log.warning("trunk %s cannot be called over: campaigns wait", trunk)
        for trunk in sorted(self.unreachable - silent):
            log.info("trunk %s can be called over again: campaigns go on", trunk)
        self.unreachable = silent


async def _refused(ami: AmiClient) -> frozenset[str]:
    """Trunks whose provider rejects our registration."""
    try:
        found = await ami.list_action("PJSIPShowRegistrationsOutbound")
    except AmiActionFailed:
        return frozenset()  # there is none
    return frozenset(
        event.get("ObjectName", "").removeprefix(TRUNK_PREFIX)
        for event in found
        if event.event == "OutboundRegistrationDetail" and event.get("Status") == _REJECTED
    )


async def _is_silent(ami: AmiClient, trunk: str) -> bool:
    """Whether all contacts of a trunk left their last ping unanswered; one that nobody pings may answer."""
    try:
        found = await ami.list_action("PJSIPShowEndpoint", {"Endpoint": trunk_endpoint(trunk)})
    except AmiActionFailed:
        return True  # Asterisk knows no such endpoint
    states = [event.get("Status", "") for event in found if event.event == "ContactStatusDetail"]
    return bool(states) and all(state == _SILENT for state in states)
