"""At which phones somebody is on break: agents of queues, by the phone where they sit."""

from __future__ import annotations

from typing import Final

_PHONE: Final = "PJSIP/"


class Breaks:
    """The members of all queues, by phone."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, str]] = {}
        """Phones by agent, by queue."""
        self._phones: dict[str, dict[tuple[str, str], bool]] = {}
        """Whether each member is paused, by phone."""
        self.changed: set[str] = set()
        """Phones where that may be different; whoever reads clears it."""

    def on_break(self, phone: str) -> bool:
        """Whether no queue rings this phone because whoever sits there is on break in each of them."""
        places = self._phones.get(phone)
        return places is not None and all(places.values())

    def note(self, queue: str, agent: str, state_interface: str, *, paused: bool) -> None:
        """A queue has this member.

        :param state_interface: ``PJSIP/201``.
        """
        phone = state_interface.removeprefix(_PHONE)
        before = self._members.get(queue, {}).get(agent)
        if before is not None and before != phone:
            self.drop(queue, agent)
        if self._phones.get(phone, {}).get((queue, agent)) is paused:
            return
        self._members.setdefault(queue, {})[agent] = phone
        self._phones.setdefault(phone, {})[queue, agent] = paused
        self.changed.add(phone)

    def drop(self, queue: str, agent: str) -> None:
        """A queue has this member no more."""
        phone = self._members.get(queue, {}).pop(agent, None)
        if phone is None:
            return
        places = self._phones[phone]
        del places[queue, agent]
        if not places:
            del self._phones[phone]
        self.changed.add(phone)

    def drop_queue(self, queue: str) -> None:
        """A queue has no members."""
        for agent in list(self._members.get(queue, ())):
            self.drop(queue, agent)
        self._members.pop(queue, None)

    def clear(self) -> None:
        """Nobody is in any queue."""
        self._members.clear()
        self._phones.clear()
        self.changed.clear()
