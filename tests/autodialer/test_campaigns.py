"""Campaigns as their owners handle them: what fits, what may change when, rounds."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update

from autodialer._stock import campaign, manager, sound
from tamas.autodialer.campaigns import (
    USUAL_WINDOW,
    campaign_progress,
    change_campaign,
    pause_campaign,
    purge_removed,
    remove_campaign,
    run_again,
)
from tamas.autodialer.groups import add_group, change_group, remove_group, write_list
from tamas.autodialer.refusals import DialerRefused
from tamas.autodialer.trunk_managers import remove_trunk_manager
from tamas.store.autodialer_schema import campaign_numbers, campaigns, dial_attempts
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Database, Row
from tamas.store.ids import new_id

NOBODY = "0" * 24


async def row_of(database: Database, identity: str) -> Row:
    async with database.read() as connection:
        row = await connection.row(select(campaigns).where(campaigns.c.id == identity))
    assert row is not None
    return row


async def put(database: Database, identity: str, **values: Any) -> None:
    """What the dialer does."""
    async with database.write() as tx:
        await tx.execute(update(campaigns).where(campaigns.c.id == identity).values(**values))


async def group(database: Database, *numbers: str) -> str:
    return await add_group(
        database, name="Group", description="", numbers=await write_list(database, numbers)
    )


async def refused(work: Any) -> str:
    """The field that is named when something is refused."""
    with pytest.raises(DialerRefused) as failure:
        await work
    return failure.value.field


async def test_a_campaign_waits_with_its_numbers_counted(database: Database) -> None:
    """Numbers and groups together, each number once; the window is three days unless given."""
    groups = [await group(database, "0911", "0912"), await group(database, "0912", "0913")]
    one = await row_of(database, await campaign(database, numbers=["09 14", "0911"], groups=groups[:1]))
    assert (one["count"], one["status"], one["round"], one["expanded"]) == (3, "waiting", 1, False)
    assert msgspec.json.decode(one["numbers"]) == ["0914", "0911"]
    assert one["end_at"] - one["start_at"] == USUAL_WINDOW
    both = await row_of(database, await campaign(database, numbers=["0914", "0911"], groups=["", *groups]))
    assert both["count"] == 4
    assert msgspec.json.decode(both["groups"]) == groups
    assert len(msgspec.json.decode(both["lists"])) == 2
    assert (await row_of(database, await campaign(database, numbers=["0911", "0911"])))["count"] == 1


async def test_what_does_not_fit_is_named(database: Database) -> None:
    """Each by the field that an integrator sent; nothing is made."""
    at = now()
    wrong: dict[str, dict[str, Any]] = {
        "numbers": {"numbers": []},
        "groups": {"groups": [NOBODY]},
        "trunk_manager_id": {"trunk_manager_id": NOBODY},
        "announcement": {"announcement": NOBODY},
        "try": {"max_tries": 0},
        "try_interval": {"try_interval": -1},
        "end": {"start_at": at, "end_at": at},
        "name": {"name": ""},
    }
    for field, settings in wrong.items():
        assert await refused(campaign(database, **{"numbers": ["0911"], **settings})) == field
    assert await refused(campaign(database, interface_context="", announcement="")) == "announcement"
    assert await refused(campaign(database, numbers=["0911", "nobody"])) == "numbers"
    async with database.read() as connection:
        assert await connection.rows(select(campaigns)) == []


async def test_while_it_runs_only_some_may_change(database: Database) -> None:
    """Who is called, how and over what stays; what is sent as it was is no change."""
    identity = await campaign(database, interface_context="auto", numbers=["0911"])
    before = await row_of(database, identity)
    await put(database, identity, status="running", expanded=True)
    allowed = {"name": "New", "description": "x", "max_tries": 3, "try_interval": 5}
    allowed["end_at"] = before["end_at"] + MICROSECONDS
    same = {key: before[key] for key in ("trunk_manager_id", "interface_context", "start_at")}
    same |= {"numbers": ["0911"], "groups": []}
    assert await change_campaign(database, identity, {**allowed, **same}) == 1
    after = await row_of(database, identity)
    assert {key: after[key] for key in allowed} == allowed
    assert after["expanded"]
    for field, changes in {
        "trunk_manager_id": {"trunk_manager_id": await manager(database)},
        "interface_context": {"interface_context": "other"},
        "interface_text": {"interface_text": "other"},
        "announcement": {"announcement": await sound(database)},
        "start": {"start_at": before["start_at"] - 1},
        "numbers": {"numbers": ["0911", "0912"]},
        "groups": {"groups": [await group(database, "0913")]},
    }.items():
        assert await refused(change_campaign(database, identity, changes)) == field
    await put(database, identity, status="completed")
    assert await change_campaign(database, identity, {"numbers": ["0911", "0912"]}) == 2
    assert (await row_of(database, identity))["expanded"]


async def test_other_numbers_while_it_waits(database: Database) -> None:
    """They are counted again, and whoever dials begins anew."""
    identity = await campaign(database, numbers=["0911"])
    await put(database, identity, expanded=True, expansion='{"x": 1}')
    assert await change_campaign(database, identity, {"groups": [await group(database, "0912", "0911")]}) == 2
    row = await row_of(database, identity)
    assert (row["count"], row["expanded"], row["expansion"]) == (2, False, "")
    assert await refused(change_campaign(database, identity, {"numbers": [], "groups": []})) == "numbers"
    assert await refused(change_campaign(database, NOBODY, {"name": "x"})) == "_id"
    assert await refused(change_campaign(database, identity, {"end_at": row["start_at"]})) == "end"


async def test_run_again(database: Database) -> None:
    """Another round with the numbers that its groups have then; only a completed campaign does that."""
    first, second = await group(database, "0911"), await group(database, "0912")
    identity = await campaign(database, groups=[first, second])
    assert await refused(run_again(database, identity)) == "_id"
    await put(database, identity, status="completed", expanded=True, completed_at=now(), paused=True)
    await change_group(database, first, numbers=await write_list(database, ["0913", "0914", "0915"]))
    await remove_group(database, second)
    at = now()
    assert await run_again(database, identity, end_at=at + 3600 * MICROSECONDS) == 2
    row = await row_of(database, identity)
    assert (row["status"], row["round"], row["count"], row["expanded"], row["paused"]) == (
        "waiting",
        2,
        3,
        False,
        False,
    )
    assert at <= row["start_at"] <= now()
    assert row["completed_at"] is None
    await put(database, identity, status="completed", expanded=True)
    await remove_group(database, first)
    assert await refused(run_again(database, identity)) == "numbers"


async def test_pause(database: Database) -> None:
    """A flag beside the status; what is completed cannot be paused."""
    identity = await campaign(database)
    await pause_campaign(database, identity, paused=True)
    assert (await row_of(database, identity))["paused"]
    await pause_campaign(database, identity, paused=False)
    assert not (await row_of(database, identity))["paused"]
    await put(database, identity, status="completed")
    assert await refused(pause_campaign(database, identity, paused=True)) == "_id"


async def open_call(database: Database, row: Row) -> None:
    async with database.write() as tx:
        await tx.execute(
            insert(dial_attempts),
            {
                "id": new_id(),
                "campaign": row["serial"],
                "number_id": 1,
                "number": "0911",
                "round": 1,
                "try": 1,
                "trunk_manager_id": row["trunk_manager_id"],
                "trunk": "carrier",
                "uniqueid": new_id(),
                "started_at": now(),
            },
        )


async def test_a_removed_campaign_stays_until_its_calls_are_over(database: Database) -> None:
    """Nobody finds it any more; its row goes with its last call."""
    identity = await campaign(database)
    row = await row_of(database, identity)
    await open_call(database, row)
    async with database.write() as tx:
        numbers = [
            {"campaign": row["serial"], "number": f"0{n}", "round": 1, "state": "queued", "next_at": 0}
            for n in range(3)
        ]
        await tx.execute(insert(campaign_numbers), numbers)
    progress = await database.long_read(lambda connection: campaign_progress(connection, row))
    assert progress == {"total": 1, "done": 0, "dialing": 0, "waiting": 0, "answered": 0}
    await remove_campaign(database, identity)
    assert (await row_of(database, identity))["removed_at"] is not None
    assert await refused(change_campaign(database, identity, {"name": "x"})) == "_id"
    assert await refused(remove_campaign(database, identity)) == "_id"
    async with database.write() as tx:
        await tx.execute(update(dial_attempts).values(ended_at=now()))
    await purge_removed(database)
    async with database.read() as connection:
        assert await connection.rows(select(campaigns)) == []
        assert await connection.rows(select(campaign_numbers)) == []


async def test_a_trunk_manager_in_use_stays(database: Database) -> None:
    """Until its campaigns are completed or gone."""
    line = await manager(database)
    identity = await campaign(database, trunk_manager_id=line)
    assert await refused(remove_trunk_manager(database, line)) == "_id"
    await put(database, identity, status="completed")
    await remove_trunk_manager(database, line)
    assert await refused(remove_trunk_manager(database, line)) == "_id"
    assert await refused(run_again(database, identity)) == "trunk_manager_id"


@pytest.mark.slow
async def test_a_million_numbers_are_counted_at_once(sqlite_database: Database) -> None:
    """A campaign of two groups that share half of their numbers is accepted within seconds."""
    groups = []
    for first in (0, 500_000):
        numbers = (f"09{n:09}" for n in range(first, first + 700_000))
        groups.append(
            await add_group(
                sqlite_database, name="x", description="", numbers=await write_list(sqlite_database, numbers)
            )
        )
    begun = time.monotonic()
    identity = await campaign(sqlite_database, groups=groups)
    assert time.monotonic() - begun < 5
    assert (await row_of(sqlite_database, identity))["count"] == 1_200_000
