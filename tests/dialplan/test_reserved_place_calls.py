"""A working day on a whole server, killed twice: an agent by code, a place kept, the promised call made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from support.server import TamasServer
from support.servers import NewExtension
from support.waiting import eventually
from tamas.demo.call import CallState
from tamas.dialplan.default_plan import default_plan
from tamas.dialplan.graph import Plan, write_plan

pytestmark = pytest.mark.engine


def plan_with_reservations() -> Plan:
    """The plan of a fresh system, whose queues let callers keep their place."""
    plan = default_plan()
    params = {"reserve": True}
    nodes = [
        msgspec.structs.replace(node, params=params) if node.type == "Queue" else node for node in plan.nodes
    ]
    return msgspec.structs.replace(plan, nodes=tuple(nodes))


@pytest.mark.slow
async def test_a_promise_outlives_two_kills(
    postgresql_server: TamasServer, new_extension: NewExtension, tmp_path: Path
) -> None:
    """Killed while the caller waits and after the key; an agent signs in by code and gets the caller."""
    server = postgresql_server
    await server.api(
        "pbx/queues/add", {"name": "Sales", "number": "900", "joinempty": "yes", "leavewhenempty": "no"}
    )
    file = tmp_path / "plan.json"
    await asyncio.to_thread(file.write_text, write_plan(plan_with_reservations()))
    await server.cli("dialplan", "import", str(file), "--publish")
    await server.cli("feature-code", "add", "#", "--type", "queue_join", "--agent", "ask")
    dial = await server.cli("speed-dial", "add", "#", "900")
    assert dial["clash"] == "feature code"
    await server.cli("speed-dial", "add", "7", "900", "--name", "Sales")
    agent = await new_extension(server, "701", tone_hz=440)
    customer = await new_extension(server, "702", tone_hz=660)
    await server.cli("group", "add", "sales", "701", "702")
    (group,) = await server.cli("group", "list")
    assert (group["name"], group["users"]) == ("sales", ["701", "702"])

    waiting = await customer.call("7")
    await waiting.until_talking()
    await server.kill9()
    await server.start()

    async def gone() -> bool:
        waiting.dial("1")
        await asyncio.sleep(0.5)
        return waiting.state is CallState.ENDED

    await eventually(gone, within=30, what="somebody who listens to keys again")
    await server.kill9()
    await server.start()

    sign_in = await agent.call("900#")
    await sign_in.until_talking()

    async def signed_in() -> bool:
        if sign_in.state is CallState.ENDED:
            return True
        sign_in.dial("210#")
        await asyncio.sleep(2)
        return False

    await eventually(signed_in, within=20, what="the end of the code")
    back = await customer.answer(within=30)
    talk = await agent.answer(within=15)
    await back.until_heard(440)
    await talk.until_heard(660)
    await agent.hang_up()
    await back.until_ended()
    assert len(customer.received_invites) == 1


@pytest.mark.slow
async def test_lists_kept_by_code(postgresql_server: TamasServer, new_extension: NewExtension) -> None:
    """On PostgreSQL too: the last caller joins the black list by 1, and calls are forwarded by code."""
    server = postgresql_server
    await server.cli("feature-code", "add", "*60", "--type", "blacklist")
    await server.cli("feature-code", "add", "*72", "--type", "forward")
    person = await new_extension(server, "703", tone_hz=440)
    pest = await new_extension(server, "704", tone_hz=660)
    call = await pest.call("703")
    await person.answer()
    await call.until_talking()
    await call.hang_up()

    async def listed() -> bool:
        code = await person.call("*60")
        await code.until_talking()
        await asyncio.sleep(1)
        code.dial("1")
        await asyncio.sleep(2)
        await code.hang_up()
        found = await server.api("pbx/blacklists/search", {"alike": False, "conditions": {"number": "704"}})
        return bool(found)

    await eventually(listed, within=30, what="the last caller in the black list")
    code = await person.call("*72")
    await code.until_talking()
    code.dial("704#")
    await asyncio.sleep(1)

    async def forwarded() -> bool:
        found = await server.api("pbx/users/search", {"alike": False, "conditions": {"number": "703"}})
        return bool(found[0]["forward_policy"]["All"] == "704")

    await eventually(forwarded, what="the forward")
    await code.hang_up()
