"""Delivery to real web servers, good ones and bad ones: nothing is lost, nobody waits for another."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select

from support.integrator import SILENCE, Answer, Asked, Integrator, Raw, page
from support.receivers import (
    SEAL,
    VirtualClock,
    delivering,
    names,
    numbered,
    numbers,
    receiver_at,
    state,
    tell,
)
from support.waiting import eventually
from tamas.events import delivery as delivery_module
from tamas.events.outbox import Event, emit
from tamas.events.receivers import get_receiver, remove_receiver, set_receiver
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.store.events_schema import event_attempts, event_deliveries
from tamas.store.runtime_settings import set_runtime_setting

OK = page("thanks")
HOUR = 3600


@pytest.fixture
async def crm() -> AsyncIterator[Integrator]:
    """A receiver that takes everything."""
    async with Integrator(answers={"/": OK}) as running:
        yield running


async def owed(database: Database, state: str = "pending") -> int:
    """How many deliveries are in a state."""
    async with database.read() as connection:
        counted = select(func.count()).where(event_deliveries.c.state == state)
        return int(await connection.scalar(counted))


async def attempts(database: Database) -> list[tuple[int, int | None, str | None]]:
    """Position, status and error of each try."""
    columns = event_attempts.c.position, event_attempts.c.status, event_attempts.c.error
    async with database.read() as connection:
        rows = await connection.rows(select(*columns).order_by(event_attempts.c.id))
        return [(row["position"], row["status"], row["error"]) for row in rows]


async def test_told_once_in_order(database: Database, crm: Integrator) -> None:
    """What is emitted arrives, the events of a call in their order; nothing is owed afterwards."""
    await receiver_at(database, crm.url())
    calls = [f"1.{number}" for number in range(10)]
    async with delivering(database):
        for batch in zip(*(numbered(call, 10) for call in calls), strict=True):
            async with database.write() as tx:
                await emit(tx, batch)
        await eventually(lambda: len(crm.asked) == 100)
        assert [numbers(crm, call) for call in calls] == [list(range(10))] * 10
        await eventually(lambda: _none_owed(database))
    assert len(await attempts(database)) == 100
    assert all(asked.method == "POST" for asked in crm.asked)


async def _none_owed(database: Database) -> bool:
    return await owed(database) == 0


async def test_a_fact_that_is_undone_is_not_told(database: Database, crm: Integrator) -> None:
    """An event is told only if the transaction of its fact commits."""
    await receiver_at(database, crm.url())
    async with delivering(database):
        with contextlib.suppress(ZeroDivisionError):
            async with database.write() as tx:
                await emit(tx, [Event(name="Ping")])
                raise ZeroDivisionError
        await tell(database, state("9", "Idle", "1.1"))
        await eventually(lambda: crm.asked)
    assert names(crm.asked) == ["NewState"]


async def test_only_what_was_selected(sqlite_database: Database, crm: Integrator) -> None:
    """A receiver gets the events that it selected, one that is switched off none."""
    await receiver_at(sqlite_database, crm.url(), events=frozenset({"Cdr"}), version="Rest4", method="GET")
    await receiver_at(sqlite_database, crm.url("/off"), "off", enabled=False)
    crm.answers["/Cdr"] = OK
    async with delivering(sqlite_database):
        fields = {"src": "1", "dst": "2", "unique_id": "1.1"}
        await tell(sqlite_database, state("9", "Idle", "1.1"), Event(name="Cdr", fields=fields, call="1.1"))
        await eventually(lambda: crm.asked)
    (asked,) = crm.asked
    assert (asked.method, asked.path) == ("GET", "/Cdr")
    assert asked.query == {"event_name": "Cdr", "src": "1", "dst": "2", "unique_id": "1.1", "cuid": "1.1"}


async def test_signed_and_signed_in(sqlite_database: Database, crm: Integrator) -> None:
    """Sealed passwords and secrets are opened for the request."""
    sealed = SEAL.seal_text("whsec_" + "a" * 40)
    await receiver_at(
        sqlite_database, crm.url(), username="tamas", password=SEAL.seal_text("päss:word"), secret=sealed
    )
    async with delivering(sqlite_database):
        await tell(sqlite_database, Event(name="Ping"))
        await eventually(lambda: crm.asked)
    headers = crm.asked[0].headers
    assert headers["authorization"] == "Basic dGFtYXM6cMOkc3M6d29yZA=="
    assert headers["webhook-signature"].startswith("v1,")


async def test_down_then_up(database: Database, crm: Integrator) -> None:
    """A receiver whose port is closed gets everything, in order per call, once it is open again."""
    await receiver_at(database, crm.url())
    await crm.stop()
    async with delivering(database):
        await tell(database, *numbered("1.1", 5), *numbered("1.2", 5))
        await eventually(lambda: _attempted(database, 2))
        await crm.start()
        await eventually(lambda: len(crm.asked) == 10)
    assert numbers(crm, "1.1") == numbers(crm, "1.2") == list(range(5))


async def _attempted(database: Database, count: int) -> bool:
    return len(await attempts(database)) >= count


async def _close_in_the_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 O")
    await writer.drain()


async def _close_in_the_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()


async def _flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


FIRST_ANSWERS: dict[str, tuple[Answer, str | None]] = {
    "hanging": (SILENCE, "no answer within 0.3 s"),
    "closed in its head": (Raw(_close_in_the_head), "no answer"),
    "not http": (b"SSH-2.0-OpenSSH\r\n\r\n", "no answer"),
    "bad gateway": (page("", status="502 Bad Gateway"), "status 502"),
    "too many requests": (page("", status="429 Slow down"), "status 429"),
    "closed in its body": (Raw(_close_in_the_body), None),
    "endless body": (Raw(_flood), None),
    "accepted": (page("", status="202 Accepted"), None),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", None),
}


@pytest.mark.parametrize("first", FIRST_ANSWERS)
async def test_one_bad_answer(sqlite_database: Database, crm: Integrator, first: str) -> None:
    """What never answered is told again soon; any 2xx is an answer, whatever follows it."""
    answer, error = FIRST_ANSWERS[first]
    crm.answers["/"] = [answer, OK]
    await receiver_at(sqlite_database, crm.url(), timeout_ms=300)
    async with delivering(sqlite_database):
        await tell(sqlite_database, *numbered("1.1", 2))
        await eventually(lambda: numbers(crm, "1.1")[-1:] == [1])
        await eventually(lambda: _none_owed(sqlite_database))
    assert numbers(crm, "1.1") == ([0, 1] if error is None else [0, 0, 1])
    found = (await attempts(sqlite_database))[0][2]
    assert found is None if error is None else error in str(found)


REFUSALS = {"error": "500 Oops", "not found": "404 Not Found", "redirect": "302 Found"}


@pytest.mark.parametrize("status", REFUSALS.values(), ids=list(REFUSALS))
async def test_one_refused_event(database: Database, crm: Integrator, status: str) -> None:
    """An event that is refused holds the later ones of its call, and no other call."""
    crm.answers["/"] = lambda asked: (
        page("", "Location: /elsewhere", status=status)
        if asked.fields["unique_id"] == "1.1"
        and asked.fields["number"] == "1"
        and not crm.answers.get("mended")
        else OK
    )
    clock = VirtualClock()
    await receiver_at(database, crm.url())
    async with delivering(database, clock):
        await tell(database, *numbered("1.1", 4), *numbered("1.2", 4))
        await eventually(lambda: numbers(crm, "1.2") == [0, 1, 2, 3])
        await eventually(lambda: numbers(crm, "1.1") == [0, 1])
        await tell(database, *numbered("1.1", 6)[4:])
        await eventually(lambda: _attempted(database, 6))
        crm.answers["mended"] = OK
        assert numbers(crm, "1.1") == [0, 1]
        clock.advance(6)
        await eventually(lambda: numbers(crm, "1.1") == [0, 1, 1, 2, 3, 4, 5])
    assert "/elsewhere" not in [asked.path for asked in crm.asked]


async def test_an_event_that_nobody_takes_does_not_hold_its_call_for_ever(
    sqlite_database: Database, crm: Integrator
) -> None:
    """After some tries the later events of the call go past, after three days it is given up."""
    crm.answers["/"] = lambda asked: page("", status="400 No") if asked.fields["number"] == "0" else OK
    clock = VirtualClock()
    await receiver_at(sqlite_database, crm.url())
    async with delivering(sqlite_database, clock):
        await tell(sqlite_database, *numbered("1.1", 3))
        for tried in range(1, 30):
            await _put_off_or_dead(sqlite_database, tried)
            if await owed(sqlite_database, "dead"):
                break
            if tried < 4:
                assert numbers(crm, "1.1") == [0] * tried
            clock.advance(8 * HOUR)
        await eventually(lambda: _none_owed(sqlite_database))
    assert numbers(crm, "1.1")[4:7] in ([0, 1, 2], [1, 2, 0], [1, 0, 2], [1, 2])
    assert await owed(sqlite_database, "dead") == 1
    assert 8 <= numbers(crm, "1.1").count(0) <= 20


async def _put_off_or_dead(database: Database, times: int) -> None:
    async def it_is() -> bool:
        async with database.read() as connection:
            first = select(event_deliveries).where(event_deliveries.c.position == 1)
            row = await connection.row(first)
        return row is not None and (row["tries"] >= times or row["state"] == "dead")

    await eventually(it_is)


async def test_an_hour_of_silence(sqlite_database: Database, crm: Integrator) -> None:
    """A receiver that is away for an hour costs some tries, and gets everything soon after it is back."""
    clock = VirtualClock()
    await receiver_at(sqlite_database, crm.url())
    await crm.stop()
    async with delivering(sqlite_database, clock):
        for minute in range(60):
            await tell(sqlite_database, *numbered(f"1.{minute}", 4))
            clock.advance(60)
            await asyncio.sleep(0.005)
        await crm.start()
        back = clock.now()
        while len(crm.asked) < 240 and clock.now() < back + HOUR * 1_000_000:
            clock.advance(5)
            await asyncio.sleep(0.02)
        assert len(crm.asked) == 240
        assert clock.now() - back < 1000 * 1_000_000
        assert all(numbers(crm, f"1.{minute}") == [0, 1, 2, 3] for minute in range(60))
        await eventually(lambda: _none_owed(sqlite_database))
    assert sum(error is not None for _, _, error in await attempts(sqlite_database)) < 60


async def test_an_hour_of_errors(sqlite_database: Database, crm: Integrator) -> None:
    """A receiver that answers 500 for an hour loses nothing either, and the calls keep their order."""
    clock = VirtualClock()
    await receiver_at(sqlite_database, crm.url())
    crm.answers["/"] = page("", status="500 Oops")
    async with delivering(sqlite_database, clock):
        for minute in range(30):
            await tell(sqlite_database, *numbered(f"1.{minute}", 3), state("9", "Idle", f"1.{minute}"))
            clock.advance(120)
            await asyncio.sleep(0.005)
        crm.answers["/"] = OK
        crm.asked.clear()
        for _ in range(40):
            clock.advance(60)
            await asyncio.sleep(0.02)
        await eventually(lambda: _none_owed(sqlite_database))
    for minute in range(30):
        assert numbers(crm, f"1.{minute}")[-3:] == [0, 1, 2], minute


async def test_gone(database: Database, crm: Integrator) -> None:
    """410 switches a receiver off, with the reason; switched on again it gets what it was still owed."""
    crm.answers["/"] = page("", status="410 Gone")
    await receiver_at(database, crm.url())
    async with delivering(database):
        await tell(database, *numbered("1.1", 3))
        await eventually(lambda: _switched_off(database))
        await tell(database, *numbered("1.2", 3))
        await asyncio.sleep(0.2)
        assert len(crm.asked) == 1
        crm.answers["/"] = OK
        await set_receiver(database, Changes(database), "crm", enabled=True)
        await eventually(lambda: numbers(crm, "1.1") == [0, 0, 1, 2])
    assert numbers(crm, "1.2") == []


async def _switched_off(database: Database) -> bool:
    async with database.read() as connection:
        receiver = await get_receiver(connection, "crm")
    return not receiver.enabled and "410" in str(receiver.switched_off_reason)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
async def test_internal_addresses(sqlite_database: Database, crm: Integrator, host: str) -> None:
    """Nothing inside is connected to unless the receiver, or the setting, allows it; link-local never."""
    await receiver_at(sqlite_database, f"http://{host}:{crm.port}/", allow_internal=False)
    async with delivering(sqlite_database):
        await tell(sqlite_database, Event(name="Ping"))
        await eventually(lambda: _attempted(sqlite_database, 1))
        ((_, status, error),) = (await attempts(sqlite_database))[:1]
        assert status is None
        assert "may not be connected to" in str(error)
        assert crm.connections == 0
        await set_runtime_setting(sqlite_database, Changes(sqlite_database), "events.allow_internal", True)
        if host in ("127.0.0.1", "localhost"):
            await eventually(lambda: crm.asked)


async def test_changed_settings_count_at_once(sqlite_database: Database, crm: Integrator) -> None:
    """What is owed goes to the new address; a receiver that is removed gets nothing more."""
    changes = Changes(sqlite_database)
    await receiver_at(sqlite_database, "http://127.0.0.1:9/")
    crm.answers["/new"] = OK
    async with delivering(sqlite_database):
        await tell(sqlite_database, *numbered("1.1", 2))
        await eventually(lambda: _attempted(sqlite_database, 1))
        await set_receiver(sqlite_database, changes, "crm", address=crm.url("/new"))
        await eventually(lambda: numbers(crm, "1.1") == [0, 1])
        await remove_receiver(sqlite_database, changes, "crm")
        await tell(sqlite_database, *numbered("1.2", 2))
        await asyncio.sleep(0.2)
    assert numbers(crm, "1.2") == []


@pytest.mark.slow
async def test_nobody_waits_for_the_dead(sqlite_database: Database, crm: Integrator) -> None:
    """Of a hundred receivers thirty hang or are away; the others get everything at once."""
    alive = [f"/{number}" for number in range(70)]
    crm.answers |= dict.fromkeys(alive, OK) | {f"/hang{number}": SILENCE for number in range(15)}
    for path in alive:
        await receiver_at(sqlite_database, crm.url(path), path)
    for number in range(15):
        await receiver_at(sqlite_database, crm.url(f"/hang{number}"), f"hang{number}", timeout_ms=5000)
        await receiver_at(sqlite_database, "http://127.0.0.1:9/", f"dead{number}")
    async with delivering(sqlite_database):
        await asyncio.sleep(0.2)
        begin = asyncio.get_running_loop().time()
        await tell(sqlite_database, *numbered("1.1", 3))
        wanted = sorted(alive * 3)
        await eventually(lambda: sorted(a.path for a in crm.asked if "hang" not in a.path) == wanted)
        assert asyncio.get_running_loop().time() - begin < 4
        for path in alive:
            assert [a.fields["number"] for a in crm.asked if a.path == path] == ["0", "1", "2"]


async def test_one_process_delivers(database: Database, crm: Integrator, monkeypatch: Any) -> None:
    """Of two processes one delivers; when it ends the other goes on."""
    monkeypatch.setattr(delivery_module, "AWAY_SECONDS", 0.2)
    await receiver_at(database, crm.url())

    async def other(holder: str, delivered: int) -> None:
        changes = Changes(database)
        one = delivery_module.Delivery(database, changes, SEAL.open_text, holder=holder)
        running = asyncio.create_task(one.run())
        await eventually(lambda: len(crm.asked) >= delivered)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other("a", 5))
        tasks.create_task(other("b", 10))
        await tell(database, *numbered("1.1", 5))
        await eventually(lambda: len(crm.asked) >= 5)
        await tell(database, *numbered("1.2", 5))
    await asyncio.sleep(0.1)
    assert numbers(crm, "1.1") == numbers(crm, "1.2") == list(range(5))


@pytest.mark.slow
async def test_a_long_backlog(sqlite_database: Database, crm: Integrator) -> None:
    """More than memory holds arrives all the same, in order, and once."""
    await receiver_at(sqlite_database, crm.url())
    await crm.stop()
    async with delivering(sqlite_database):
        for number in range(30):
            async with sqlite_database.write() as tx:
                await emit(tx, numbered(f"1.{number}", 30))
        await crm.start()
        await eventually(lambda: len(crm.asked) == 900, within=20)
        await eventually(lambda: _none_owed(sqlite_database))
    assert all(numbers(crm, f"1.{number}") == list(range(30)) for number in range(30))


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens(database: Database, crm: Integrator, seed: int) -> None:
    """With answers of every kind in no order, what is taken of each call is taken in order, and all of it."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    bad: list[Answer] = [
        page("", status="500 Oops"),
        page("", status="404 No"),
        page("", status="503 Busy"),
        Raw(_nothing),
    ]
    taken: dict[str, list[int]] = {}
    refused: Counter[tuple[str, int]] = Counter()

    def answer(asked: Asked) -> Answer:
        call, number = asked.fields["unique_id"], int(asked.fields["number"])
        if chance.random() < 0.3 and refused[call, number] < 3:
            refused[call, number] += 1
            return chance.choice(bad)
        taken.setdefault(call, []).append(number)
        return OK

    crm.answers["/"] = answer
    clock = VirtualClock()
    await receiver_at(database, crm.url())
    async with delivering(database, clock):
        for batch in zip(*(numbered(f"1.{call}", 12) for call in range(10)), strict=True):
            async with database.write() as tx:
                await emit(tx, batch)
            clock.advance(chance.choice([0, 0, 1, 7, 40]))
            await asyncio.sleep(chance.choice([0, 0.01, 0.05]))
        for _ in range(1000):
            if await owed(database) == 0:
                break
            clock.advance(chance.choice([0.5, 5, 60]))
            await asyncio.sleep(0.01)
        await eventually(lambda: _none_owed(database))
    for call, numbers_taken in taken.items():
        assert numbers_taken == list(range(12)), call


async def _nothing(_: asyncio.StreamWriter) -> None:
    """Hang up."""
