"""The captured calls of ``data/``, loaded, and put into a store as Asterisk would have written them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from tamas.records.facts import microseconds, time_text
from tamas.store.clock import now
from tamas.store.database import Connection, Database
from tamas.store.schema import cdr, cel, originates, queue_log

DATA = Path(__file__).with_name("data")
NAMES = sorted(path.stem for path in DATA.glob("*.json"))

Row = dict[str, Any]
_serial = itertools.count(1)


@dataclass(kw_only=True)
class Sample:
    """One captured call."""

    situation: str
    cel: list[Row]
    cdr: list[Row]
    queue_log: list[Row] = field(default_factory=list)
    originate: str | None = None
    originate_response: Mapping[str, str] | None = None

    @property
    def cuid(self) -> str:
        """Linked id of the call: the first one."""
        return str(self.cel[0]["linkedid"])

    def again(self, *, ended_at: int | None = None) -> Sample:
        """The same call once more: other unique ids, and an end now or at ``ended_at`` (microseconds)."""
        end = microseconds(self.cel[-1]["eventtime"])
        shift = (now() if ended_at is None else ended_at) - end
        names: dict[str, str] = {}
        for row in (*self.cel, *self.cdr):
            for key in ("uniqueid", "linkedid"):
                names.setdefault(
                    row[key], f"{microseconds(self.cel[0]['eventtime']) // 10**6}.{next(_serial)}x"
                )

        def renamed(row: Row) -> Row:
            changed: Row = {key: names.get(value, value) for key, value in row.items()}
            if "_uniqueid" in row.get("extra", ""):
                for name, other in names.items():
                    changed["extra"] = changed["extra"].replace(f'"{name}"', f'"{other}"')
            if "callid" in row:
                changed["time"] = time_text(microseconds(row["time"]) + shift)
            if "eventtime" in row:
                changed["eventtime"] = time_text(microseconds(row["eventtime"]) + shift)
            return changed

        return Sample(
            situation=self.situation,
            cel=[renamed(row) for row in self.cel],
            cdr=[renamed(row) for row in self.cdr],
            queue_log=[renamed(row) for row in self.queue_log],
            originate=names.get(self.originate) if self.originate else None,
        )


def load(name: str) -> Sample:
    """A sample by the name of its file."""
    return Sample(**json.loads((DATA / f"{name}.json").read_text()))


def numbered(table: Table, rows: Iterable[Row]) -> list[Row]:
    """Rows as the store gives them: every column, ids in order."""
    return [{**row, "id": number} for number, row in enumerate(whole(table, rows), 1)]


def whole(table: Table, rows: Iterable[Row]) -> list[Row]:
    """Rows with every column but the id."""
    empty = {name: None for name in table.columns.keys() if name != "id"}  # noqa: SIM118 - not a mapping
    return [{**empty, **row} for row in rows]


async def put(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows one by one, as Asterisk does."""
    for row in rows:
        await connection.execute(table.insert().values(**row))


async def arrive(database: Database, *samples: Sample, with_cdr: bool = True) -> None:
    """All rows of the calls are in the inbox."""
    async with database.write() as tx:
        for sample in samples:
            await put(tx, queue_log, sample.queue_log)
            await put(tx, cel, sample.cel)
            if with_cdr:
                await put(tx, cdr, sample.cdr)


async def ask_for(database: Database, uniqueid: str, **values: Any) -> str:
    """Put the row of an originate from 101 to 102 into the store; returns its id."""
    originated_call_id = f"orig.call.{uniqueid}"
    async with database.write() as tx:
        await tx.execute(
            originates.insert().values(
                **{
                    "originated_call_id": originated_call_id,
                    "uniqueid": uniqueid,
                    "account": "crm",
                    "caller": "101",
                    "callee": "102",
                    "context": "main_routing",
                    "caller_id": "Sales",
                    "trunk_name": "",
                    "timeout": 30,
                    "created_at": now(),
                    **values,
                }
            )
        )
    return originated_call_id
