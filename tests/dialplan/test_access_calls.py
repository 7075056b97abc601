"""Authentication and DISA, by telephone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete

from dialplan._switchboard import TONES, Switchboard, node, outgoing, row
from tamas.demo.call import PhoneCall
from tamas.store.dialplan_schema import secret_guesses

pytestmark = pytest.mark.engine

DIAL_TONE = 350
MIXED = 0.3
"""Of two tones together."""
INSIDE = 1000


@pytest.fixture(autouse=True)
async def _no_guesses(board: Switchboard) -> AsyncIterator[None]:
    yield
    async with board.database.write() as tx:
        await tx.execute(delete(secret_guesses))


async def spoken_to(call: PhoneCall) -> None:
    """The first sounds of a prompt have come: digits cut it off from now on."""
    await call.until_talking()
    await asyncio.sleep(0.3)


async def gate(board: Switchboard, **params: str) -> PhoneCall:
    """201 comes to an Authentication with a tone behind it."""
    await board.add_sound("inside", INSIDE)
    await board.publish(
        outgoing("gate"),
        node("gate", "Authentication", params=params, next_="inside"),
        node("inside", "Announcement", params={"announcement": "inside"}),
    )
    call = await board.phones["201"].call("8000")
    await spoken_to(call)
    return call


async def test_the_defined_secret(board: Switchboard) -> None:
    """Who types the secret of the node goes on, after a mistake too, and it is in no record of the call."""
    call = await gate(board, type="defined_secret", defined_secret="47a1")
    call.dial("1#")
    await asyncio.sleep(0.5)
    call.dial("4721#")  # the a is on key 2
    await call.until_heard(INSIDE)
    await call.until_ended()
    cuid = await board.last_cuid()
    assert await board.route(cuid) == ["route", "gate", "inside"]
    rows = str([dict(row) for row in await board.cel_rows(cuid)])
    assert "4721" not in rows
    assert "47a1" not in rows


async def test_the_password_of_the_extension(board: Switchboard) -> None:
    """The password of the calling extension opens, spelled on the keys of the phone."""
    await board.change("201", secret_sealed=board.flow.services.seal.seal("Ab9-x"))
    call = await gate(board, type="user_secret")
    call.dial("229*9#")
    await call.until_heard(INSIDE)
    await call.until_ended()


async def test_three_wrong_secrets(board: Switchboard) -> None:
    """Three wrong ones end the call; the next call from this phone cannot guess on, not even right."""
    call = await gate(board, type="defined_secret", defined_secret="4711")
    for _ in range(3):
        call.dial("0#")
        await asyncio.sleep(0.5)
    await call.until_ended(within=15)
    assert not call.heard(INSIDE)
    facts = dict(await board.facts(await board.last_cuid()))
    assert facts["failed"] == "no right secret was typed"
    again = await board.phones["201"].call("8000")
    await spoken_to(again)
    again.dial("4711#")
    await asyncio.sleep(1)
    assert not again.heard(INSIDE)
    await again.hang_up()


async def test_a_stranger_has_no_secret_of_an_extension(board: Switchboard) -> None:
    """A caller from outside cannot come by Authentication with the secret of an extension."""
    await board.add_sound("inside", INSIDE)
    await board.publish(
        node("in", "IncomingRoute", row("any", "gate", cid="", did="")),
        node("gate", "Authentication", next_="inside"),
        node("inside", "Announcement", params={"announcement": "inside"}),
    )
    call = await board.phones["carrier"].call("8000", caller="09121")
    await call.until_ended()
    assert not call.heard(INSIDE)


async def test_disa(board: Switchboard) -> None:
    """A caller from outside who knows the password gets a dial tone, and calls out as the route allows."""
    await board.publish(
        node("in", "IncomingRoute", row("any", "disa", cid="", did="")),
        node("disa", "Disa", params={"password": "99", "context": "inside"}),
        node("out", "OutgoingRoute", row("ext", "ring", pattern="20X"), params={"context": "inside"}),
        node("ring", "Extension", params={"timeout": 5}),
    )
    call = await board.phones["carrier"].call("8000", caller="0211234")
    await spoken_to(call)
    call.dial("99#")
    await call.until_heard(DIAL_TONE, share=MIXED)
    call.dial("202#")
    answered = await board.phones["202"].answer()
    await call.until_heard(TONES["202"])
    await answered.hang_up()
    await call.until_ended()
    cuid = await board.last_cuid()
    assert await board.route(cuid) == ["in", "disa", "out", "ring"]
    assert dict(await board.facts(cuid))["dst"] == "202"


async def test_disa_without_password_and_with_the_limit_of_digits(board: Switchboard) -> None:
    """Without a password the tone comes at once, and the number is complete at the limit of digits."""
    await board.set("disa.max_digits", 3)
    await board.publish(
        node("route", "OutgoingRoute", row("disa", "disa", pattern="8000"), row("e", "ring", pattern="20X")),
        node("disa", "Disa"),
        node("ring", "Extension", params={"timeout": 5}),
    )
    call = await board.phones["201"].call("8000")
    await call.until_heard(DIAL_TONE, share=MIXED)
    call.dial("2034")
    answered = await board.phones["203"].answer()
    await call.until_heard(TONES["203"])
    await answered.hang_up()
    await call.until_ended()


async def test_disa_into_nowhere(board: Switchboard) -> None:
    """A context without a route ends the call before anybody hears a tone."""
    await board.publish(outgoing("disa"), node("disa", "Disa", params={"context": "gone"}))
    call = await board.phones["201"].call("8000")
    await call.until_ended()
    assert not call.heard(DIAL_TONE, share=MIXED)
    assert dict(await board.facts(await board.last_cuid()))["failed"] == "no such outgoing route"
