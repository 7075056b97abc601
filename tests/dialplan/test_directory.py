"""Who calls and what is dialed, from the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from tamas.dialplan.directory import look_up
from tamas.store.database import Database
from tamas.store.ids import new_id
from tamas.store.schema import agent_mappings, extensions, queues, trunks
from tamas.store.voicemail_schema import mailboxes


async def _extension(database: Database, number: str, **values: Any) -> None:
    row = {
        "id": new_id(),
        "name": f"Name {number}",
        "number": number,
        "cid_number": number,
        "secret_ha1": "0" * 32,
        "secret_sealed": b"",
        "created_at": 1,
        "updated_at": 1,
        **values,
    }
    async with database.write() as tx:
        await tx.execute(insert(extensions).values(**row))


async def _trunk(database: Database, name: str, **values: Any) -> None:
    row = {"id": new_id(), "name": name, "created_at": 1, "updated_at": 1, **values}
    async with database.write() as tx:
        await tx.execute(insert(trunks).values(**row))


async def _map(database: Database, agent: str, phone: str) -> None:
    async with database.write() as tx:
        await tx.execute(insert(agent_mappings).values(agent=agent, phone=phone, mapped_at=1))


async def test_nothing_is_known(database: Database) -> None:
    """An empty store knows nobody."""
    found = await look_up(database, phone="", dialed="0912")
    assert (found.caller, found.extension, found.queue, found.trunk) == (None, None, None, None)


async def test_a_mailbox(database: Database) -> None:
    """It comes with its flags, beside the extension that has its number, or alone."""
    await _extension(database, "102")
    for number, flags in (("102", {"play_busy": "yes"}), ("599", {"required_password": "yes"})):
        row = {"id": new_id(), "name": f"Box {number}", "number": number, "password_sealed": b"", **flags}
        async with database.write() as tx:
            await tx.execute(insert(mailboxes).values(**row, created_at=1, updated_at=1))
    found = await look_up(database, phone="", dialed="102")
    assert found.extension is not None
    assert found.mailbox is not None
    assert (found.mailbox.name, found.mailbox.play_busy, found.mailbox.required_password) == (
        "Box 102",
        True,
        False,
    )
    found = await look_up(database, phone="102", dialed="599")
    assert found.extension is None
    assert found.mailbox is not None
    assert (found.mailbox.number, found.mailbox.required_password) == ("599", True)
    assert (await look_up(database, phone="", dialed="103")).mailbox is None


async def test_extension_to_extension(database: Database) -> None:
    """Both sides come with their own flags and limits."""
    await _extension(database, "101", call_record="yes", cid_number="021101", call_limit="2")
    await _extension(database, "102", forward_policy='{"All": "103"}', pjsip_max_contacts=3, call_limit="1")
    found = await look_up(database, phone="101", dialed="102")
    assert found.caller is not None
    assert found.extension is not None
    caller, extension = found.caller, found.extension
    assert (caller.number, caller.shown_number, caller.name) == ("101", "021101", "Name 101")
    assert (caller.record, caller.call_limit, caller.mapped) == (True, 2, False)
    assert (extension.phone, extension.several_phones, extension.call_limit) == ("102", True, 1)
    assert extension.forward_policy == '{"All": "103"}'
    assert not extension.record


async def test_agent_at_a_phone(database: Database) -> None:
    """A mapped agent rings at the phone, and the phone calls as the agent."""
    await _extension(database, "210", call_record="yes", cid_number="02110")
    await _extension(database, "1001", call_limit="1")
    await _map(database, "210", "1001")
    found = await look_up(database, phone="1001", dialed="210")
    assert found.caller is not None
    assert found.extension is not None
    assert (found.caller.phone, found.caller.number, found.caller.shown_number) == ("1001", "210", "02110")
    assert (found.caller.name, found.caller.record, found.caller.mapped) == ("Name 210", True, True)
    assert (found.extension.number, found.extension.phone, found.extension.record) == ("210", "1001", True)
    assert found.extension.call_limit == 1


async def test_agent_without_an_extension(database: Database) -> None:
    """An agent number that is nobody's extension takes record flag and name from the phone."""
    await _extension(database, "1001", call_record="yes")
    await _map(database, "310", "1001")
    found = await look_up(database, phone="1001", dialed="310")
    assert found.caller is not None
    assert found.extension is not None
    assert (found.caller.shown_number, found.caller.record) == ("310", True)
    assert (found.extension.phone, found.extension.record) == ("1001", True)


async def test_extension_that_cannot_ring(database: Database) -> None:
    """Switched off or of another technology: known, but without a phone."""
    await _extension(database, "101", active="no")
    await _extension(database, "102", user_type="IAX2")
    for number in ("101", "102"):
        found = await look_up(database, phone="", dialed=number)
        assert found.extension is not None
        assert found.extension.phone == ""


async def test_queue(database: Database) -> None:
    """A queue's number is the queue."""
    async with database.write() as tx:
        await tx.execute(
            insert(queues).values(id=new_id(), name="Sales", number="900", created_at=1, updated_at=1)
        )
    found = await look_up(database, phone="", dialed="900")
    assert found.queue is not None
    assert (found.queue.number, found.queue.record) == ("900", True)


async def test_first_active_trunk(database: Database) -> None:
    """The oldest trunk that is switched on and speaks SIP."""
    await _trunk(database, "off", active="no")
    await _trunk(database, "iax", trunk_type="IAX2")
    await _trunk(database, "first")
    await _trunk(database, "second")
    assert (await look_up(database, phone="", dialed="0912")).trunk == "first"


async def test_the_route_that_a_call_belongs_to(database: Database) -> None:
    """That of the caller's extension, of the agent who sits there, or of the trunk; nobody's is none."""
    await _extension(database, "101", context="city")
    await _extension(database, "210", context="national")
    await _trunk(database, "carrier", context="from-pstn")
    assert (await look_up(database, phone="101", dialed="102")).context == "city"
    await _map(database, "210", "101")
    assert (await look_up(database, phone="101", dialed="102")).context == "national"
    assert (await look_up(database, phone="", dialed="101", trunk="carrier")).context == "from-pstn"
    assert (await look_up(database, phone="", dialed="101", trunk="unknown")).context == ""
