"""Text that Asterisk wrote: any bytes, read as plain text on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, literal_column, select

from tamas.store.database import Database
from tamas.store.engine_text import REPLACEMENT
from tamas.store.schema import cel

CASES = {
    "plain text": (b"Ali", "Ali"),
    "letters beyond ASCII": ("سارا".encode(), "سارا"),
    "no UTF-8": (b"09\xff\xfe", f"09{REPLACEMENT * 2}"),
    "cut in the middle of a letter": ("aی".encode()[:-1], f"a{REPLACEMENT}"),
    "control characters": (b"\x1b[31mred\x07\r\n", f"{REPLACEMENT}[31mred{REPLACEMENT * 3}"),
    "a direction override": ("a\u202eb".encode(), f"a{REPLACEMENT}b"),
}


@pytest.mark.parametrize(("stored", "read"), CASES.values(), ids=CASES.keys())
async def test_any_bytes_are_read_as_plain_text(database: Database, stored: bytes, read: str) -> None:
    """A row as Asterisk writes it: over Latin-1 on PostgreSQL, the bare bytes on SQLite."""
    as_written = (
        f"CAST(x'{stored.hex()}' AS TEXT)"
        if database.dialect == "sqlite"
        else f"convert_from('\\x{stored.hex()}'::bytea, 'LATIN1')"
    )
    async with database.write() as tx:
        await tx.execute(insert(cel).values(cid_num=literal_column(as_written), uniqueid="1.1"))
    async with database.read() as connection:
        rows = await connection.rows(select(cel.c.cid_num, cel.c.cid_name, cel.c.uniqueid))
    assert [dict(row) for row in rows] == [{"cid_num": read, "cid_name": None, "uniqueid": "1.1"}]


async def test_text_of_ours_comes_back(database: Database) -> None:
    """What is written through the column's type is read as it was."""
    async with database.write() as tx:
        await tx.execute(insert(cel).values(cid_name="سارا O'Neil\\", uniqueid="1.1"))
    async with database.read() as connection:
        assert await connection.scalar(select(cel.c.cid_name)) == "سارا O'Neil\\"
