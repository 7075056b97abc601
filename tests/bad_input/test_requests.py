"""Whole requests made up by machine: whatever comes, the answer is one of the catalogue's, and it is true."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bad_input._target import CARRIER, Target, services, with_value
from bad_input.test_values import fields_of
from tamas.sa.service import Service

pytestmark = pytest.mark.engine

EVERY_DAY = 5
"""Requests for each service."""
MANY = 400
SEED = 20261123

MESSAGES = {
    "This number already exists",
    "This trunk already exists",
    "this queue already exists",
    "Requested operation failed",
}
TEXTS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="0123456789", max_size=25),
    st.sampled_from(
        ["", "yes", "no", "all", "ringall", "${X}", "a\nb", "\ud800", "٣", "x" * 300, "1,2", "'"]
    ),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NEVER_CHANGED = {"host", "register_string", "port", "more_options", "qualify", "active", "caller"}
"""Fields that decide where Asterisk sends packets, or whether a phone rings: they stay on loopback."""
NOBODY = "000"
"""Caller of calls that must not come about: no extension, and no trunk leads to it."""


def check_envelope(answer: httpx.Response) -> dict[str, Any]:
    """The answer is a row of the response table that such a request can have."""
    assert answer.status_code in {200, 400}, answer.text
    assert answer.headers["content-type"] == "application/json"
    envelope: dict[str, Any] = answer.json()
    assert list(envelope) == ["success", "message", "data"]
    if answer.status_code == 400:
        assert envelope == {"success": 0, "message": "Unable to parse content", "data": None}
    elif not envelope["success"]:
        assert envelope["success"] == 0
        assert envelope["data"] is None
        message = envelope["message"]
        assert message in MESSAGES or message == f"Field '{answer.headers['x-error-field']}':value is missing"
    else:
        assert envelope["success"] == 1
    return envelope


async def check_done(target: Target, service: Service, body: dict[str, Any], data: Any) -> None:
    """What was made can be read back; then it goes."""
    group, _, action = service.path.rpartition("/")
    if action != "add":
        return
    rows = await target.server.api(f"{group}/search", {"alike": False, "conditions": {}})
    row = next(row for row in rows if row["_id"] == data["_id"])
    told = "name" if "name" in row else "number"
    assert row[told] == str(body[told]).strip(" \t")
    await target.server.api(f"{group}/remove", {"_id": data["_id"]})


async def throw(target: Target, service: Service, body: dict[str, Any]) -> None:
    """Send one request and hold its answer against the store."""
    before = await target.stored()
    answer = await target.send(service.path, body)
    envelope = check_envelope(answer)
    if envelope["success"]:
        await check_done(target, service, body, envelope["data"])
    else:
        assert await target.stored() == before, answer.text


def mutations(service: Service) -> st.SearchStrategy[list[tuple[str, Any]]]:
    """Other values for one to three fields that may be changed."""
    names = [name for name, _ in fields_of(service.request) if name.rpartition(".")[2] not in NEVER_CHANGED]
    return st.lists(st.tuples(st.sampled_from(names), VALUES), min_size=1, max_size=3)


def run_property(
    loop: asyncio.AbstractEventLoop,
    property_: Callable[[list[tuple[str, Any]]], Awaitable[None]],
    strategy: st.SearchStrategy[list[tuple[str, Any]]],
    examples: int,
) -> None:
    """Let hypothesis call a coroutine of the tests' loop from a thread."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(changes: list[tuple[str, Any]]) -> None:
        asyncio.run_coroutine_threadsafe(property_(changes), loop).result(30)  # type: ignore[arg-type]

    check()


def changed(body: dict[str, Any], changes: list[tuple[str, Any]]) -> dict[str, Any]:
    """A body with its changes; one that has no place any more is left out."""
    for name, value in changes:
        try:
            body = with_value(body, name, value)
        except (TypeError, KeyError, IndexError):
            continue
    return body


async def storm(target: Target, examples: int) -> None:
    """Throw made-up variants of a valid body at every service."""
    loop = asyncio.get_running_loop()
    for service in services():
        if not service.request.fields:
            continue

        async def once(changes: list[tuple[str, Any]], service: Service = service) -> None:
            body = target.valid(service)
            if "caller" in body:
                body["caller"] = NOBODY
            await throw(target, service, changed(body, changes))

        await asyncio.to_thread(run_property, loop, once, mutations(service), examples)
    log = target.server.log
    assert "Traceback" not in log
    assert "failed unexpectedly" not in log


@pytest.mark.slow
async def test_variants_of_valid_requests(target: Target) -> None:
    """One to three fields of a valid request get any value: the answer fits, failures change nothing."""
    await storm(target, EVERY_DAY)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_many_variants_of_valid_requests(target: Target) -> None:
    """As above, many more."""
    await storm(target, MANY)


@pytest.mark.slow
async def test_any_json_at_all(target: Target) -> None:
    """Bodies that have nothing to do with a service: refused, or ignored where nothing is required."""
    loop = asyncio.get_running_loop()
    objects = st.dictionaries(
        TEXTS | st.sampled_from(["name", "_id", "agents", "conditions"]), VALUES, max_size=4
    )

    async def once(changes: list[tuple[str, Any]]) -> None:
        body = dict(changes)
        for service in services():
            before = await target.stored()
            envelope = check_envelope(await target.send(service.path, body))
            if not envelope["success"]:
                assert await target.stored() == before

    as_pairs = objects.map(lambda made: list(made.items()))
    await asyncio.to_thread(run_property, loop, once, as_pairs, 8)


def test_the_bodies_stay_on_this_machine(target: Target) -> None:
    """No generated request may make Asterisk send a packet elsewhere: trunks lead to loopback."""
    for service in services():
        body = target.valid(service)
        if "register_string" in body:
            assert body["host"] == CARRIER
            assert body["register_string"].endswith(f"@{CARRIER}/user")
        assert "192.168" not in json.dumps(body)
