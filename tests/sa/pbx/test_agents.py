"""Operators in queues through the API, on both stores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from sa.pbx.conftest import FAILED, Api
from tamas.store.schema import agent_mappings, queue_members


@pytest.fixture
async def switchboard(api: Api) -> Api:
    """Two queues and three extensions."""
    for queue in ("900", "901"):
        await api.queue(queue)
    for number in ("101", "102", "103"):
        await api.extension(number)
    return api


async def add(api: Api, queue: str, source: str, agent: str, **more: Any) -> Any:
    return await api.done("pbx/queues/addagent", {"queue": queue, "source": source, "agent": agent, **more})


async def members(api: Api) -> set[tuple[str, str, str]]:
    rows = await api.rows(select(queue_members))
    return {(m["queue_name"], m["membername"], m["state_interface"].removeprefix("PJSIP/")) for m in rows}


async def mappings(api: Api) -> set[tuple[str, str]]:
    return {(row["agent"], row["phone"]) for row in await api.rows(select(agent_mappings))}


async def test_joining_and_leaving(switchboard: Api) -> None:
    """An agent at its own phone is a row with its penalty and no mapping; leaving takes the row away."""
    api = switchboard
    assert await add(api, "900", "101", "101", penalty="2") == {"message": "Added successfully", "ok": 1}
    (row,) = await api.rows(select(queue_members))
    assert (row["interface"], row["membername"], row["penalty"], row["paused"]) == (
        "Local/101@simotel-local-agents/n",
        "101",
        2,
        0,
    )
    assert not await mappings(api)
    answer = await api.done("pbx/queues/removeagent", {"queue": "900", "agent": "101"})
    assert answer == {"message": "Removed successfully", "ok": 1}
    assert not await members(api)


async def test_a_mapped_agent(switchboard: Api) -> None:
    """A person with another number sits at the phone until leaving the last queue."""
    api = switchboard
    await add(api, "900", "101", "210")
    await add(api, "901", "101", "210")
    assert await mappings(api) == {("210", "101")}
    await api.done("pbx/queues/removeagent", {"queue": "900", "agent": "210"})
    assert await mappings(api) == {("210", "101")}
    await api.done("pbx/queues/removeagent", {"queue": "901", "agent": "210"})
    assert not await mappings(api)


async def test_signing_in_elsewhere_moves(switchboard: Api) -> None:
    """All queues of a person follow to the new phone."""
    api = switchboard
    await add(api, "900", "101", "210")
    await add(api, "901", "102", "210")
    assert await mappings(api) == {("210", "102")}
    assert await members(api) == {("900", "210", "102"), ("901", "210", "102")}


async def test_signing_in_logs_the_other_person_out(switchboard: Api) -> None:
    """One phone, one mapped person: the one before leaves all queues."""
    api = switchboard
    await add(api, "900", "101", "210")
    await add(api, "901", "101", "210")
    await add(api, "900", "101", "211")
    assert await mappings(api) == {("211", "101")}
    assert await members(api) == {("900", "211", "101")}


async def test_back_at_the_own_phone(switchboard: Api) -> None:
    """Signing in at the phone of the same number ends a mapping."""
    api = switchboard
    await add(api, "900", "102", "101")
    await add(api, "901", "101", "101")
    assert not await mappings(api)
    assert await members(api) == {("900", "101", "101"), ("901", "101", "101")}


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("addagent", {"queue": "999", "source": "101", "agent": "101"}, "queue"),
    ("addagent", {"queue": "900", "source": "999", "agent": "999"}, "source"),
    ("addagent", {"queue": "900", "source": "101", "agent": "901"}, "agent"),
    ("addagent", {"queue": "900", "source": "102", "agent": "102"}, "agent"),
    ("addagent", {"queue": "900", "source": "101", "agent": "101", "penalty": "x"}, "penalty"),
    ("addagent", {"queue": "9,0", "source": "101", "agent": "101"}, "queue"),
    ("removeagent", {"queue": "900", "agent": "101"}, "agent"),
    ("removeagent", {"queue": "999", "agent": "102"}, "queue"),
    ("pauseagent", {"queue": "900", "agent": "101"}, "agent"),
    ("pauseagent", {"queue": "900", "agent": "102", "reason": "a;b"}, "reason"),
    ("resumeagent", {"queue": "901", "agent": "102"}, "agent"),
]


async def test_refusals(switchboard: Api) -> None:
    """Unknown queue or extension, already in, not in, or a value out of shape: nothing changes."""
    api = switchboard
    await add(api, "900", "102", "102")
    before = await members(api)
    for action, body, field in REFUSED:
        assert await api.refused(f"pbx/queues/{action}", body) == (FAILED, field), body
    assert await members(api) == before


async def test_breaks(switchboard: Api) -> None:
    """A break is written with its reason and ended again; twice is no failure."""
    api = switchboard
    await add(api, "900", "101", "101")
    who = {"queue": "900", "agent": "101"}
    for _ in range(2):
        answer = await api.done("pbx/queues/pauseagent", {**who, "reason": "lunch"})
        assert answer == {"message": "Paused successfully", "ok": 1}
    (row,) = await api.rows(select(queue_members))
    assert (row["paused"], row["reason_paused"]) == (1, "lunch")
    answer = await api.done("pbx/queues/resumeagent", who)
    assert answer == {"message": "UnPaused successfully", "ok": 1}
    (row,) = await api.rows(select(queue_members))
    assert (row["paused"], row["reason_paused"]) == (0, None)


async def test_batches_go_on_after_a_failure(switchboard: Api) -> None:
    """Each item has its verdict in order; the outer ok tells whether any was done."""
    api = switchboard
    items = [
        {"queue": "900", "source": "101", "agent": "101", "penalty": "1"},
        {"queue": "999", "source": "101", "agent": "101"},
        {"queue": "900", "source": "101", "agent": "101"},
        {"queue": "901", "source": "102", "agent": "210"},
    ]
    answer = await api.done("pbx/queues/batchaddagent", {"agents": items})
    assert answer["ok"] == 1
    assert answer["Data"][0] == {
        "agent": "101",
        "message": "Added successfully",
        "ok": 1,
        "penalty": "1",
        "queue": "900",
        "source": "101",
    }
    assert list(answer["Data"][0]) == ["agent", "message", "ok", "penalty", "queue", "source"]
    assert [(i["ok"], i["message"]) for i in answer["Data"]] == [
        (1, "Added successfully"),
        (0, FAILED),
        (0, FAILED),
        (1, "Added successfully"),
    ]
    assert await members(api) == {("900", "101", "101"), ("901", "210", "102")}
    both = [{"queue": "900", "agent": "101"}, {"queue": "901", "agent": "999"}]
    for action, text in (("pause", "Paused"), ("resume", "UnPaused"), ("remove", "Removed")):
        answer = await api.done(f"pbx/queues/batch{action}agent", {"agents": both})
        assert answer == {
            "Data": [
                {"agent": "101", "message": f"{text} successfully", "ok": 1, "queue": "900"},
                {"agent": "999", "message": FAILED, "ok": 0, "queue": "901"},
            ],
            "ok": 1,
        }
    answer = await api.done("pbx/queues/batchremoveagent", {"agents": both})
    assert answer["ok"] == 0


async def test_long_batches(switchboard: Api) -> None:
    """A batch longer than one transaction is done whole."""
    api = switchboard
    agents = [str(5000 + i) for i in range(120)]
    for phone in agents[:60]:
        await api.extension(phone)
    items = [{"queue": "900", "source": phone, "agent": phone} for phone in agents]
    answer = await api.done("pbx/queues/batchaddagent", {"agents": items})
    assert [item["ok"] for item in answer["Data"]] == [1] * 60 + [0] * 60
    assert len(await members(api)) == 60


async def test_missing_fields_in_batches(switchboard: Api) -> None:
    """A required field that one item lacks refuses the whole batch before anything is done."""
    items = [{"queue": "900", "source": "101", "agent": "101"}, {"queue": "900", "source": "102"}]
    message, _ = await switchboard.refused("pbx/queues/batchaddagent", {"agents": items})
    assert message == "Field 'agents[].agent':value is missing"
    assert not await members(switchboard)


async def test_malformed_items_in_batches(switchboard: Api) -> None:
    """A value out of shape fails its own item, which is told as it was sent; the others are done."""
    api = switchboard
    items: list[Any] = [
        {"queue": "nope", "source": "101", "agent": "101"},
        {"queue": "900", "source": "101", "agent": "101", "penalty": "much"},
        {"queue": "900", "source": "102", "agent": 102},
        ["900"],
    ]
    answer = await api.done("pbx/queues/batchaddagent", {"agents": items})
    keys = ("ok", "queue", "source", "agent", "penalty", "message")
    assert [tuple(item[key] for key in keys) for item in answer["Data"]] == [
        (0, "nope", "101", "101", "", FAILED),
        (0, "900", "101", "101", "much", FAILED),
        (1, "900", "102", "102", "", "Added successfully"),
        (0, "", "", "", "", FAILED),
    ]
    assert answer["ok"] == 1
    assert await members(api) == {("900", "102", "102")}
    both = [{"queue": "9,0", "agent": "102"}, {"queue": "900", "agent": "102"}]
    for action in ("pause", "resume", "remove"):
        answer = await api.done(f"pbx/queues/batch{action}agent", {"agents": both})
        assert [(item["ok"], item["queue"]) for item in answer["Data"]] == [(0, "9,0"), (1, "900")]
    answer = await api.done("pbx/queues/batchremoveagent", {"agents": both[:1]})
    assert answer["ok"] == 0


async def test_other_names_of_fields(switchboard: Api) -> None:
    """Names that clients were seen to send are read without any switch; what is missing is still missing."""
    api = switchboard
    body = {"queue_number": "900", "agent_number": "101"}
    assert (await api.refused("pbx/queues/addagent", body))[0] == "Field 'source':value is missing"
    await api.done("pbx/queues/addagent", {**body, "source": "101"})
    await api.done("pbx/queues/pauseagent", body)
    assert await members(api) == {("900", "101", "101")}


async def test_lenient_clients(switchboard: Api) -> None:
    """With the switch on, a missing source and bare agents in batches do."""
    api = switchboard
    body = {"queue_number": "900", "agent_number": "101"}
    assert (await api.refused("pbx/queues/addagent", body))[0] == "Field 'source':value is missing"
    await api.set("sa.lenient", True)
    await api.done("pbx/queues/addagent", body)
    answer = await api.done("pbx/queues/batchaddagent", {"queue_number": "900", "agents": ["102", "103"]})
    assert [item["ok"] for item in answer["Data"]] == [1, 1]
    assert await members(api) == {("900", n, n) for n in ("101", "102", "103")}


async def test_concurrent_sign_ins(switchboard: Api) -> None:
    """Many sign-ins at one phone at once leave exactly one person there, and nothing half done."""
    api = switchboard
    agents = [str(210 + i) for i in range(12)]
    await asyncio.gather(*(add(api, "900", "101", agent) for agent in agents))
    left = await mappings(api)
    assert len(left) == 1
    assert {agent for _, agent, _ in await members(api)} == {agent for agent, _ in left}
