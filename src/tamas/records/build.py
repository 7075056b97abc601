"""From the rows that Asterisk wrote about one call to its call row. Pure: no clock, no database.

CEL is the source of times and states, the facts that the call flow put into it (user events) say what the
call was for, and a CDR only fills what CEL lacks (architecture rule 5).

ANSWERED is ours, not Asterisk's: a person (extension, agent or trunk callee) was connected to another, or
the plan said that its answer counts (``definite=1``). A menu that answers, or the first leg of an originated
call, is not enough. ``wait`` ends and ``billsec`` begins at that moment; it ends with the last talk, or with
the call when the plan's answer counts. A caller may be left with music behind a talk, while nobody routes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tamas.autodialer.results import AttemptEnd
from tamas.records.attempts import attempt_end
from tamas.records.causes import USER_BUSY, Outcome, outcome_of_cause, outcome_of_dial
from tamas.records.cdr_words import CdrRows, words_of
from tamas.records.facts import microseconds, resource
from tamas.records.faxes import ReceivedFax, SentFax, received_faxes, sent_fax
from tamas.records.legs import legs_of
from tamas.records.polls import PollAnswer, poll_answers_of
from tamas.records.queue_rows import QueueVisit, visits_of
from tamas.records.report_row import CdrWords, ReportRow
from tamas.records.route import route_of
from tamas.records.story import NO_NUMBER, Channel, Story, first_party, read_story
from tamas.store.schema import ORIGINATED_BY_CALL, calls
from tamas.store.views import TRUNK_PREFIX

Row = Mapping[str, Any]

_TYPES = frozenset({"incoming", "outgoing", "local", "feature"})


@dataclass(frozen=True, kw_only=True)
class CallRow(ReportRow, table=calls):
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
    hangup: str | None = None
    comment: str = ""
    legs: str | None = None
    route: str | None = None
    words: CdrWords = field(default_factory=CdrWords)


@dataclass(frozen=True, kw_only=True)
class CallRecord:
    """Everything that reports say of one call."""

    call: CallRow
    visits: tuple[QueueVisit, ...] = ()
    polls: tuple[PollAnswer, ...] = ()
    recordings: tuple[str, ...] = ()
    """Names of all its recordings, also of those that no row shows."""
    received: tuple[ReceivedFax, ...] = ()
    sent: SentFax | None = None
    began: bool = True
    """Whether there ever was a channel."""
    unreached: bool = False
    """Whether it was originated, and its second party could not even be called."""
    attempt: AttemptEnd | None = None
    """Of a campaign's call, which has no row among the calls."""


def build_record(
    *,
    cuid: str,
    cel: Sequence[Row],
    cdr: Sequence[Row],
    queue_log: Sequence[Row] = (),
    originate: Row | None,
    is_attempt: bool = False,
    ended_at: int | None = None,
    end_reason: str | None = None,
) -> CallRecord:
    """Build the rows of a call.

    :param cuid: linkedid of the call; of the oldest one when Asterisk joined several.
    :param cel: every CEL row of the call, of all its linked ids. May be empty when there is a CDR.
    :param cdr: the CDR rows that have arrived.
    :param queue_log: the rows of the queue log that name a channel of the call.
    :param originate: the row of ``originates`` when the API started the call.
    :param is_attempt: whether a campaign made it.
    :param ended_at: microseconds; when the call was cut off and no CEL row says when.
    :param end_reason: plain words for a call that the engine could not end itself.
    :raises ValueError: neither CEL nor CDR rows were given.
    """
    if not cel:
        call = _from_cdr(cuid=cuid, cdr=cdr, originate=originate, end_reason=end_reason)
        return CallRecord(
            call=call,
            sent=sent_fax(originate, None, reason=end_reason, ended_at=call.ended_at),
            attempt=_attempt_from_cdr(call, cdr) if is_attempt else None,
        )
    story = read_story(cel, cuid)
    story.ended_at = max(story.ended_at, ended_at or 0)
    caller = story.channels.get(cuid) or first_party(story.channels.values())
    src, src_name = _source(story, caller, cdr, originate)
    rows = CdrRows(cdr)
    visits = visits_of(story, rows, queue_log, cuid=cuid, src=src)
    call = _from_story(
        story,
        caller,
        visits,
        cuid=cuid,
        source=(src, src_name),
        cdr=cdr,
        originate=originate,
        end_reason=end_reason,
    )
    return CallRecord(
        call=call,
        visits=visits,
        polls=poll_answers_of(story, visits, call.cuid, src, call.dst),
        recordings=_recordings(story),
        received=received_faxes(
            story, src=call.src, dst=call.dst, entry=call.entry_point, end_reason=end_reason
        ),
        sent=sent_fax(originate, caller, reason=call.reason, ended_at=call.ended_at),
        unreached=originate is not None and _is_unreached(story, caller, call, originate),
        attempt=attempt_end(story, caller, counted=call.answered_at is not None, end_reason=end_reason)
        if is_attempt
        else None,
    )


def _is_unreached(story: Story, caller: Channel, call: CallRow, originate: Row) -> bool:
    """Whether an originated call never got to its second party: the first did not answer, or it is nobody."""
    if call.answered_at is not None or call.queue is not None:
        return False
    if not any(each.answered for each in story.channels.values()):
        return True
    rung = {resource(each.name) for each in story.channels.values() if each.is_party and each is not caller}
    return "failed" in story.facts and not rung - {originate["caller"]}


def _recordings(story: Story) -> tuple[str, ...]:
    stated = (fact for channel in story.channels.values() for fact in channel.facts)
    return tuple(sorted({value for _, key, value in stated if key == "record"}))


def _from_story(
    story: Story,
    caller: Channel,
    visits: Sequence[QueueVisit],
    *,
    cuid: str,
    source: tuple[str, str],
    cdr: Sequence[Row],
    originate: Row | None,
    end_reason: str | None,
) -> CallRow:
    others = [channel for channel in story.channels.values() if channel.is_party and channel is not caller]
    end = story.ended_at
    connected = [at for at in (story.connected_at, story.definite_at) if at is not None]
    answered_at = max(min(connected), story.started_at) if connected else None
    outcome = None if answered_at is not None else _outcome(story, caller, others, originate, end_reason)
    entry = caller.trunk if originate is None else None
    exits = [channel.trunk for channel in others if channel.trunk]
    if originate is not None and caller.trunk:
        exits.insert(0, caller.trunk)
    facts = story.facts
    words = _words(story, caller, others, CdrRows(cdr), originate, entry)
    return CallRow(
        cuid=cuid,
        type=_type(facts, entry=entry, exits=exits, caller=caller, others=others, originate=originate),
        src=source[0],
        src_name=source[1],
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
        queue=visits[-1].queue if visits else facts.get("queue"),
        agent=_agent(story, visits),
        originated_call_id=None if originate is None else originate["originated_call_id"],
        hangup=_who_hung_up(story, caller, [] if visits and answered_at is None else others),
        comment=_comment(originate),
        legs=legs_of(story, caller),
        route=route_of(story, caller, visits, incoming=entry is not None),
        words=words,
    )


def _comment(originate: Row | None) -> str:
    """The key of an originate, and the call that it follows when a call of ours promised it."""
    if originate is None:
        return ""
    account, key = str(originate.get("account") or ""), str(originate["originated_call_id"])
    before = account.removeprefix(ORIGINATED_BY_CALL) if account.startswith(ORIGINATED_BY_CALL) else ""
    return f"{key} after {before}" if before else key


def first_party_of(originate: Row) -> str:
    """Who is rung first, in plain words."""
    return f"fax to {originate['callee']}" if originate["fax_id"] else f"first party {originate['caller']}"


def failed_originate(originate: Row, outcome: Outcome, *, ended_at: int, cause: int | None) -> CallRecord:
    """The record of an originate that never had a channel (Asterisk leaves no CEL and no CDR of it).

    :param ended_at: microseconds.
    """
    call = _failed_originate(originate, outcome, ended_at=ended_at, cause=cause)
    fax = sent_fax(originate, None, reason=call.reason, ended_at=call.ended_at)
    return CallRecord(call=call, sent=fax, began=False, unreached=True)


def _failed_originate(originate: Row, outcome: Outcome, *, ended_at: int, cause: int | None) -> CallRow:
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
        comment=_comment(originate),
        words=CdrWords(dcontext=originate["context"]),
    )


# -- what the events mean ----------------------------------------------------------------------------------


def _words(
    story: Story,
    caller: Channel,
    others: Sequence[Channel],
    cdr: CdrRows,
    originate: Row | None,
    entry: str | None,
) -> CdrWords:
    """The words of Asterisk's CDR for the caller, brought to where the call really went."""
    talked = [channel for channel in others if channel.uniqueid in story.last_talkers]
    reached = (talked or others)[-1:]
    main = [each for each in story.applications if not each.is_inner]
    context = story.facts.get("context") or (None if originate is None else originate["context"])
    return words_of(
        cdr,
        uniqueid=caller.uniqueid,
        number=caller.number,
        name=caller.caller_name,
        dcontext=context or ("incoming" if entry else "main_routing"),
        channel=caller.name,
        dstchannel=reached[0].name if reached else "",
        application=main[-1] if main else None,
    )


def _agent(story: Story, visits: Sequence[QueueVisit]) -> str | None:
    """Who talked to the caller on behalf of a queue, the last of several."""
    taken = [visit.agent for visit in visits if visit.answered_at is not None]
    if taken:
        return taken[-1]
    return (story.facts.get("agent") or story.agent) if story.connected_at is not None else None


def _who_hung_up(story: Story, caller: Channel, others: Sequence[Channel]) -> str | None:
    """``caller``, ``callee``, or ``None`` when the system ended the call."""
    if caller.hung_up_itself:
        return "caller"
    last = [channel for channel in others if channel.uniqueid in story.last_talkers] or others[-1:]
    return "callee" if any(channel.hung_up_itself for channel in last) else None


def _talked_until(story: Story, end: int) -> int:
    if story.definite_at is not None or story.parted_at is None:
        return end
    return story.parted_at


def _source(story: Story, caller: Channel, cdr: Sequence[Row], originate: Row | None) -> tuple[str, str]:
    if originate is not None:
        return story.facts.get("src") or originate["caller"], ""
    number = story.facts.get("src") or caller.number
    if not number:
        number = next((row["src"] for row in cdr if row["src"]), "") or (
            "" if caller.trunk else resource(caller.name)
        )
    return number, caller.caller_name


def _destination(story: Story, caller: Channel, cdr: Sequence[Row], originate: Row | None) -> str:
    if story.facts.get("dst"):
        return story.facts["dst"]
    if originate is not None:
        return str(originate["callee"])
    if caller.exten not in NO_NUMBER:
        return caller.exten
    return next((row["dst"] for row in cdr if row["dst"] not in (None, *NO_NUMBER)), "")


def _type(
    facts: Mapping[str, str],
    *,
    entry: str | None,
    exits: Sequence[str],
    caller: Channel,
    others: Sequence[Channel],
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


def _cause(caller: Channel, others: Sequence[Channel], *, answered: bool) -> int | None:
    if answered or not others:
        return caller.cause or None
    return others[-1].cause or caller.cause or None


def _outcome(
    story: Story,
    caller: Channel,
    others: Sequence[Channel],
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
            reason=f"{first_party_of(originate)}: {said}",
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
        comment=_comment(originate),
        words=words_of(
            CdrRows(cdr),
            uniqueid=cuid,
            dcontext=(originate["context"] if originate else "") or ("incoming" if entry else "main_routing"),
        ),
    )


def _attempt_from_cdr(call: CallRow, cdr: Sequence[Row]) -> AttemptEnd:
    picked_up = next((row["answer"] for row in cdr if row["uniqueid"] == call.cuid and row["answer"]), None)
    return AttemptEnd(
        uniqueid=call.cuid,
        started_at=call.started_at,
        answered_at=microseconds(picked_up) if picked_up else None,
        ended_at=call.ended_at,
        counted=call.answered_at is not None,
        cause=USER_BUSY if call.disposition == "BUSY" else None,
        lost="" if call.reason is None else call.reason,
        channel=call.words.channel,
        dcontext=call.words.dcontext,
    )


def _trunk_of(channel: str | None) -> str | None:
    endpoint = resource(channel or "")
    return endpoint.removeprefix(TRUNK_PREFIX) if endpoint.startswith(TRUNK_PREFIX) else None
