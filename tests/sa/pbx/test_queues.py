"""Queues through the API, on both stores."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select, text

from sa.pbx.conftest import FAILED, Api
from tamas.sa.pbx.queues import EXAMPLE_ROW
from tamas.store.schema import agent_mappings, dialable_numbers, queue_members, queues

FULL: dict[str, Any] = {
    "name": "Sales",
    "number": "9009",
    "strategy": "rrmemory",
    "ringinuse": "yes",
    "call_record": "no",
    "setinterfacevar": "no",
    "autofill": "no",
    "setqueuevar": "no",
    "setqueueentryvar": "no",
    "persistentmembers": "yes",
    "shared_lastcall": "yes",
    "announce_holdtime": "yes",
    "announce_position": "no",
    "joinempty": "yes",
    "leavewhenempty": "no",
    "reportholdtime": "yes",
    "maxlen": "7",
    "announce_frequency": "121",
    "min_announce_frequency": "61",
    "periodic_announce_frequency": "122",
    "music": "jazz",
    "queue_callswaiting": "custom/waiting",
    "queue_thankyou": "custom/thanks",
    "queue_thereare": "custom/there",
    "queue_youarenext": "custom/next",
    "retry": "6",
    "servicelevel": "66",
    "timeout": "33",
    "weight": "11",
    "wrapuptime": "2",
    "monitor_type": "MixMonitor",
    "monitor_format": "gsm",
    "more_options": "autopause=yes\nnothing",
}


async def found(api: Api, **conditions: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await api.done(
        "pbx/queues/search", {"alike": False, "conditions": conditions}
    )
    return rows


async def test_every_field_comes_back_as_sent(api: Api) -> None:
    """Each documented field is stored and answered in the catalogue's order, and Asterisk reads the row."""
    added = await api.done("pbx/queues/add", FULL)
    (row,) = await found(api, number="9009")
    assert list(row) == list(EXAMPLE_ROW)
    assert {key: row[key] for key in row if key != "date"} == {**FULL, "_id": added["_id"]}
    (seen,) = await api.rows(text("SELECT * FROM asterisk_queues"))
    assert (seen["name"], seen["strategy"], seen["musiconhold"]) == ("9009", "rrmemory", "jazz")
    assert (seen["autopause"], seen["memberdelay"]) == ("yes", None)


async def test_option_lines_reach_asterisk(api: Api) -> None:
    """Lines with options of app_queue are what it reads; taken away they are gone, wrong they are refused."""
    identity = await api.queue("900", more_options="memberdelay=2\nqueue-minute=custom/minute\nx=1")
    statement = text("SELECT memberdelay, queue_minute, autopause FROM asterisk_queues")
    (seen,) = await api.rows(statement)
    assert tuple(seen.values()) == ("2", "custom/minute", None)
    change = {"_id": identity, "more_options": "autopause=maybe"}
    assert await api.refused("pbx/queues/update", change) == (FAILED, "more_options")
    await api.done("pbx/queues/update", {"_id": identity, "more_options": "autopause=all"})
    (seen,) = await api.rows(statement)
    assert tuple(seen.values()) == (None, None, "all")
    (row,) = await found(api)
    assert row["more_options"] == "autopause=all"


async def test_defaults_and_labels(api: Api) -> None:
    """A bare queue has the documented defaults; panel labels of the strategy are mapped."""
    await api.queue("9009", name="Sales", strategy="RR Memory")
    (row,) = await found(api)
    skip = {"_id", "date", "strategy"}
    assert {k: v for k, v in row.items() if k not in skip} == {
        k: v for k, v in EXAMPLE_ROW.items() if k not in skip
    }
    assert row["strategy"] == "rrmemory"


async def test_names_and_numbers_are_unique(api: Api) -> None:
    """A queue's name or number taken by a queue, and a number taken by something else, have their texts."""
    await api.queue("900", name="A")
    other = await api.queue("901", name="B")
    await api.extension("101")
    exists = "this queue already exists"
    taken = "This number already exists"
    for path, base in (("add", {}), ("update", {"_id": other})):
        body = {"name": "C", "number": "902", **base}
        assert (await api.refused(f"pbx/queues/{path}", {**body, "name": "A"})) == (exists, "name")
        assert (await api.refused(f"pbx/queues/{path}", {**body, "number": "900"})) == (exists, "number")
        assert (await api.refused(f"pbx/queues/{path}", {**body, "number": "101"})) == (taken, "number")
    assert {(r["name"], r["number"]) for r in await found(api)} == {("A", "900"), ("B", "901")}
    assert {r["number"] for r in await api.rows(select(dialable_numbers))} == {"900", "901", "101"}


async def test_of_concurrent_adds_one_wins(api: Api) -> None:
    """Ten queues and ten extensions that want one number at once: one gets it."""
    requests = [
        api.raw(f"pbx/{kind}/add", {"name": f"{kind} {i}", "number": "700", "secret": "x"})
        for i in range(10)
        for kind in ("queues", "users")
    ]
    answers = [answer.json()["success"] for answer in await asyncio.gather(*requests)]
    assert sum(answers) == 1
    assert len(await api.rows(select(dialable_numbers))) == 1


async def test_a_new_number_takes_the_members_along(api: Api) -> None:
    """Renumbering a queue keeps its members and frees the old number."""
    identity = await api.queue("900")
    await api.extension("101")
    await api.done("pbx/queues/addagent", {"queue": "900", "source": "101", "agent": "101"})
    await api.done("pbx/queues/update", {"_id": identity, "number": "910", "weight": "3"})
    assert [m["queue_name"] for m in await api.rows(select(queue_members))] == ["910"]
    (row,) = await found(api, number="910")
    assert (row["weight"], row["name"]) == ("3", "Queue 900")
    await api.extension("900")


async def test_remove_takes_the_members_away(api: Api) -> None:
    """With a queue go its members, and mappings of those who are in no other queue."""
    identity = await api.queue("900")
    await api.queue("901")
    for phone in ("101", "102"):
        await api.extension(phone)
    for queue, phone, agent in (("900", "101", "210"), ("900", "102", "211"), ("901", "102", "211")):
        await api.done("pbx/queues/addagent", {"queue": queue, "source": phone, "agent": agent})
    await api.done("pbx/queues/remove", {"_id": identity})
    assert [(m["queue_name"], m["membername"]) for m in await api.rows(select(queue_members))] == [
        ("901", "211")
    ]
    assert [m["agent"] for m in await api.rows(select(agent_mappings))] == ["211"]
    assert await api.refused("pbx/queues/remove", {"_id": identity}) == (FAILED, "_id")
    await api.queue("900")


async def test_search(api: Api) -> None:
    """Substring or equality on name and number."""
    for number, name in (("9001", "Sales"), ("900", "Support"), ("77", "Other")):
        await api.queue(number, name=name)
    like = await api.done("pbx/queues/search", {"alike": True, "conditions": {"name": "s", "number": "900"}})
    assert [row["number"] for row in like] == ["900", "9001"]
    assert [row["number"] for row in await found(api, number="900")] == ["900"]
    assert [row["number"] for row in await found(api)] == ["77", "900", "9001"]


BAD_VALUES: list[tuple[str, Any]] = [
    ("name", "a|b"),
    ("name", "x" * 81),
    ("number", "9a"),
    ("strategy", "nobody"),
    ("ringinuse", "perhaps"),
    ("joinempty", "loose;x"),
    ("maxlen", "-1"),
    ("announce_frequency", "1e3"),
    ("music", "../secret"),
    ("queue_thankyou", "a&b"),
    ("retry", "999999"),
    ("timeout", "soon"),
    ("weight", "heavy"),
    ("monitor_format", "mp4"),
    ("more_options", "a\0b"),
]


async def test_bad_values_are_refused(api: Api) -> None:
    """A value that could harm or be lost is refused by name, on add and on update; nothing changes."""
    identity = await api.queue("900")
    before = await api.rows(select(queues))
    for field, value in BAD_VALUES:
        body = {"name": "other", "number": "901", field: value}
        assert await api.refused("pbx/queues/add", body) == (FAILED, field), value
        await api.refused("pbx/queues/update", {"_id": identity, field: value})
    assert await api.rows(select(queues)) == before
