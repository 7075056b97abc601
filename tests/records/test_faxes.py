"""What becomes of faxes: from the facts around them to their rows, on both stores."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import insert, select

from tamas.dialplan.fax_call import claim_fax, waiting_trunks
from tamas.records.facts import time_text
from tamas.records.ingest import Ingestion
from tamas.records.originates import close_failed, close_open_originates
from tamas.records.orphans import close_orphans
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, Row, open_database
from tamas.store.fax_schema import faxes
from tamas.store.ids import new_id
from tamas.store.runtime_settings import SETTINGS
from tamas.store.schema import calls, cel, originates

RUNTIME = {key: spec.default for key, spec in SETTINGS.items()}
END = (
    "fax=end&fax_status=.{status}&fax_error=.{error}&fax_text=.{text}&fax_pages=.{pages}"
    "&fax_station=.%2B98+21"
)
GOOD = END.format(status="SUCCESS", error="HANGUP", text="OK", pages=3)
CUT = END.format(status="FAILED", error="HANGUP", text="The+call+dropped+prematurely", pages=1)
NO_BEGIN = END.format(status="", error="", text="", pages="")


async def waiting(database: Database, *, trunk: str = "t1", number: str = "112233") -> str:
    """A fax that waits to be sent."""
    identity = new_id()
    async with database.write() as tx:
        await tx.execute(
            insert(faxes).values(
                id=identity,
                type="outbox",
                src="user1",
                dst=number,
                status="SENDING",
                file="sen_file-20210316094328-60069-doc_.tiff",
                trunk=trunk,
                channel=f"PJSIP/{number}@trunk-{trunk}",
                account="tester",
                created_at=now(),
            )
        )
    return identity


async def happened(
    database: Database, uniqueid: str, *facts: str, answered: bool = True, cause: int = 16, over: bool = True
) -> None:
    """CEL of a channel at the trunk, as Asterisk writes it."""
    kinds = ["CHAN_START", *(["ANSWER"] if answered else []), *facts]
    if over:
        kinds += ["HANGUP", "CHAN_END", "LINKEDID_END"]
    start = now() - 10 * MICROSECONDS
    rows = []
    for place, kind in enumerate(kinds):
        extra: dict[str, Any] = {"extra": kind} if "=" in kind else {}
        if kind == "HANGUP":
            extra = {"hangupcause": cause, "hangupsource": "", "dialstatus": ""}
        rows.append(
            {
                "eventtype": "TAMAS" if "=" in kind else kind,
                "eventtime": time_text(start + place * MICROSECONDS),
                "channame": "PJSIP/trunk-t1-00000001",
                "cid_num": "0219",
                "exten": "2100",
                "context": "tamas-incoming",
                "uniqueid": uniqueid,
                "linkedid": uniqueid,
                "extra": json.dumps(extra),
            }
        )
    async with database.write() as tx:
        await tx.execute(insert(cel), rows)


async def the_fax(database: Database, identity: str = "") -> Row:
    statement = select(faxes).where(faxes.c.id == identity) if identity else select(faxes)
    async with database.read() as connection:
        (row,) = await connection.rows(statement)
    return row


async def claim(database: Database, trunk: str = "t1") -> str:
    """Claim the fax that waits; gives its channel's unique id."""
    call = await claim_fax(database, trunk, RUNTIME)
    assert call is not None
    return call.uniqueid


SENT: dict[str, tuple[tuple[str, ...], str, int, str | None]] = {
    "went through": (("definite=1&fax=send&step=Fax", GOOD), "SUCCESS", 3, None),
    "cut off": (("fax=send", CUT), "FAILED", 1, "the far end hung up during the fax"),
    "hung up before": (("fax=send", NO_BEGIN), "FAILED", 0, "the call ended before the fax began"),
    "other words": (
        ("fax=send", END.format(status="FAILED", error="X", text="No+carrier", pages=0)),
        "FAILED",
        0,
        "No carrier",
    ),
    "odd pages": (
        ("fax=send", END.format(status="SUCCESS", error="", text="OK", pages="-1")),
        "SUCCESS",
        0,
        None,
    ),
    "no end was stated": (("definite=1&fax=send",), "FAILED", 0, "the fax was cut off"),
}


@pytest.mark.parametrize("case", SENT)
async def test_a_sent_fax_is_settled_with_its_call(database: Database, case: str) -> None:
    """The row says what Asterisk said at the end; the call's row is there too, as an outgoing call."""
    facts, status, pages, reason = SENT[case]
    identity = await waiting(database)
    await happened(database, await claim(database), *facts)
    assert await Ingestion(database).drain(5)
    fax = await the_fax(database, identity)
    assert (fax["status"], fax["pages"], fax["reason"]) == (status, pages, reason)
    assert fax["ended_at"] is not None
    if len(facts) == 2:
        assert json.loads(fax["details"])["REMOTESTATIONID"] == "+98 21"
    async with database.read() as connection:
        (call,) = await connection.rows(select(calls))
    assert (call["type"], call["src"], call["dst"]) == ("outgoing", "000", "112233")
    assert (call["outgoing_point"], call["entry_point"]) == ("t1", None)


async def test_a_fax_nobody_answers_fails_with_the_reason_of_its_call(database: Database) -> None:
    """A busy line has a channel; an unreachable trunk has none. Both settle the row, once."""
    busy, unreachable = await waiting(database), await waiting(database, trunk="t2")
    await happened(database, await claim(database), answered=False, cause=17)
    await claim(database, "t2")
    assert await Ingestion(database).drain(5)
    assert (await the_fax(database, busy))["reason"] == "fax to 112233: the line is busy"
    async with database.read() as connection:
        other = await connection.scalar(
            select(originates.c.originated_call_id).where(originates.c.trunk_name == "t2")
        )
    assert await close_failed(database, other, reason="fax to 112233: the trunk cannot be reached")
    assert not await close_failed(database, other, reason="again")
    fax = await the_fax(database, unreachable)
    assert (fax["status"], fax["reason"]) == ("FAILED", "fax to 112233: the trunk cannot be reached")


async def test_what_asterisk_says_late_is_the_truth(database: Database) -> None:
    """A fax that was given up is a success after all when the rows of its call arrive and say so."""
    identity = await waiting(database)
    uniqueid = await claim(database)
    await close_open_originates(database, set(), reason="lost while the contact center was away")
    fax = await the_fax(database, identity)
    assert (fax["status"], fax["reason"]) == ("FAILED", "lost while the contact center was away")
    await happened(database, uniqueid, "fax=send", GOOD)
    assert await Ingestion(database).drain(5)
    fax = await the_fax(database, identity)
    assert (fax["status"], fax["reason"], fax["pages"]) == ("SUCCESS", None, 3)


async def test_a_fax_is_tried_once(database: Database) -> None:
    """A fax that was claimed is never claimed again, whatever becomes of the process that claimed it."""
    await waiting(database)
    await claim(database)
    assert await waiting_trunks(database) == {}
    assert await claim_fax(database, "t1", RUNTIME) is None


async def test_a_trunk_carries_so_many_at_once(database: Database) -> None:
    """Oldest first, up to the setting; one trunk does not wait for another."""
    first, second, third = [await waiting(database, number=f"55{number}") for number in range(3)]
    other = await waiting(database, trunk="t2")
    assert await waiting_trunks(database) == {"t1": 0, "t2": 0}
    begun = [await claim_fax(database, "t1", RUNTIME) for _ in range(3)]
    assert [call and call.fax_id for call in begun] == [first, second, None]
    assert await waiting_trunks(database) == {"t1": 2, "t2": 0}
    elsewhere = await claim_fax(database, "t2", RUNTIME)
    assert elsewhere is not None
    assert elsewhere.fax_id == other
    assert begun[0] is not None
    await close_failed(database, begun[0].originated_call_id, reason="x")
    last = await claim_fax(database, "t1", RUNTIME)
    assert last is not None
    assert last.fax_id == third


async def test_two_processes_never_claim_the_same_fax(database: Database, database_url: str) -> None:
    """Whoever claims at the same moment, each fax is claimed once."""
    asked = {await waiting(database) for _ in range(6)}
    runtime = {**RUNTIME, "fax.calls_per_trunk": 6}
    other = await open_database(database_url)
    try:
        claims = await asyncio.gather(
            *(claim_fax(each, "t1", runtime) for _ in range(3) for each in (database, other))
        )
    finally:
        await other.close()
    claimed = [call.fax_id for call in claims if call is not None]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) <= asked
    async with database.read() as connection:
        rows = await connection.rows(select(originates.c.fax_id))
    assert sorted(row["fax_id"] for row in rows) == sorted(claimed)


RECEIVED: dict[str, tuple[tuple[str, ...], str, int, str | None]] = {
    "came through": (("fax=receive&step=Fax", "definite=1", GOOD), "SUCCESS", 3, None),
    "cut off": (("fax=receive", CUT), "FAILED", 1, "the far end hung up during the fax"),
    "nothing came": (
        ("fax=receive", END.format(status="SUCCESS", error="", text="OK", pages=0)),
        "FAILED",
        0,
        "no page was sent",
    ),
    "no end was stated": (("fax=receive",), "FAILED", 0, "the fax was cut off"),
}
INCOMING = "type=incoming&dst=2100&did=2100&entry=t1"


@pytest.mark.parametrize("case", RECEIVED)
async def test_a_received_fax_gets_its_row_with_the_call(database: Database, case: str) -> None:
    """From whom, to whom, over which trunk, and how far it came; read again it stays one row."""
    facts, status, pages, reason = RECEIVED[case]
    await happened(database, "1601116173.161150", INCOMING, *facts)
    assert await Ingestion(database).drain(5)
    fax = await the_fax(database)
    assert (fax["type"], fax["src"], fax["dst"], fax["trunk"]) == ("inbox", "0219", "2100", "t1")
    assert (fax["status"], fax["pages"], fax["reason"]) == (status, pages, reason)
    assert fax["uniqueid"] == "1601116173.161150"
    assert fax["file"].startswith("rec_file-")
    assert fax["file"].endswith("-61150-0219_.tiff")


async def test_a_reception_that_the_engine_took_with_it(database: Database) -> None:
    """Asterisk died in mid-fax: the row is there, failed, with the reason."""
    await happened(database, "1601116173.7", INCOMING, "fax=receive", over=False)
    assert await close_orphans(database, set(), now(), "the engine stopped") == 1
    fax = await the_fax(database)
    assert (fax["status"], fax["reason"], fax["pages"]) == ("FAILED", "the engine stopped", 0)


async def test_other_calls_have_no_fax(database: Database) -> None:
    """A plain call over a trunk leaves no row among the faxes."""
    await happened(database, "1601116173.8", INCOMING)
    assert await Ingestion(database).drain(5)
    async with database.read() as connection:
        assert await connection.rows(select(faxes)) == []
