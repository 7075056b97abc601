"""Time Condition, Black List, White List and Corrector, by telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert

from dialplan._switchboard import Switchboard, node, outgoing, row
from tamas.store.ids import new_id
from tamas.store.schema import blacklist, whitelist

pytestmark = pytest.mark.engine

YES, NO = 1000, 1400
UNWELCOME, CUSTOMER, STRANGER = "09120000001", "09120000002", "09120000003"
EVERY_DAY = {
    day: [["00:00", "24:00"]]
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}


@pytest.fixture
async def lists(board: Switchboard) -> AsyncIterator[None]:
    """One number on the black list, one with the label ``gold`` on the white list."""
    common = {"created_at": 1, "updated_at": 1}
    async with board.database.write() as tx:
        await tx.execute(insert(blacklist).values(id=new_id(), number=UNWELCOME, **common))
        await tx.execute(
            insert(whitelist).values(id=new_id(), number=CUSTOMER, labels='["gold", "vip"]', **common)
        )
    yield
    async with board.database.write() as tx:
        await tx.execute(delete(blacklist))
        await tx.execute(delete(whitelist))


async def publish(board: Switchboard, kind: str, **params: Any) -> None:
    """A condition on the incoming sheet with a tone behind each output."""
    await board.add_sound("yes", YES)
    await board.add_sound("no", NO)
    await board.publish(
        node("in", "IncomingRoute", row("any", "answer", cid="", did="")),
        node("answer", "Answer", next_="condition"),
        node("condition", kind, yes="yes", no="no", params=params),
        node("yes", "Announcement", params={"announcement": "yes"}),
        node("no", "Announcement", params={"announcement": "no"}),
    )


async def hears(board: Switchboard, caller: str = STRANGER) -> int:
    """Which of the tones a caller hears."""
    call = await board.phones["carrier"].call("8000", caller=caller)
    await call.until_ended()
    (tone,) = [hz for hz in (YES, NO) if call.heard(hz)]
    return tone


async def test_time_condition(board: Switchboard) -> None:
    """Open all the week: one way; today is a closed date: the other."""
    await publish(board, "TimeCondition", days=EVERY_DAY)
    assert await hears(board) == YES
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    await publish(board, "TimeCondition", days=EVERY_DAY, date_exceptions=[today])
    assert await hears(board) == NO


async def test_the_time_zone_of_the_settings_counts(board: Switchboard) -> None:
    """It is open one hour around what a clock far from here shows now."""
    hour = (datetime.now(UTC).hour + 14) % 24
    days = {day: [[f"{hour:02}:00", f"{(hour + 2) % 24:02}:00"]] for day in EVERY_DAY}
    await publish(board, "TimeCondition", days=days)
    assert await hears(board) == NO
    await board.set("timezone", "Pacific/Kiritimati")  # UTC+14
    assert await hears(board) == YES


@pytest.mark.usefixtures("lists")
async def test_black_list(board: Switchboard) -> None:
    """Who is on the list goes one way, and the call is marked; others go the other."""
    await publish(board, "BlackList")
    assert await hears(board, UNWELCOME) == YES
    assert ("blacklist", "1") in await board.facts(await board.last_cuid())
    assert await hears(board, STRANGER) == NO
    assert ("blacklist", "1") not in await board.facts(await board.last_cuid())


@pytest.mark.usefixtures("lists")
@pytest.mark.parametrize(
    ("params", "meant"),
    [
        ({}, [CUSTOMER]),
        ({"labels": ["gold", "silver"]}, [CUSTOMER]),
        ({"labels": ["silver"]}, []),
        ({"numbers": [STRANGER]}, [STRANGER]),
    ],
)
async def test_white_list(board: Switchboard, params: dict[str, Any], meant: list[str]) -> None:
    """Any entry, entries with a label, or numbers of the node's own."""
    await publish(board, "WhiteList", **params)
    for caller in (CUSTOMER, STRANGER):
        assert await hears(board, caller) == (YES if caller in meant else NO)


async def test_corrector_changes_whom_the_call_is_for_and_whom_it_is_from(board: Switchboard) -> None:
    """955202 loses three digits; the called phone sees the corrected number and name, and so do the facts."""
    await board.publish(
        node("in", "IncomingRoute", row("any", "fix", cid="", did="")),
        node(
            "fix",
            "Corrector",
            params={
                "extension_skip": 3,
                "set_extension_on_did": True,
                "caller_id_skip": 3,
                "caller_id_prefix": "0",
                "caller_name": "ignored Support",
                "caller_name_skip": 8,
                "caller_name_prefix": "to ",
            },
            next_="ring",
        ),
        node("ring", "Extension"),
    )
    call = await board.phones["carrier"].call("955202", caller="+989121234567")
    answered = await board.phones["202"].answer()
    await call.until_talking()
    assert (answered.remote_number, answered.remote_name) == ("09121234567", "to Support")
    await call.hang_up()
    await answered.until_ended()
    facts = dict(await board.facts(await board.last_cuid()))
    assert (facts["src"], facts["did"], facts["dst"]) == ("09121234567", "202", "202")


async def test_corrector_sets_a_number(board: Switchboard) -> None:
    """Set, then cut, then prefixed: whatever is dialed rings 203; the caller stays as they are."""
    params = {"extension": "9903", "extension_skip": 2, "extension_prefix": "2"}
    await board.publish(
        outgoing("fix"), node("fix", "Corrector", params=params, next_="ring"), node("ring", "Extension")
    )
    call = await board.phones["201"].call("8000")
    answered = await board.phones["203"].answer()
    await call.until_talking()
    assert answered.remote_number == "201"
    await call.hang_up()
    await answered.until_ended()
