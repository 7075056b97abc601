"""Queues as ``app_queue`` sees them: its members with their states, and who waits.

``app_queue`` raises no event when a member's row comes or goes, so the list of members is read again whenever
their rows change (``QueueStatus``, which makes Asterisk read them too).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tamas.engine.watch.breaks import Breaks
from tamas.engine.watch.channels import known, whole_number
from tamas.engine.watch.view import PhoneState, QueueAgentView, QueueCallerView, QueueView

_MICROSECONDS: Final = 1_000_000
_MEMBER_EVENTS: Final = frozenset(
    {
        "QueueMemberAdded",
        "QueueMemberStatus",
        "QueueMemberPause",
        "QueueMemberPenalty",
        "QueueMemberRinginuse",
    }
)
_DEVICE_STATES: Final[Mapping[str, PhoneState]] = {
    # AST_DEVICE_* of Asterisk's devicestate.h
    "0": "idle",
    "1": "idle",
    "2": "in_use",
    "3": "in_use",
    "4": "unavailable",
    "5": "unavailable",
    "6": "ringing",
    "7": "ringing",
    "8": "hold",
}


@dataclass(slots=True)
class _Queue:
    agents: dict[str, QueueAgentView] = field(default_factory=dict)
    waiting: dict[str, QueueCallerView] = field(default_factory=dict)
    """By unique id."""
    view: QueueView | None = None


class QueueBook:
    """All queues that Asterisk holds in memory."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self.breaks = Breaks()
        self.changed: set[str] = set()
        """Queues that changed; whoever reads clears it."""

    def queue(self, number: str) -> QueueView:
        """A queue; one that Asterisk never looked at is empty."""
        queue = self._queues.get(number)
        if queue is None:
            return QueueView()
        if queue.view is None:
            queue.view = QueueView(
                agents=tuple(queue.agents.values()),
                waiting=tuple(sorted(queue.waiting.values(), key=lambda caller: caller.position)),
            )
        return queue.view

    def sharing(self, numbers: Collection[str]) -> set[str]:
        """These queues, and those with an agent of theirs: who moves to another seat does so in all."""
        agents = {agent for number in numbers for agent in self._agents_of(number)}
        return set(numbers) | {
            number for number, queue in self._queues.items() if not agents.isdisjoint(queue.agents)
        }

    def crowded(self, rows: Mapping[str, int]) -> set[str]:
        """Queues that hold more agents than they have rows: for who leaves, Asterisk has no event.

        :param rows: how many rows each queue has; none for a queue that is not in it.
        """
        return {number for number, queue in self._queues.items() if len(queue.agents) > rows.get(number, 0)}

    def _agents_of(self, number: str) -> Collection[str]:
        queue = self._queues.get(number)
        return queue.agents.keys() if queue is not None else ()

    def apply(self, event: Mapping[str, str], at: int) -> None:
        """Take in an event. Those that say nothing about queues are ignored.

        :param at: when it came, microseconds UTC.
        """
        name = event.get("Event", "")
        if name in _MEMBER_EVENTS:
            self._on_member(event)
        elif name == "QueueMemberRemoved":
            self._touch(event).agents.pop(event.get("MemberName", ""), None)
            self.breaks.drop(event.get("Queue", ""), event.get("MemberName", ""))
        elif name == "QueueCallerJoin":
            self._on_join(event, at)
        elif name == "QueueCallerLeave":
            self._on_leave(event)

    def restore(self, events: Iterable[Mapping[str, str]], at: int) -> None:
        """Take the events of ``QueueStatus`` for all queues."""
        self._queues.clear()
        self.breaks.clear()
        self._read(events, at)
        self.breaks.changed.clear()
        self.changed.clear()

    def restore_one(self, number: str, events: Iterable[Mapping[str, str]], at: int) -> None:
        """Take the events of ``QueueStatus`` for one queue."""
        before = self.queue(number)
        self._queues.pop(number, None)
        self.breaks.drop_queue(number)
        self._read(events, at)
        if self.queue(number) != before:
            self.changed.add(number)

    def _read(self, events: Iterable[Mapping[str, str]], at: int) -> None:
        for event in events:
            number = event.get("Queue", "")
            queue = self._queues.setdefault(number, _Queue())
            if event.get("Event") == "QueueMember":
                agent = queue.agents[event.get("Name", "")] = _agent(event.get("Name", ""), event)
                self._note(number, agent, event)
            elif event.get("Event") == "QueueEntry":
                since = at - (whole_number(event, "Wait") or 0) * _MICROSECONDS
                queue.waiting[event.get("Uniqueid", "")] = _caller(event, since)

    def _on_member(self, event: Mapping[str, str]) -> None:
        agent = _agent(event.get("MemberName", ""), event)
        queue = self._queues.get(event.get("Queue", ""))
        if queue is None or queue.agents.get(agent.agent) != agent:
            self._touch(event).agents[agent.agent] = agent
        self._note(event.get("Queue", ""), agent, event)

    def _note(self, queue: str, agent: QueueAgentView, event: Mapping[str, str]) -> None:
        self.breaks.note(queue, agent.agent, event.get("StateInterface", ""), paused=agent.paused)

    def _on_join(self, event: Mapping[str, str], at: int) -> None:
        uniqueid = event.get("Uniqueid", "")
        waiting = self._touch(event).waiting
        if uniqueid in waiting:
            return
        caller = _caller(event, at)
        self._move(waiting, caller.position, 1)
        waiting[uniqueid] = caller

    def _on_leave(self, event: Mapping[str, str]) -> None:
        waiting = self._touch(event).waiting
        gone = waiting.pop(event.get("Uniqueid", ""), None)
        if gone is not None:
            self._move(waiting, gone.position, -1)

    def _touch(self, event: Mapping[str, str]) -> _Queue:
        number = event.get("Queue", "")
        queue = self._queues.setdefault(number, _Queue())
        queue.view = None
        self.changed.add(number)
        return queue

    @staticmethod
    def _move(waiting: dict[str, QueueCallerView], position: int, places: int) -> None:
        """Let everybody from a position on move up or back."""
        for uniqueid, caller in waiting.items():
            if caller.position >= position:
                waiting[uniqueid] = QueueCallerView(
                    channel=caller.channel,
                    number=caller.number,
                    name=caller.name,
                    position=caller.position + places,
                    since=caller.since,
                )


def _agent(name: str, event: Mapping[str, str]) -> QueueAgentView:
    return QueueAgentView(
        agent=name,
        state=_DEVICE_STATES.get(event.get("Status", ""), "unavailable"),
        paused=event.get("Paused") == "1",
        calls_taken=whole_number(event, "CallsTaken") or 0,
    )


def _caller(event: Mapping[str, str], since: int) -> QueueCallerView:
    return QueueCallerView(
        channel=event.get("Channel", ""),
        number=known(event.get("CallerIDNum", "")),
        name=known(event.get("CallerIDName", "")),
        position=whole_number(event, "Position") or 1,
        since=since,
    )
