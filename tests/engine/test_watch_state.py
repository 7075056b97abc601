"""Contacts, queues, people and subscribers of the engine's picture, without an engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from sqlalchemy import delete, insert, update

from tamas.engine.watch.contacts import Contacts
from tamas.engine.watch.people import MAX_KNOWN, Entry, People, read_people
from tamas.engine.watch.queues import QueueBook
from tamas.engine.watch.rows import read_contacts, read_marks, read_originated, read_past
from tamas.engine.watch.state import EngineState, Touched
from tamas.engine.watch.view import PhoneView, TrunkView
from tamas.engine.watch.watcher import MAX_CHANGED_CALLS, Subscription
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.store.schema import (
    agent_mappings,
    cel,
    extensions,
    originates,
    ps_contacts,
    queue_members,
    trunks,
)

SECOND = 1_000_000


def status(aor: str, uri: str, word: str) -> Mapping[str, str]:
    return {"Event": "ContactStatus", "AOR": aor, "URI": uri, "ContactStatus": word}


def call_event(name: str, **fields: str) -> Mapping[str, str]:
    base = {
        "Event": name,
        "Channel": "PJSIP/201-00000001",
        "ChannelState": "4",
        "Exten": "202",
        "Uniqueid": "1795600000.1",
        "Linkedid": "1795600000.1",
    }
    return {**base, **fields}


def test_a_phone_is_registered_while_one_of_its_contacts_can_be_reached() -> None:
    """Two phones of one extension; a ping that is not answered takes one away, unregistering the other."""
    contacts = Contacts()
    contacts.restore([("201", "sip:a"), ("201", "sip:b")])
    assert contacts.registrations == 2
    contacts.apply(status("201", "sip:a", "Unreachable"))
    assert contacts.reachable("201")
    contacts.apply(status("201", "sip:b", "Removed"))
    assert not contacts.reachable("201")
    assert contacts.reach("201") == "silent"
    assert contacts.changed == {"201"}
    contacts.apply(status("201", "sip:a", "Reachable"))
    assert (contacts.reach("201"), contacts.registrations) == ("answers", 1)


def test_rows_that_went_without_an_event_are_noticed() -> None:
    """Removing an extension takes its contacts out of the store; what is known of others stays."""
    contacts = Contacts()
    contacts.restore([("201", "sip:a"), ("202", "sip:b")])
    contacts.apply(status("202", "sip:b", "Unreachable"))
    contacts.changed.clear()
    contacts.correct([("202", "sip:b"), ("203", "sip:c")])
    assert contacts.changed == {"201", "203"}
    assert [contacts.reach(number) for number in ("201", "202", "203")] == ["nowhere", "silent", "unknown"]


def test_a_fixed_address_is_no_registration() -> None:
    """Whichever comes first, the word of a ping or the knowledge that the address is fixed."""
    contacts = Contacts()
    contacts.restore([("201", "sip:a")])
    contacts.apply(status("trunk-t", "sip:t", "Unreachable"))
    details = [
        {"AOR": "trunk-t", "URI": "sip:t", "Status": "Unreachable", "RegExpire": "0"},
        {"AOR": "trunk-t", "URI": "sip:u", "Status": "Reachable", "RegExpire": "1795600000"},
    ]
    contacts.restore_fixed("trunk-t", details)
    assert (contacts.registrations, contacts.reach("trunk-t")) == (1, "silent")
    contacts.correct([("201", "sip:a")])
    assert contacts.reach("trunk-t") == "silent"
    contacts.apply(status("trunk-t", "sip:t", "Reachable"))
    assert (contacts.registrations, contacts.reach("trunk-t")) == (1, "answers")
    contacts.restore_fixed("trunk-t", [])
    assert contacts.reach("trunk-t") == "nowhere"


def test_a_list_of_pings_is_older_than_what_events_told_meanwhile() -> None:
    """Asterisk may work on it for seconds."""
    contacts = Contacts()
    contacts.restore([("201", "sip:a"), ("202", "sip:b")])
    contacts.before_pings()
    contacts.apply(status("201", "sip:a", "Reachable"))
    contacts.take_pings(
        {"ObjectName": f"{number};@x", "Uri": uri, "Status": "Unreachable"}
        for number, uri in (("201", "sip:a"), ("202", "sip:b"), ("204", "sip:gone"))
    )
    assert [contacts.reach(number) for number in ("201", "202", "204")] == ["answers", "silent", "nowhere"]


def test_a_trunk_by_its_documented_states() -> None:
    """Ok while its pings are answered or nobody pings it; its registration decides then."""
    state = EngineState()
    state.set_trunks({"a": True, "off": False})
    state.contacts.restore_fixed("trunk-a", [{"AOR": "trunk-a", "URI": "sip:x", "Status": "NonQualified"}])
    state.found()
    assert state.trunk("a") == TrunkView(state="ok", registration="none", calls=0)
    assert state.trunk("off").state == state.trunk("never heard of").state == "deactivated"
    detail = {"Event": "OutboundRegistrationDetail", "ObjectName": "trunk-a"}
    for word, registration, wanted in (
        ("Unregistered", "trying", "unavailable"),
        ("Rejected", "rejected", "unavailable"),
        ("Registered", "registered", "ok"),
    ):
        state.set_registrations([{**detail, "Status": word}])
        assert (state.trunk("a").registration, state.trunk("a").state) == (registration, wanted)
        assert state.take_touched().trunks == {"a"}
    state.apply(status("trunk-a", "sip:x", "Unreachable"), 0)
    assert state.trunk("a").state == "unavailable"
    assert state.take_touched().trunks == {"a"}
    state.set_registrations([{**detail, "Status": "Rejected"}])
    state.apply(status("trunk-a", "sip:x", "Reachable"), 0)
    assert state.trunk("a").state == "ok", "calls go out without a registration too"


def test_nothing_can_be_seen_of_an_engine_that_is_away() -> None:
    """Phones and trunks are unavailable, queues empty, and there are no calls; no change is told of that."""
    state = EngineState()
    state.set_trunks({"a": True})
    state.contacts.restore([("201", "sip:a")])
    state.found()
    state.apply(call_event("Newchannel"), 0)
    assert (state.phone("201").state, len(state.calls())) == ("in_use", 1)
    state.lost()
    assert state.phone("201") == PhoneView(registered=False, state="unavailable", calls=0)
    assert (state.trunk("a").state, state.queue("900").agents, list(state.calls())) == ("unavailable", (), [])
    assert not state.take_touched()


def test_a_queue_moves_up() -> None:
    """Positions change when somebody leaves before; a late word about the same caller adds nobody."""
    queues = QueueBook()
    queues.restore([{"Event": "QueueParams", "Queue": "900"}], 0)
    for number in (1, 2, 3):
        join = {"Event": "QueueCallerJoin", "Queue": "900", "Uniqueid": str(number), "Position": str(number)}
        queues.apply({**join, "CallerIDNum": f"0{number}", "CallerIDName": "<unknown>"}, number * SECOND)
        queues.apply(join, 9 * SECOND)
    queues.apply({"Event": "QueueCallerLeave", "Queue": "900", "Uniqueid": "2"}, 4 * SECOND)
    waiting = queues.queue("900").waiting
    assert [(caller.number, caller.name, caller.position) for caller in waiting] == [
        ("01", "", 1),
        ("03", "", 2),
    ]
    assert queues.queue("900").longest_wait_since == SECOND
    assert queues.changed == {"900"}


def test_agents_of_a_queue() -> None:
    """States as app_queue sees them; only free agents who are not on a break are available."""
    queues = QueueBook()
    member = {"Event": "QueueMember", "Queue": "900", "Status": "1", "Paused": "0", "CallsTaken": "3"}
    entry = {"Event": "QueueEntry", "Queue": "900", "Uniqueid": "7", "Position": "1", "Wait": "5"}
    queues.restore([{**member, "Name": "501"}, {**member, "Name": "502", "Paused": "1"}, entry], 60 * SECOND)
    queue = queues.queue("900")
    assert (len(queue.agents), queue.available, queue.paused) == (2, 1, 1)
    assert (queue.agents[0].calls_taken, queue.longest_wait_since) == (3, 55 * SECOND)
    for status_, state in (("2", "in_use"), ("6", "ringing"), ("8", "hold"), ("5", "unavailable")):
        told = {"Event": "QueueMemberStatus", "Queue": "900", "MemberName": "501", "Status": status_}
        queues.apply(told, 0)
        assert (queues.queue("900").agents[0].state, queues.queue("900").available) == (state, 0)
    queues.restore_one("900", [], 0)
    assert queues.queue("900").agents == ()
    assert queues.queue("unknown").agents == ()


def test_queues_that_share_an_agent() -> None:
    """An agent who moves to another seat moves in every queue."""
    queues = QueueBook()
    member = {"Event": "QueueMember", "Status": "1"}
    works = (("900", "501"), ("901", "501"), ("901", "502"), ("902", "502"))
    queues.restore(({**member, "Queue": queue, "Name": agent} for queue, agent in works), 0)
    assert queues.sharing(["900"]) == {"900", "901"}
    assert queues.sharing(["never heard of"]) == {"never heard of"}


def test_people_are_asked_for_once_and_forgotten_in_the_end() -> None:
    """Until the store has answered a number is all that is known; memory is bounded."""
    people = People()
    assert (people.at_phone("201").number, people.wanted) == ("201", {"201"})
    assert people.learn({"201": Entry("Phone 201", "501", "Sara")}) == {"201"}
    assert people.learn({"201": Entry("Phone 201", "501", "Sara")}) == set()
    assert (people.at_phone("201").number, people.at_phone("201").name) == ("501", "Sara")
    assert people.with_number("201").name == "Phone 201"
    assert not people.wanted
    people.learn({str(number): Entry(None, "", "") for number in range(2 * MAX_KNOWN)})
    assert len(people._entries) == MAX_KNOWN
    assert not people.with_number(str(2 * MAX_KNOWN - 1)).is_extension


async def test_a_subscriber_gets_a_snapshot_then_changes() -> None:
    """Changes are gathered; what comes while nobody fetches adds up."""
    state = EngineState()
    state.found()
    subscription = Subscription(state)
    first = await subscription.next()
    assert (first.fresh, first.ready) == (True, True)
    state.apply(call_event("Newchannel"), now())
    subscription.tell(state.take_touched())
    state.apply(call_event("Newstate", ChannelState="6"), now())
    subscription.tell(state.take_touched())
    changes = await subscription.next()
    assert [call.state for call in changes.calls] == ["menu"]
    assert changes.phones["201"].state == "in_use"
    waiting = asyncio.ensure_future(subscription.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_slow_subscriber_gets_a_snapshot_in_place_of_a_backlog() -> None:
    """Thousands of calls unread, or one that is forgotten already: everything is to be read anew."""
    state = EngineState()
    state.found()
    subscription = Subscription(state)
    await subscription.next()
    for number in range(MAX_CHANGED_CALLS + 1):
        uniqueid = f"1795600000.{number}"
        state.apply(call_event("Newchannel", Uniqueid=uniqueid, Linkedid=uniqueid), now())
        subscription.tell(state.take_touched())
    assert (await subscription.next()).fresh
    subscription.tell(Touched(calls={"long ago"}))
    assert (await subscription.next()).fresh


async def test_what_the_store_knows(database: Database) -> None:
    """Marks move when rows change; people, contacts, originates and the past of calls are found."""
    at = now()
    before = await read_marks(database)
    assert (before.trunks, before.fixed_phones, before.members, before.registrations) == ({}, {}, {}, 0)
    async with database.write() as tx:
        for number, host in (("201", "dynamic"), ("202", "127.0.0.5"), ("501", "dynamic")):
            await tx.execute(
                insert(extensions).values(
                    id=new_id(),
                    name=f"Name {number}",
                    number=number,
                    host=host,
                    secret_ha1="",
                    secret_sealed=b"",
                    created_at=at,
                    updated_at=at,
                )
            )
        await tx.execute(insert(agent_mappings).values(agent="501", phone="201", mapped_at=at))
        await tx.execute(insert(trunks).values(id=new_id(), name="t", created_at=at, updated_at=at))
        await tx.execute(
            insert(queue_members).values(
                queue_name="900",
                interface="Local/501@simotel-local-agents/n",
                membername="501",
                state_interface="PJSIP/201",
                joined_at=at,
            )
        )
        for name, expires in (("a", time.time() + 60), ("b", time.time() - 60)):
            await tx.execute(
                insert(ps_contacts).values(
                    id=f"201^3B@{name}",
                    endpoint="201",
                    uri=f"sip:201@h^3Btransport={name}",
                    expiration_time=int(expires),
                )
            )
        await tx.execute(
            insert(originates).values(
                originated_call_id="o",
                uniqueid="1795600000.1",
                caller="201",
                callee="202",
                context="main_routing",
                caller_id="201",
                trunk_name="",
                timeout=30,
                created_at=at,
            )
        )
        for event, second in (("CHAN_START", 1), ("ANSWER", 2)):
            await tx.execute(
                insert(cel).values(
                    eventtype=event,
                    eventtime=f"2026-11-25 10:00:0{second}.000005",
                    uniqueid="1795600000.1",
                    linkedid="1795600000.1",
                )
            )
    after = await read_marks(database)
    assert after.trunks["t"][0] is True
    assert list(after.fixed_phones) == ["202"]
    assert list(after.members) == ["900"]
    assert after.registrations == 1
    assert await read_contacts(database) == [("201", "sip:201@h;transport=a")]
    assert await read_people(database, ["201", "999"]) == {
        "201": Entry("Name 201", "501", "Name 501"),
        "999": Entry(None, "", ""),
    }
    found = await read_originated(database, ["1795600000.1", "1795600000.2"])
    assert {linkedid: one.callee for linkedid, one in found.items()} == {"1795600000.1": "202"}
    past = (await read_past(database, ["1795600000.1"]))["1795600000.1"]
    assert past.answered["1795600000.1"] - past.began["1795600000.1"] == SECOND


async def test_a_changed_member_moves_the_mark_of_its_queue(sqlite_database: Database) -> None:
    """Joining, a break, another penalty, leaving; the other queue stays as it was."""
    m = queue_members.c
    row = {"membername": "501", "interface": "i", "state_interface": "PJSIP/201", "joined_at": 1}
    async with sqlite_database.write() as tx:
        for queue in ("900", "901"):
            await tx.execute(insert(queue_members).values(queue_name=queue, **row))
    changes = [
        insert(queue_members).values(queue_name="900", **{**row, "membername": "502"}),
        update(queue_members).where(m.membername == "502").values(paused=1),
        update(queue_members).where(m.membername == "502").values(penalty=3),
        delete(queue_members).where(m.membername == "502"),
    ]
    before = (await read_marks(sqlite_database)).members
    for change in changes:
        async with sqlite_database.write() as tx:
            await tx.execute(change)
        after = (await read_marks(sqlite_database)).members
        assert after["900"] != before["900"]
        assert after["901"] == before["901"]
        before = after
