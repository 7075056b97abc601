"""``call/originate/act`` over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dialplan._switchboard import TONES, Switchboard, running_switchboard
from sa.pbx.conftest import FAILED, Api, EngineAway, open_api
from tamas.engine.ami import AmiActionFailed, AmiDisconnected, AmiError, AmiMessage, AmiTimeout
from tamas.engine.install import AsteriskInstall
from tamas.store.database import Database
from tamas.store.schema import calls, originates

PATH = "call/originate/act"
GOOD = {
    "caller": "201",
    "callee": "202",
    "context": "main_routing",
    "caller_id": "201",
    "trunk_name": "",
    "timeout": "30",
}


class Refusing:
    """A manager connection that carries one outcome."""

    connected = True

    def __init__(self, error: AmiError | None) -> None:
        self.error = error
        self.sent: list[Mapping[str, Any]] = []

    async def action(self, name: str, fields: Mapping[str, Any]) -> AmiMessage:
        assert name == "Originate"
        self.sent.append(fields)
        if self.error is not None:
            raise self.error
        return AmiMessage([("Response", "Success")])


class EngineWith(EngineAway):
    """An engine whose manager connection is given."""

    def __init__(self, ami: Any) -> None:
        self._ami = ami

    @property
    def ami(self) -> Any:
        return self._ami


REFUSED = AmiActionFailed("Originate", AmiMessage([("Response", "Error"), ("Message", "no")]))


@pytest.fixture
def engine() -> Refusing:
    """Accepts every call; set ``error`` to have it refuse."""
    return Refusing(None)


@pytest.fixture
async def api(database: Database, database_url: str, tmp_path: Path, engine: Refusing) -> AsyncIterator[Api]:
    """Services on both stores, with extensions 201 and 202 and the trunk ``carrier``."""
    async with open_api(database, database_url, tmp_path, EngineWith(engine)) as opened:
        await opened.extension("201")
        await opened.extension("202", context="sales")
        await opened.trunk("carrier", active="yes")
        yield opened


async def test_answer_and_row(api: Api, engine: Refusing) -> None:
    """The answer is the catalogue's; the row was there before the engine heard of the call."""
    answer = await api.raw(PATH, {**GOOD, "call_limit": 60, "src_type": "internal"})
    content = answer.json()
    assert list(content) == ["success", "message", "data"]
    assert (content["success"], content["message"]) == (1, None)
    assert list(content["data"]) == ["originated_call_id"]
    call_id = content["data"]["originated_call_id"]
    assert re.fullmatch(r"orig\.call\.\d{10}\.\d{6}", call_id)
    (row,) = await api.rows(select(originates))
    (sent,) = engine.sent
    assert (row["originated_call_id"], row["uniqueid"]) == (call_id, sent["ChannelId"])
    assert (row["account"], row["timeout"], row["call_limit"]) == ("tester", 30, 60)
    assert re.fullmatch(r"\d{10}\.\d{10}", sent["ChannelId"])
    assert (sent["Channel"], sent["Exten"], sent["Timeout"]) == ("PJSIP/201", "202", "30000")


async def test_required_fields(api: Api) -> None:
    """Each required field left out, null or empty is missing."""
    for field in ("caller", "callee", "context", "caller_id"):
        left_out = {k: v for k, v in GOOD.items() if k != field}
        for body in (left_out, {**GOOD, field: None}, {**GOOD, field: ""}):
            assert await api.refused(PATH, body) == (f"Field '{field}':value is missing", field)
    assert not await api.rows(select(originates))


async def test_optional_fields(api: Api, engine: Refusing) -> None:
    """The rest may be left out or empty; 30 seconds are the default."""
    for absent in ("trunk_name", "timeout"):
        await api.done(PATH, {k: v for k, v in GOOD.items() if k != absent})
        await api.done(PATH, {**GOOD, absent: ""})
    await api.done(PATH, {**GOOD, "timeout": 0, "call_limit": ""})
    assert {sent["Timeout"] for sent in engine.sent} == {"30000"}


BAD_VALUES: list[tuple[str, Any]] = [
    ("caller", "20 1"),
    ("caller", "201&202"),
    ("caller", {"a": 1}),
    ("callee", "x" * 33),
    ("callee", "${EXTEN}"),
    ("callee", "1\r\n2"),
    ("context", "nowhere"),
    ("context", "a,b"),
    ("context", "default"),
    ("caller_id", "a\r\nX-Evil: 1"),
    ("caller_id", '"x" <1>'),
    ("caller_id", "${SHELL(id)}"),
    ("caller_id", "a" * 81),
    ("trunk_name", "a/b"),
    ("timeout", -1),
    ("timeout", "soon"),
    ("timeout", 601),
    ("call_limit", "1.5"),
]


async def test_bad_values(api: Api, engine: Refusing) -> None:
    """Each bad value is a failed operation that names its field; nothing is written, nobody is called."""
    for field, value in BAD_VALUES:
        assert await api.refused(PATH, {**GOOD, field: value}) == (FAILED, field), (field, value)
    assert not await api.rows(select(originates))
    assert not engine.sent


async def test_context_of_any_extension(api: Api) -> None:
    """A context that an extension uses exists."""
    await api.done(PATH, {**GOOD, "context": "sales"})


async def test_outside_caller(api: Api, engine: Refusing) -> None:
    """A caller outside needs an active trunk; an extension ignores the trunk."""
    outside = {**GOOD, "caller": "09120000000"}
    assert await api.refused(PATH, outside) == (FAILED, "trunk_name")
    assert await api.refused(PATH, {**outside, "trunk_name": "nobody"}) == (FAILED, "trunk_name")
    assert await api.refused(PATH, {**outside, "caller": "+98", "trunk_name": "carrier"}) == (
        FAILED,
        "caller",
    )
    await api.done(PATH, {**outside, "trunk_name": "carrier"})
    await api.done(PATH, {**GOOD, "trunk_name": "nobody"})
    assert [sent["Channel"] for sent in engine.sent] == ["PJSIP/09120000000@trunk-carrier", "PJSIP/201"]


async def test_lenient(api: Api, engine: Refusing) -> None:
    """With the leniency switch the caller is its own caller id, and "default" is the usual route."""
    await api.set("sa.lenient", True)
    await api.done(PATH, {"caller": "201", "callee": "202", "context": "default"})
    assert engine.sent[0]["CallerID"] == '"201" <201>'


@pytest.mark.parametrize("error", [REFUSED, AmiDisconnected("gone")])
async def test_engine_refuses(api: Api, engine: Refusing, error: AmiError) -> None:
    """The answer is a failed operation, and the call has a record with the reason."""
    engine.error = error
    assert await api.refused(PATH, GOOD) == (FAILED, None)
    (row,) = await api.rows(select(originates))
    assert row["closed_at"] is not None
    (call,) = await api.rows(select(calls))
    assert (call["originated_call_id"], call["disposition"]) == (row["originated_call_id"], "FAILED")
    assert call["reason"].startswith("the engine")


async def test_engine_does_not_confirm(api: Api, engine: Refusing) -> None:
    """It may still place the call: the client gets the id, the row stays open for whoever learns more."""
    engine.error = AmiTimeout("slow")
    data = await api.done(PATH, GOOD)
    (row,) = await api.rows(select(originates))
    assert (row["originated_call_id"], row["closed_at"]) == (data["originated_call_id"], None)


async def test_engine_is_away(database: Database, database_url: str, tmp_path: Path) -> None:
    """Without an engine the operation fails and leaves no row."""
    async with open_api(database, database_url, tmp_path, EngineAway()) as api:
        await api.extension("201")
        assert await api.refused(PATH, GOOD) == (FAILED, None)
        assert not await api.rows(select(originates))


@pytest.mark.engine
async def test_two_phones_talk(
    new_store: Callable[[str, Path], str],
    tmp_path: Path,
    asterisk_install: AsteriskInstall,
    sipp: tuple[str, ...],
) -> None:
    """One request, two phones, both hear each other; on PostgreSQL."""
    url = new_store("postgresql", tmp_path)
    async with running_switchboard(tmp_path, url, asterisk_install, sipp) as board:
        await _talk_over_http(board, url, tmp_path)


async def _talk_over_http(board: Switchboard, url: str, folder: Path) -> None:
    await board.change("201", call_record="yes")
    async with open_api(board.database, url, folder, board.engine) as api:
        data = await api.done(PATH, {**GOOD, "caller_id": "Masked"})
        first = await board.phones["201"].answer()
        second = await board.phones["202"].answer()
        await first.until_heard(TONES["202"])
        await second.until_heard(TONES["201"])
        assert first.remote_name == second.remote_name == "Masked"
        await second.hang_up()
        await first.until_ended()
        (row,) = await api.rows(
            select(originates).where(originates.c.originated_call_id == data["originated_call_id"])
        )
        facts = dict(await board.facts(row["uniqueid"]))
        assert (facts["src"], facts["dst"]) == ("201", "202")
        assert row["uniqueid"] in facts["record"]
