"""Where phones and trunks can be reached: their contacts, and whether the last ping was answered.

Asterisk's device states are not used: of an extension that nobody watches they stay ``Unavailable`` although
it rings (see :mod:`tamas.engine.live`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

Reach = Literal["answers", "silent", "unknown", "nowhere"]
"""The last ping was answered, or was not; nobody pings it; there is no contact."""

_REACHES: Final[Mapping[str, Reach]] = {"Reachable": "answers", "Unreachable": "silent"}
_REMOVED: Final = "Removed"
_BEST_FIRST: Final[Sequence[Reach]] = ("answers", "unknown", "silent", "nowhere")


class Contacts:
    """Contacts by aor, which is named like the endpoint."""

    def __init__(self) -> None:
        self._contacts: dict[str, dict[str, Reach]] = {}
        self.changed: set[str] = set()
        """Aors that became easier or harder to reach; whoever reads clears it."""

    def reach(self, aor: str) -> Reach:
        """How well it can be reached, by the best of its contacts."""
        return min(self._contacts.get(aor, {}).values(), key=_BEST_FIRST.index, default="nowhere")

    def reachable(self, aor: str) -> bool:
        """Whether a call to it has a chance; a phone that nobody pings has one while it is registered."""
        return self.reach(aor) in ("answers", "unknown")

    def apply(self, event: Mapping[str, str]) -> None:
        """Take in an event; all but ``ContactStatus`` are ignored."""
        if event.get("Event") == "ContactStatus":
            aor = event.get("AOR", "")
            before = self.reach(aor)
            self._set(aor, event.get("URI", ""), event.get("ContactStatus", ""))
            self._compare(aor, before)

    def restore(self, contacts: Iterable[Mapping[str, str]]) -> None:
        """Take the events of ``PJSIPShowContacts`` for all registered contacts."""
        self._contacts.clear()
        for contact in contacts:
            # The name of a registered contact is its aor and a hash of its address.
            aor = contact.get("ObjectName", "").partition(";@")[0]
            self._set(aor, contact.get("Uri", ""), contact.get("Status", ""))
        self.changed.clear()

    def restore_one(self, aor: str, details: Iterable[Mapping[str, str]]) -> None:
        """Take the ``ContactStatusDetail`` events of ``PJSIPShowEndpoint`` for all contacts of one aor."""
        before = self.reach(aor)
        self._contacts.pop(aor, None)
        for detail in details:
            if detail.get("AOR") == aor:
                self._set(aor, detail.get("URI", ""), detail.get("Status", ""))
        self._compare(aor, before)

    def _compare(self, aor: str, before: Reach) -> None:
        if self.reach(aor) != before:
            self.changed.add(aor)

    def _set(self, aor: str, uri: str, status: str) -> None:
        if status != _REMOVED:
            self._contacts.setdefault(aor, {})[uri] = _REACHES.get(status, "unknown")
            return
        contacts = self._contacts.get(aor, {})
        contacts.pop(uri, None)
        if not contacts:
            self._contacts.pop(aor, None)
