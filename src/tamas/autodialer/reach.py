"""Which trunks can be called through, as Asterisk sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from tamas.engine.ami import AmiActionFailed, AmiClient
from tamas.store.views import trunk_endpoint

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
_SILENT: Final = "Unreachable"


class Reach:
    """Remembers which trunks do not answer, so that a change is logged once."""

    def __init__(self) -> None:
        self.unreachable: frozenset[str] = frozenset()

    async def look(self, ami: AmiClient, trunks: Iterable[str]) -> None:
        """Ask Asterisk about trunks.

        :param trunks: names.
        :raises AmiError: Asterisk does not say.
        """
        silent = frozenset([trunk for trunk in sorted(set(trunks)) if await _is_silent(ami, trunk)])
        for trunk in sorted(silent - self.unreachable):
            log.warning("trunk %s does not answer: campaigns wait", trunk)
        for trunk in sorted(self.unreachable - silent):
            log.info("trunk %s answers again: campaigns go on", trunk)
        self.unreachable = silent


async def _is_silent(ami: AmiClient, trunk: str) -> bool:
    """Whether all contacts of a trunk left their last ping unanswered; one that nobody pings may answer."""
    try:
        found = await ami.list_action("PJSIPShowEndpoint", {"Endpoint": trunk_endpoint(trunk)})
    except AmiActionFailed:
        return True  # Asterisk knows no such endpoint
    states = [event.get("Status", "") for event in found if event.event == "ContactStatusDetail"]
    return bool(states) and all(state == _SILENT for state in states)
