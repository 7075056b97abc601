"""Which events the rows of calls are worth: those that were written for the first time, in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tamas.events.marks import answer_mark, marks_of_calls
from tamas.events.of_calls import survey
from tamas.events.of_faxes import incoming_fax, outgoing_fax
from tamas.events.outbox import Event
from tamas.records.build import CallRecord
from tamas.records.call_events import cdr_event, cdr_queue_event, originate_result
from tamas.records.faxes import SentFax
from tamas.store.database import Connection

Rows = Sequence[Mapping[str, Any]]


@dataclass(kw_only=True)
class Fresh:
    """The rows that were not there before. An amended row is no news."""

    calls: Rows = ()
    visits: Rows = ()
    attempts: Rows = ()
    answers: Rows = ()
    received: Rows = ()
    sent: list[SentFax] = field(default_factory=list)
    """Faxes that were under way."""


async def untold_answers(tx: Connection, answers: Rows, calls: Mapping[str, Collection[str]]) -> Rows:
    """Those answers that the call flow, which tells of each at once, could not tell of: it was killed.

    :param calls: every linked id of each call, by its unique id.
    """
    if not answers:
        return ()
    linkedids = {linkedid: cuid for cuid, own in calls.items() for linkedid in own}
    told = Counter(
        (linkedids[mark.call], mark.state) for mark in await marks_of_calls(tx, "survey", list(linkedids))
    )
    untold = []
    for answer in answers:
        key = answer["cuid"], answer_mark(answer["point"], answer["label"], answer["cuid"]).state
        if told[key]:
            told[key] -= 1
        else:
            untold.append(answer)
    return untold


def events_of(records: Iterable[CallRecord], fresh: Fresh) -> list[Event]:
    """Events of calls in the order in which they are told: answers, faxes, CdrQueue, Cdr, OriginateResult."""
    calls = {row["cuid"]: row for row in fresh.calls}
    found = []
    for record in records:
        cuid = record.call.cuid
        found += [
            survey(
                call=cuid,
                src=row["src"],
                dst=row["dst"],
                queue=row["queue"],
                at=row["answered_at"],
                point=row["point"],
                label=row["label"],
            )
            for row in fresh.answers
            if row["cuid"] == cuid
        ]
        received = {fax.uniqueid for fax in record.received}
        found += [
            incoming_fax(row, msgspec.json.decode(row["details"]), call=cuid)
            for row in fresh.received
            if row["uniqueid"] in received
        ]
        if record.sent is not None and record.sent in fresh.sent:
            found.append(_sent(record.sent, cuid))
        found += [
            cdr_queue_event(
                visit,
                [each for each in fresh.attempts if each["queue_id"] == visit["queue_id"]],
                originated_call_id=record.call.originated_call_id,
            )
            for visit in fresh.visits
            if visit["cuid"] == cuid
        ]
        if cuid in calls:
            found += _of_call(record, calls[cuid])
    return found


def _of_call(record: CallRecord, row: Mapping[str, Any]) -> list[Event]:
    found = []
    if record.began:
        polls = record.polls
        last = polls[-1].values() if polls else None
        found.append(cdr_event(row, poll=last, unreached=record.unreached))
    # A fax has events of its own.
    if row["originated_call_id"] is not None and record.sent is None:
        found.append(originate_result(row, began=record.began))
    return found


def _sent(fax: SentFax, cuid: str) -> Event:
    return outgoing_fax(
        fax.id,
        "SUCCESS" if fax.status == "SUCCESS" else "FAILED",
        call=cuid,
        at=fax.ended_at,
        details=msgspec.json.decode(fax.details),
        reason=fax.reason,
    )
