"""What the CEL rows of one call tell, in order of time: channels, talks, applications, facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tamas.records.facts import extra_of, facts_of, microseconds, resource, technology
from tamas.store.views import AGENTS_CONTEXT, FIRST_LEG_CONTEXT, TRUNK_PREFIX

Row = Mapping[str, Any]

PARTY_TECHNOLOGIES = frozenset({"PJSIP", "IAX2", "DAHDI"})
"""Channels of phones and lines; all others (Local, announcers, recorders) are Asterisk's inner plumbing."""
NO_NUMBER = frozenset({"", "s", "h", "i", "t"})
"""Extensions that stand for a place in the dialplan, not for anything dialed."""

_INNER = frozenset({AGENTS_CONTEXT, FIRST_LEG_CONTEXT})
_HOLDING = "holding_bridge"
"""Technology of a bridge (parking) in which nobody hears anybody."""


@dataclass(kw_only=True)
class Stay:
    """Time of a channel in a bridge, microseconds."""

    bridge: str
    entered_at: int
    left_at: int | None = None


@dataclass(kw_only=True)
class Channel:
    """One channel of the call, gathered from its events."""

    uniqueid: str
    name: str
    linkedid: str
    """The call it began in, before Asterisk joined calls."""
    started_at: int
    ended_at: int | None = None
    number: str = ""
    caller_name: str = ""
    exten: str = ""
    calls: bool = False
    """Whether it dialed a number; others were called."""
    reached: str = ""
    """Number that was dialed to reach it, when that is known."""
    rung_for: str | None = None
    """Agent for whom a queue rang it."""
    answered_at: int | None = None
    cause: int = 0
    hung_up_by: str = ""
    dial_status: str = ""
    transferred: bool = False
    """Whether whoever is behind it sent the other party on."""
    stays: list[Stay] = field(default_factory=list)
    facts: list[tuple[int, str, str]] = field(default_factory=list)
    """What the call flow stated on it: when, key, value."""

    @property
    def answered(self) -> bool:
        return self.answered_at is not None

    @property
    def is_party(self) -> bool:
        return technology(self.name) in PARTY_TECHNOLOGIES

    @property
    def trunk(self) -> str | None:
        endpoint = resource(self.name)
        return endpoint.removeprefix(TRUNK_PREFIX) if endpoint.startswith(TRUNK_PREFIX) else None

    @property
    def hung_up_itself(self) -> bool:
        return bool(self.name) and self.hung_up_by == self.name

    @property
    def agent(self) -> str | None:
        """Agent that a queue rings through this channel; ``None`` for all others."""
        number, _, context = resource(self.name).partition("@")
        return number if technology(self.name) == "Local" and context == AGENTS_CONTEXT else None

    @property
    def pair(self) -> str:
        """What both ends of a Local channel have in common."""
        return self.name.rpartition(";")[0]

    def fact(self, key: str) -> str | None:
        """The last value stated for a key."""
        return next((value for _, name, value in reversed(self.facts) if name == key), None)


@dataclass(kw_only=True)
class Application:
    """A Dial or a Queue that ran on a channel."""

    row_id: int
    channel: Channel
    name: str
    """In lower case."""
    data: str
    context: str
    linkedid: str
    started_at: int
    ended_at: int | None = None

    @property
    def is_inner(self) -> bool:
        """Whether it rings phones on behalf of another step: for a queue, or as first leg of an originate."""
        return self.context in _INNER

    @property
    def target(self) -> str:
        """Its first argument: a dial string, or the queue."""
        return self.data.partition(",")[0]

    @property
    def endpoints(self) -> set[str]:
        """Endpoints of the dial string: three in ``PJSIP/102&PJSIP/103/sip:...&PJSIP/0912@trunk-x``."""
        found = set()
        for one in self.target.split("&"):
            name = one.partition("/")[2].partition("/")[0]
            found.add(name.partition("@")[2] or name)
        return found


@dataclass(kw_only=True)
class Story:
    """What the events of one call tell."""

    channels: dict[str, Channel] = field(default_factory=dict)
    applications: list[Application] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    started_at: int = 0
    ended_at: int = 0
    connected_at: int | None = None
    parted_at: int | None = None
    """End of the last talk; ``None`` while one goes on."""
    last_talkers: frozenset[str] = frozenset()
    """Unique ids of the parties of the last talk."""
    definite_at: int | None = None
    picked_up: set[str] = field(default_factory=set)
    """Unique ids of channels that took a call which rang elsewhere."""
    queue: str | None = None
    agent: str | None = None
    dialed: bool = False

    @property
    def parties(self) -> list[Channel]:
        """Channels of phones and lines, oldest first."""
        return sorted(
            (channel for channel in self.channels.values() if channel.is_party),
            key=lambda channel: channel.started_at,
        )


def read_story(cel: Sequence[Row], cuid: str) -> Story:
    """Read the rows of a call.

    :param cel: at least one; of all its linked ids.
    :param cuid: linked id of the call that goes on when others were joined to it.
    :raises ValueError: a time is no time.
    """
    return _Reader(cel, cuid).read()


class _Reader:
    def __init__(self, cel: Sequence[Row], cuid: str) -> None:
        self._cuid = cuid
        self._timed = sorted(
            ((microseconds(row["eventtime"]), row["id"], row) for row in cel), key=lambda item: item[:2]
        )
        self._story = Story(started_at=self._timed[0][0], ended_at=self._timed[-1][0])
        self._own_facts: list[tuple[str, str]] = []
        self._joined_facts: list[tuple[str, str]] = []
        self._bridges: dict[str, str] = {}
        self._running: dict[str, Application] = {}

    def read(self) -> Story:
        story = self._story
        for at, _, row in self._timed:
            self._take(at, row)
        for key, value in (*self._joined_facts, *self._own_facts):
            if key != "record":
                story.facts[key] = value
        for key, value in (*self._own_facts, *self._joined_facts):
            if key == "record":
                story.facts.setdefault(key, value)
        return story

    def _take(self, at: int, row: Row) -> None:
        story, uniqueid, kind = self._story, row["uniqueid"], row["eventtype"]
        channel = story.channels.get(uniqueid)
        if channel is None:
            channel = story.channels[uniqueid] = Channel(
                uniqueid=uniqueid, name=row["channame"] or "", linkedid=row["linkedid"], started_at=at
            )
        facts = facts_of(row)
        if facts:
            # What was said in a call that joined later (consultation, pickup) does not rename this one.
            (self._own_facts if row["linkedid"] == self._cuid else self._joined_facts).extend(facts)
            channel.facts.extend((at, key, value) for key, value in facts)
            if ("definite", "1") in facts and story.definite_at is None:
                story.definite_at = at
        elif kind == "BRIDGE_ENTER":
            self._enter(at, channel, extra_of(row))
        elif kind == "BRIDGE_EXIT":
            self._leave(at, channel, str(extra_of(row).get("bridge_id", "")))
        elif kind in ("APP_START", "APP_END"):
            self._run(at, channel, row, begins=kind == "APP_START")
        else:
            self._note(at, channel, row, kind)

    def _enter(self, at: int, channel: Channel, extra: Mapping[str, Any]) -> None:
        if extra.get("bridge_technology") == _HOLDING:
            return
        story, bridge = self._story, str(extra.get("bridge_id", ""))
        channel.stays.append(Stay(bridge=bridge, entered_at=at))
        self._bridges[channel.uniqueid] = bridge
        talkers = _talking(story, self._bridges)
        if not talkers:
            return
        story.last_talkers = frozenset(one.uniqueid for one in talkers if one.is_party)
        story.parted_at = None
        if story.connected_at is None:
            story.connected_at = at
            for talker in talkers:
                story.agent = talker.agent or story.agent

    def _leave(self, at: int, channel: Channel, bridge: str) -> None:
        for stay in channel.stays:
            if stay.bridge == bridge and stay.left_at is None:
                stay.left_at = at
        if self._bridges.get(channel.uniqueid) != bridge:
            return
        del self._bridges[channel.uniqueid]
        story = self._story
        if story.connected_at is not None and not _talking(story, self._bridges):
            story.parted_at = story.parted_at or at

    def _run(self, at: int, channel: Channel, row: Row, *, begins: bool) -> None:
        story, name, running = self._story, (row["appname"] or "").lower(), self._running
        before = running.pop(channel.uniqueid, None)
        if before is not None:
            before.ended_at = at
        if not begins:
            return
        data = row["appdata"] or ""
        application = Application(
            row_id=row["id"],
            channel=channel,
            name=name,
            data=data,
            context=row["context"] or "",
            linkedid=row["linkedid"],
            started_at=at,
        )
        running[channel.uniqueid] = application
        story.applications.append(application)
        if name == "queue":
            story.queue = data.partition(",")[0] or None
        story.dialed = story.dialed or name in ("dial", "queue")

    def _note(self, at: int, channel: Channel, row: Row, kind: str) -> None:
        exten = row["exten"] or ""
        if kind == "CHAN_START":
            channel.number = row["cid_num"] or ""
            channel.caller_name = row["cid_name"] or ""
            channel.exten = exten
            channel.calls = exten not in NO_NUMBER
        elif kind == "ANSWER":
            channel.answered_at = channel.answered_at or at
            if channel.exten in NO_NUMBER:
                channel.exten = exten
                channel.reached = "" if exten in NO_NUMBER else exten
        elif kind == "HANGUP":
            extra = extra_of(row)
            channel.cause = int(extra.get("hangupcause") or 0)
            channel.hung_up_by = str(extra.get("hangupsource") or "")
            channel.dial_status = str(extra.get("dialstatus") or "")
            if channel.exten in NO_NUMBER and exten not in NO_NUMBER:
                channel.reached = exten
        elif kind == "CHAN_END":
            channel.ended_at = at
            if (running := self._running.pop(channel.uniqueid, None)) is not None:
                running.ended_at = at
        elif kind in ("BLINDTRANSFER", "ATTENDEDTRANSFER"):
            channel.transferred = True
        elif kind == "PICKUP" and (uniqueid := extra_of(row).get("pickup_channel_uniqueid")):
            self._story.picked_up.add(str(uniqueid))


def _talking(story: Story, bridges: Mapping[str, str]) -> list[Channel]:
    """The channels of a talk of two parties, through Local channels or not; none when nobody talks."""
    groups: list[set[str]] = []
    for uniqueid, bridge in bridges.items():
        channel = story.channels[uniqueid]
        ends = {bridge, channel.pair} if technology(channel.name) == "Local" else {bridge}
        touching = [group for group in groups if group & ends]
        groups = [group for group in groups if not group & ends]
        groups.append(ends.union(*touching))
    for group in groups:
        members = [story.channels[uniqueid] for uniqueid, bridge in bridges.items() if bridge in group]
        if sum(member.is_party for member in members) >= 2:
            return members
    return []


def first_party(channels: Iterable[Channel]) -> Channel:
    """The oldest channel of a phone or line, else the oldest of all. :raises IndexError: there is none."""
    ordered = sorted(channels, key=lambda channel: (not channel.is_party, channel.started_at))
    return ordered[0]
