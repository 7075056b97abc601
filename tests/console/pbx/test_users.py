"""PBX > Users: extensions one by one, on both stores."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import insert, select

from console._console import FakeView, RunningConsole
from console.pbx._rows import contact, noted, queue, rows_of, user
from tamas.engine.sip_secrets import ha1
from tamas.engine.watch.view import PhoneView
from tamas.store.ids import new_id
from tamas.store.schema import extensions, ps_contacts

READ_ONLY = {"pbx.users": ["read"]}
IDLE = PhoneView(registered=True, state="idle", calls=0)
MARKUP = "<b>Sara</b>"


async def numbers(console: RunningConsole, **query: Any) -> list[str]:
    return [row["number"] for row in (await console.get("pbx/users/list", **query))["rows"]]


async def test_an_extension_is_added_and_shown(console_both: RunningConsole) -> None:
    """What was sent is in the list and in the form, the secret nowhere; defaults are filled in."""
    console = console_both
    before = int(time.time() * 1000) - 1000
    forward = {"Busy": "571", "No Answer": "", "UnAvailable": "", "All": ""}
    options = "max_contacts=2\nfoo=bar\nsecret=geheim101"
    identity = await user(
        console, "101", email="sara@example.com", forward_policy=forward, more_options=options
    )
    page = await console.get("pbx/users/list")
    assert (page["total"], page["start"]) == (1, 0)
    row = page["rows"][0]
    assert row.pop("updated_at") >= before
    assert row == {
        "id": identity,
        "number": "101",
        "name": "Person 101",
        "user_type": "SIP",
        "active": True,
        "context": "main_routing",
        "call_record": False,
        "email": "sara@example.com",
        "queues": [],
        "mapped": None,
        "registered": False,
        "state": "unavailable",
    }
    detail = await console.get("pbx/users/get", id=identity)
    settings = detail["settings"]
    assert settings["_id"] == identity
    assert settings["secret"] == "******"
    assert settings["forward_policy"] == forward
    assert (settings["cid_number"], settings["trunk"], settings["nat"]) == ("", "no", "force_rport,comedia")
    assert settings["more_options"] == "max_contacts=2\nfoo=bar\nsecret=******"
    assert detail["ignored_options"] == ["foo=bar", "secret=******"]
    assert "geheim101" not in str(detail)
    assert (detail["contacts"], detail["queues"], detail["mapped"]) == ([], [], None)
    assert detail["updated_at"] == detail["created_at"] >= before


async def test_an_extension_is_changed(console_both: RunningConsole) -> None:
    """Only what was sent changes; the mask leaves the secret and hidden option lines alone."""
    console = console_both
    identity = await user(console, "101", more_options="secret=geheim\nfoo=bar")
    settings = (await console.get("pbx/users/get", id=identity))["settings"]
    await console.post("pbx/users/update", **{**settings, "name": "Sara", "number": "102"})
    (row,) = await rows_of(console, select(extensions))
    assert (row["number"], row["name"], row["more_options"]) == ("102", "Sara", "secret=geheim\nfoo=bar")
    assert row["secret_ha1"] == ha1("102", "geheim101")
    await console.post("pbx/users/update", _id=identity, more_options="foo=baz\nsecret=******")
    (row,) = await rows_of(console, select(extensions))
    assert row["more_options"] == "foo=baz\nsecret=geheim"


async def test_a_caller_id_follows_the_number_again(console_both: RunningConsole) -> None:
    """Who is given the own number as caller id number shows whatever number the extension has."""
    console = console_both
    identity = await user(console, "101", cid_number="2188880000")
    await console.post("pbx/users/update", _id=identity, cid_number="101")
    assert (await console.get("pbx/users/get", id=identity))["settings"]["cid_number"] == ""
    await console.post("pbx/users/update", _id=identity, number="102", cid_number="101")
    assert (await console.get("pbx/users/get", id=identity))["settings"]["cid_number"] == "101"


async def test_bad_values_are_told_by_field(console_both: RunningConsole) -> None:
    """Each refusal names the field and changes nothing; what is taken or missing has a code of its own."""
    console = console_both
    first, second = await user(console, "101"), await user(console, "102")
    await queue(console, "900")
    body = {"number": "103", "name": "x", "secret": "geheim"}
    cases: tuple[tuple[dict[str, Any], int, str, str], ...] = (
        ({"number": "101"}, 409, "number_exists", "number"),
        ({"number": "900"}, 409, "number_exists", "number"),
        ({"number": ""}, 422, "missing", "number"),
        ({"name": 'x" <911>'}, 422, "invalid", "name"),
        ({"secret": "******"}, 422, "invalid", "secret"),
        ({"email": "nobody"}, 422, "invalid", "email"),
        ({"more_options": "max_contacts=99"}, 422, "invalid", "more_options"),
        ({"more_options": "secret=******"}, 422, "invalid", "more_options"),
        ({"forward_policy": {"No Answer": "a,b"}}, 422, "invalid", "forward_policy.No Answer"),
    )
    for change, status, code, field in cases:
        refused = await console.refused("pbx/users/add", **{**body, **change})
        assert (refused["status"], refused["code"], refused["field"]) == (status, code, field), change
    refused = await console.refused("pbx/users/update", _id=second, number="101")
    assert (refused["status"], refused["code"]) == (409, "number_exists")
    unknown: tuple[tuple[str, dict[str, Any]], ...] = (
        ("update", {"_id": new_id(), "name": "x"}),
        ("remove", {"ids": [new_id()]}),
        ("reveal", {"id": new_id()}),
    )
    for path, values in unknown:
        assert (await console.refused(f"pbx/users/{path}", **values))["status"] == 404, path
    assert (await console.refused("pbx/users/get", "GET", id=new_id()))["code"] == "not_found"
    assert (await console.refused("pbx/users/list", "GET", sort="secret"))["field"] == "sort"
    assert (await console.refused("pbx/users/remove", ids=[]))["field"] == "ids"
    assert {row["id"] for row in await rows_of(console, select(extensions))} == {first, second}


async def test_who_may_only_read_changes_nothing(console_both: RunningConsole) -> None:
    """With the right to read alone lists and forms work, changes and revealing do not; without it nothing."""
    identity = await user(console_both, "101")
    auditor = await console_both.browser(rights=READ_ONLY)
    assert (await auditor.get("pbx/users/list"))["total"] == 1
    await auditor.get("pbx/users/get", id=identity)
    await auditor.get("pbx/users/phone_card", id=identity)
    for path, values in (
        ("add", {"number": "102", "name": "x", "secret": "x"}),
        ("add_range", {"first": "200", "last": "201"}),
        ("update", {"_id": identity, "name": "x"}),
        ("update_many", {"ids": [identity], "settings": {"active": "no"}}),
        ("remove", {"ids": [identity]}),
        ("reveal", {"id": identity}),
    ):
        refused = await auditor.refused(f"pbx/users/{path}", **values)
        assert (refused["status"], refused["code"]) == (403, "forbidden"), path
    stranger = await console_both.browser(rights={"pbx.queues": ["read", "update"]})
    assert (await stranger.refused("pbx/users/list", "GET"))["status"] == 403
    assert [row["name"] for row in await rows_of(console_both, select(extensions))] == ["Person 101"]


async def test_a_secret_is_revealed_and_that_is_noted(
    console_both: RunningConsole, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret comes once, whoever asked is in the activity log, and the secret is in no log."""
    console = console_both
    identity = await user(console, "101", secret="sehr geheim")
    assert await console.post("pbx/users/reveal", id=identity) == {"secret": "sehr geheim"}
    entries = await noted(console)
    assert [(entry["action"], entry["subject"], entry["account"]) for entry in entries] == [
        ("add", "101 Person 101", "admin"),
        ("reveal", "101 Person 101", "admin"),
    ]
    assert "sehr geheim" not in f"{entries}{caplog.text}"


async def test_changes_are_noted_without_secrets(console_both: RunningConsole) -> None:
    """Entries tell before and after, and that a secret was set but not which; no change, no entry."""
    console = console_both
    identity = await user(console, "101")
    await console.post("pbx/users/update", _id=identity, context="city")
    await console.post("pbx/users/update", _id=identity, context="city")
    await console.post("pbx/users/update", _id=identity, secret="ganz anders")
    await console.post("pbx/users/remove", ids=[identity])
    added, moved, secret, removed = await noted(console)
    assert (added["before"], added["after"]["number"]) == (None, "101")
    assert (moved["before"]["context"], moved["after"]["context"]) == ("main_routing", "city")
    assert "secret_set" not in moved["after"]
    assert secret["after"] == {**secret["before"], "secret_set": True}
    assert (removed["before"]["context"], removed["after"]) == ("city", None)
    assert removed["action"] == "remove"
    assert "geheim" not in str([added, moved, secret, removed])
    assert "ganz anders" not in str([added, moved, secret, removed])


async def test_a_refused_change_is_not_noted(console_both: RunningConsole) -> None:
    """What was rolled back leaves no entry."""
    await user(console_both, "101")
    await console_both.refused("pbx/users/add", number="101", name="x", secret="x")
    assert len(await noted(console_both)) == 1


async def test_markup_is_text(console_both: RunningConsole) -> None:
    """What looks like markup is stored and told as it was typed, where the field takes it at all."""
    console = console_both
    refused = await console.refused("pbx/users/add", number="101", name=MARKUP, secret="x")
    assert refused["field"] == "name"  # angle brackets would end a caller id
    identity = await user(console, "101", description=MARKUP)
    detail = await console.get("pbx/users/get", id=identity)
    assert detail["settings"]["description"] == MARKUP
    assert await numbers(console, search="<B>sara") == ["101"]
    assert (await noted(console))[0]["after"]["description"] == MARKUP


async def test_search_sort_filter_and_window(console_both: RunningConsole) -> None:
    """Numbers sort as people read them; search, filters and windows work together; the total is of all."""
    console = console_both
    for number, name, settings in (
        ("1015", "Salima", {"context": "city"}),
        ("101", "Ali", {"email": "ali@example.com", "context": "abroad"}),
        ("102", "50% Reza", {"active": "no"}),
        ("99", "zed", {}),
    ):
        await user(console, number, name=name, **settings)
    assert await numbers(console) == ["99", "101", "102", "1015"]
    assert await numbers(console, descending=True) == ["1015", "102", "101", "99"]
    assert await numbers(console, sort="name") == ["102", "101", "1015", "99"]
    assert (await numbers(console, sort="context"))[:2] == ["101", "1015"]
    assert await numbers(console, sort="updated_at", descending=True) == ["99", "102", "101", "1015"]
    assert await numbers(console, search="ALI") == ["101", "1015"]
    assert await numbers(console, search="%") == ["102"]
    assert await numbers(console, search="ali@EXAMPLE") == ["101"]
    assert await numbers(console, active="yes") == ["99", "101", "1015"]
    assert await numbers(console, active="no", search="10") == ["102"]
    page = await console.get("pbx/users/list", start=1, count=2, search="")
    assert ([row["number"] for row in page["rows"]], page["total"], page["start"]) == (["101", "102"], 4, 1)


async def test_who_is_registered(console_both: RunningConsole) -> None:
    """A valid registration counts unless it is seen to be silent; a fixed address counts while it answers."""
    console = console_both
    for number in ("101", "102", "103", "106"):
        await user(console, number)
    await user(console, "104", host="192.0.2.4")
    await user(console, "105", host="192.0.2.5")
    await contact(console, "101")
    await contact(console, "102", seconds=-5)
    await contact(console, "106")
    console.live.seen.phones = {
        "101": PhoneView(registered=True, state="in_use", calls=1),
        "102": IDLE,
        "104": IDLE,
    }
    rows = {row["number"]: row for row in (await console.get("pbx/users/list"))["rows"]}
    assert {number: (row["registered"], row["state"]) for number, row in rows.items()} == {
        "101": (True, "in_use"),
        "102": (False, "unavailable"),
        "103": (False, "unavailable"),
        "104": (True, "idle"),
        "105": (False, "unavailable"),
        "106": (False, "unavailable"),
    }
    assert await numbers(console, registered="yes") == ["101", "104"]
    assert await numbers(console, registered="no") == ["102", "103", "105", "106"]
    await console.post("pbx/users/update", _id=rows["101"]["id"], active="no")
    row = (await console.get("pbx/users/list", search="101"))["rows"][0]
    assert (row["registered"], row["state"], row["active"]) == (False, "inactive", False)
    console.live.seen = FakeView(ready=False)
    assert await numbers(console, registered="yes") == ["106"]  # nobody sees whether it answers


async def test_phone_card_and_contacts(console_both: RunningConsole) -> None:
    """A phone is told the host by which the browser came, and what is registered already."""
    console = console_both
    identity = await user(console, "101")
    await contact(console, "101", seconds=600)
    console.live.seen.phones = {"101": IDLE}
    card = await console.get("pbx/users/phone_card", id=identity)
    (registered,) = card.pop("contacts")
    assert card == {
        "number": "101",
        "name": "Person 101",
        "server": "127.0.0.1",
        "port": console.settings.sip_port,
        "transports": ["udp", "tcp"],
        "registered": True,
    }
    assert registered["address"] == "192.0.2.7:5062"
    assert registered["uri"] == "sip:101@192.0.2.7:5062;transport=tcp"
    assert registered["user_agent"] == "Phone; 1.0"
    assert 590_000 < registered["expires_at"] - time.time() * 1000 <= 600_000
    assert (await console.get("pbx/users/get", id=identity))["contacts"] == [registered]


async def test_what_uses_extensions(console_both: RunningConsole) -> None:
    """Before removing: queues and mappings that go with it, forwards that point at it, calls in progress."""
    console = console_both
    first = await user(console, "101")
    second = await user(console, "102")
    await user(console, "103", name="Reza", forward_policy={"No Answer": "101"})
    await user(console, "104", forward_policy={"All": "1011"})
    await user(console, "105")
    for number in ("900", "901"):
        await queue(console, number)
    for where, agent, phone in (
        ("900", "101", "101"),
        ("900", "210", "102"),
        ("901", "210", "102"),
        ("901", "105", "105"),
    ):
        await console.post("pbx/queues/join", queue=where, agent=agent, phone=phone)
    console.live.seen.phones = {"101": PhoneView(registered=True, state="in_use", calls=2)}
    usage = await console.get("pbx/users/usage", ids=f"{first},{second}")
    assert usage == {
        "queues": [
            {"number": "900", "name": "Q900", "agents": ["101", "210"]},
            {"number": "901", "name": "Q901", "agents": ["210"]},
        ],
        "mapped": [{"agent": "210", "phone": "102"}],
        "forwards": [{"number": "103", "name": "Reza"}],
        "calls": 2,
    }
    rows = {row["number"]: row for row in (await console.get("pbx/users/list"))["rows"]}
    assert (rows["102"]["mapped"], rows["102"]["queues"]) == ("210", ["900", "901"])
    assert (rows["101"]["mapped"], rows["101"]["queues"]) == (None, ["900"])


async def test_a_page_of_ten_thousand(console_both: RunningConsole) -> None:
    """Any window of 10,000 extensions comes quickly, in order, with the right total."""
    console = console_both
    async with console.database.write() as tx:
        await tx.execute(
            insert(extensions),
            [
                {
                    "id": new_id(),
                    "name": f"Phone {number}",
                    "number": str(number),
                    "secret_ha1": "x" * 32,
                    "secret_sealed": b"x",
                    "created_at": number,
                    "updated_at": number,
                }
                for number in range(10_000, 20_000)
            ],
        )
        await tx.execute(
            insert(ps_contacts),
            [
                {"id": str(number), "endpoint": str(number), "uri": "sip:x", "expiration_time": 2**33}
                for number in range(10_000, 15_000)
            ],
        )
    console.live.seen.phones = {str(number): IDLE for number in range(10_000, 15_000)}
    for query, total, first in (
        ({}, 10_000, "10000"),
        ({"start": 9_900}, 10_000, "19900"),
        ({"search": "phone 1234"}, 10, "12340"),
        ({"registered": "yes", "start": 4_000}, 5_000, "14000"),
        ({"registered": "no"}, 5_000, "15000"),
        ({"sort": "updated_at", "descending": True}, 10_000, "19999"),
    ):
        took = []
        for _ in range(3):
            began = time.perf_counter()
            page = await console.get("pbx/users/list", **query)
            took.append(time.perf_counter() - began)
            assert (page["total"], page["rows"][0]["number"]) == (total, first), query
        assert min(took) < 0.5, (query, took)
