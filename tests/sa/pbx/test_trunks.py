"""Trunks through the API, on both stores."""

from __future__ import annotations

from typing import Any

from sqlalchemy import column, select, table, text

from sa.pbx.conftest import FAILED, Api
from tamas.sa.pbx.trunks import EXAMPLE_ROW
from tamas.store.schema import trunks

FULL: dict[str, Any] = {
    "trunk_type": "SIP",
    "name": "trunk_name_new",
    "register_string": "user:pass@192.168.1.10/user",
    "active": "yes",
    "deny": "0.0.0.0/0.0.0.0",
    "permit": "192.168.1.0/255.255.255.0",
    "dtmfmode": "inband",
    "canreinvite": "yes",
    "directmedia": "yes",
    "context": "from-pstn",
    "host": "192.168.1.10",
    "type": "peer",
    "nat": "no",
    "port": "5061",
    "qualify": "no",
    "insecure": "port",
    "disallow": "all",
    "allow": "alaw,g729",
    "more_options": "fromuser=100\nusername=100\nsecret=pw",
    "description": "to the provider",
}


async def found(api: Api, name: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await api.done(
        "pbx/trunks/search", {"alike": False, "conditions": {"name": name}}
    )
    return rows


async def test_every_field_comes_back_as_sent(api: Api) -> None:
    """Each documented field is stored and answered in the catalogue's order; a trailing tab is cleaned."""
    body = {**FULL, "register_string": FULL["register_string"] + "\t"}
    added = await api.done("pbx/trunks/add", body)
    (row,) = await found(api)
    assert list(row) == list(EXAMPLE_ROW)
    assert {key: row[key] for key in row if key != "date"} == {**FULL, "_id": added["_id"]}


async def test_defaults_of_a_bare_trunk(api: Api) -> None:
    """What is left out has the documented defaults."""
    await api.trunk("t1")
    (row,) = await found(api)
    assert [row[k] for k in ("active", "type", "port", "insecure", "disallow", "allow", "context")] == [
        "yes",
        "friend",
        "5060",
        "port,invite",
        "all",
        "ulaw,alaw",
        "incoming",
    ]


async def test_what_asterisk_reads(api: Api) -> None:
    """A trunk appears as endpoint, address, credentials and registration; a deactivated one does not."""
    identity = (await api.done("pbx/trunks/add", FULL))["_id"]
    (endpoint,) = await api.rows(text("SELECT * FROM ps_endpoints"))
    assert endpoint["id"] == endpoint["aors"] == endpoint["accountcode"] == "trunk-trunk_name_new"
    assert (endpoint["allow"], endpoint["direct_media"], endpoint["from_user"]) == ("alaw,g729", "yes", "100")
    assert endpoint["identify_by"] == "ip"
    (identify,) = await api.rows(text("SELECT * FROM ps_endpoint_id_ips"))
    assert identify["match"] == "192.168.1.10"
    (aor,) = await api.rows(text("SELECT * FROM ps_aors"))
    assert (aor["contact"], aor["qualify_frequency"]) == ("sip:192.168.1.10:5061", 0)
    (auth,) = await api.rows(text("SELECT * FROM ps_auths"))
    assert (auth["username"], auth["password"]) == ("user", "pass")
    (registration,) = await api.rows(text("SELECT * FROM ps_registrations"))
    assert (registration["server_uri"], registration["client_uri"], registration["contact_user"]) == (
        "sip:192.168.1.10",
        "sip:user@192.168.1.10",
        "user",
    )
    await api.done("pbx/trunks/update", {"_id": identity, "active": "no"})
    for view in ("ps_endpoints", "ps_endpoint_id_ips", "ps_aors", "ps_auths", "ps_registrations"):
        assert not await api.rows(select(column("id")).select_from(table(view))), view


async def test_names_are_unique(api: Api) -> None:
    """A name that is taken is refused, by add and by update."""
    await api.trunk("a")
    other = await api.trunk("b")
    assert (await api.refused("pbx/trunks/add", {"name": "a"}))[0] == "This trunk already exists"
    assert (await api.refused("pbx/trunks/update", {"_id": other, "name": "a"}))[0] == (
        "This trunk already exists"
    )
    assert [row["name"] for row in await found(api)] == ["a", "b"]


async def test_update_derives_anew(api: Api) -> None:
    """Changing one field keeps the others and brings what Asterisk reads up to date."""
    identity = (await api.done("pbx/trunks/add", FULL))["_id"]
    (before,) = await found(api)
    await api.done("pbx/trunks/update", {"_id": identity, "host": "192.168.1.11", "register_string": ""})
    (after,) = await found(api)
    assert after == {**before, "host": "192.168.1.11", "register_string": ""}
    (row,) = await api.rows(select(trunks))
    assert (row["pjsip_contact"], row["pjsip_server_uri"], row["pjsip_auth_username"]) == (
        "sip:192.168.1.11:5061",
        None,
        "100",
    )


async def test_remove(api: Api) -> None:
    """A removed trunk is gone; an unknown id is refused."""
    identity = await api.trunk("a")
    await api.done("pbx/trunks/remove", {"_id": identity})
    assert not await found(api)
    assert await api.refused("pbx/trunks/remove", {"_id": identity}) == (FAILED, "_id")
    assert await api.refused("pbx/trunks/update", {"_id": identity, "port": "1"}) == (FAILED, "_id")


async def test_search(api: Api) -> None:
    """Substring or equality by name, underscore as itself."""
    for name in ("main_1", "mainx1", "Backup"):
        await api.trunk(name)
    like = await api.done("pbx/trunks/search", {"alike": True, "conditions": {"name": "MAIN_"}})
    assert [row["name"] for row in like] == ["main_1"]
    assert [row["name"] for row in await found(api, "main_1")] == ["main_1"]
    assert not await found(api, "main")
    assert len(await found(api)) == 3


BAD_VALUES: list[tuple[str, Any]] = [
    ("name", "a b"),
    ("name", "../x"),
    ("name", "a" * 61),
    ("register_string", "no-at-sign"),
    ("register_string", "user:pw@bad host"),
    ("register_string", "us;er:pw@host"),
    ("register_string", "user:pw\n@host"),
    ("register_string", "user:گذر@host"),
    ("register_string", "user:pw@host:99999"),
    ("host", "a,b"),
    ("host", "${X}"),
    ("host", "::1"),
    ("port", "sip"),
    ("insecure", "sometimes"),
    ("disallow", "nonsense"),
    ("allow", "ulaw,nonsense"),
    ("context", "a;b"),
    ("trunk_type", "ISDN"),
    ("more_options", "fromuser=a@b;c"),
    ("more_options", "fromdomain=a b"),
    ("more_options", "transport=pigeon"),
    ("more_options", "outboundproxy=a b"),
    ("more_options", "secret=پ"),
    ("more_options", "username=a b\nsecret=x"),
]


async def test_bad_values_are_refused(api: Api) -> None:
    """A value that Asterisk could not carry is refused by name, on add and on update; nothing changes."""
    identity = await api.trunk("first")
    before = await api.rows(select(trunks))
    for field, value in BAD_VALUES:
        assert await api.refused("pbx/trunks/add", {"name": "other", field: value}) == (FAILED, field), value
        await api.refused("pbx/trunks/update", {"_id": identity, field: value})
    assert await api.rows(select(trunks)) == before


async def test_other_technologies_are_kept_but_not_given_to_asterisk(api: Api) -> None:
    """IAX2 and DAHDI trunks are stored and answered; PJSIP does not see them."""
    for kind in ("IAX2", "DAHDI"):
        await api.trunk(kind, trunk_type=kind, register_string="what:ever", host="192.0.2.1")
    assert [row["trunk_type"] for row in await found(api)] == ["DAHDI", "IAX2"]
    assert not await api.rows(text("SELECT id FROM ps_endpoints"))
