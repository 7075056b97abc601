"""From the rows that Asterisk wrote about one call to its call row. Pure: no clock, no database.

CEL is the source of times and states, the facts that the call flow put into it (user events) say what the
call was for, and a CDR only fills what CEL lacks (architecture rule 5).

ANSWERED is ours, not Asterisk's: a person (extension, agent or trunk callee) was connected to another, or
the plan said that its answer counts (``definite=1``). A menu that answers, or the first leg of an originated
call, is not enough. ``wait`` ends and ``billsec`` begins at that moment; it ends with the last talk, or with
the call when the plan's answer counts. A caller may be left with music behind a talk, while nobody routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import String

from tamas.records.causes import Outcome, outcome_of_cause, outcome_of_dial
from tamas.records.facts import extra_of, facts_of, microseconds, resource, technology
from tamas.store.schema import calls
from tamas.store.views import AGENTS_CONTEXT, TRUNK_PREFIX

Row = Mapping[str, Any]

PARTY_TECHNOLOGIES = frozenset({"PJSIP", "IAX2", "DAHDI"})
"""Channels of phones and lines; all others (Local, announcers, recorders) are Asterisk's inner plumbing."""

_HOLDING = "holding_bridge"
"""Technology of a bridge (parking) in which nobody hears anybody."""
_NO_NUMBER = frozenset({"", "s", "h", "i", "t"})
_TYPES = frozenset({"incoming", "outgoing", "local", "feature"})


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """A row of ``calls`` but for its id. Times and durations are microseconds, UTC."""

    cuid: str
    type: str
    src: str
    src_name: str
    dst: str
    did: str
    started_at: int
    answered_at: int | None
    ended_at: int
    wait: int
    billsec: int
    disposition: str
    hangup_cause: int | None
    reason: str | None
    record: str | None
    entry_point: str | None
    outgoing_point: str | None
    queue: str | None
    agent: str | None
    originated_call_id: str | None

    def values(self) -> dict[str, Any]:
        """Column names and values, texts cut to what their columns hold."""
        return {
            name: value[: _WIDTHS[name]] if isinstance(value, str) and name in _WIDTHS else value
            for name, value in ((name, getattr(self, name)) for name in _COLUMNS)
        }


_COLUMNS = tuple(column.name for column in fields(CallRow))
_WIDTHS = {
    column.name: column.type.length
    for column in calls.columns
    if isinstance(column.type, String) and column.type.length is not None
}


@dataclass(kw_only=True)
class _Channel:
    """One channel of the call, gathered from its events."""

    uniqueid: str
    name: str
    started_at: int
    number: str = ""
    caller_name: str = ""
    exten: str = ""
    answered: bool = False
    cause: int = 0
    hung_up_by: str = ""
    dial_status: str = ""

    @property
    def is_party(self) -> bool:
        return technology(self.name) in PARTY_TECHNOLOGIES

    @property
    def trunk(self) -> str | None:
        endpoint = resource(self.name)
        return endpoint.removeprefix(TRUNK_PREFIX) if endpoint.startswith(TRUNK_PREFIX) else None


@dataclass(kw_only=True)
class _Story:
    """What the events of one call tell, in order of time."""

    channels: dict[str, _Channel] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    started_at: int = 0
    ended_at: int = 0
    connected_at: int | None = None
    parted_at: int | None = None
    """End of the last talk; ``None`` while one goes on."""
    definite_at: int | None = None
    queue: str | None = None
    agent: str | None = None
    dialed: bool = False


def build_call(
    *,
    cuid: str,
    cel: Sequence[Row],
    cdr: Sequence[Row],
    originate: Row | None,
    ended_at: int | None = None,
    end_reason: str | None = None,
) -> CallRow:
    """Build the call row.

    :param cuid: linkedid of the call; of the oldest one when Asterisk joined several.
    :param cel: every CEL row of the call, of all its linked ids. May be empty when there is a CDR.
    :param cdr: the CDR rows that have arrived.
    :param originate: the row of ``originates`` when the API started the call.
    :param ended_at: microseconds; when the call was cut off and no CEL row says when.
    :param end_reason: plain words for a call that the engine could not end itself.
    :raises ValueError: neither CEL nor CDR rows were given.
    """
    if not cel:
        return _from_cdr(cuid=cuid, cdr=cdr, originate=originate, end_reason=end_reason)
    story = _read(cel, cuid)
    caller = story.channels.get(cuid) or _first_party(story.channels.values())
    others = [channel for channel in story.channels.values() if channel.is_party and channel is not caller]
    end = max(story.ended_at, ended_at or 0)
    connected = [at for at in (story.connected_at, story.definite_at) if at is not None]
    answered_at = max(min(connected), story.started_at) if connected else None
    outcome = None if answered_at is not None else _outcome(story, caller, others, originate, end_reason)
    entry = caller.trunk if originate is None else None
    exits = [channel.trunk for channel in others if channel.trunk]
    if originate is not None and caller.trunk:
        exits.insert(0, caller.trunk)
    facts = story.facts
    src, src_name = _source(story, caller, cdr, originate)
    return CallRow(
        cuid=cuid,
        type=_type(facts, entry=entry, exits=exits, caller=caller, others=others, originate=originate),
        src=src,
        src_name=src_name,
        dst=_destination(story, caller, cdr, originate),
        did=facts.get("did") or (caller.exten if entry else "") or "",
        started_at=story.started_at,
        answered_at=answered_at,
        ended_at=end,
        wait=(end if answered_at is None else answered_at) - story.started_at,
        billsec=0 if answered_at is None else max(0, _talked_until(story, end) - answered_at),
        disposition="ANSWERED" if outcome is None else outcome.disposition,
        hangup_cause=_cause(caller, others, answered=answered_at is not None),
        reason=end_reason if outcome is None else outcome.reason,
        record=facts.get("record") if answered_at is not None else None,
        entry_point=facts.get("entry") or entry,
        outgoing_point=facts.get("exit") or (exits[-1] if exits else None),
        queue=facts.get("queue") or story.queue,
        agent=(facts.get("agent") or story.agent) if story.connected_at is not None else None,
        originated_call_id=None if originate is None else originate["originated_call_id"],
    )


def failed_originate(originate: Row, outcome: Outcome, *, ended_at: int, cause: int | None) -> CallRow:
    """The call row of an originate that never had a channel (Asterisk leaves no CEL and no CDR of it).

    :param ended_at: microseconds.
    """
    started_at = int(originate["created_at"])
    end = max(ended_at, started_at)
    trunk = originate["trunk_name"] or None
    return CallRow(
        cuid=originate["uniqueid"],
        type="outgoing" if trunk else "local",
        src=originate["caller"],
        src_name="",
        dst=originate["callee"],
        did="",
        started_at=started_at,
        answered_at=None,
        ended_at=end,
        wait=end - started_at,
        billsec=0,
        disposition=outcome.disposition,
        hangup_cause=cause,
        reason=outcome.reason,
        record=None,
        entry_point=None,
        outgoing_point=trunk,
        queue=None,
        agent=None,
        originated_call_id=originate["originated_call_id"],
    )


# -- reading the events ------------------------------------------------------------------------------------


def _read(cel: Sequence[Row], cuid: str) -> _Story:
    timed = sorted(
        ((microseconds(row["eventtime"]), row["id"], row) for row in cel), key=lambda item: item[:2]
    )
    story = _Story(started_at=timed[0][0], ended_at=timed[-1][0])
    own_facts: list[tuple[str, str]] = []
    joined_facts: list[tuple[str, str]] = []
    bridges: dict[str, str] = {}
    for at, _, row in timed:
        uniqueid, kind = row["uniqueid"], row["eventtype"]
        channel = story.channels.get(uniqueid)
        if channel is None:
            channel = story.channels[uniqueid] = _Channel(
                uniqueid=uniqueid, name=row["channame"] or "", started_at=at
            )
        facts = facts_of(row)
        if facts:
            # What was said in a call that joined later (consultation, pickup) does not rename this one.
            (own_facts if row["linkedid"] == cuid else joined_facts).extend(facts)
            if ("definite", "1") in facts and story.definite_at is None:
                story.definite_at = at
        elif kind == "BRIDGE_ENTER":
            extra = extra_of(row)
            if extra.get("bridge_technology") == _HOLDING:
                continue
            bridges[uniqueid] = str(extra.get("bridge_id", ""))
            if story.connected_at is None or story.parted_at is not None:
                _connect(story, bridges, at)
        elif kind == "BRIDGE_EXIT":
            if bridges.get(uniqueid) == str(extra_of(row).get("bridge_id", "")):
                del bridges[uniqueid]
                if story.connected_at is not None and not _talking(story, bridges):
                    story.parted_at = story.parted_at or at
        else:
            _note(story, channel, row, kind)
    for key, value in (*joined_facts, *own_facts):
        if key != "record":
            story.facts[key] = value
    for key, value in (*own_facts, *joined_facts):
        if key == "record":
            story.facts.setdefault(key, value)
    return story


def _note(story: _Story, channel: _Channel, row: Row, kind: str) -> None:
    if kind == "CHAN_START":
        channel.number = row["cid_num"] or ""
        channel.caller_name = row["cid_name"] or ""
        channel.exten = row["exten"] or ""
    elif kind == "ANSWER":
        channel.answered = True
        if channel.exten in _NO_NUMBER:
            channel.exten = row["exten"] or ""
    elif kind == "HANGUP":
        extra = extra_of(row)
        channel.cause = int(extra.get("hangupcause") or 0)
        channel.hung_up_by = str(extra.get("hangupsource") or "")
        channel.dial_status = str(extra.get("dialstatus") or "")
    elif kind == "APP_START":
        application = (row["appname"] or "").lower()
        if application == "queue":
            story.queue = (row["appdata"] or "").partition(",")[0] or None
        story.dialed = story.dialed or application in ("dial", "queue")


def _connect(story: _Story, bridges: Mapping[str, str], at: int) -> None:
    """Note the moment at which two parties hear each other."""
    members = _talking(story, bridges)
    if not members:
        return
    story.parted_at = None
    if story.connected_at is not None:
        return
    story.connected_at = at
    for member in members:
        agent, _, context = resource(member.name).partition("@")
        if technology(member.name) == "Local" and context == AGENTS_CONTEXT:
            story.agent = agent


def _talking(story: _Story, bridges: Mapping[str, str]) -> list[_Channel]:
    """The channels of a talk of two parties, through Local channels or not; none when nobody talks."""
    groups: list[set[str]] = []
    for uniqueid, bridge in bridges.items():
        name = story.channels[uniqueid].name
        ends = {bridge, name.rpartition(";")[0]} if technology(name) == "Local" else {bridge}
        touching = [group for group in groups if group & ends]
        groups = [group for group in groups if not group & ends]
        groups.append(ends.union(*touching))
    for group in groups:
        members = [story.channels[uniqueid] for uniqueid, bridge in bridges.items() if bridge in group]
        if sum(member.is_party for member in members) >= 2:
            return members
    return []


def _talked_until(story: _Story, end: int) -> int:
    if story.definite_at is not None or story.parted_at is None:
        return end
    return story.parted_at


def _first_party(channels: Iterable[_Channel]) -> _Channel:
    ordered = sorted(channels, key=lambda channel: (not channel.is_party, channel.started_at))
    return ordered[0]


# -- what they mean ----------------------------------------------------------------------------------------


def _source(story: _Story, caller: _Channel, cdr: Sequence[Row], originate: Row | None) -> tuple[str, str]:
    if originate is not None:
        return story.facts.get("src") or originate["caller"], ""
    number = story.facts.get("src") or caller.number
    if not number:
        number = next((row["src"] for row in cdr if row["src"]), "") or (
            "" if caller.trunk else resource(caller.name)
        )
    return number, caller.caller_name


def _destination(story: _Story, caller: _Channel, cdr: Sequence[Row], originate: Row | None) -> str:
    if story.facts.get("dst"):
        return story.facts["dst"]
    if originate is not None:
        return str(originate["callee"])
    if caller.exten not in _NO_NUMBER:
        return caller.exten
    return next((row["dst"] for row in cdr if row["dst"] not in (None, *_NO_NUMBER)), "")


def _type(
    facts: Mapping[str, str],
    *,
    entry: str | None,
    exits: Sequence[str],
    caller: _Channel,
    others: Sequence[_Channel],
    originate: Row | None,
) -> str:
    if facts.get("type") in _TYPES:
        return facts["type"]
    if entry:
        return "incoming"
    if exits:
        return "outgoing"
    if (caller.is_party and others) or originate is not None:
        return "local"
    return "no defined"


def _cause(caller: _Channel, others: Sequence[_Channel], *, answered: bool) -> int | None:
    if answered or not others:
        return caller.cause or None
    return others[-1].cause or caller.cause or None


def _outcome(
    story: _Story,
    caller: _Channel,
    others: Sequence[_Channel],
    originate: Row | None,
    end_reason: str | None,
) -> Outcome:
    if end_reason is not None:
        return Outcome(disposition="FAILED", reason=end_reason)
    cause = next((channel.cause for channel in (*reversed(others), caller) if channel.cause), 0)
    status = next((said for channel in story.channels.values() if (said := channel.dial_status)), "")
    if originate is not None and not caller.answered:
        outcome = outcome_of_dial(status, cause)
        said = "nobody answered" if outcome is None else outcome.reason
        return Outcome(
            disposition="NO ANSWER" if outcome is None else outcome.disposition,
            reason=f"first party {originate['caller']}: {said}",
        )
    queue = story.facts.get("queue") or story.queue
    by_dial = outcome_of_dial(caller.dial_status, cause) if others or caller.dial_status else None
    failed = story.facts.get("failed")
    if failed:
        # The flow says why; who was rung says whether that was a failure.
        disposition = "NO ANSWER" if queue else "FAILED" if by_dial is None else by_dial.disposition
        return Outcome(disposition=disposition, reason=failed)
    if caller.hung_up_by == caller.name:
        if queue:
            reason = f"the caller hung up while waiting in queue {queue}"
        elif story.dialed:
            reason = "the caller hung up before anybody answered"
        else:
            reason = "the caller hung up before anybody was called"
        return Outcome(disposition="NO ANSWER", reason=reason)
    if queue:
        return Outcome(disposition="NO ANSWER", reason=f"nobody in queue {queue} answered")
    return (
        by_dial
        or outcome_of_cause(caller.cause)
        or Outcome(disposition="NO ANSWER", reason="nobody took the call")
    )


def _from_cdr(*, cuid: str, cdr: Sequence[Row], originate: Row | None, end_reason: str | None) -> CallRow:
    """The best that can be said when every CEL row was lost: whole seconds, Asterisk's own disposition."""
    if not cdr:
        raise ValueError(f"call {cuid} has neither CEL nor CDR rows")
    first = cdr[0]
    started_at = min(microseconds(row["calldate"]) for row in cdr)
    ended_at = max(microseconds(row["end"] or row["calldate"]) for row in cdr)
    talked = [row for row in cdr if row["disposition"] == "ANSWERED" and row["dstchannel"] and row["answer"]]
    answered_at = min((microseconds(row["answer"]) for row in talked), default=None)
    entry = _trunk_of(first["channel"]) if originate is None else None
    leaving = next((trunk for row in cdr if (trunk := _trunk_of(row["dstchannel"]))), None)
    disposition = {"NO ANSWER": "NO ANSWER", "BUSY": "BUSY", "ANSWERED": "NO ANSWER"}.get(
        first["disposition"] or "", "FAILED"
    )
    return CallRow(
        cuid=cuid,
        type="incoming" if entry else "outgoing" if leaving else "local",
        src=(first["src"] or "") if originate is None else originate["caller"],
        src_name="",
        dst=(first["dst"] or "") if originate is None else originate["callee"],
        did="",
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait=(ended_at if answered_at is None else answered_at) - started_at,
        billsec=0 if answered_at is None else ended_at - answered_at,
        disposition="ANSWERED" if answered_at is not None else disposition,
        hangup_cause=None,
        reason=end_reason,
        record=None,
        entry_point=entry,
        outgoing_point=leaving,
        queue=None,
        agent=None,
        originated_call_id=None if originate is None else originate["originated_call_id"],
    )


def _trunk_of(channel: str | None) -> str | None:
    endpoint = resource(channel or "")
    return endpoint.removeprefix(TRUNK_PREFIX) if endpoint.startswith(TRUNK_PREFIX) else None
