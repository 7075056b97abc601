"""Groups: written in short transactions, whole or not at all, and never under a campaign's feet."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, update

from autodialer._stock import campaign
from tamas.autodialer.groups import (
    add_group,
    change_group,
    drop_abandoned,
    drop_unused,
    remove_group,
    write_list,
)
from tamas.autodialer.refusals import DialerRefused
from tamas.store.autodialer_schema import campaigns, dialer_group_numbers, dialer_groups
from tamas.store.database import Database

_n = dialer_group_numbers.c


async def kept(database: Database) -> dict[str, list[str]]:
    """Numbers by list, in order."""
    found: dict[str, list[str]] = {}
    async with database.read() as connection:
        for row in await connection.rows(select(dialer_group_numbers).order_by(_n.list_id, _n.position)):
            found.setdefault(row["list_id"], []).append(row["number"])
    return found


async def group(database: Database, *numbers: str) -> str:
    written = await write_list(database, numbers)
    return await add_group(database, name="Group", description="", numbers=written)


async def test_doubled_numbers_are_counted_once(database: Database) -> None:
    """In order, also when the second one comes in another batch."""
    numbers = [f"0912{n:05}" for n in range(1200)]
    written = await write_list(database, [*numbers, numbers[3], numbers[1199], "0913"])
    assert (written.count, written.tally.duplicates) == (1201, 2)
    assert await kept(database) == {written.id: [*numbers, "0913"]}


async def test_what_fails_leaves_nothing(database: Database) -> None:
    """A file that ends in an error, or has no number, is not half a group."""

    def failing() -> Iterator[str]:
        yield from (f"0912{n:05}" for n in range(1500))
        raise DialerRefused("file", "cut off")

    for numbers in (failing(), iter(())):
        with pytest.raises(DialerRefused):
            await write_list(database, numbers)
    assert await kept(database) == {}


async def test_other_numbers_take_the_place_of_the_old(database: Database) -> None:
    """The group changes at once; the old list goes; a group that is not there leaves no list behind."""
    identity = await group(database, "0911", "0912")
    row = await change_group(database, identity, name="New", numbers=await write_list(database, ["0913"]))
    assert (row["name"], row["description"], row["count"]) == ("New", "", 1)
    assert list((await kept(database)).values()) == [["0913"]]
    with pytest.raises(DialerRefused, match="_id"):
        await change_group(database, "0" * 24, numbers=await write_list(database, ["0914"]))
    await remove_group(database, identity)
    assert await kept(database) == {}
    with pytest.raises(DialerRefused, match="_id"):
        await remove_group(database, identity)


async def test_a_campaign_keeps_the_numbers_it_was_accepted_with(database: Database) -> None:
    """Removing or changing a group does not take a list from a campaign that is still to be expanded."""
    identity = await group(database, "0911", "0912")
    other = await group(database, "0913")
    await campaign(database, groups=[identity, other])
    await change_group(database, identity, numbers=await write_list(database, ["0919"]))
    await remove_group(database, other)
    assert sorted((await kept(database)).values()) == [["0911", "0912"], ["0913"], ["0919"]]
    async with database.write() as tx:
        await tx.execute(update(campaigns).values(expanded=True))
    await drop_unused(database, list(await kept(database)))
    assert list((await kept(database)).values()) == [["0919"]]


async def test_a_list_that_was_given_up_goes_after_a_day(database: Database) -> None:
    """One that is just being written stays, and one that a group has."""
    used = await group(database, "0911")
    new = await write_list(database, ["0912"])
    old = await write_list(database, ["0913"])
    past = f"{int(time.time()) - 90_000:08x}{old.id[8:]}"
    async with database.write() as tx:
        await tx.execute(update(dialer_group_numbers).where(_n.list_id == old.id).values(list_id=past))
    await drop_abandoned(database)
    async with database.read() as connection:
        own = await connection.scalar(select(dialer_groups.c.list_id).where(dialer_groups.c.id == used))
    assert set(await kept(database)) == {new.id, own}


@pytest.mark.slow
async def test_a_million_numbers_in_short_transactions(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written and removed in transactions of which hardly one takes 50 ms."""
    took: list[float] = []
    write = sqlite_database.write

    @asynccontextmanager
    async def timed() -> Any:
        async with write() as tx:
            begun = time.monotonic()
            yield tx
        took.append(time.monotonic() - begun)

    monkeypatch.setattr(sqlite_database, "write", timed)
    numbers = (f"09{n:09}" for n in itertools.islice(itertools.count(7, 7919 * 977), 1_000_000))
    begun = time.monotonic()
    written = await write_list(sqlite_database, (number[-9:] for number in numbers))
    identity = await add_group(sqlite_database, name="All", description="", numbers=written)
    seconds = time.monotonic() - begun
    async with sqlite_database.read() as connection:
        count = await connection.scalar(select(func.count()).select_from(dialer_group_numbers))
    assert count == written.count > 900_000
    await remove_group(sqlite_database, identity)
    took.sort()
    print(f"{seconds:.1f} s, {len(took)} transactions, longest {took[-3:]}")  # noqa: T201
    assert took[len(took) * 9 // 10] < 0.05
