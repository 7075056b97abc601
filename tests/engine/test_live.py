"""Effects of committed rows on a running Asterisk: what it does not notice by itself, and then does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from support.engine import instance_settings, running_engine
from support.waiting import eventually
from tamas.engine import live
from tamas.engine.ami import AmiActionFailed, AmiClient
from tamas.engine.install import AsteriskInstall
from tamas.engine.sip_objects import trunk_sip
from tamas.store.database import Database, open_database
from tamas.store.schema import queue_log, queue_members, queues, trunks

pytestmark = pytest.mark.engine


class Running:
    """A store and the manager connection of an Asterisk that reads it."""

    def __init__(self, database: Database, ami: AmiClient) -> None:
        self.database = database
        self.ami = ami

    async def run(self, statement: Any) -> None:
        async with self.database.write() as tx:
            await tx.execute(statement)

    async def noticed(self, queue: str) -> list[tuple[str, str]]:
        """Members that Asterisk noticed coming and going, from its queue log.

        Every way of asking for the members themselves makes it read them again.
        """
        events = ("ADDMEMBER", "REMOVEMEMBER")
        statement = select(queue_log).where(queue_log.c.queuename == queue, queue_log.c.event.in_(events))
        async with self.database.read() as connection:
            rows = await connection.rows(statement.order_by(queue_log.c.id))
        return [(row["event"], row["agent"]) for row in rows]


@pytest.fixture(scope="module")
async def running(
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    asterisk_install: AsteriskInstall,
) -> AsyncIterator[Running]:
    """An Asterisk on an empty SQLite store."""
    folder = tmp_path_factory.mktemp("l")
    url = new_store("sqlite", folder)
    database = await open_database(url)
    try:
        async with running_engine(instance_settings(folder, url), asterisk_install) as engine:
            yield Running(database, engine.ami)
    finally:
        await database.close()


def a_queue(number: str) -> Any:
    return insert(queues).values(id=number, name=number, number=number, created_at=1, updated_at=1)


def a_member(queue: str, agent: str) -> Any:
    return insert(queue_members).values(
        queue_name=queue,
        interface=live.member_interface(agent),
        membername=agent,
        state_interface=live.state_interface(agent),
        joined_at=1,
    )


async def test_members_are_read_again_when_told(running: Running) -> None:
    """Members come and go in a running queue as soon as it is told, not before; no queue is no error."""
    joined, left = ("ADDMEMBER", "101"), ("REMOVEMEMBER", "101")
    await running.run(a_queue("900"))
    await live.queue_members_changed(running.ami, "900")
    await running.run(a_member("900", "101"))
    assert await running.noticed("900") == []
    await live.queue_members_changed(running.ami, "900")
    await eventually(lambda: equal(running.noticed("900"), [joined]), within=5)
    await running.run(delete(queue_members))
    assert await running.noticed("900") == [joined]
    await live.queue_members_changed(running.ami, "900")
    await eventually(lambda: equal(running.noticed("900"), [joined, left]), within=5)
    await running.run(delete(queues))
    await live.queue_members_changed(running.ami, "900")


async def equal(left: Awaitable[object], right: object) -> bool:
    return await left == right


async def test_a_member_nobody_asked_for_yet_can_be_paused(running: Running) -> None:
    """QueuePause reads a queue that Asterisk never looked at; an unknown member is an error."""
    await running.run(a_queue("910"))
    await running.run(a_member("910", "102"))
    await live.pause_member(running.ami, "910", live.member_interface("102"), paused=True, reason="lunch")
    shown = await running.ami.command("queue show 910")
    assert "paused:lunch" in shown
    with pytest.raises(AmiActionFailed):
        await live.pause_member(running.ami, "910", live.member_interface("999"), paused=True)


def a_trunk(**settings: str) -> Mapping[str, Any]:
    base = {
        "trunk_type": "SIP",
        "name": "one",
        "host": "127.0.0.1",
        "port": "5998",
        "type": "friend",
        "insecure": "port,invite",
        "register_string": "",
        "more_options": "",
    }
    merged = {**base, **settings}
    return {**merged, **trunk_sip(**merged).columns()}


async def test_a_trunk_is_followed_to_its_new_address(running: Running) -> None:
    """The new address is pinged and the old one is not; registrations appear, move and end."""
    await running.run(insert(trunks).values(id="1", created_at=1, updated_at=1, **a_trunk()))
    await live.trunk_changed(running.ami, "trunk-one", registration_changed=False)
    shown = await running.ami.command("pjsip show contacts")
    assert re.search(r"trunk-one/sip:127\.0\.0\.1:5998 .*", shown)
    moved = a_trunk(port="5997", register_string="u:p@127.0.0.1:5997")
    await running.run(update(trunks).values(**moved))
    await live.trunk_changed(running.ami, "trunk-one", registration_changed=True)
    shown = await running.ami.command("pjsip show contacts")
    assert ":5997" in shown
    assert ":5998" not in shown
    assert ":5997" in await running.ami.command("pjsip show registrations")
    await running.run(delete(trunks))
    await live.trunk_changed(running.ami, "trunk-one", registration_changed=True, gone=True)
    assert "trunk-one" not in await running.ami.command("pjsip show registrations")
    await live.trunk_changed(running.ami, "trunk-one", registration_changed=False)


async def test_catching_up(running: Running) -> None:
    """Objects that changed while nobody could tell are followed and registered afterwards; older ones not."""
    trunk = a_trunk(name="late", port="5996", register_string="u:p@127.0.0.1:5996")
    await running.run(insert(trunks).values(id="2", created_at=1, updated_at=2_000, **trunk))
    await live.catch_up(running.ami, running.database, since=3_000)
    assert "trunk-late/sip" in await running.ami.command("pjsip show registrations")
    await live.catch_up(running.ami, running.database, since=1_000)
    assert "trunk-late/sip:127.0.0.1:5996" in await running.ami.command("pjsip show contacts")
    await running.run(delete(trunks))
    await live.catch_up(running.ami, running.database, since=0)
    assert "trunk-late" not in await running.ami.command("pjsip show registrations")


async def test_an_extension_that_is_gone_is_no_error(running: Running) -> None:
    """Somebody may remove an extension before Asterisk is told about its change."""
    await live.endpoint_changed(running.ami, "404")
