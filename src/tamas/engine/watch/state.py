"""The state of the engine: one picture, made from a snapshot and the events after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tamas.engine.watch.calls import CallBook
from tamas.engine.watch.contacts import Contacts
from tamas.engine.watch.incidents import Incident
from tamas.engine.watch.people import People
from tamas.engine.watch.queues import QueueBook
from tamas.engine.watch.view import (
    CallView,
    PhoneCallView,
    PhoneView,
    QueueView,
    Registration,
    TrunkState,
    TrunkView,
)
from tamas.store.views import TRUNK_PREFIX, trunk_endpoint

_REGISTRATIONS: Final[Mapping[str, Registration]] = {"Registered": "registered", "Rejected": "rejected"}
"""Status of ``PJSIPShowRegistrationsOutbound``; any other is still trying."""
_UNAVAILABLE: Final = PhoneView(registered=False, state="unavailable", calls=0)
_NO_QUEUE: Final = QueueView()


@dataclass(slots=True)
class Touched:
    """What became different, by name."""

    calls: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    trunks: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.calls or self.phones or self.trunks or self.queues)

    def add(self, other: Touched) -> None:
        """Take in what else became different."""
        self.calls |= other.calls
        self.phones |= other.phones
        self.trunks |= other.trunks
        self.queues |= other.queues

    def clear(self) -> None:
        """Nothing is different any more."""
        for names in (self.calls, self.phones, self.trunks, self.queues):
            names.clear()


class EngineState:
    """An :class:`~tamas.engine.watch.view.EngineView` that follows events."""

    def __init__(self, people: People | None = None) -> None:
        self.people = people or People()
        self.book = CallBook(self.people)
        self.contacts = Contacts()
        self.queues = QueueBook()
        self._trunks: dict[str, bool] = {}
        """Whether each is active, by its name."""
        self._registrations: dict[str, Registration] = {}
        self._touched_trunks: set[str] = set()
        self._ready = False

    # -- reading ---------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        return self._ready

    def phone(self, number: str) -> PhoneView:
        if not self._ready:
            return _UNAVAILABLE
        registered = self.contacts.reachable(number)
        state, calls = self.book.phone_state(number)
        if not registered and not calls:
            return _UNAVAILABLE
        return PhoneView(registered=registered, state=state, calls=calls)

    def phone_call(self, number: str) -> PhoneCallView | None:
        """The call that occupies the phones of an extension most; ``None`` when they are in none."""
        return self.book.phone_call(number) if self._ready else None

    def on_break(self, number: str) -> bool:
        """Whether whoever sits at an extension is on break in each queue that would ring it."""
        return self.queues.breaks.on_break(number)

    @property
    def phones(self) -> set[str]:
        """Extensions that are not unavailable, as far as can be told."""
        registered = (aor for aor in self.contacts.aors if not aor.startswith(TRUNK_PREFIX))
        return {*registered, *self.book.phones}

    @property
    def trunks(self) -> list[str]:
        """Trunks of the store, by name."""
        return list(self._trunks)

    def trunk(self, name: str) -> TrunkView:
        registration = self._registrations.get(name, "none")
        if not self._trunks.get(name, False):
            return TrunkView(state="deactivated", registration="none", calls=0)
        if not self._ready:
            state: TrunkState = "unavailable"
            return TrunkView(
                state=state, registration="none" if registration == "none" else "trying", calls=0
            )
        return TrunkView(
            state=self._trunk_state(name, registration),
            registration=registration,
            calls=self.book.trunk_calls(name),
        )

    def queue(self, number: str) -> QueueView:
        return self.queues.queue(number) if self._ready else _NO_QUEUE

    def calls(self) -> Sequence[CallView]:
        return self.book.calls() if self._ready else ()

    def call(self, linkedid: str) -> CallView | None:
        return self.book.call(linkedid) if self._ready else None

    def _trunk_state(self, name: str, registration: Registration) -> TrunkState:
        """The answer to the last ping; where nobody pings, whether the provider let us register."""
        reach = self.contacts.reach(trunk_endpoint(name))
        if reach == "silent":
            return "unavailable"
        if reach == "answers" or registration in ("none", "registered"):
            return "ok"
        return "unavailable"

    # -- writing ---------------------------------------------------------------------------------------

    def apply(self, event: Mapping[str, str], at: int) -> None:
        """Take in an event.

        :param at: when it came, microseconds UTC.
        """
        self.book.apply(event, at)
        self.queues.apply(event, at)
        self.contacts.apply(event)

    def set_trunks(self, trunks: Mapping[str, bool]) -> None:
        """Take the trunks of the store, and whether each is active."""
        for name in trunks.keys() | self._trunks.keys():
            if trunks.get(name) != self._trunks.get(name):
                self._touched_trunks.add(name)
        self._trunks = dict(trunks)

    def set_registrations(self, details: Iterable[Mapping[str, str]]) -> None:
        """Take the events of ``PJSIPShowRegistrationsOutbound``."""
        found: dict[str, Registration] = {}
        for detail in details:
            if detail.get("Event") == "OutboundRegistrationDetail":
                name = detail.get("ObjectName", "").removeprefix(TRUNK_PREFIX)
                found[name] = _REGISTRATIONS.get(detail.get("Status", ""), "trying")
        for name in found.keys() | self._registrations.keys():
            if found.get(name) != self._registrations.get(name):
                self._touched_trunks.add(name)
        self._registrations = found

    def found(self) -> None:
        """The snapshot is complete."""
        self._ready = True
        self._forget_changes()

    def lost(self) -> None:
        """Nothing is known any more."""
        self._ready = False
        self._forget_changes()

    def _forget_changes(self) -> None:
        self.take_touched()
        self.take_incidents()

    def take_incidents(self) -> list[Incident]:
        """What happened since this was last asked, oldest first."""
        incidents, self.book.incidents = self.book.incidents, []
        return incidents

    def take_touched(self) -> Touched:
        """What became different since this was last asked."""
        touched = Touched(
            calls=self.book.changed,
            phones=self.book.changed_phones | self.queues.breaks.changed,
            trunks=self.book.changed_trunks | self._touched_trunks,
            queues=self.queues.changed,
        )
        for aor in self.contacts.changed:
            if aor.startswith(TRUNK_PREFIX):
                touched.trunks.add(aor.removeprefix(TRUNK_PREFIX))
            else:
                touched.phones.add(aor)
        self.book.changed, self.book.changed_phones, self.book.changed_trunks = set(), set(), set()
        self._touched_trunks, self.queues.changed, self.contacts.changed = set(), set(), set()
        self.queues.breaks.changed = set()
        return touched
