"""Expansion: each number of a campaign's round gets its row, in transactions that nobody has to wait for.

How far it came is in the campaign's row, so whoever comes next goes on there; calls to the first numbers
begin meanwhile. A number that is there already, from an earlier source or an earlier round, keeps its row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Executable, Select, delete, func, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from tamas.autodialer.groups import Pace
from tamas.store.autodialer_schema import campaign_numbers, campaigns, dialer_group_numbers
from tamas.store.clock import now
from tamas.store.database import Connection, Database, HotQuery, Row

MAX_ROWS: Final = 1_000
"""Of one transaction, so that a moment in which the machine does something else does not make it long."""
FIRST_ROWS: Final = 100
"""PostgreSQL takes some tens of milliseconds more for the first few, until it keeps their plan."""
CLEARING: Final = -1
"""The first source: rows that this round has already, from numbers that were changed since."""

_c, _n, _g = campaigns.c, campaign_numbers.c, dialer_group_numbers.c


class _Cursor(msgspec.Struct, omit_defaults=True):
    """How far an expansion came."""

    source: int = CLEARING
    """0: the numbers given one by one; then the lists; behind them the numbers of earlier rounds."""
    position: int = 0
    number: str = ""


class Expander:
    """Expands one campaign after the other. Keeps nothing that matters."""

    def __init__(self, database: Database, *, clock: Callable[[], int] = now) -> None:
        self._database = database
        self._clock = clock
        self._pace = Pace(size=FIRST_ROWS)
        self._numbers: tuple[tuple[int, int], Sequence[str]] = ((0, 0), ())
        self.longest = 0.0
        """Seconds of the longest transaction so far."""

    async def step(self) -> float:
        """Do one transaction's worth of work; returns its seconds, 0 when there is nothing to do."""
        waiting = None
        ((anything,),) = await self._database.hot(_ANY_WAITING)
        if anything:
            async with self._database.read() as connection:
                waiting = await connection.row(_WAITING)
        if waiting is None:
            self._numbers = ((0, 0), ())
            return 0.0
        await self._prepare(waiting)
        async with self._database.write() as tx:
            began = time.monotonic()
            row = await tx.row(_CAMPAIGN.where(_c.serial == waiting["serial"]).with_for_update())
            if row is not None and not row["expanded"] and row["removed_at"] is None:
                await self._expand(tx, row)
        # The turn for the database is not in it: only what others wait for.
        elapsed = time.monotonic() - began
        self.longest = max(self.longest, elapsed)
        return max(elapsed, 1e-6)

    @property
    def _rows(self) -> int:
        """How many one transaction takes."""
        return min(self._pace.size, MAX_ROWS)

    async def _prepare(self, row: Row) -> None:
        """Read the numbers that were given one by one, which may be many, outside the transaction."""
        key = (row["serial"], row["updated_at"])
        if _cursor(row).source > 0 or self._numbers[0] == key:
            return
        async with self._database.read() as connection:
            text = await connection.scalar(select(_c.numbers).where(_c.serial == row["serial"]))
        self._numbers = (key, msgspec.json.decode(text or "[]", type=list[str]))

    async def _expand(self, tx: Connection, row: Row) -> None:
        cursor = _cursor(row)
        lists = msgspec.json.decode(row["lists"] or "[]", type=list[str])
        done = False
        if cursor.source == CLEARING:
            cursor = await self._drop(tx, row, cursor, _n.round == row["round"]) or _Cursor(source=0)
        elif cursor.source == 0:
            if self._numbers[0] != (row["serial"], row["updated_at"]):
                return  # changed in this moment
            cursor = await self._from_numbers(tx, row, cursor)
        elif cursor.source <= len(lists):
            cursor = await self._from_list(tx, row, cursor, lists[cursor.source - 1])
        else:
            dropped = await self._drop(tx, row, cursor, _n.round < row["round"])
            done, cursor = dropped is None, dropped or cursor
        done = done or (cursor.source > len(lists) and row["round"] == 1)
        await tx.execute(
            update(campaigns)
            .where(_c.serial == row["serial"])
            .values(expansion="" if done else msgspec.json.encode(cursor).decode(), expanded=done)
        )

    async def _from_numbers(self, tx: Connection, row: Row, cursor: _Cursor) -> _Cursor:
        given = self._numbers[1]
        some = given[cursor.position : cursor.position + self._rows]
        if some:
            due = min(row["start_at"], self._clock())
            await self._paced(
                tx,
                _adding(self._database.dialect),
                [
                    {
                        "campaign": row["serial"],
                        "number": number,
                        "round": row["round"],
                        "state": "queued",
                        "tries": 0,
                        "next_at": due,
                    }
                    for number in some
                ],
            )
        position = cursor.position + len(some)
        return _Cursor(source=1) if position >= len(given) else _Cursor(source=0, position=position)

    async def _from_list(self, tx: Connection, row: Row, cursor: _Cursor, list_id: str) -> _Cursor:
        some = (
            select(_g.position, _g.number)
            .where(_g.list_id == list_id, _g.position >= cursor.position)
            .order_by(_g.position)
            .limit(self._rows)
        )
        positions = some.subquery()
        last = await tx.scalar(select(func.max(positions.c.position)))
        if last is None:
            return _Cursor(source=cursor.source + 1)
        chosen = (
            select(
                literal(row["serial"]).label("campaign"),
                _g.number,
                literal(row["round"]).label("round"),
                literal("queued").label("state"),
                literal(0).label("tries"),
                literal(min(row["start_at"], self._clock())).label("next_at"),
            )
            .where(_g.list_id == list_id, _g.position >= cursor.position, _g.position <= last)
            .order_by(_g.position)
        )
        await self._paced(tx, _adding(self._database.dialect, chosen))
        return _Cursor(source=cursor.source, position=last + 1)

    async def _paced(
        self, tx: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        """Run the statement whose time depends on how many rows there are, and learn from it."""
        began = time.monotonic()
        await tx.execute(statement, rows)
        self._pace.took(time.monotonic() - began)

    async def _drop(
        self, tx: Connection, row: Row, cursor: _Cursor, which: ColumnElement[bool]
    ) -> _Cursor | None:
        """Drop some of a campaign's rows, number after number; ``None`` once they were all looked at."""
        some = (
            select(_n.id, _n.number, which.label("unwanted"))
            .where(_n.campaign == row["serial"], _n.number > cursor.number)
            .order_by(_n.number)
            .limit(self._rows)
        )
        rows = await tx.rows(some)
        unwanted = [each["id"] for each in rows if each["unwanted"]]
        if unwanted:
            await self._paced(tx, delete(campaign_numbers).where(_n.id.in_(unwanted)))
        return _Cursor(source=cursor.source, number=rows[-1]["number"]) if rows else None


_CAMPAIGN = select(
    _c.serial, _c.lists, _c.round, _c.start_at, _c.expanded, _c.expansion, _c.removed_at, _c.updated_at
)
_WAITING = (
    _CAMPAIGN.where(_c.status.in_(("waiting", "running")), _c.expanded.is_(False), _c.removed_at.is_(None))
    .order_by(_c.start_at, _c.serial)
    .limit(1)
)
_ANY_WAITING = HotQuery(
    select(
        select(_c.serial)
        .where(text("status IN ('waiting', 'running')"), _c.expanded.is_(False), _c.removed_at.is_(None))
        .exists()
    )
)
_COLUMNS = ("campaign", "number", "round", "state", "tries", "next_at")


def _adding(dialect: str, chosen: Select[Any] | None = None) -> Executable:
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(campaign_numbers)
    if chosen is not None:
        insert = insert.from_select(_COLUMNS, chosen)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["campaign", "number"],
        set_={name: new[name] for name in ("round", "state", "tries", "next_at")},
        where=_n.round < new.round,
    )


def _cursor(row: Row) -> _Cursor:
    return msgspec.json.decode(row["expansion"] or "{}", type=_Cursor)
