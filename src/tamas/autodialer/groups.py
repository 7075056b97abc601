"""Groups: lists of numbers that campaigns are made of.

The numbers of a group are a list that never changes; other numbers are another list, to which the group then
points. So a campaign that is being made of a group keeps the numbers it was accepted with, and nobody sees
half a list. A list is written and removed in short transactions, because Asterisk waits for the same lock.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, literal, select, update

from tamas.autodialer.numbers import Tally
from tamas.autodialer.refusals import DialerRefused
from tamas.store.autodialer_schema import campaigns, dialer_group_numbers, dialer_groups
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import Connection, Database
from tamas.store.distinct import distinct_values
from tamas.store.ids import new_id
from tamas.store.json_lists import texts_of_list

MAX_NAME: Final = 80

FIRST_BATCH: Final = 500
MAX_BATCH: Final = 20_000
AIM_SECONDS: Final = 0.01
"""How long one transaction is to take; its limit is 50 ms."""

ABANDONED_SECONDS: Final = 86_400
"""After which a list that nothing refers to was given up, and is not just being written."""
_MOST_LISTS: Final = 100_000

_g, _n, _c = dialer_groups.c, dialer_group_numbers.c, campaigns.c


@dataclass(kw_only=True)
class Pace:
    """How many rows one transaction takes, learned from how long the ones before took."""

    size: int = FIRST_BATCH

    def took(self, seconds: float) -> None:
        """Tell how long the last one took."""
        wanted = self.size * AIM_SECONDS / max(seconds, 0.000_1)
        self.size = int(min(max(wanted, self.size / 4, 50), self.size * 2, MAX_BATCH))


@dataclass(frozen=True, kw_only=True)
class NumberList:
    """A list that was written; nothing refers to it yet."""

    id: str
    tally: Tally = field(default_factory=Tally)

    @property
    def count(self) -> int:
        """Its numbers, each once."""
        return self.tally.accepted


async def write_list(
    database: Database,
    numbers: Iterable[str],
    *,
    tally: Tally | None = None,
    progress: Callable[[Tally], None] | None = None,
) -> NumberList:
    """Write a list of numbers; doubled ones are left out. What fails half way leaves nothing.

    :param numbers: as :func:`tamas.autodialer.numbers.normalised` gives them; read as they are written.
    :param tally: counts that whoever reads the numbers keeps; the others are counted into it.
    :param progress: called after each transaction.
    :raises DialerRefused: there is no number; or whatever reading them raises.
    """
    made = NumberList(id=new_id(), tally=tally or Tally())
    try:
        await _write(database, made, iter(numbers), progress)
    except BaseException:
        await drop_list(database, made.id)
        raise
    return made


async def _write(
    database: Database,
    made: NumberList,
    reading: Iterator[str],
    progress: Callable[[Tally], None] | None,
) -> None:
    # An index that refuses doubled numbers would be written to at random: 30 times slower for a million.
    seen: set[str] = set()
    pace = Pace()
    while batch := list(itertools.islice(reading, pace.size)):
        new = [number for number in dict.fromkeys(batch) if number not in seen]
        seen.update(new)
        begun = time.monotonic()
        await _write_batch(database, made, new)
        pace.took(time.monotonic() - begun)
        made.tally.accepted += len(new)
        made.tally.duplicates += len(batch) - len(new)
        if progress is not None:
            progress(made.tally)
        await asyncio.sleep(0)  # SQLite is called in the loop's thread
    if not made.count:
        raise DialerRefused("numbers", "there is no number among them")


async def _write_batch(database: Database, made: NumberList, batch: Sequence[str]) -> None:
    texts, key, value = texts_of_list(database.dialect, msgspec.json.encode(batch).decode())
    rows = select(literal(made.id), literal(made.count) + key, value).select_from(texts)
    async with database.write() as tx:
        await tx.execute(insert(dialer_group_numbers).from_select(["list_id", "position", "number"], rows))


async def add_group(database: Database, *, name: str, description: str, numbers: NumberList) -> str:
    """Make a group of a list; gives its id."""
    identity, at = new_id(), now()
    async with database.write() as tx:
        await tx.execute(
            insert(dialer_groups).values(
                id=identity,
                name=name,
                description=description,
                list_id=numbers.id,
                count=numbers.count,
                created_at=at,
                updated_at=at,
            )
        )
    return identity


async def change_group(
    database: Database,
    identity: str,
    *,
    name: str | None = None,
    description: str | None = None,
    numbers: NumberList | None = None,
) -> dict[str, Any]:
    """Change a group; what is ``None`` stays. Gives its row as it is then.

    :raises DialerRefused: there is none; the list is dropped.
    """
    given: dict[str, Any] = {"name": name, "description": description}
    if numbers is not None:
        given |= {"list_id": numbers.id, "count": numbers.count}
    values = {key: value for key, value in given.items() if value is not None} | {"updated_at": now()}
    async with database.write() as tx:
        before = await tx.row(select(dialer_groups).where(_g.id == identity).with_for_update())
        if before is not None:
            await tx.execute(update(dialer_groups).where(_g.id == identity).values(**values))
    if numbers is not None:
        await drop_unused(database, [numbers.id if before is None else before["list_id"]])
    if before is None:
        raise DialerRefused("_id", "there is no such group")
    return {**before, **values}


async def remove_group(database: Database, identity: str) -> None:
    """Delete a group. Campaigns that were made of it keep their numbers.

    :raises DialerRefused: there is none.
    """
    async with database.write() as tx:
        row = await tx.row(delete(dialer_groups).where(_g.id == identity).returning(_g.list_id))
    if row is None:
        raise DialerRefused("_id", "there is no such group")
    await drop_unused(database, [row["list_id"]])


async def drop_unused(database: Database, lists: Collection[str]) -> None:
    """Remove those of these lists that neither a group nor a campaign which is still to be expanded needs."""
    async with database.read() as connection:
        needed = await _needed(connection, lists)
    for each in set(lists) - needed:
        await drop_list(database, each)


async def drop_abandoned(database: Database) -> None:
    """Remove lists that nothing refers to for a day: whoever wrote them, or was to remove them, died."""
    # Ids begin with the second in which they were made.
    before = f"{now() // MICROSECONDS - ABANDONED_SECONDS:08x}"
    async with database.read() as connection:
        found = await connection.rows(distinct_values(_n.list_id, limit=_MOST_LISTS))
    await drop_unused(database, [row["value"] for row in found if row["value"] < before])


async def _needed(connection: Connection, lists: Collection[str]) -> set[str]:
    grouped = await connection.rows(select(_g.list_id).where(_g.list_id.in_(lists)))
    waiting = await connection.rows(
        select(_c.lists).where(_c.expanded.is_(False), _c.status != "completed", _c.removed_at.is_(None))
    )
    needed = {str(row["list_id"]) for row in grouped}
    return needed.union(*(msgspec.json.decode(row["lists"]) for row in waiting))


async def drop_list(database: Database, list_id: str) -> None:
    """Remove a list's numbers."""
    pace, last = Pace(), -1
    async with database.read() as connection:
        end = await connection.scalar(select(func.max(_n.position)).where(_n.list_id == list_id))
    while end is not None and last < end:
        begun, upto = time.monotonic(), last + pace.size
        async with database.write() as tx:
            await tx.execute(
                delete(dialer_group_numbers).where(
                    _n.list_id == list_id, _n.position > last, _n.position <= upto
                )
            )
        pace.took(time.monotonic() - begun)
        last = upto
        await asyncio.sleep(0)
