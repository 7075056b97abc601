"""Rows of calls that nobody made: as many a day, and from as many numbers, as a busy contact center has."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import Executable, Integer, cast, insert, literal, select, text
from sqlalchemy.dialects import postgresql

from bench.options import say
from tamas.store.autodialer_schema import dial_attempts, dialer_reports
from tamas.store.clock import MICROSECONDS
from tamas.store.database import PostgresqlDatabase, SqliteDatabase, open_database
from tamas.store.ids import following_id
from tamas.store.migrate import migrate
from tamas.store.schema import calls

CALLS_A_DAY = 27_400
NUMBERS = 10_000
DAY = 24 * 3600 * MICROSECONDS
LAST = 1_795_000_000 * MICROSECONDS
"""When the newest of them began."""

_CHUNK = 20_000
_COLUMNS = [column.name for column in calls.columns]
_DISPOSITIONS = ("ANSWERED", "ANSWERED", "ANSWERED", "NO ANSWER", "BUSY", "FAILED")


def numbers() -> list[str]:
    """The numbers that call and are called."""
    dice = random.Random(1)
    return [f"09{dice.randrange(10**9):09}" for _ in range(NUMBERS)]


def first_day(count: int) -> int:
    """Begin of the first whole day that ``count`` rows cover, microseconds."""
    began = LAST - count * DAY // CALLS_A_DAY
    return (began // DAY + 1) * DAY


async def fill(url: str, count: int) -> None:
    """Migrate the store at a URL and put ``count`` rows into it, oldest first."""
    await migrate(url)
    database = await open_database(url)
    try:
        say(f"making up {count:,} calls")
        if isinstance(database, SqliteDatabase):
            await asyncio.to_thread(_fill_sqlite, str(database.path), count)
        elif isinstance(database, PostgresqlDatabase):
            connection = await database.raw_connection()
            try:
                await _fill_postgresql(connection, count)
            finally:
                await connection.close()
    finally:
        await database.close()


async def fill_campaigns(url: str) -> None:
    """Let each call in the store at a URL have been one of a campaign too, with its attempt."""
    database = await open_database(url)
    try:
        c = calls.c
        position = cast(c.sequence, Integer)
        no_text = literal("")
        shared = {
            "campaign": literal(1),
            "number_id": position,
            "number": c.src,
            "round": position,  # a number is in a round once
            "trunk_manager_id": literal("0" * 24),
            "disposition": c.disposition,
            "wait": literal(5),
            "billsec": literal(30),
            "id": c.id,
        }
        report = shared | {
            "campaign_id": literal("1" * 24),
            "name": literal("Campaign"),
            "interface_context": literal("autodialer"),
            "interface_text": no_text,
            "announcement": no_text,
            "start_at": c.started_at,
            "end_at": c.ended_at,
            "tries": literal(1),
            "input": no_text,
            "attempted_at": c.started_at,
            "amended_at": c.ended_at,
        }
        attempt = shared | {
            "try": literal(1),
            "trunk": literal("carrier"),
            "uniqueid": c.cuid,
            "started_at": c.started_at,
            "ended_at": c.ended_at,
            "cause": literal(16),
        }
        for table, values in ((dialer_reports, report), (dial_attempts, attempt)):
            filling = insert(table).from_select(list(values), select(*values.values()))
            if isinstance(database, PostgresqlDatabase):
                await _long_on_postgresql(database, filling, table.name)
                continue
            async with database.write() as tx:
                await tx.execute(text("PRAGMA cache_size = -400000"))  # indexes are written to at random
                await tx.execute(filling)
    finally:
        await database.close()


async def _long_on_postgresql(database: PostgresqlDatabase, statement: Executable, table: str) -> None:
    """Run what takes longer than the store lets a statement take."""
    compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined, no-untyped-call]
    connection = await database.raw_connection()
    try:
        await connection.execute(str(compiled), timeout=3600)
        await connection.execute(f"VACUUM ANALYZE {table}", timeout=3600)
    finally:
        await connection.close()


def _fill_sqlite(path: str, count: int) -> None:
    holes = ", ".join("?" * len(_COLUMNS))
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with sqlite3.connect(path) as connection:
        for chunk in _rows(count):
            connection.executemany(f"INSERT INTO calls ({names}) VALUES ({holes})", chunk)  # noqa: S608
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def _fill_postgresql(connection: asyncpg.Connection, count: int) -> None:
    """Indexes are made when the rows are there, which is many times faster."""
    found = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE tablename = 'calls' AND indexdef NOT LIKE '%UNIQUE%'"
    )
    for index in found:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    for chunk in _rows(count):
        await connection.copy_records_to_table("calls", records=chunk, columns=_COLUMNS)
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for index in found:
        await connection.execute(index["indexdef"], timeout=3600)
    await connection.execute("VACUUM ANALYZE calls", timeout=3600)  # as the server's own upkeep does


def _rows(count: int) -> Iterator[list[tuple[Any, ...]]]:
    dice, known = random.Random(2), numbers()
    step = DAY // CALLS_A_DAY
    last: str | None = None
    for start in range(0, count, _CHUNK):
        chunk = []
        for position in range(start, min(start + _CHUNK, count)):
            at = LAST - (count - position) * step
            last = following_id(last, at=at // MICROSECONDS)
            chunk.append(_row(dice, known, last, position, at))
        yield chunk


def _row(dice: random.Random, known: Sequence[str], identity: str, position: int, at: int) -> tuple[Any, ...]:
    src, dst = dice.choice(known), dice.choice(known)
    disposition = dice.choice(_DISPOSITIONS)
    wait = dice.randrange(1, 40) * MICROSECONDS
    talk = dice.randrange(5, 600) * MICROSECONDS if disposition == "ANSWERED" else 0
    route = [
        {"type": "IncomingRoute", "name": "IncomingRoute", "duration": 4_000, "at": at + 4_000},
        {"type": "Queue", "name": "Queue 900", "duration": wait + talk, "at": at + wait + talk},
    ]
    values: dict[str, Any] = {
        "id": identity,
        "cuid": f"{at // MICROSECONDS}.{position}",
        "type": "incoming",
        "src": src,
        "src_name": "",
        "dst": dst,
        "did": "02188776655",
        "started_at": at,
        "answered_at": at + wait if talk else None,
        "ended_at": at + wait + talk,
        "wait": wait,
        "billsec": talk,
        "disposition": disposition,
        "hangup_cause": 16,
        "entry_point": "carrier",
        "queue": "900",
        "agent": "201" if talk else None,
        "hangup": "caller",
        "comment": "",
        "route": msgspec.json.encode(route).decode(),
        "clid": f'"{src}" <{src}>',
        "dcontext": "incoming",
        "channel": f"PJSIP/trunk-carrier-{position:08x}",
        "dstchannel": f"PJSIP/201-{position:08x}" if talk else "",
        "lastapp": "Queue",
        "lastdata": "900,tTkKc",
        "amaflags": "DOCUMENTATION",
        "accountcode": "",
        "userfield": "",
        "sequence": str(position),
    }
    return tuple(values.get(name) for name in _COLUMNS)
