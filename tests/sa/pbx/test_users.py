"""Extensions through the API, on both stores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from sa.pbx.conftest import FAILED, Api
from tamas.engine.sip_secrets import ha1
from tamas.sa.pbx.users import EXAMPLE_ROW, MASK
from tamas.store.schema import agent_mappings, dialable_numbers, extensions, ps_contacts, queue_members

FULL: dict[str, Any] = {
    "user_type": "SIP",
    "active": "yes",
    "name": "User2",
    "number": "999",
    "cid_number": "998",
    "secret": "geheim",
    "call_record": "yes",
    "push_notification": "yes",
    "deny": "10.0.0.0/255.0.0.0",
    "permit": "192.168.1.0/255.255.255.0",
    "dtmfmode": "info",
    "canreinvite": "yes",
    "directmedia": "yes",
    "context": "city",
    "host": "192.0.2.7",
    "type": "user",
    "nat": "no",
    "port": "5080",
    "qualify": "no",
    "callgroup": "2",
    "pickupgroup": "3",
    "callcounter": "no",
    "faxdetect": "yes",
    "call_limit": "4",
    "email": "a@example.com",
    "forward_policy": {"Busy": "571", "No Answer": "570", "UnAvailable": "572", "All": ""},
    "more_options": "max_contacts=3\nfoo=bar",
    "description": "first line\nsecond",
}


async def found(api: Api, **conditions: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await api.done(
        "pbx/users/search", {"alike": False, "conditions": conditions}
    )
    return rows


async def test_every_field_comes_back_as_sent(api: Api) -> None:
    """Each documented field is stored and answered, in the catalogue's order, the secret masked."""
    added = await api.done("pbx/users/add", FULL)
    (row,) = await found(api, number="999")
    assert list(row) == list(EXAMPLE_ROW)
    sent = {**FULL, "secret": MASK, "_id": added["_id"], "queues": []}
    assert {key: row[key] for key in sent} == sent
    assert row["date"].startswith("20")


async def test_defaults_of_a_bare_extension(api: Api) -> None:
    """What is left out has the documented defaults; the caller id is the number."""
    await api.extension("101")
    (row,) = await found(api, number="101")
    skip = {"_id", "date"}
    assert {k: v for k, v in row.items() if k not in skip} == {
        k: v for k, v in EXAMPLE_ROW.items() if k not in skip
    }


async def test_iax2_rows_have_their_own_fields(api: Api) -> None:
    """``trunk`` and ``transfer`` are there on an IAX2 row only."""
    await api.extension("101", user_type="iax2", trunk="yes", transfer="mediaonly")
    (row,) = await found(api, number="101")
    assert (row["user_type"], row["trunk"], row["transfer"]) == ("IAX2", "yes", "mediaonly")


async def test_panel_labels_and_case_are_mapped(api: Api) -> None:
    """Enum words are compared without case, and panel labels mean their words."""
    await api.extension("101", type="Peer", nat="Force Report & Co-Media", active=True, dtmfmode="RFC2833")
    (row,) = await found(api, number="101")
    assert [row[k] for k in ("type", "nat", "active", "dtmfmode")] == [
        "peer",
        "force_rport,comedia",
        "yes",
        "rfc2833",
    ]


async def test_dates_follow_the_calendar(api: Api) -> None:
    """Under the Jalali calendar the row's date has a Jalali year."""
    await api.extension("101")
    await api.set("calendar", "jalali")
    (row,) = await found(api, number="101")
    assert row["date"][:2] in {"14", "13"}


@pytest.mark.parametrize("taken_by", ["extension", "queue"])
async def test_a_number_is_unique(api: Api, taken_by: str) -> None:
    """A number that an extension or a queue has cannot be given again, by add or update."""
    if taken_by == "extension":
        await api.extension("500")
    else:
        await api.queue("500")
    other = await api.extension("501")
    body = {"name": "x", "number": "500", "secret": "x"}
    assert await api.refused("pbx/users/add", body) == ("This number already exists", "number")
    assert (await api.refused("pbx/users/update", {"_id": other, "number": "500"}))[0] == (
        "This number already exists"
    )
    assert len(await api.rows(select(extensions))) == (2 if taken_by == "extension" else 1)
    assert {row["number"] for row in await api.rows(select(dialable_numbers))} == {"500", "501"}


async def test_of_concurrent_adds_one_wins(api: Api) -> None:
    """Twenty requests for the same number at once make exactly one extension."""
    bodies = [{"name": f"n{i}", "number": "700", "secret": "x"} for i in range(20)]
    answers = await asyncio.gather(*(api.raw("pbx/users/add", body) for body in bodies))
    outcomes = sorted((a.json()["success"], a.json()["message"]) for a in answers)
    assert [success for success, _ in outcomes] == [0] * 19 + [1]
    assert {message for success, message in outcomes if not success} == {"This number already exists"}
    assert len(await api.rows(select(extensions))) == 1


async def test_update_changes_only_what_is_sent(api: Api) -> None:
    """Other fields stay, a forward policy is merged, the mask leaves the secret alone."""
    identity = (await api.done("pbx/users/add", FULL))["_id"]
    (before,) = await found(api, number="999")
    digest = (await api.rows(select(extensions.c.secret_ha1)))[0]["secret_ha1"]
    change = {"_id": identity, "qualify": "yes", "secret": MASK, "forward_policy": {"Busy": "600"}}
    await api.done("pbx/users/update", change)
    (after,) = await found(api, number="999")
    policy = {**FULL["forward_policy"], "Busy": "600"}
    assert after == {**before, "qualify": "yes", "forward_policy": policy}
    await api.done("pbx/users/update", {"_id": identity, "secret": ""})
    assert (await api.rows(select(extensions.c.secret_ha1)))[0]["secret_ha1"] == digest


async def test_new_secret_shuts_registered_phones_out(api: Api) -> None:
    """With a new secret the digest changes and what registered before has expired."""
    identity = await api.extension("101")
    async with api.database.write() as tx:
        await tx.execute(insert(ps_contacts).values(id="101;@a", endpoint="101", expiration_time=9999999999))
    await api.done("pbx/users/update", {"_id": identity, "secret": "other"})
    (row,) = await api.rows(select(extensions.c.secret_ha1, extensions.c.secret_sealed))
    assert row["secret_ha1"] == ha1("101", "other")
    assert api.seal.open(row["secret_sealed"]) == "other"
    assert [r["expiration_time"] for r in await api.rows(select(ps_contacts))] == [1]


async def test_deactivation_shuts_registered_phones_out(api: Api) -> None:
    """A deactivated extension is gone for Asterisk and its contacts expire; other updates keep them."""
    identity = await api.extension("101")
    async with api.database.write() as tx:
        await tx.execute(insert(ps_contacts).values(id="101;@a", endpoint="101", expiration_time=9999999999))
    await api.done("pbx/users/update", {"_id": identity, "description": "x"})
    assert [r["expiration_time"] for r in await api.rows(select(ps_contacts))] == [9999999999]
    await api.done("pbx/users/update", {"_id": identity, "active": "no"})
    assert [r["expiration_time"] for r in await api.rows(select(ps_contacts))] == [1]
    assert not await api.rows(text("SELECT id FROM ps_endpoints"))


async def test_a_new_number_takes_everything_along(api: Api) -> None:
    """Renumbering re-derives the digest and carries queues, mappings and the taken number over."""
    await api.queue("900")
    identity = await api.extension("101")
    await api.extension("102")
    await api.done("pbx/queues/addagent", {"queue": "900", "source": "101", "agent": "101"})
    await api.done("pbx/queues/addagent", {"queue": "900", "source": "101", "agent": "210"})
    async with api.database.write() as tx:
        await tx.execute(insert(ps_contacts).values(id="101;@a", endpoint="101", expiration_time=9999999999))
    await api.done("pbx/users/update", {"_id": identity, "number": "111"})
    (row,) = await found(api, number="111")
    assert (row["_id"], row["queues"], row["cid_number"]) == (identity, ["900", "900"], "111")
    digests = await api.rows(select(extensions.c.secret_ha1).where(extensions.c.id == identity))
    assert digests[0]["secret_ha1"] == ha1("111", "s101")
    members = await api.rows(select(queue_members).order_by(queue_members.c.membername))
    assert [(m["membername"], m["interface"], m["state_interface"]) for m in members] == [
        ("111", "Local/111@simotel-local-agents/n", "PJSIP/111"),
        ("210", "Local/210@simotel-local-agents/n", "PJSIP/111"),
    ]
    assert [(m["agent"], m["phone"]) for m in await api.rows(select(agent_mappings))] == [("210", "111")]
    assert not await api.rows(select(ps_contacts))
    numbers = {r["number"] for r in await api.rows(select(dialable_numbers))}
    assert numbers == {"111", "102", "900"}
    assert not await found(api, number="101")


async def test_remove_takes_everything_away(api: Api) -> None:
    """With an extension go its queues, mappings and contacts, and its number is free again."""
    await api.queue("900")
    identity = await api.extension("101")
    await api.extension("102")
    for agent in ("101", "210"):
        await api.done("pbx/queues/addagent", {"queue": "900", "source": "101", "agent": agent})
    await api.done("pbx/queues/addagent", {"queue": "900", "source": "102", "agent": "102"})
    async with api.database.write() as tx:
        await tx.execute(insert(ps_contacts).values(id="101;@a", endpoint="101", expiration_time=9999999999))
    await api.done("pbx/users/remove", {"_id": identity})
    assert [m["membername"] for m in await api.rows(select(queue_members))] == ["102"]
    assert not await api.rows(select(agent_mappings))
    assert not await api.rows(select(ps_contacts))
    assert await api.refused("pbx/users/remove", {"_id": identity}) == (FAILED, "_id")
    await api.extension("101")


SEARCHES: list[tuple[dict[str, Any], list[str]]] = [
    ({"alike": True, "conditions": {}}, ["99", "101", "102", "1015"]),
    ({"alike": "true", "conditions": {"number": "101"}}, ["101", "1015"]),
    ({"alike": 1, "conditions": {"name": "ALI"}}, ["101", "1015"]),
    ({"alike": True, "conditions": {"name": "%"}}, ["102"]),
    ({"alike": True, "conditions": {"name": "a_i"}}, []),
    ({"alike": False, "conditions": {"name": "Ali"}}, ["101"]),
    ({"alike": False, "conditions": {"name": "ali"}}, []),
    ({"alike": False, "conditions": {"number": "10"}}, []),
    ({"alike": False, "conditions": {"number": "101", "name": "Reza"}}, []),
    ({"alike": False, "conditions": {"number": "", "name": ""}}, ["99", "101", "102", "1015"]),
    ({"alike": False, "status": "mapped"}, ["102"]),
    ({"alike": False, "conditions": {"mapped": "210"}}, ["102"]),
    ({"alike": True, "conditions": {"mapped": "1"}}, ["102"]),
    ({"alike": False, "conditions": {"mapped": "21"}}, []),
    ({"alike": False, "conditions": []}, ["99", "101", "102", "1015"]),
]


async def test_search(api: Api) -> None:
    """Substring or equality, wildcards as themselves, empty matches all, ordered as people read numbers."""
    for number, name in (("1015", "Salima"), ("101", "Ali"), ("102", "50% Reza"), ("99", "zed")):
        await api.extension(number, name=name)
    await api.queue("900")
    await api.done("pbx/queues/addagent", {"queue": "900", "source": "102", "agent": "210"})
    for search, numbers in SEARCHES:
        rows = await api.done("pbx/users/search", search)
        assert [row["number"] for row in rows] == numbers, search


async def test_rows_tell_the_queues(api: Api) -> None:
    """``queues`` names the queues of whoever sits at the extension, the same in both kinds of search."""
    for queue in ("1000", "900", "901"):
        await api.queue(queue)
    await api.extension("101")
    await api.extension("102")
    for queue, agent in (("1000", "101"), ("900", "101"), ("901", "210")):
        phone = "101" if agent == "101" else "102"
        await api.done("pbx/queues/addagent", {"queue": queue, "source": phone, "agent": agent})
    everyone = await api.done("pbx/users/search", {"alike": True})
    assert {row["number"]: row["queues"] for row in everyone} == {"101": ["900", "1000"], "102": ["901"]}
    for row in everyone:
        assert await found(api, number=row["number"]) == [row]


BAD_VALUES: list[tuple[str, Any]] = [
    ("name", "a\nb"),
    ("name", "${EVIL}"),
    ("name", 'x" <911>'),
    ("name", "a" * 81),
    ("name", "a;b"),
    ("number", "10a"),
    ("number", "1" * 21),
    ("number", -5),
    ("cid_number", "12,34"),
    ("secret", "tab\there"),
    ("secret", "x" * 129),
    ("secret", MASK),
    ("active", "perhaps"),
    ("deny", "everyone"),
    ("permit", "1.2.3.4/255.255.0.0;x"),
    ("dtmfmode", "morse"),
    ("context", "a,b"),
    ("host", "bad host"),
    ("host", "a;b"),
    ("host", "999.1.1.1"),
    ("port", "0"),
    ("port", "70000"),
    ("callgroup", "64"),
    ("call_limit", "many"),
    ("type", "stranger"),
    ("email", "nobody"),
    ("more_options", "max_contacts=99"),
    ("more_options", "allow=ulaw,nonsense"),
    ("more_options", "fromuser=a;b"),
    ("more_options", "a\0b"),
    ("description", "a\x1bb"),
    ("forward_policy", {"Busy": "a,b"}),
    ("forward_policy", "571"),
]


async def test_bad_values_are_refused(api: Api) -> None:
    """A value that could harm or be lost is refused by name, on add and on update, and changes nothing."""
    identity = await api.extension("100")
    before = await api.rows(select(extensions))
    numbers = await api.rows(select(dialable_numbers))
    for field, value in BAD_VALUES:
        body = {"name": "a", "number": "200", "secret": "b", field: value}
        message, at_fault = await api.refused("pbx/users/add", body)
        assert (message, (at_fault or "").split(".")[0]) == (FAILED, field), value
        if value != MASK:
            await api.refused("pbx/users/update", {"_id": identity, field: value})
    assert await api.rows(select(extensions)) == before
    assert await api.rows(select(dialable_numbers)) == numbers


async def test_missing_fields(api: Api) -> None:
    """Required fields are asked for in the catalogue's order."""
    assert (await api.refused("pbx/users/add", {}))[0] == "Field 'name':value is missing"
    assert (await api.refused("pbx/users/add", {"name": "a", "number": ""}))[0] == (
        "Field 'number':value is missing"
    )
    assert (await api.refused("pbx/users/search", {}))[0] == "Field 'alike':value is missing"


async def test_persian_names_are_welcome(api: Api) -> None:
    """Letters of any language, and what joins them, come back as they were sent."""
    await api.extension("101", name="علی رضایی\u200cها")
    (row,) = await found(api, number="101")
    assert row["name"] == "علی رضایی\u200cها"


async def test_a_secret_may_be_called_password(api: Api) -> None:
    """Clients that write ``password`` need no switch; ``secret`` wins where both are sent."""
    body = {"name": "x", "number": "102"}
    await api.done("pbx/users/add", {**body, "password": "pw", "secret": None})
    (row,) = await api.rows(select(extensions))
    assert api.seal.open(row["secret_sealed"]) == "pw"
    await api.done("pbx/users/update", {"_id": row["id"], "password": "other", "secret": "pw2"})
    (row,) = await api.rows(select(extensions))
    assert api.seal.open(row["secret_sealed"]) == "pw2"


async def test_lenient_clients_name_extensions_by_number(api: Api) -> None:
    """With the switch on, ``number`` does; with it off it does not."""
    await api.extension("101")
    assert (await api.refused("pbx/users/update", {"number": "101", "name": "new"}))[0] == (
        "Field '_id':value is missing"
    )
    await api.set("sa.lenient", True)
    await api.done("pbx/users/update", {"number": "101", "name": "new", "password": "pw"})
    rows = await api.done("pbx/users/search", {"number": "101"})
    assert [row["name"] for row in rows] == ["new"]
    await api.done("pbx/users/remove", {"number": "101"})
    assert not await api.rows(select(extensions))
