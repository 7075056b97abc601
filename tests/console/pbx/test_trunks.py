"""PBX > Trunks, on both stores."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from console._console import RunningConsole
from console.pbx._rows import noted, rows_of, trunk
from tamas.engine.watch.view import TrunkView
from tamas.store.ids import new_id
from tamas.store.schema import trunks

FULL: dict[str, Any] = {
    "trunk_type": "SIP",
    "register_string": "100:geheim@192.0.2.10/021",
    "active": "yes",
    "host": "192.0.2.10",
    "context": "from-pstn",
    "more_options": "username=100\nsecret=geheim2\nfoo=bar\nmd5secret=geheim3",
    "description": "<i>provider</i>",
}


async def test_a_trunk_is_added_and_shown(console_both: RunningConsole) -> None:
    """The form shows every setting but the secrets inside the free-form ones, and what has no effect."""
    console = console_both
    identity = await trunk(console, "carrier", **FULL)
    detail = await console.get("pbx/trunks/get", id=identity)
    settings = detail["settings"]
    assert settings["_id"] == identity
    assert settings["register_string"] == "100:******@192.0.2.10/021"
    assert settings["more_options"] == "username=100\nsecret=******\nfoo=bar\nmd5secret=******"
    assert settings["description"] == "<i>provider</i>"
    assert (settings["port"], settings["allow"], settings["insecure"]) == ("5060", "ulaw,alaw", "port,invite")
    assert detail["ignored_options"] == ["foo=bar", "md5secret=******"]
    assert "geheim" not in str(detail)
    (row,) = (await console.get("pbx/trunks/list"))["rows"]
    assert row.pop("updated_at") == detail["updated_at"]
    assert row == {
        "id": identity,
        "name": "carrier",
        "trunk_type": "SIP",
        "host": "192.0.2.10",
        "context": "from-pstn",
        "active": True,
        "state": "unavailable",
        "registration": "none",
        "calls": 0,
    }


async def test_hidden_secrets_survive_changes_around_them(console_both: RunningConsole) -> None:
    """The whole form sent back, with another host and account, keeps what was hidden; a new secret counts."""
    console = console_both
    identity = await trunk(console, "carrier", **FULL)
    settings = (await console.get("pbx/trunks/get", id=identity))["settings"]
    changed = {
        **settings,
        "host": "192.0.2.11",
        "register_string": "200:******@192.0.2.11/021",
        "more_options": "md5secret=******\nusername=200\nsecret=******",
    }
    await console.post("pbx/trunks/update", **changed)
    (row,) = await rows_of(console, select(trunks))
    assert row["register_string"] == "200:geheim@192.0.2.11/021"
    assert row["more_options"] == "md5secret=geheim3\nusername=200\nsecret=geheim2"
    assert (row["pjsip_auth_username"], row["pjsip_auth_password"]) == ("200", "geheim")
    await console.post("pbx/trunks/update", _id=identity, register_string="200:neu@192.0.2.11/021")
    (row,) = await rows_of(console, select(trunks))
    assert (row["pjsip_auth_password"], row["more_options"].count("geheim")) == ("neu", 2)
    await console.post("pbx/trunks/update", _id=identity, register_string="200@192.0.2.11")
    refused = await console.refused(
        "pbx/trunks/update", _id=identity, register_string="200:******@192.0.2.11"
    )
    assert (refused["status"], refused["field"]) == (422, "register_string")


async def test_changes_are_noted_without_secrets(console_both: RunningConsole) -> None:
    """Entries hide what is secret in free-form settings and still tell that a secret was set."""
    console = console_both
    identity = await trunk(console, "carrier", **FULL)
    await console.post("pbx/trunks/update", _id=identity, register_string="100:neu@192.0.2.10/021")
    await console.post("pbx/trunks/update", _id=identity, register_string="100:******@192.0.2.10/021")
    await console.post("pbx/trunks/update", _id=identity, more_options="username=101\nsecret=******")
    await console.post("pbx/trunks/remove", ids=[identity])
    added, secret, options, removed = await noted(console)
    assert (added["action"], added["subject"], added["before"]) == ("add", "carrier", None)
    assert secret["after"] == {**secret["before"], "secret_set": True}
    assert options["after"]["more_options"] == "username=101\nsecret=******"
    assert (removed["action"], removed["after"]) == ("remove", None)
    assert removed["before"]["more_options"] == "username=101\nsecret=******"
    assert not {"geheim", "neu"} & set(str([added, secret, options, removed]).replace("'", ":").split(":"))
    assert "geheim" not in str([added, secret, options, removed])


async def test_states_are_the_engines_under_what_the_row_says(console_both: RunningConsole) -> None:
    """A deactivated trunk is deactivated whatever is seen; one that Asterisk does not know is unavailable."""
    console = console_both
    for name, settings in (
        ("fine", {"register_string": "100:x@192.0.2.10"}),
        ("plain", {}),
        ("off", {"active": "no", "register_string": "100:x@192.0.2.12"}),
        ("dahdi", {"trunk_type": "DAHDI"}),
    ):
        await trunk(console, name, host="192.0.2.10", **settings)
    seen = TrunkView(state="ok", registration="registered", calls=3)
    console.live.seen.trunks = {"fine": seen, "plain": seen, "off": seen}
    page = await console.get("pbx/trunks/list")
    assert {row["name"]: (row["state"], row["registration"], row["calls"]) for row in page["rows"]} == {
        "dahdi": ("unavailable", "none", 0),
        "fine": ("ok", "registered", 3),
        "off": ("deactivated", "none", 3),
        "plain": ("ok", "none", 3),
    }
    active = await console.get("pbx/trunks/list", active="no")
    assert [row["name"] for row in active["rows"]] == ["off"]
    ids = ",".join(row["id"] for row in page["rows"][:2])
    assert await console.get("pbx/trunks/usage", ids=ids) == {"calls": 3}


async def test_search_and_sort(console: RunningConsole) -> None:
    """Name, host and context are searched; the columns of the contract sort."""
    for name, host, context in (
        ("b", "192.0.2.2", "in1"),
        ("a", "192.0.2.3", "in2"),
        ("c", "192.0.2.1", "in0"),
    ):
        await trunk(console, name, host=host, context=context)

    async def names(**query: Any) -> str:
        return "".join(row["name"] for row in (await console.get("pbx/trunks/list", **query))["rows"])

    assert await names() == "abc"
    assert await names(descending=True) == "cba"
    assert await names(sort="host") == "cba"
    assert await names(sort="context") == "cba"
    assert await names(sort="updated_at") == "bac"
    assert await names(search="2.3") == "a"
    assert await names(search="IN0") == "c"


async def test_bad_values_and_rights(console_both: RunningConsole) -> None:
    """Refusals name the field; whoever may only read changes nothing."""
    console = console_both
    identity = await trunk(console, "carrier", **FULL)
    await trunk(console, "other")
    cases: tuple[tuple[str, dict[str, Any], int, str, str | None], ...] = (
        ("add", {"name": "carrier"}, 409, "name_exists", "name"),
        ("add", {}, 422, "missing", "name"),
        ("add", {"name": "a b"}, 422, "invalid", "name"),
        ("add", {"name": "x", "register_string": "nothing"}, 422, "invalid", "register_string"),
        ("add", {"name": "x", "register_string": "1:******@h"}, 422, "invalid", "register_string"),
        ("add", {"name": "x", "more_options": "secret=******"}, 422, "invalid", "more_options"),
        ("add", {"name": "x", "allow": "nonsense"}, 422, "invalid", "allow"),
        ("update", {"_id": identity, "name": "other"}, 409, "name_exists", "name"),
        ("update", {"_id": new_id(), "name": "x"}, 404, "not_found", None),
        ("remove", {"ids": [new_id()]}, 404, "not_found", None),
    )
    for path, values, status, code, field in cases:
        refused = await console.refused(f"pbx/trunks/{path}", **values)
        assert (refused["status"], refused["code"], refused["field"]) == (status, code, field), values
    auditor = await console.browser(rights={"pbx.trunks": ["read"]})
    assert (await auditor.get("pbx/trunks/list"))["total"] == 2
    for path in ("add", "update", "remove"):
        refused = await auditor.refused(f"pbx/trunks/{path}", _id=identity, ids=[identity], name="x")
        assert (refused["status"], refused["code"]) == (403, "forbidden"), path
    assert len(await rows_of(console, select(trunks))) == 2


async def test_several_are_removed(console_both: RunningConsole) -> None:
    """Several trunks go in one request with one entry."""
    console = console_both
    identities = [await trunk(console, name) for name in ("a", "b", "c")]
    assert await console.post("pbx/trunks/remove", ids=identities[:2]) == {"removed": 2}
    assert [row["name"] for row in await rows_of(console, select(trunks))] == ["c"]
    entry = (await noted(console))[-1]
    assert (entry["subject"], entry["before"]) == ("a, b", {"names": ["a", "b"]})
