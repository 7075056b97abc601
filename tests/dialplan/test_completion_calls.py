"""Call Completion, by telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, func, select

from dialplan._helpers import Helpers
from dialplan._switchboard import TONES, Switchboard, node, row
from support.waiting import eventually
from tamas.demo.phone import AutoReject, Ring
from tamas.store.dialplan_schema import call_jobs

pytestmark = pytest.mark.engine


@pytest.fixture
async def helpers(board: Switchboard) -> AsyncIterator[Helpers]:
    """Whoever carries out promises."""
    made = Helpers(board)
    made.start()
    yield made
    await made.stop()
    async with board.database.write() as tx:
        await tx.execute(delete(call_jobs))


async def publish(board: Switchboard) -> None:
    await board.publish(
        node("route", "OutgoingRoute", row("e", "ring", pattern="20X"), row("c", "cancel", pattern="*9")),
        node("ring", "Extension", params={"timeout": 1}, B="wait", F="wait"),
        node("wait", "CallCompletion"),
        node("cancel", "CallCompletion", params={"type": "cancel"}),
    )


async def open_requests(board: Switchboard) -> int:
    async with board.database.read() as connection:
        return int(
            await connection.scalar(
                select(func.count()).select_from(call_jobs).where(call_jobs.c.done_at.is_(None))
            )
        )


async def ask(board: Switchboard) -> None:
    """201 cannot reach 202 and asks to be called."""
    call = await board.phones["201"].call("202")
    await call.until_ended(within=15)
    assert await open_requests(board) == 1


async def completed(board: Switchboard) -> None:
    """201 is called first, then 202, and they talk."""
    requester = await board.phones["201"].answer(within=10)
    target = await board.phones["202"].answer(within=10)
    await requester.until_heard(TONES["202"])
    await target.until_heard(TONES["201"])
    await target.hang_up()
    await requester.until_ended()

    async def over() -> bool:
        return await open_requests(board) == 0

    await eventually(over, within=10, what="the end of the request")


async def test_busy_until_the_talk_is_over(board: Switchboard, helpers: Helpers) -> None:
    """202 talks: 201 is called as soon as that talk is over, not before; our death loses nothing."""
    await publish(board)
    await board.change("202", call_limit="1")
    talk = await board.phones["203"].call("202")
    answered = await board.phones["202"].answer()
    await talk.until_talking()
    await ask(board)
    await helpers.stop()
    helpers.start("two")
    await talk.until_heard(TONES["202"])
    assert not [call for call in board.phones["201"].calls if call.incoming]
    await answered.hang_up()
    await talk.until_ended()
    await completed(board)


async def test_no_answer_until_the_phone_was_used(board: Switchboard, helpers: Helpers) -> None:
    """Nobody answered at 202: 201 is called only after somebody used that phone."""
    await publish(board)
    await ask(board)
    used = await board.phones["202"].call("203")
    await (await board.phones["203"].incoming()).until_ringing()
    assert not [call for call in board.phones["201"].calls if call.incoming]

    async def noticed() -> bool:
        async with board.database.read() as connection:
            data = await connection.scalar(select(call_jobs.c.data).where(call_jobs.c.done_at.is_(None)))
        return '"must_be_used":false' in str(data)

    await eventually(noticed, what="the phone in use")
    await used.hang_up()
    await completed(board)


@pytest.mark.slow
async def test_a_request_taken_back(board: Switchboard, helpers: Helpers) -> None:
    """After the code for it nobody is called."""
    await publish(board)
    board.phones["202"].manner = AutoReject()
    await board.phones["202"].unregister()
    try:
        await ask(board)
    finally:
        await board.phones["202"].register()
        board.phones["202"].manner = Ring()
    call = await board.phones["201"].call("*9")
    await call.until_ended(within=10)
    assert call.answered_at is not None
    assert await open_requests(board) == 0


@pytest.mark.slow
async def test_asking_twice_is_one_request(board: Switchboard, helpers: Helpers) -> None:
    """Who asks again for the same person waits once."""
    await publish(board)
    await ask(board)
    await ask(board)
