"""Events of records: in the transaction of their rows, once, in order. Recorded calls, both stores."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from records import _samples
from records.test_faxes import GOOD, claim, happened, waiting
from tamas.dialplan.reservation import Place, claim_place, reserve
from tamas.events.marks import answer_mark, mark
from tamas.events.outbox import Event, emit
from tamas.records.ingest import Ingestion
from tamas.records.originates import close_failed
from tamas.store.database import Database
from tamas.store.dialplan_schema import call_jobs
from tamas.store.event_marks_schema import event_marks
from tamas.store.events_schema import events
from tamas.store.schema import cdr, poll_answers

Told = tuple[str, dict[str, Any]]


async def told(database: Database) -> list[Told]:
    """Everything in the outbox, in order."""
    async with database.read() as connection:
        rows = await connection.rows(select(events).order_by(events.c.id))
    return [(row["name"], json.loads(row["fields"])) for row in rows]


async def ingest(database: Database) -> list[Told]:
    """Make calls of what Asterisk wrote; gives what was told so far."""
    assert await Ingestion(database).drain(10)
    return await told(database)


async def test_a_call_that_was_in_two_queues(database: Database) -> None:
    """One CdrQueue for each visit with its own tries, then the Cdr."""
    await _samples.arrive(database, _samples.load("two_queues_two_transfers"))
    found = await ingest(database)
    assert [name for name, _ in found if name != "Survey"] == ["CdrQueue", "CdrQueue", "Cdr"]
    visits = [fields for name, fields in found if name == "CdrQueue"]
    assert [[each["dst"] for each in visit["detail"]] for visit in visits] == [
        [visit["dst"]] for visit in visits
    ]
    assert len({visit["queue"] for visit in visits}) == 2


async def test_a_call_that_was_picked_up(database: Database) -> None:
    """For the catalogue it is answered, by whoever took it."""
    await _samples.arrive(database, _samples.load("queue_pickup"))
    (visit,) = [fields for name, fields in await ingest(database) if name == "CdrQueue"]
    assert (visit["disposition"], visit["dst"] in [each["dst"] for each in visit["detail"]]) == (
        "ANSWERED",
        False,
    )


async def test_a_late_cdr_is_no_news(database: Database) -> None:
    """It amends the row; the event was told."""
    sample = _samples.load("queue_answered")
    await _samples.arrive(database, sample, with_cdr=False)
    before = await ingest(database)
    assert "Cdr" in [name for name, _ in before]
    async with database.write() as tx:
        await _samples.put(tx, cdr, sample.cdr)
    assert await ingest(database) == before


async def test_answers_are_told_once(database: Database) -> None:
    """What the flow told at once is not told again; what it could not tell, being killed, is told now."""
    sample = _samples.load("queue_agent_hangs_up")
    await _samples.arrive(database, sample)
    cuid = sample.cuid
    async with database.write() as tx:
        await mark(tx, database.dialect, "survey", {f"{cuid}/1": answer_mark(5, "sale", cuid)})
        await emit(tx, [Event(name="Survey", fields={"point": 5, "label": "sale"}, call=cuid)])
    found = await ingest(database)
    answers = [fields for name, fields in found if name == "Survey"]
    assert [(fields["point"], fields["label"]) for fields in answers] == [(5, "sale"), (3, "a second one")]
    async with database.read() as connection:
        second = await connection.row(select(poll_answers).where(poll_answers.c.point == 3))
        marks = await connection.rows(select(event_marks))
    assert second is not None
    assert answers[1] == {
        "unique_id": cuid,
        "src": second["src"],
        "dst": second["dst"],
        "queue": second["queue"],
        "date": second["answered_at"],
        "point": 3,
        "label": "a second one",
    }
    assert marks == [], "the call is over"
    (call,) = [fields for name, fields in found if name == "Cdr"]
    assert (call["poll_point"], call["poll_lable"]) == ("3", "a second one")


@pytest.mark.parametrize(
    ("name", "dst", "disposition"),
    [
        ("originate_answered", "102", "ANSWERED"),
        ("originate_first_busy", "failed", "BUSY"),
        ("originate_first_silent", "failed", "NO ANSWER"),
        ("originate_second_busy", "102", "BUSY"),
    ],
)
async def test_calls_that_were_asked_for(database: Database, name: str, dst: str, disposition: str) -> None:
    """To nowhere when the second party was not even called; the result has who was meant, in any case."""
    sample = _samples.load(name)
    assert sample.originate
    asked = await _samples.ask_for(database, sample.originate)
    await _samples.arrive(database, sample)
    (first, call), (second, result) = await ingest(database)
    assert (first, call["dst"], call["disposition"]) == ("Cdr", dst, disposition)
    assert (second, result["callee"], result["disposition"]) == ("OriginateResult", "102", disposition)
    assert call["originated_call_id"] == result["originated_call_id"] == asked


async def test_a_call_that_never_began(database: Database) -> None:
    """It has a result and no record for the vendor's receivers, once, though two close it."""
    asked = await _samples.ask_for(database, "1795600000.1000000001")
    for _ in range(2):
        await close_failed(database, asked, reason="nobody is there", cause=3)
    ((name, result),) = await told(database)
    assert (name, result["disposition"], result["reason"]) == ("OriginateResult", "FAILED", "nobody is there")
    assert "unique_id" not in result


async def test_faxes(database: Database) -> None:
    """Sent: it begins, then it is over. Received: over. In the fax engine's words."""
    identity = await waiting(database)
    sent = await claim(database)
    await happened(database, sent, "definite=1&fax=send&step=Fax", GOOD)
    await happened(database, "1795600000.7", "fax=receive", GOOD)
    found = await ingest(database)
    assert Counter(name for name, _ in found) == {"OutgoingFax": 2, "IncomingFax": 1, "Cdr": 2}
    begun, over = (fields for name, fields in found if name == "OutgoingFax")
    assert (begun["fax_id"], begun["state"], begun["unique_id"]) == (identity, "SENDING", sent)
    assert set(begun["info"].values()) == {None, ""}
    assert (over["fax_id"], over["state"], over["unique_id"]) == (identity, "SUCCESS", sent)
    words = {"FAXSTATUS": "SUCCESS", "FAXSTATUSSTRING": "OK", "FAXPAGES": "3", "REMOTESTATIONID": "+98 21"}
    assert words.items() <= over["info"].items()
    (fax,) = [fields for name, fields in found if name == "IncomingFax"]
    assert (fax["state"], fax["entry_point"], fax["src"], fax["dst"]) == ("SUCCESS", "t1", "0219", "2100")
    assert words.items() <= fax["description"].items()


async def test_a_reserved_place_is_told_once(database: Database) -> None:
    """Who was phoned back joins the queue; that a fault makes them join again is nobody's business."""
    place = Place(
        queue="900", caller="0912", trunk="t1", joined_at=1, context="main_routing", start="1/queue"
    )
    await reserve(database, place, cuid="1.1")
    async with database.read() as connection:
        job = await connection.scalar(select(call_jobs.c.id))
    for _ in range(2):
        assert await claim_place(database, str(job)) == 1
    ((name, fields),) = await told(database)
    assert (name, fields["queue_name"], fields["caller_id"]) == ("ReservedCallInFront", "900", "0912")
