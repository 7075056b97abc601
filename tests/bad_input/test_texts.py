"""Text that may be anything comes back exactly as it was sent, and reaches phones unharmed."""

from __future__ import annotations

from typing import Any

import pytest

from bad_input._target import CARRIER, Target
from engine._sip import SipPhone
from support.servers import NewExtension
from tamas.demo.phone import AutoAnswer

pytestmark = pytest.mark.engine

TEXTS = [
    "سارا محمدی",
    "O'Neil (Ltd.) = 100% #1 @home!",
    "' OR '1'='1",
    "__proto__",
    "%s%n %00 (0)",
    "漢字 и кириллица 🙂",
    "100٪ ۱۲۳",
    "a\u200cb",
    "ی" * 80,
]
"""Names that extensions and queues may have."""
SYNTAX = '${SHELL(id)} $[1+1] a,b&c|d;e "f" <sip:g@h> i\\j `k` ^l [m] {n}'
"""What only free text may hold."""


@pytest.mark.parametrize("name", TEXTS)
async def test_names_come_back(target: Target, name: str) -> None:
    """Extensions and queues are listed, and found, by the very name they were given."""
    number, queue = target.numbers(), target.numbers()
    added = await target.server.api("pbx/users/add", {"name": name, "number": number, "secret": SYNTAX})
    also = await target.server.api("pbx/queues/add", {"name": name, "number": queue})
    for path, which in (("pbx/users/search", number), ("pbx/queues/search", queue)):
        for conditions in ({"number": which}, {"name": name}):
            rows = await target.server.api(path, {"alike": False, "conditions": conditions})
            assert [(row["name"], row["number"]) for row in rows] == [(name, which)]
        rows = await target.server.api(path, {"alike": True, "conditions": {"name": name[:40]}})
        assert which in {row["number"] for row in rows}
    await target.server.api("pbx/users/remove", added)
    await target.server.api("pbx/queues/remove", also)


@pytest.mark.parametrize("text", [*TEXTS, SYNTAX, f"{SYNTAX}\n{SYNTAX}", "a\tb\nc"])
async def test_descriptions_come_back(target: Target, text: str) -> None:
    """A description holds anything that can be read, line ends included, and the engine never hears of it."""
    number = target.numbers()
    objects: list[tuple[str, dict[str, Any]]] = [
        ("pbx/users", {"name": "Described", "number": number, "secret": "s", "description": text}),
        ("pbx/trunks", {"name": f"d{number}", "host": CARRIER, "active": "no", "description": text}),
    ]
    for path, fields in objects:
        added = await target.server.api(f"{path}/add", fields)
        rows = await target.server.api(f"{path}/search", {"alike": False, "conditions": {}})
        found = next(row for row in rows if row["_id"] == added["_id"])
        assert found["description"] == text
        await target.server.api(f"{path}/remove", added)


@pytest.mark.parametrize("wildcard", ["%", "_", "%%", "\\", "[a-z]", "*", "'", "\\%"])
async def test_wildcards_are_letters(target: Target, wildcard: str) -> None:
    """What a database takes for a pattern matches only itself."""
    for path in ("pbx/users/search", "pbx/queues/search", "pbx/trunks/search"):
        rows = await target.server.api(path, {"alike": True, "conditions": {"name": wildcard}})
        assert all(wildcard in row["name"] for row in rows)


SECRETS = ["a;b,c=d", 'q"u\\o`t', "p@ss:w/rd?&#%", "${EXTEN}^{}[]", "two words", "پسورد۱۲", "'; --"]


@pytest.mark.parametrize("secret", SECRETS)
async def test_odd_secrets_let_a_phone_in(target: Target, secret: str) -> None:
    """A phone registers with any printable secret, and with no other."""
    number = target.numbers()
    added = await target.server.api("pbx/users/add", {"name": "S", "number": number, "secret": secret})
    with SipPhone(target.server.sip[1]) as phone:
        assert await phone.register(number, secret + "x") == 401
        assert await phone.register(number, secret) == 200
    await target.server.api("pbx/users/remove", added)


@pytest.mark.parametrize("name", ["سارا محمدی", "O'Neil (Ltd.) = 100%", "ی" * 80])
async def test_names_reach_phones(target: Target, name: str, new_extension: NewExtension) -> None:
    """A phone sees who calls, in any script; a name too long for Asterisk is cut between letters."""
    first = await new_extension(target.server, target.numbers(), name=name)
    second = await new_extension(target.server, target.numbers(), manner=AutoAnswer(hang_up_after=0.2))
    call = await first.call(second.number)
    await call.until_ended()
    seen = second.last_call
    assert seen.remote_number == first.number
    assert "\ufffd" not in seen.remote_name
    assert name.startswith(seen.remote_name)
    assert len(seen.remote_name) >= min(len(name), 19)
