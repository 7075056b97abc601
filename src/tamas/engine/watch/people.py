"""Who sits at a phone, and what a number is called: as the store says, remembered while calls need it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import String, bindparam, cast, select

from tamas.store.database import Database, HotQuery
from tamas.store.schema import agent_mappings, extensions

MAX_KNOWN: Final = 4096
"""Numbers that are remembered; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the store says of one number."""

    name: str | None
    """Name of the extension; ``None``: there is no such extension."""
    agent: str
    """Number of the agent who sits at its phone; empty: nobody."""
    agent_name: str


@dataclass(frozen=True, slots=True)
class Person:
    """A number as people know it."""

    number: str
    name: str
    is_extension: bool


class People:
    """What is known; asking never waits. What was asked for and is not known yet is in :attr:`wanted`."""

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self._entries = dict(entries or {})
        self.wanted: set[str] = set()

    def at_phone(self, phone: str) -> Person:
        """The person at an extension's phone: the agent who signed in there, else the extension itself."""
        entry = self._entry(phone)
        if entry is None:
            return Person(phone, "", is_extension=True)
        if entry.agent:
            return Person(entry.agent, entry.agent_name, is_extension=True)
        return Person(phone, entry.name or "", is_extension=True)

    def with_number(self, number: str) -> Person:
        """Whoever has a number that was dialed."""
        entry = self._entry(number)
        if entry is None or entry.name is None:
            return Person(number, "", is_extension=False)
        return Person(number, entry.name, is_extension=True)

    def ask_again(self, number: str) -> None:
        """It may have changed since it was read."""
        self.wanted.add(number)

    def learn(self, entries: Mapping[str, Entry]) -> set[str]:
        """Take in what the store said; returns the numbers of which it is something new."""
        changed = {number for number, entry in entries.items() if self._entries.get(number) != entry}
        for number, entry in entries.items():
            self._entries.pop(number, None)
            self._entries[number] = entry
        for number in list(self._entries)[: max(0, len(self._entries) - MAX_KNOWN)]:
            del self._entries[number]
        self.wanted.difference_update(entries)
        return changed

    def _entry(self, number: str) -> Entry | None:
        entry = self._entries.get(number)
        if entry is None and number:
            self.wanted.add(number)
        return entry


def _statement() -> HotQuery:
    given = select(cast(bindparam("number"), String).label("number")).cte("given")
    own = extensions.alias("own")
    seat = agent_mappings.alias("seat")
    agent = extensions.alias("agent")
    return HotQuery(
        select(own.c.name, seat.c.agent, agent.c.name).select_from(
            given.outerjoin(own, own.c.number == given.c.number)
            .outerjoin(seat, seat.c.phone == given.c.number)
            .outerjoin(agent, agent.c.number == seat.c.agent)
        )
    )


_READ: Final = _statement()


async def read_people(database: Database, numbers: Iterable[str]) -> dict[str, Entry]:
    """What the store says of these numbers."""
    found = {}
    for number in numbers:
        ((name, agent, agent_name),) = await database.hot(_READ, number)
        found[number] = Entry(name=name, agent=agent or "", agent_name=agent_name or "")
    return found
