"""PBX > Queues and who is in them, on both stores."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from console._console import RunningConsole
from console.pbx._rows import contact, noted, queue, rows_of, user
from tamas.engine.watch.view import PhoneView, QueueAgentView, QueueCallerView, QueueView
from tamas.store.ids import new_id
from tamas.store.schema import agent_mappings, queue_members, queues


async def test_a_queue_is_added_changed_and_shown(console_both: RunningConsole) -> None:
    """The form shows every setting in the API's words and which option lines have no effect."""
    console = console_both
    options = "memberdelay=2\ncontext=evil\nautopause=all"
    identity = await queue(console, "900", strategy="rrmemory", more_options=options)
    await console.post("pbx/queues/update", _id=identity, name="Sales", timeout="15")
    detail = await console.get("pbx/queues/get", id=identity)
    settings = detail["settings"]
    assert (settings["_id"], settings["number"], settings["name"]) == (identity, "900", "Sales")
    assert (settings["strategy"], settings["timeout"], settings["retry"]) == ("rrmemory", "15", "5")
    assert settings["more_options"] == options
    assert detail["ignored_options"] == ["context=evil"]
    assert (detail["agents"], detail["waiting"]) == ([], [])
    (row,) = (await console.get("pbx/queues/list"))["rows"]
    assert row.pop("updated_at") == detail["updated_at"] >= detail["created_at"]
    assert row == {
        "id": identity,
        "number": "900",
        "name": "Sales",
        "strategy": "rrmemory",
        "call_record": True,
        "music": "default",
        "members": 0,
        "available": 0,
        "paused": 0,
        "waiting": 0,
        "longest_wait_since": None,
    }
    added, changed = await noted(console)
    assert (added["subject"], added["after"]["timeout"]) == ("900 Q900", "30")
    assert (changed["before"]["name"], changed["after"]["name"]) == ("Q900", "Sales")


async def test_members_are_rows_and_the_engine_decorates(console_both: RunningConsole) -> None:
    """Who is in a queue is what the table says; states, callers and waits are what the engine sees."""
    console = console_both
    for number, name in (("101", "Sara"), ("102", "Reza"), ("103", "Mina")):
        await user(console, number, name=name)
    identity = await queue(console, "900")
    other = await queue(console, "1000")
    before = int(time.time() * 1000) - 1000
    await console.post("pbx/queues/join", queue="900", agent="101", phone="101", penalty=3)
    await console.post("pbx/queues/join", queue="900", agent="210", phone="102")
    await console.post("pbx/queues/join", queue="900", agent="103", phone="103")
    await console.post("pbx/queues/pause", queue="900", agent="101", paused=True, reason="lunch")
    second = 1_000_000
    caller = QueueCallerView(channel="PJSIP/x", number="0912", name="<b>", position=1, since=7 * second)
    stranger = QueueAgentView(agent="999", state="idle", paused=False, calls_taken=1)
    mapped = QueueAgentView(agent="210", state="idle", paused=False, calls_taken=4)
    console.live.seen.queues = {"900": QueueView(agents=(stranger, mapped), waiting=(caller,))}
    console.live.seen.phones = {"103": PhoneView(registered=True, state="in_use", calls=1)}
    detail = await console.get("pbx/queues/get", id=identity)
    joined = [agent.pop("joined_at") for agent in detail["agents"]]
    assert before <= joined[0] <= joined[1] <= joined[2]
    assert detail["agents"] == [
        {
            "agent": "101",
            "name": "Sara",
            "phone": "101",
            "penalty": 3,
            "paused": True,
            "paused_reason": "lunch",
            "state": "unavailable",
            "calls_taken": 0,
        },
        {
            "agent": "210",
            "name": "",
            "phone": "102",
            "penalty": 0,
            "paused": False,
            "paused_reason": "",
            "state": "idle",
            "calls_taken": 4,
        },
        {
            "agent": "103",
            "name": "Mina",
            "phone": "103",
            "penalty": 0,
            "paused": False,
            "paused_reason": "",
            "state": "in_use",
            "calls_taken": 0,
        },
    ]
    assert detail["waiting"] == [
        {"channel": "PJSIP/x", "number": "0912", "name": "<b>", "position": 1, "since": 7000}
    ]
    rows = (await console.get("pbx/queues/list"))["rows"]
    assert [(row["id"], row["members"], row["available"], row["paused"], row["waiting"]) for row in rows] == [
        (identity, 3, 1, 1, 1),
        (other, 0, 0, 0, 0),
    ]
    assert [row["longest_wait_since"] for row in rows] == [7000, None]


async def test_with_the_engine_away_everything_is_answered(console_both: RunningConsole) -> None:
    """Rows are shown and changed all the same; states are unavailable."""
    console = console_both
    console.live.seen.ready = False
    await user(console, "101")
    identity = await queue(console, "900")
    await console.post("pbx/queues/join", queue="900", agent="101", phone="101")
    detail = await console.get("pbx/queues/get", id=identity)
    assert [(agent["agent"], agent["state"]) for agent in detail["agents"]] == [("101", "unavailable")]
    (row,) = (await console.get("pbx/queues/list"))["rows"]
    assert (row["members"], row["available"]) == (1, 0)
    await console.post("pbx/queues/leave", queue="900", agent="101")
    assert not await rows_of(console, select(queue_members))


async def test_joining_leaving_and_breaks_are_noted(console_both: RunningConsole) -> None:
    """Each change of a membership has its entry; what changed nothing has none."""
    console = console_both
    await user(console, "101")
    await queue(console, "900")
    await console.post("pbx/queues/join", queue="900", agent="210", phone="101", penalty=1)
    await console.post("pbx/queues/pause", queue="900", agent="210", paused=True, reason="lunch")
    await console.post("pbx/queues/pause", queue="900", agent="210", paused=True, reason="lunch")
    await console.post("pbx/queues/pause", queue="900", agent="210", paused=False)
    await console.post("pbx/queues/leave", queue="900", agent="210")
    assert not await rows_of(console, select(agent_mappings))
    entries = [entry for entry in await noted(console) if entry["action"] != "add"]
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        (action, "210 in 900") for action in ("join", "pause", "resume", "leave")
    ]
    joined = {"queue": "900", "agent": "210", "phone": "101", "penalty": 1, "paused": False, "reason": ""}
    assert (entries[0]["before"], entries[0]["after"]) == (None, joined)
    assert entries[1]["after"] == {**joined, "paused": True, "reason": "lunch"}
    assert (entries[3]["before"], entries[3]["after"]) == (joined, None)


async def test_a_queue_is_cleared(console_both: RunningConsole) -> None:
    """Everybody leaves, mappings go with the last queue, others' memberships stay; one entry."""
    console = console_both
    for number in ("101", "102"):
        await user(console, number)
    for number in ("900", "901"):
        await queue(console, number)
    for where, agent, phone in (("900", "101", "101"), ("900", "210", "102"), ("901", "101", "101")):
        await console.post("pbx/queues/join", queue=where, agent=agent, phone=phone)
    assert await console.post("pbx/queues/clear", queue="900") == {"removed": 2}
    assert await console.post("pbx/queues/clear", queue="900") == {"removed": 0}
    assert [row["queue_name"] for row in await rows_of(console, select(queue_members))] == ["901"]
    assert not await rows_of(console, select(agent_mappings))
    entries = [entry for entry in await noted(console) if entry["action"] == "clear"]
    assert [(entry["subject"], entry["before"]) for entry in entries] == [
        ("900 Q900", {"agents": ["101", "210"]})
    ]
    assert (await console.refused("pbx/queues/clear", queue="999"))["field"] == "queue"


async def test_who_could_join(console_both: RunningConsole) -> None:
    """Active extensions: who sits there, whether a phone is registered, and whether they are in already."""
    console = console_both
    for number, settings in (("101", {}), ("102", {}), ("103", {"active": "no"}), ("1010", {})):
        await user(console, number, **settings)
    await contact(console, "102")
    console.live.seen.phones = {"102": PhoneView(registered=True, state="idle", calls=0)}
    identity = await queue(console, "900")
    await queue(console, "901")
    await console.post("pbx/queues/join", queue="900", agent="210", phone="102")
    await console.post("pbx/queues/join", queue="901", agent="101", phone="101")
    page = await console.get("pbx/queues/candidates", id=identity)
    assert page["rows"] == [
        {"number": "101", "name": "Person 101", "mapped": None, "registered": False, "member": False},
        {"number": "102", "name": "Person 102", "mapped": "210", "registered": True, "member": True},
        {"number": "1010", "name": "Person 1010", "mapped": None, "registered": False, "member": False},
    ]
    found = await console.get("pbx/queues/candidates", id=identity, search="101", start=1)
    assert (found["total"], [row["number"] for row in found["rows"]]) == (2, ["1010"])
    assert (await console.refused("pbx/queues/candidates", "GET", id=new_id()))["status"] == 404


async def test_what_uses_queues_and_removing_them(console_both: RunningConsole) -> None:
    """Before removing: agents, waiting callers and forwards; then queues and memberships are gone."""
    console = console_both
    await user(console, "101", name="Sara", forward_policy={"All": "900"})
    await user(console, "102", forward_policy={"All": "9000"})
    identities = [await queue(console, number) for number in ("900", "901", "902")]
    for number in ("900", "901"):
        await console.post("pbx/queues/join", queue=number, agent="101", phone="101")
    caller = QueueCallerView(channel="c", number="1", name="", position=1, since=1)
    console.live.seen.queues = {"900": QueueView(waiting=(caller,))}
    assert await console.get("pbx/queues/usage", ids=",".join(identities)) == {
        "agents": 2,
        "waiting": 1,
        "forwards": [{"number": "101", "name": "Sara"}],
    }
    assert await console.post("pbx/queues/remove", ids=identities[:2]) == {"removed": 2}
    assert [row["number"] for row in await rows_of(console, select(queues))] == ["902"]
    assert not await rows_of(console, select(queue_members))
    entry = (await noted(console))[-1]
    assert (entry["subject"], entry["before"]) == ("900 Q900, 901 Q901", {"numbers": ["900-901"]})
    await queue(console, "900")


async def test_bad_values_and_rights(console_both: RunningConsole) -> None:
    """Refusals name the field; whoever may only read changes nothing."""
    console = console_both
    await user(console, "101")
    identity = await queue(console, "900")
    join = {"queue": "900", "agent": "101", "phone": "101"}
    await console.post("pbx/queues/join", **join)
    cases: tuple[tuple[str, dict[str, Any], int, str, str | None], ...] = (
        ("add", {"number": "900", "name": "x"}, 409, "number_exists", "number"),
        ("add", {"number": "101", "name": "x"}, 409, "number_exists", "number"),
        ("add", {"number": "901", "name": "Q900"}, 409, "name_exists", "name"),
        ("add", {"number": "901"}, 422, "missing", "name"),
        ("add", {"number": "901", "name": "x", "timeout": "long"}, 422, "invalid", "timeout"),
        (
            "add",
            {"number": "901", "name": "x", "more_options": "autopause=5"},
            422,
            "invalid",
            "more_options",
        ),
        ("update", {"_id": new_id(), "name": "x"}, 404, "not_found", None),
        ("remove", {"ids": [new_id()]}, 404, "not_found", None),
        ("join", join, 422, "invalid", "agent"),
        ("join", {**join, "phone": "109", "agent": "109"}, 422, "invalid", "phone"),
        ("join", {**join, "queue": "909"}, 422, "invalid", "queue"),
        ("join", {**join, "agent": "900"}, 422, "invalid", "agent"),
        ("join", {**join, "agent": "102", "penalty": -1}, 422, "invalid", "penalty"),
        ("join", {"queue": "900", "agent": "102"}, 422, "missing", "phone"),
        ("leave", {"queue": "900", "agent": "102"}, 422, "invalid", "agent"),
        ("pause", {"queue": "900", "agent": "102", "paused": True}, 422, "invalid", "agent"),
        ("pause", {"queue": "900", "agent": "101"}, 422, "missing", "paused"),
        (
            "pause",
            {"queue": "900", "agent": "101", "paused": True, "reason": "<a>"},
            422,
            "invalid",
            "reason",
        ),
    )
    for path, values, status, code, field in cases:
        refused = await console.refused(f"pbx/queues/{path}", **values)
        assert (refused["status"], refused["code"], refused["field"]) == (status, code, field), (path, values)
    auditor = await console.browser(rights={"pbx.queues": ["read"]})
    assert (await auditor.get("pbx/queues/get", id=identity))["agents"][0]["agent"] == "101"
    for path in ("add", "update", "remove", "join", "leave", "pause", "clear"):
        refused = await auditor.refused(f"pbx/queues/{path}", queue="900", agent="101")
        assert (refused["status"], refused["code"]) == (403, "forbidden"), path
    assert len(await rows_of(console, select(queue_members))) == 1
