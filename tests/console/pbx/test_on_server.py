"""PBX > Users, Trunks and Queues on a running server with real phones."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from support.console import Browser, administrator
from support.phones import PhoneBench
from support.server import TamasServer
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, RegistrationRefused

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def browser(server: TamasServer) -> AsyncIterator[Browser]:
    """The administrator's browser."""
    async with administrator(server) as signed_in:
        yield signed_in


async def row_of(browser: Browser, page: str, search: str) -> dict[str, Any]:
    """The one row of a list that a search finds."""
    rows: list[dict[str, Any]] = (await browser.get(f"pbx/{page}/list", search=search))["rows"]
    assert len(rows) == 1, rows
    return rows[0]


async def eventually_is(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Wait until what is looked at is as wanted."""
    last: Any = None

    async def reached() -> bool:
        nonlocal last
        last = await look()
        return bool(last == wanted)

    try:
        await eventually(reached, within=8)
    except AssertionError as error:
        raise AssertionError(f"{last!r} did not become {wanted!r}") from error


async def test_extensions_of_the_console_register_talk_and_are_shut_out(
    server: TamasServer, browser: Browser, new_phone: PhoneBench
) -> None:
    """A range registers with its generated secrets and is seen to talk; a new secret shuts a phone out."""
    added = await browser.post("pbx/users/add_range", first="201", last="202", name="Desk {number}")
    first, second = [
        await new_phone(one["number"], server=server.sip, secret=one["secret"], manner=AutoAnswer())
        for one in added["added"]
    ]
    await first.register()
    await second.register()

    async def states() -> dict[str, tuple[bool, str]]:
        rows = (await browser.get("pbx/users/list", search="Desk"))["rows"]
        return {row["number"]: (row["registered"], row["state"]) for row in rows}

    def both(registered: bool, state: str) -> dict[str, tuple[bool, str]]:
        return dict.fromkeys(("201", "202"), (registered, state))

    await eventually_is(states, both(True, "idle"))
    call = await first.call("202")
    await call.until_talking()
    await eventually_is(states, both(True, "in_use"))
    identity = (await row_of(browser, "users", "202"))["id"]
    usage = await browser.get("pbx/users/usage", ids=identity)
    assert usage["calls"] == 1
    await call.hang_up()
    await eventually_is(states, both(True, "idle"))
    card = await browser.get("pbx/users/phone_card", id=identity)
    assert (card["server"], card["port"], card["registered"]) == (*server.sip, True)
    assert [contact["address"] for contact in card["contacts"]] == [f"127.0.0.1:{second.address[1]}"]

    await browser.post("pbx/users/update", _id=identity, secret="another secret")
    row = await row_of(browser, "users", "202")
    assert (row["registered"], row["state"]) == (False, "unavailable")
    with pytest.raises(RegistrationRefused):
        await second.register()
    assert await browser.post("pbx/users/reveal", id=identity) == {"secret": "another secret"}
    again = await new_phone("202", server=server.sip, secret="another secret")
    await again.register()
    await eventually_is(states, both(True, "idle"))


async def test_a_queue_of_the_console_is_seen_at_work(
    server: TamasServer, browser: Browser, new_phone: PhoneBench
) -> None:
    """Agents and callers of a queue are shown as they come and go; clearing it reaches Asterisk."""
    people = (await browser.post("pbx/users/add_range", first="301", last="302"))["added"]
    agent, caller = [
        await new_phone(one["number"], server=server.sip, secret=one["secret"]) for one in people
    ]
    await agent.register()
    await caller.register()
    # Whoever comes in waits although nobody can answer yet, and is soon put through when somebody can.
    options = {"joinempty": "yes", "leavewhenempty": "no", "retry": "1", "announce_position": "no"}
    identity = (await browser.post("pbx/queues/add", number="390", name="Support", **options))["id"]
    await browser.post("pbx/queues/join", queue="390", agent="310", phone="301")

    async def counted() -> tuple[int, int, int, int]:
        row = await row_of(browser, "queues", "390")
        return row["members"], row["available"], row["paused"], row["waiting"]

    async def agents() -> list[tuple[str, str, str]]:
        detail = await browser.get("pbx/queues/get", id=identity)
        return [(one["agent"], one["phone"], one["state"]) for one in detail["agents"]]

    await eventually_is(counted, (1, 1, 0, 0))
    await browser.post("pbx/queues/pause", queue="390", agent="310", paused=True, reason="lunch")
    await eventually_is(counted, (1, 0, 1, 0))
    call = await caller.call("390")
    await eventually_is(counted, (1, 0, 1, 1))
    (waiting,) = (await browser.get("pbx/queues/get", id=identity))["waiting"]
    assert (waiting["number"], waiting["name"], waiting["position"]) == ("302", "302", 1)
    since = (await row_of(browser, "queues", "390"))["longest_wait_since"]
    assert since == waiting["since"]
    assert 0 <= time.time() * 1000 - since < 15_000
    await browser.post("pbx/queues/pause", queue="390", agent="310", paused=False)
    await agent.answer(within=15)
    await call.until_talking()
    await eventually_is(counted, (1, 0, 0, 0))
    await eventually_is(agents, [("310", "301", "in_use")])
    await call.hang_up()
    await eventually_is(agents, [("310", "301", "idle")])
    assert (await browser.get("pbx/queues/get", id=identity))["agents"][0]["calls_taken"] == 1
    assert await browser.post("pbx/queues/clear", queue="390") == {"removed": 1}
    assert await counted() == (0, 0, 0, 0)
    assert (await row_of(browser, "users", "301"))["mapped"] is None


async def test_a_trunk_of_the_console_is_seen(
    browser: Browser, server: TamasServer, new_phone: PhoneBench
) -> None:
    """A trunk added in the console is ok once whoever is behind it answers pings, with its calls."""
    carrier = await new_phone("carrier", server=server.sip, local=("127.0.0.9", 0), manner=AutoAnswer())
    host, port = carrier.address
    settings = {"host": host, "port": str(port), "insecure": "port,invite", "qualify": "yes"}
    identity = (await browser.post("pbx/trunks/add", name="carrier", **settings))["id"]

    async def seen() -> tuple[str, str, int]:
        row = await row_of(browser, "trunks", "carrier")
        return row["state"], row["registration"], row["calls"]

    await eventually_is(seen, ("ok", "none", 0))
    (desk,) = (await browser.post("pbx/users/add_range", first="401", last="401"))["added"]
    phone = await new_phone("401", server=server.sip, secret=desk["secret"], manner=AutoAnswer())
    await phone.register()
    call = await carrier.call("401", caller="09120000000")
    await call.until_talking()
    await eventually_is(seen, ("ok", "none", 1))
    assert await browser.get("pbx/trunks/usage", ids=identity) == {"calls": 1}
    await call.hang_up()
    await eventually_is(seen, ("ok", "none", 0))
    await browser.post("pbx/trunks/update", _id=identity, active="no")
    await eventually_is(seen, ("deactivated", "none", 0))
