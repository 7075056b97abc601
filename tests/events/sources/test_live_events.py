"""What live events are made of engine events: recordings of a real Asterisk, a real outbox, no telephones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from engine._rows import add_extension, add_trunk
from tamas.engine.watch.people import People
from tamas.engine.watch.state import EngineState
from tamas.events.marks import Mark, mark
from tamas.live_events import WATCHED, LiveEvents
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.events_schema import events
from tamas.store.schema import extensions, originates, trunks

DATA = Path(__file__).parents[2] / "engine" / "data" / "watch"
PHONES = ("201", "202", "203", "204")
Told = tuple[str, dict[str, Any]]


def sample(name: str) -> list[Mapping[str, str]]:
    """The events of a recording."""
    return [event for _, event in json.loads((DATA / f"{name}.json").read_text())["events"]]


class World:
    """An engine as the watch sees it, and what is told of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.state = EngineState(People())
        self.live = LiveEvents(database)
        self._read = 0

    async def begin(self, **reaches: str) -> None:
        """The first picture, or one after a time in which nobody looked.

        :param reaches: status of a contact by extension; ``p201="Reachable"``.
        """
        self.state.contacts.restore([(name.removeprefix("p"), f"sip:{name}") for name in reaches])
        for name, status in reaches.items():
            self.contact(name.removeprefix("p"), f"sip:{name}", status)
        self.state.found()
        self.live.found(self.state)
        await self.live.write()

    def contact(self, aor: str, uri: str, status: str) -> None:
        """What Asterisk says of a contact."""
        event = {"Event": "ContactStatus", "AOR": aor, "URI": uri, "ContactStatus": status}
        self.state.apply(event, now())

    async def play(self, happened: list[Mapping[str, str]]) -> list[Told]:
        """Let things happen; gives what is told of them."""
        for event in happened:
            self.state.apply(event, now())
            self.tell()
        return await self.told()

    def tell(self) -> None:
        self.live.told(self.state, self.state.take_touched(), self.state.take_incidents())

    async def told(self) -> list[Told]:
        """What is told since this was last asked."""
        await self.live.write()
        async with self.database.read() as connection:
            rows = await connection.rows(select(events).where(events.c.id > self._read).order_by(events.c.id))
        self._read = max((row["id"] for row in rows), default=self._read)
        return [(row["name"], json.loads(row["fields"])) for row in rows]

    async def run(self, *statements: Any) -> None:
        async with self.database.write() as tx:
            for statement in statements:
                await tx.execute(statement)


@pytest.fixture
async def world(database: Database) -> World:
    """Four extensions and a trunk, all reachable and told of."""
    world = World(database)
    for number in PHONES:
        await add_extension(database, number, "secret")
    await add_trunk(database, "carrier")
    world.state.set_trunks({"carrier": True})
    async with database.write() as tx:
        await mark(tx, database.dialect, "watch", {WATCHED: Mark(state="", call="")})
    await world.begin(**{f"p{number}": "Reachable" for number in PHONES})
    assert await world.told() == [("NewState", {"exten": number, "state": "Idle"}) for number in PHONES]
    return world


def short(told: list[Told]) -> list[str]:
    """Name and what matters most, one line each."""
    lines = []
    for name, fields in told:
        words = [name, fields.get("exten", ""), fields.get("state", "")]
        words += [fields.get("direction", ""), fields.get("participant", "")]
        words += ["dials"] if fields.get("dialer") else []
        lines.append(" ".join(word for word in words if word))
    return lines


async def test_a_call_between_extensions(world: World) -> None:
    """Each state of each side once, whole, with the other party; Idle names the call that is over."""
    told = await world.play(sample("answered"))
    call = told[0][1]["unique_id"]
    of_call = {"unique_id": call}
    out = {"participant": "202", "direction": "out"} | of_call
    in_ = {"participant": "201", "direction": "in"} | of_call
    assert told == [
        ("NewState", {"exten": "201", "state": "InUse", **out, "dialer": "yes"}),
        ("NewState", {"exten": "202", "state": "Ringing", **in_}),
        ("NewState", {"exten": "202", "state": "InUse", **in_}),
        ("NewState", {"exten": "201", "state": "InUse", **out}),
        ("NewState", {"exten": "202", "state": "Idle", **of_call}),
        ("NewState", {"exten": "201", "state": "Idle", **of_call}),
    ]


async def test_a_call_through_a_queue(world: World) -> None:
    """The trunk, the caller and the queue; the phone where the agent sits is the extension."""
    told = await world.play(sample("queued"))
    (name, fields), *states = told
    assert (name, fields["number"], fields["entry_point"]) == ("IncomingCall", "0211", "carrier")
    assert short(states) == [
        "NewState 203 Ringing in 0211",
        "NewState 203 InUse in 0211",
        "NewState 203 Idle",
    ]
    assert {fields.get("queue") for _, fields in states} == {"900", None}


async def test_a_call_over_the_trunk(world: World) -> None:
    """It leaves with the number beyond the trunk."""
    told = await world.play(sample("outgoing"))
    assert short(told) == [
        "NewState 201 InUse out 09121234567 dials",
        "OutgoingCall",
        "NewState 201 InUse out 09121234567",
        "NewState 201 Idle",
    ]
    assert told[1][1] == {
        "number": "09121234567",
        "outgoing_point": "carrier",
        "unique_id": told[0][1]["unique_id"],
    }


@pytest.mark.parametrize("name", ["originated", "originated_several_phones"])
async def test_an_originated_call(world: World, name: str) -> None:
    """The first party does not get a call, it makes one, also while its own phone rings."""
    uniqueid = next(event["Linkedid"] for event in sample(name) if event.get("Linkedid"))
    row = {"originated_call_id": "orig.call.1", "uniqueid": uniqueid, "caller": "201", "callee": "202"}
    row |= {"context": "main_routing", "caller_id": "202", "trunk_name": ""}
    await world.run(insert(originates).values(**row, timeout=30, created_at=1))
    told = await world.play(sample(name))
    assert short(told) == [
        "NewState 201 Ringing out 202",
        "NewState 201 InUse out 202 dials",
        "NewState 202 Ringing in 201",
        "NewState 202 InUse in 201",
        "NewState 201 InUse out 202",
        *(["NewState 202 Idle", "NewState 201 Idle"] if short(told)[-1].endswith("201 Idle") else []),
        *(["NewState 201 Idle", "NewState 202 Idle"] if short(told)[-1].endswith("202 Idle") else []),
    ]


async def test_nothing_changed_while_nobody_looked(world: World) -> None:
    """A restart in the middle of a call tells nothing of it twice, and its end once."""
    happened = sample("answered")
    talking = next(index for index, event in enumerate(happened) if event["Event"] == "HangupRequest")
    await world.play(happened[:talking])
    again = World(world.database)
    again._read = world._read
    again.state = world.state
    again.live.found(again.state)
    again.live.pinged(again.state)
    assert await again.told() == []
    assert short(await again.play(happened[talking:])) == ["NewState 202 Idle", "NewState 201 Idle"]


async def test_what_changed_while_nobody_looked(world: World) -> None:
    """One phone went, one call came in and one was over: told once, all else not."""
    happened = sample("answered")
    talking = next(index for index, event in enumerate(happened) if event["Event"] == "HangupRequest")
    await world.play(happened[:talking])
    again = World(world.database)
    again._read = world._read
    again.state.set_trunks({"carrier": True})
    incoming = next(event for event in sample("queued") if event["Event"] == "Newchannel")
    again.state.apply(incoming, now())
    await again.begin(p201="Reachable", p202="Reachable", p203="Reachable")
    assert sorted(short(await again.told())) == [
        "IncomingCall",
        "NewState 201 Idle",
        "NewState 202 Idle",
        "NewState 204 Unavailable",
    ]
    again.live.found(again.state)
    assert await again.told() == []


async def test_a_new_asterisk_does_not_know_who_answers(world: World) -> None:
    """Its contacts count as reachable at first: of a phone that was silent that is no news, until it is."""
    world.contact("201", "sip:p201", "Unreachable")
    world.tell()
    assert short(await world.told()) == ["NewState 201 Unavailable"]
    world.state.lost()
    await world.begin(p201="Unknown", p202="Unknown", p203="Unknown", p204="Unknown")
    world.live.pinged(world.state)
    assert await world.told() == []
    world.contact("201", "sip:p201", "Reachable")
    world.tell()
    assert short(await world.told()) == ["NewState 201 Idle"]


async def test_nobody_ever_pings_a_phone(world: World) -> None:
    """After a while it counts as reachable."""
    world.contact("201", "sip:p201", "Removed")
    world.tell()
    await world.told()
    await world.begin(**{f"p{number}": "NonQualified" for number in PHONES})
    assert await world.told() == []
    world.live._settle()
    assert short(await world.told()) == ["NewState 201 Idle"]


async def test_the_states_of_a_trunk(world: World) -> None:
    """Its address stops answering and answers again, an administrator switches it off; each told once."""
    aor, uri = "trunk-carrier", "sip:127.0.0.9"
    for status in ("Reachable", "Unreachable", "Unreachable", "Reachable"):
        world.contact(aor, uri, status)
        world.tell()
    world.state.set_trunks({"carrier": False})
    world.tell()
    told = await world.told()
    assert [(name, fields["state"]) for name, fields in told] == [
        ("TrunkNewState", "Unavailable"),
        ("TrunkNewState", "Ok"),
        ("TrunkNewState", "Deactivate"),
    ]
    fields = told[0][1]
    assert (fields["trunk_name"], fields["trunk_type"], fields["last_time_sec"]) == ("carrier", "SIP", 0)
    assert 0 <= fields["date"] - fields["last_time"] < 5_000_000
    await world.run(delete(trunks))
    world.state.set_trunks({})
    world.tell()
    assert await world.told() == []


async def test_a_break(world: World) -> None:
    """An extension pauses when no queue rings it any more."""

    def paused(queue: str, value: str) -> Mapping[str, str]:
        member = {"Event": "QueueMemberPause", "Queue": queue, "MemberName": "501", "Status": "1"}
        return member | {"StateInterface": "PJSIP/203", "Paused": value, "CallsTaken": "0"}

    happened = [paused("900", "0"), paused("901", "0"), paused("900", "1")]
    assert await world.play(happened) == []
    assert short(await world.play([paused("901", "1")])) == ["NewState 203 Pause"]
    assert short(await world.play([paused("900", "0")])) == ["NewState 203 Idle"]


async def test_an_extension_that_is_no_more(world: World) -> None:
    """Of a phone whose extension was removed nothing is told."""
    await world.run(delete(extensions).where(extensions.c.number == "202"))
    told = await world.play(sample("answered"))
    assert {fields["exten"] for _, fields in told} == {"201"}
    world.live.found(world.state)
    assert await world.told() == []


async def test_the_store_was_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is written later, in its order."""

    def away() -> Any:
        raise OSError("no store")

    with monkeypatch.context() as patch:
        patch.setattr(world.database, "write", away)
        for event in sample("answered"):
            world.state.apply(event, now())
            world.tell()
        with pytest.raises(OSError, match="no store"):
            await world.live.write()
    assert short(await world.told())[:2] == [
        "NewState 201 InUse out 202 dials",
        "NewState 202 Ringing in 201",
    ]


async def test_records_wait_for_what_is_told_before(world: World) -> None:
    """The record of a call is not told while something of it is still to be told."""
    happened = sample("answered")
    call = happened[0]["Linkedid"]
    for event in happened:
        world.state.apply(event, now())
        world.tell()
        assert not world.live.all_told({call})
    assert world.live.all_told({"1.1"})
    await world.live.write()
    assert world.live.all_told({call})


@pytest.mark.parametrize(
    ("name", "transferer", "moved", "unrecorded"),
    [
        ("blind_by_callee", "202", "201", {"Extension": "203"}),
        ("blind_by_caller", "201", "202", {"Extension": "203"}),
        ("attended", "202", "201", {"Transferee": "1795604990.0", "TransferTarget": "1795604991.3"}),
        ("attended_by_code", "202", "201", {"Transferee": "1795604992.4", "TransferTarget": "1795604994.6"}),
    ],
)
async def test_transfers(
    world: World, name: str, transferer: str, moved: str, unrecorded: dict[str, str]
) -> None:
    """Who sent whom where, once, under the id of the call that goes on."""
    more = {key if key == "Extension" else f"{key}Uniqueid": value for key, value in unrecorded.items()}
    happened = [{**event, **more} if event["Event"].endswith("Transfer") else event for event in sample(name)]
    told = [fields for event, fields in await world.play(happened) if event == "Transfer"]
    call = happened[0]["Linkedid"]
    parties = {"transferer": transferer, "transferred_from": moved, "transferred_to": "203"}
    assert told == [{**parties, "unique_id": call}]
