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
    """Contacts by aor, which is named like the endpoint: of phones that registered, and fixed ones."""

    def __init__(self) -> None:
        self._registered: dict[str, dict[str, Reach]] = {}
        self._fixed: dict[str, dict[str, Reach]] = {}
        self._told: set[tuple[str, str]] | None = None
        """Contacts that events told of since :meth:`before_pings`."""
        self.registrations = 0
        """How many contacts registered."""
        self.changed: set[str] = set()
        """Aors that became easier or harder to reach; whoever reads clears it."""

    @property
    def aors(self) -> list[str]:
        """All that have a contact."""
        return [*self._registered, *(aor for aor, contacts in self._fixed.items() if contacts)]

    def reach(self, aor: str) -> Reach:
        """How well it can be reached, by the best of its contacts."""
        known = (*self._registered.get(aor, {}).values(), *self._fixed.get(aor, {}).values())
        return min(known, key=_BEST_FIRST.index, default="nowhere")

    def reachable(self, aor: str) -> bool:
        """Whether a call to it has a chance; a phone that nobody pings has one while it is registered."""
        return self.reach(aor) in ("answers", "unknown")

    def apply(self, event: Mapping[str, str]) -> None:
        """Take in an event; all but ``ContactStatus`` are ignored."""
        if event.get("Event") != "ContactStatus":
            return
        aor, uri, status = event.get("AOR", ""), event.get("URI", ""), event.get("ContactStatus", "")
        if self._told is not None:
            self._told.add((aor, uri))
        before = self.reach(aor)
        if status == _REMOVED:
            self._remove(aor, uri)
            self._fixed.get(aor, {}).pop(uri, None)
        elif uri in self._fixed.get(aor, {}):
            self._fixed[aor][uri] = _reach(status)
        else:
            self._add(aor, uri, _reach(status))
        self._compare(aor, before)

    def restore(self, rows: Iterable[tuple[str, str]]) -> None:
        """Take the contacts that the store has for all that registered: aor and address each."""
        self._registered.clear()
        self._fixed.clear()
        self.registrations = 0
        for aor, uri in rows:
            self._add(aor, uri, "unknown")
        self.changed.clear()

    def correct(self, rows: Iterable[tuple[str, str]]) -> None:
        """Take them again: rows may go without an event."""
        wanted = set(rows)
        known = {(aor, uri) for aor, contacts in self._registered.items() for uri in contacts}
        for aor, uri in wanted ^ known:
            before = self.reach(aor)
            if (aor, uri) in wanted:
                self._add(aor, uri, "unknown")
            else:
                self._remove(aor, uri)
            self._compare(aor, before)

    def restore_fixed(self, aor: str, details: Iterable[Mapping[str, str]]) -> None:
        """Take the ``ContactStatusDetail`` events of ``PJSIPShowEndpoint`` for an aor at a fixed address.

        One that Asterisk does not know has none.
        """
        before = self.reach(aor)
        self._fixed.pop(aor, None)
        for detail in details:
            # Of one that registered the store tells; it ends some time.
            if detail.get("AOR") != aor or detail.get("RegExpire", "0") != "0":
                continue
            uri = detail.get("URI", "")
            self._remove(aor, uri)  # an event may have come before it was known to be fixed
            self._fixed.setdefault(aor, {})[uri] = _reach(detail.get("Status", ""))
        self._compare(aor, before)

    def before_pings(self) -> None:
        """The list for :meth:`take_pings` is asked for: what events tell from now on is newer."""
        self._told = set()

    def take_pings(self, contacts: Iterable[Mapping[str, str]]) -> None:
        """Take from the events of ``PJSIPShowContacts`` how the last pings of phones went."""
        told, self._told = self._told or set(), None
        for contact in contacts:
            # The name of a registered contact is its aor and a hash of its address.
            aor, uri = contact.get("ObjectName", "").partition(";@")[0], contact.get("Uri", "")
            if (aor, uri) not in told and uri in self._registered.get(aor, {}):
                before = self.reach(aor)
                self._registered[aor][uri] = _reach(contact.get("Status", ""))
                self._compare(aor, before)

    def _add(self, aor: str, uri: str, reach: Reach) -> None:
        contacts = self._registered.setdefault(aor, {})
        self.registrations += uri not in contacts
        contacts[uri] = reach

    def _remove(self, aor: str, uri: str) -> None:
        contacts = self._registered.get(aor, {})
        if contacts.pop(uri, None) is not None:
            self.registrations -= 1
        if not contacts:
            self._registered.pop(aor, None)

    def _compare(self, aor: str, before: Reach) -> None:
        if self.reach(aor) != before:
            self.changed.add(aor)


def _reach(status: str) -> Reach:
    return _REACHES.get(status, "unknown")
