"""Lists of feature codes and speed dials, and what a number means among them; on both stores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import insert

from tamas.dialplan.call import Call
from tamas.dialplan.code_books import (
    CodeRefused,
    add_feature_code,
    add_speed_dial,
    change_feature_code,
    clash,
    import_speed_dials,
    list_feature_codes,
    list_speed_dials,
    remove_feature_code,
    remove_speed_dial,
)
from tamas.dialplan.feature_codes import Auth, CodeType, WhichQueue, feature_code
from tamas.dialplan.speed_dials import speed_dial
from tamas.engine.sip_secrets import KEY_BYTES, SecretSeal
from tamas.store.clock import now
from tamas.store.database import Database
from tamas.store.dialplan_schema import feature_codes
from tamas.store.ids import new_id
from tamas.store.schema import dialable_numbers, queues

SEAL = SecretSeal(bytes(KEY_BYTES))


def a_call(database: Database) -> Call:
    """As much of a call as looking up needs: no call is made here."""
    return cast("Call", SimpleNamespace(services=SimpleNamespace(database=database)))


async def add_queue(database: Database, number: str) -> None:
    """A queue."""
    at = now()
    async with database.write() as tx:
        await tx.execute(
            insert(queues).values(id=new_id(), name=number, number=number, created_at=at, updated_at=at)
        )


async def test_which_code_a_number_is(database: Database) -> None:
    """A code itself wins; else a queue's number with a code for queues behind it; nothing else is one."""
    for number in ("345", "34", "345#"):
        await add_queue(database, number)
    for code, type_, more in (
        ("#", CodeType.QUEUE_JOIN, {}),
        ("##", CodeType.QUEUE_LEAVE, {}),
        ("*5", CodeType.WHO_AM_I, {}),
        ("91", CodeType.QUEUE_JOIN, {"queue_number": "345"}),
    ):
        await add_feature_code(database, SEAL, code=code, type_=type_, **cast("dict[str, Any]", more))
    expected: dict[str, tuple[str, str] | None] = {
        "345#": ("#", "345"),
        "345##": ("##", "345"),  # the longer code, though there is a queue 345#
        "34#": ("#", "34"),
        "#": ("#", ""),
        "##": ("##", ""),
        "*5": ("*5", ""),
        "345*5": None,  # not for queues
        "91": ("91", "345"),
        "3491": ("91", "34"),
        "346#": None,
        "345": None,
        "": None,
        "9" * 32: None,
    }
    call = a_call(database)
    for number, meant in expected.items():
        found = await feature_code(call, number)
        assert (None if found is None else (found.code, found.queue_number)) == meant, number


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "12a"}, "code"),
        ({"code": "1" * 17}, "code"),
        ({"code": "91", "auth": Auth.PASSWORD}, "password"),
        ({"code": "91", "auth": Auth.PASSWORD, "password": "abc"}, "password"),
        ({"code": "91", "queue": WhichQueue.DEFAULT}, "queue_number"),
        ({"code": "91", "queue_number": "900"}, "queue_number"),
    ],
)
async def test_codes_that_are_refused(sqlite_database: Database, values: dict[str, Any], field: str) -> None:
    """What is missing or cannot be dialed is told by its field, and nothing is kept."""
    with pytest.raises(CodeRefused) as refused:
        await add_feature_code(sqlite_database, SEAL, type_=CodeType.QUEUE_JOIN, **values)
    assert refused.value.field == field
    assert not await list_feature_codes(sqlite_database)


async def test_a_code_is_changed_and_removed(database: Database) -> None:
    """Only what is given changes; a code that another has is refused; the password is kept sealed."""
    await add_queue(database, "900")
    await add_feature_code(
        database, SEAL, code="91", type_=CodeType.QUEUE_JOIN, auth=Auth.PASSWORD, password="1234"
    )
    await add_feature_code(database, SEAL, code="92", type_=CodeType.WHO_AM_I)
    changed = await change_feature_code(database, SEAL, "91", changes={"queue_number": "900", "auth": None})
    assert (changed["auth"], changed["queue"], changed["queue_number"]) == ("password", "default", "900")
    with pytest.raises(CodeRefused, match="taken"):
        await change_feature_code(database, SEAL, "91", changes={"code": "92"})
    async with database.read() as connection:
        sealed = await connection.scalar(
            feature_codes.select()
            .with_only_columns(feature_codes.c.password_sealed)
            .where(feature_codes.c.code == "91")
        )
    assert b"1234" not in sealed
    assert SEAL.open(sealed) == "1234"
    await remove_feature_code(database, "91")
    with pytest.raises(CodeRefused):
        await remove_feature_code(database, "91")


async def test_speed_dials(database: Database) -> None:
    """Found by code alone; an import adds and changes, or does nothing at all; clashes are told."""
    async with database.write() as tx:
        await tx.execute(insert(dialable_numbers).values(number="71", kind="extension", owner_id=new_id()))
    await add_feature_code(database, SEAL, code="72", type_=CodeType.WHO_AM_I)
    await add_speed_dial(database, name="Bob", code="71", number="09121234567")
    assert [await clash(database, code) for code in ("71", "72", "73")] == ["extension", "feature code", None]
    call = a_call(database)
    assert [await speed_dial(call, number) for number in ("71", "7", "09121234567")] == [
        "09121234567",
        None,
        None,
    ]
    with pytest.raises(CodeRefused, match="entry 2"):
        await import_speed_dials(database, [("Eve", "74", "201"), ("Mallory", "75", "no number!")])
    counts = await import_speed_dials(database, [("Rob", "71", "202"), ("Eve", "74", "201")])
    assert counts == {"added": 1, "changed": 1}
    assert [(row["code"], row["number"], row["name"]) for row in await list_speed_dials(database)] == [
        ("71", "202", "Rob"),
        ("74", "201", "Eve"),
    ]
    await remove_speed_dial(database, "71")
    assert await speed_dial(call, "71") is None
