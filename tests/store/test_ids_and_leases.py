"""Ids, and leases on work that must happen once."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from tamas.store.database import Database
from tamas.store.ids import following_id, is_id, new_id
from tamas.store.leases import acquire_lease, release_lease


def test_new_ids_are_distinct_and_well_formed() -> None:
    """Ten thousand in a row."""
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(is_id(one) for one in ids)
    assert not is_id("0" * 23)
    assert not is_id("G" * 24)
    assert not is_id("0" * 24 + "\n")


@given(st.lists(st.integers(min_value=0, max_value=2**32 - 1), min_size=1))
def test_following_ids_increase_whatever_the_clock_does(seconds: list[int]) -> None:
    """A series keeps rising even when rows are older than the ones before."""
    last: str | None = None
    for at in seconds:
        following = following_id(last, at=at)
        assert is_id(following)
        assert last is None or following > last
        last = following


async def test_one_of_many_holds_a_lease(database: Database) -> None:
    """Of ten that ask at once one gets it; the others get it when it is given back or has expired."""
    holders = [f"holder-{number}" for number in range(10)]
    held = await asyncio.gather(
        *(acquire_lease(database, "records", seconds=30, holder=holder) for holder in holders)
    )
    assert held.count(True) == 1
    winner = holders[held.index(True)]
    other = next(holder for holder in holders if holder != winner)
    assert await acquire_lease(database, "records", seconds=30, holder=winner), "the holder may renew"
    assert await acquire_lease(database, "delivery", seconds=30, holder=other), "another lease is free"
    await release_lease(database, "records", holder=other)
    assert not await acquire_lease(database, "records", seconds=30, holder=other)
    await release_lease(database, "records", holder=winner)
    assert await acquire_lease(database, "records", seconds=-1, holder=other)
    assert await acquire_lease(database, "records", seconds=30, holder=winner), "the lease had expired"


_FORK = """
import os
from tamas.store.ids import new_id
from tamas.store.leases import process_id

def said():
    return f"{new_id()[8:18]} {process_id()}"

here = said()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, said().encode())
    os._exit(0)
print(here, os.read(read, 200).decode())
"""


def test_a_forked_process_is_another() -> None:
    """It gives ids of its own, and its leases are not those of the process that it came from."""
    said = subprocess.run([sys.executable, "-c", _FORK], check=True, capture_output=True, text=True)
    series, holder, forked_series, forked_holder = said.stdout.split()
    assert series != forked_series
    assert holder != forked_holder
