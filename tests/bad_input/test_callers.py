"""What callers say of themselves: any bytes, and each call leaves a record of plain text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from bad_input._raw_sip import RawCaller
from bad_input._target import CARRIER, Target
from support.waiting import eventually
from tamas.commands.output import print_table
from tamas.store.schema import calls, cdr

pytestmark = pytest.mark.engine

NOBODY = b"99999"
"""Dialed: no extension has this number."""
CUT = "\ufffd"

CALLERS: dict[str, tuple[bytes, bytes, str, str]] = {
    # name on the wire, number on the wire, name and number in the record
    "Persian": ("سارا".encode(), b"0912", "سارا", "0912"),
    "markup and quotes": (b"[/red] 'O' <b> ${X}", b"0912", "[/red] 'O' <b> ${X}", "0912"),
    "no UTF-8 in the name": (b"a\xff\xfeb", b"0912", f"a{CUT}{CUT}b", "0912"),
    "no UTF-8 in the number": (b"", b"09%ff%fe", "", f"09{CUT}{CUT}"),
    "surrogates": (b"a\xed\xa0\x80b", b"0912", f"a{CUT * 3}b", "0912"),
    "a backslash": (b"a\\\\b", b"0912", "a\\\\b", "0912"),
    "escape sequences": (b"\x1b[31mred", b"0912", f"{CUT}[31mred", "0912"),
    "a line break in the number": (b"", b"1%0d%0aX-Evil:%201", "", f"1{CUT}{CUT}X-Evil"),
    "a forged AGI line": (b"", b"1%0aagi_accountcode:%20201", "", f"1{CUT}agi_accountcode"),
    "dialplan syntax": (b"", b"$%7bEXTEN%7d,&%7c", "", "${EXTEN},&|"),
    "SQL": (b"'); DROP TABLE calls; --", b"1'--", "'); DROP TABLE calls; --", "1'--"),
    "200 letters": (b"N" * 200, b"7" * 200, "N" * 79, "7" * 79),
    "200 Persian letters": ("aی".encode() + "ی".encode() * 200, b"0912", "a" + "ی" * 39, "0912"),
}


@pytest.fixture(scope="module")
async def carrier(target: Target) -> AsyncIterator[RawCaller]:
    """Somebody behind an active trunk."""
    with RawCaller(target.server.sip, address=CARRIER) as caller:
        trunk = await target.server.api(
            "pbx/trunks/add",
            {
                "name": "callers",
                "host": CARRIER,
                "port": str(caller.port),
                "qualify": "no",
                "active": "yes",
                "insecure": "port,invite",
            },
        )
        yield caller
        await target.server.api("pbx/trunks/remove", trunk)


async def record_after(target: Target, count: int) -> dict[str, Any]:
    """The newest record, once there are more than ``count``."""

    async def rows() -> list[Any]:
        async with target.database.read() as connection:
            found = await connection.rows(select(calls).order_by(calls.c.id))
        return found[count:]

    return dict((await eventually(rows, within=15, what="the record of the call"))[0])


async def count_of(target: Target, table: Any) -> int:
    async with target.database.read() as connection:
        return len(await connection.rows(select(table.c.id)))


@pytest.mark.parametrize(("name", "number", "name_read", "number_read"), CALLERS.values(), ids=CALLERS.keys())
async def test_each_call_leaves_a_record_of_plain_text(
    target: Target, carrier: RawCaller, name: bytes, number: bytes, name_read: str, number_read: str
) -> None:
    """Odd bytes in a caller's name and number cost no record, and the engine lost no row of it."""
    before, told = await count_of(target, calls), await count_of(target, cdr)
    assert await carrier.call(NOBODY, caller=number, name=name) in (404, 484)
    record = await record_after(target, before)
    assert (record["src_name"], record["src"]) == (name_read, number_read)
    assert record["dst"] == NOBODY.decode()
    assert record["disposition"] == "FAILED"
    assert await count_of(target, cdr) == told + 1
    assert "lost a call record" not in target.server.log
    assert "cannot ingest" not in target.server.log


@pytest.mark.parametrize("dialed", [b"99%ff%d8", b"9" * 300, b"9%0a9", b"9$%7bEXTEN%7d", b"%00", b"h"])
async def test_odd_numbers_are_refused_and_recorded(
    target: Target, carrier: RawCaller, dialed: bytes
) -> None:
    """A dialed number with any bytes is refused, and even that call has its record."""
    before = await count_of(target, calls)
    assert await carrier.call(dialed, caller=b"0912") >= 400
    record = await record_after(target, before)
    assert record["disposition"] in {"FAILED", "NO ANSWER"}
    assert record["dst"].isprintable()
    assert "lost a call record" not in target.server.log


@pytest.mark.parametrize("dialed", [b"%ff", b"%1b%5b2J", b"$%7bEXTEN%7d", b"%0d%0aX:1"])
async def test_what_does_not_begin_like_a_number_is_no_call(
    target: Target, carrier: RawCaller, dialed: bytes
) -> None:
    """Such a request is refused before it becomes a channel."""
    before = await target.settled()
    assert await carrier.call(dialed, caller=b"0912") >= 400
    assert await target.settled() == before


async def test_the_list_of_calls_shows_such_names(
    target: Target, carrier: RawCaller, capsys: pytest.CaptureFixture[str]
) -> None:
    """A caller's number that is markup to the terminal is printed as it is, and breaks nothing."""
    before = await count_of(target, calls)
    await carrier.call(NOBODY, caller=b"%5b/red%5d%5bbold%5d1")
    record = await record_after(target, before)
    assert record["src"] == "[/red][bold]1"
    print_table([record], ("src",), empty="")
    assert "[/red][bold]1" in capsys.readouterr().out
