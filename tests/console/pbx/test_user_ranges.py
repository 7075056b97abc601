"""PBX > Users: many extensions at once, on both stores."""

from __future__ import annotations

import re

from sqlalchemy import insert, select

from console._console import RunningConsole
from console.pbx._rows import contact, noted, queue, rows_of, user
from tamas.console.pbx.user_ranges import SECRET_LENGTH, generated_secret
from tamas.engine.sip_secrets import ha1
from tamas.store.ids import new_id
from tamas.store.schema import agent_mappings, dialable_numbers, extensions, ps_contacts, queue_members


async def test_a_range_of_a_thousand_with_gaps(console_both: RunningConsole) -> None:
    """1000 numbers in one request: what exists is passed over and told, each new one has its own secret."""
    console = console_both
    await user(console, "2005", name="Old")
    await queue(console, "2500")
    answer = await console.post(
        "pbx/users/add_range", first="2000", last="2999", name="Desk {number}", context="city"
    )
    assert answer["existing"] == ["2005", "2500"]
    added = {one["number"]: one["secret"] for one in answer["added"]}
    assert list(added) == [str(n) for n in range(2000, 3000) if n not in (2005, 2500)]
    assert len(set(added.values())) == 998
    rows = {row["number"]: row for row in await rows_of(console, select(extensions))}
    assert len(rows) == 999
    assert (rows["2005"]["name"], rows["2005"]["context"]) == ("Old", "main_routing")
    assert (rows["2999"]["name"], rows["2999"]["context"]) == ("Desk 2999", "city")
    assert rows["2999"]["secret_ha1"] == ha1("2999", added["2999"])
    owners = {row["number"]: row["owner_id"] for row in await rows_of(console, select(dialable_numbers))}
    assert len(owners) == 1000
    assert owners["2999"] == rows["2999"]["id"]
    entry = (await noted(console))[-1]
    assert (entry["action"], entry["subject"]) == ("add", "2000-2999")
    assert entry["after"] == {
        "numbers": ["2000-2004", "2006-2499", "2501-2999"],
        "name": "Desk {number}",
        "context": "city",
    }
    again = await console.post("pbx/users/add_range", first="2000", last="2999")
    assert (again["added"], len(again["existing"])) == ([], 1000)
    assert len(await noted(console)) == 3


async def test_numbers_of_a_range(console: RunningConsole) -> None:
    """Leading zeros stay, lengths may grow, a given secret is everybody's and is not told again."""
    answer = await console.post("pbx/users/add_range", first="098", last="101", secret="for all of us")
    assert answer["added"] == [{"number": n, "secret": None} for n in ("098", "099", "100", "101")]
    answer = await console.post("pbx/users/add_range", first="8", last="11")
    assert [one["number"] for one in answer["added"]] == ["8", "9", "10", "11"]
    rows = {row["number"]: row for row in await rows_of(console, select(extensions))}
    assert rows["099"]["secret_ha1"] == ha1("099", "for all of us")
    assert rows["8"]["name"] == "8"


async def test_a_range_that_is_none(console: RunningConsole) -> None:
    """Backwards, too long, of unclear width, or with names and settings that do not fit: told by field."""
    for change, field in (
        ({"last": "199"}, "last"),
        ({"last": "1200"}, "last"),
        ({"first": "010", "last": "1000"}, "last"),
        ({"first": "a"}, "first"),
        ({"name": "{number} <x>"}, "name"),
        ({"name": "x" * 79 + "{number}"}, "name"),
        ({"name": "{number}{name}"}, "name"),
        ({"secret": "******"}, "secret"),
        ({"context": "a b"}, "context"),
        ({"more_options": "allow=nonsense"}, "more_options"),
        ({"more_options": "secret=******"}, "more_options"),
    ):
        body = {"first": "200", "last": "204", **change}
        refused = await console.refused("pbx/users/add_range", **body)
        assert (refused["status"], refused["field"]) == (422, field), change
    assert not await rows_of(console, select(extensions))
    assert not await rows_of(console, select(dialable_numbers))
    assert not await noted(console)


def test_generated_secrets() -> None:
    """Long, different, and of letters and digits that nobody takes for one another."""
    made = {generated_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(f"[a-zA-Z2-9]{{{SECRET_LENGTH}}}", one) for one in made)
    assert not set("".join(made)) & set("0O1lIoi")


async def test_many_are_changed_alike(console_both: RunningConsole) -> None:
    """One change of many: what was sent is set, the rest stays, phones of deactivated ones are shut out."""
    console = console_both
    identities = [
        await user(console, number, context=context)
        for number, context in (
            ("101", "city"),
            ("102", "city"),
            ("103", "abroad"),
            ("105", "city"),
        )
    ]
    await console.post("pbx/users/update", _id=identities[0], forward_policy={"Busy": "1", "All": "2"})
    for number in ("101", "105"):
        await contact(console, number)
    answer = await console.post(
        "pbx/users/update_many",
        ids=[*identities[:3], new_id()],
        settings={
            "context": "world",
            "active": "no",
            "forward_policy": {"All": "570"},
            "more_options": "foo=bar\npassword=geheim",
        },
    )
    assert answer == {"updated": 3}
    rows = {row["number"]: row for row in await rows_of(console, select(extensions))}
    assert [rows[n]["context"] for n in ("101", "102", "103", "105")] == ["world"] * 3 + ["city"]
    assert [rows[n]["active"] for n in ("101", "105")] == ["no", "yes"]
    assert rows["101"]["forward_policy"] == '{"Busy":"1","No Answer":"","UnAvailable":"","All":"570"}'
    assert rows["102"]["forward_policy"] == '{"Busy":"","No Answer":"","UnAvailable":"","All":"570"}'
    expiry = {row["endpoint"]: row["expiration_time"] for row in await rows_of(console, select(ps_contacts))}
    assert expiry["101"] == 1
    assert expiry["105"] > 1
    entry = (await noted(console))[-1]
    assert (entry["action"], entry["subject"]) == ("update", "3: 101-103")
    assert entry["before"]["context"] == {"city": ["101-102"], "abroad": ["103"]}
    assert entry["before"]["active"] == "yes"
    assert entry["after"] == {
        "numbers": ["101-103"],
        "context": "world",
        "active": "no",
        "forward_policy": {"All": "570"},
        "more_options": "foo=bar\npassword=******",
    }


async def test_changing_many_must_fit(console_both: RunningConsole) -> None:
    """A value that does not fit one fits none; nothing to change and nobody to change are told."""
    console = console_both
    identity = await user(console, "101")
    for settings, status, field in (
        ({"context": "a b"}, 422, "settings.context"),
        ({"more_options": "max_contacts=0"}, 422, "settings.more_options"),
        ({"more_options": "secret=******"}, 422, "settings.more_options"),
        ({}, 422, "settings"),
        ({"name": "unknown here"}, 422, "settings"),
    ):
        refused = await console.refused("pbx/users/update_many", ids=[identity], settings=settings)
        assert (refused["status"], refused["field"]) == (status, field), settings
    refused = await console.refused("pbx/users/update_many", ids=[new_id()], settings={"active": "no"})
    assert refused["status"] == 404
    refused = await console.refused(
        "pbx/users/update_many", ids=[new_id() for _ in range(1001)], settings={"active": "no"}
    )
    assert (refused["status"], refused["field"]) == (422, "ids")
    assert len(await noted(console)) == 1


async def test_many_are_removed(console_both: RunningConsole) -> None:
    """With many extensions go their queues, mappings, registrations and numbers, in one transaction."""
    console = console_both
    identities = [await user(console, str(number)) for number in range(101, 105)]
    for number in ("900", "901"):
        await queue(console, number)
    for where, agent, phone in (
        ("900", "101", "101"),
        ("900", "210", "102"),
        ("901", "103", "104"),
        ("901", "104", "104"),
    ):
        await console.post("pbx/queues/join", queue=where, agent=agent, phone=phone)
    async with console.database.write() as tx:
        await tx.execute(insert(ps_contacts).values(id="101;@a", endpoint="101", expiration_time=2**33))
    assert await console.post("pbx/users/remove", ids=[*identities[:3], new_id()]) == {"removed": 3}
    assert [row["number"] for row in await rows_of(console, select(extensions))] == ["104"]
    assert [row["membername"] for row in await rows_of(console, select(queue_members))] == ["104"]
    assert not await rows_of(console, select(agent_mappings))
    assert not await rows_of(console, select(ps_contacts))
    numbers = {row["number"] for row in await rows_of(console, select(dialable_numbers))}
    assert numbers == {"104", "900", "901"}
    entry = (await noted(console))[-1]
    assert (entry["action"], entry["subject"], entry["before"]) == (
        "remove",
        "3: 101-103",
        {"numbers": ["101-103"]},
    )


async def test_a_thousand_are_asked_about_changed_and_removed(console_both: RunningConsole) -> None:
    """The most that a request can name is taken by each service that takes several."""
    console = console_both
    await console.post("pbx/users/add_range", first="1000", last="1999")
    identities = [row["id"] for row in await rows_of(console, select(extensions))]
    usage = await console.get("pbx/users/usage", ids=",".join(identities))
    assert usage == {"queues": [], "mapped": [], "forwards": [], "calls": 0}
    changed = await console.post("pbx/users/update_many", ids=identities, settings={"qualify": "no"})
    assert changed == {"updated": 1000}
    assert await console.post("pbx/users/remove", ids=identities) == {"removed": 1000}
    assert not await rows_of(console, select(dialable_numbers))
