"""The same thing asked for by many at once: it is done once, and the others are told so."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from bad_input._target import CARRIER, Target

pytestmark = pytest.mark.engine

AT_ONCE = 50


async def all_at_once(target: Target, path: str, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send requests over connections of their own, at the same time."""
    account = target.server.account
    assert account is not None
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(
        base_url=target.server.base_url,
        auth=(account.username, account.password),
        headers=account.headers(),
        timeout=60,
        limits=limits,
    ) as client:
        return await asyncio.gather(*(client.post(f"/api/v4/{path}", json=body) for body in bodies))


def outcomes(answers: list[httpx.Response]) -> Counter[str | None]:
    """How many answers carry which message; each is HTTP 200 in the catalogue's envelope."""
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["success", "message", "data"]
    return Counter(answer.json()["message"] for answer in answers)


DONE = "Requested operation is done successfully"


async def test_fifty_extensions_of_one_number(target: Target) -> None:
    """One gets the number, the others hear that it exists; one row is there."""
    number = target.numbers()
    bodies = [{"name": f"Racer {n}", "number": number, "secret": f"s{n}"} for n in range(AT_ONCE)]
    answers = await all_at_once(target, "pbx/users/add", bodies)
    assert outcomes(answers) == {DONE: 1, "This number already exists": AT_ONCE - 1}
    rows = await target.server.api("pbx/users/search", {"alike": False, "conditions": {"number": number}})
    winner = next(n for n, answer in enumerate(answers) if answer.json()["success"] == 1)
    assert [row["name"] for row in rows] == [f"Racer {winner}"]
    assert rows[0]["_id"] == answers[winner].json()["data"]["_id"]


async def test_fifty_trunks_of_one_name(target: Target) -> None:
    """One trunk is made, the others hear that it exists."""
    bodies = [
        {"name": "racing", "host": CARRIER, "active": "no", "description": str(n)} for n in range(AT_ONCE)
    ]
    assert outcomes(await all_at_once(target, "pbx/trunks/add", bodies)) == {
        DONE: 1,
        "This trunk already exists": AT_ONCE - 1,
    }
    rows = await target.server.api("pbx/trunks/search", {"alike": False, "conditions": {"name": "racing"}})
    assert len(rows) == 1


async def test_fifty_queues_of_one_number_and_of_one_name(target: Target) -> None:
    """One queue is made, whether number or name is what they share."""
    exists = {DONE: 1, "this queue already exists": AT_ONCE - 1}
    number = target.numbers()
    same_number = [{"name": f"Race {n} {number}", "number": number} for n in range(AT_ONCE)]
    assert outcomes(await all_at_once(target, "pbx/queues/add", same_number)) == exists
    same_name = [{"name": "Race", "number": target.numbers()} for _ in range(AT_ONCE)]
    assert outcomes(await all_at_once(target, "pbx/queues/add", same_name)) == exists


async def test_extension_and_queue_want_the_same_number(target: Target) -> None:
    """Of an extension and a queue with one number, exactly one comes to be."""
    for _ in range(5):
        number = target.numbers()
        extension = {"name": "Either", "number": number, "secret": "s"}
        added = await asyncio.gather(
            target.send("pbx/users/add", extension),
            target.send("pbx/queues/add", {"name": f"Or {number}", "number": number}),
        )
        assert sorted(answer.json()["success"] for answer in added) == [0, 1]
        refused = next(answer for answer in added if not answer.json()["success"])
        assert refused.json()["message"] == "This number already exists"


async def test_fifty_join_one_queue_as_one_agent(target: Target) -> None:
    """One membership is made; then one of fifty leaves."""
    queue, seat = target.queue["number"], target.extension["number"]
    agent = target.numbers()
    joining = [{"queue": queue, "source": seat, "agent": agent}] * AT_ONCE
    assert outcomes(await all_at_once(target, "pbx/queues/addagent", joining)) == {
        "": 1,
        "Requested operation failed": AT_ONCE - 1,
    }
    leaving = [{"queue": queue, "agent": agent}] * AT_ONCE
    assert outcomes(await all_at_once(target, "pbx/queues/removeagent", leaving)) == {
        "": 1,
        "Requested operation failed": AT_ONCE - 1,
    }


async def test_fifty_updates_to_one_number_and_removals_of_one_row(target: Target) -> None:
    """Fifty extensions want one new number: one gets it. Then fifty remove that one: one does."""
    added = [
        await target.server.api("pbx/users/add", {"name": "Mover", "number": target.numbers(), "secret": "s"})
        for _ in range(AT_ONCE)
    ]
    number = target.numbers()
    moving = [{"_id": row["_id"], "number": number} for row in added]
    answers = await all_at_once(target, "pbx/users/update", moving)
    assert outcomes(answers) == {DONE: 1, "This number already exists": AT_ONCE - 1}
    winner = next(row for row, answer in zip(added, answers, strict=True) if answer.json()["success"] == 1)
    removed = await all_at_once(target, "pbx/users/remove", [{"_id": winner["_id"]}] * AT_ONCE)
    assert outcomes(removed) == {DONE: 1, "Requested operation failed": AT_ONCE - 1}
    rows = await target.server.api("pbx/users/search", {"alike": False, "conditions": {"number": number}})
    assert rows == []
    assert "Traceback" not in target.server.log
