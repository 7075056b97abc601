"""Requests generated from our own OpenAPI document, right ones and wrong ones, against a running server."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bad_input._target import CARRIER, Target
from bad_input.test_requests import NOBODY, SEED

pytestmark = pytest.mark.engine

FEW, MANY = 2, 60
"""Requests for each service, method and manner of generation.

Every day ``tests/sa/test_schemathesis.py`` sends what the document allows to a gateway without an engine.
"""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ON_LOOPBACK: dict[str, dict[str, Any]] = {
    "/pbx/trunks/": {"host": CARRIER, "register_string": "", "more_options": "", "qualify": "no"},
    "/pbx/users/": {"host": "dynamic", "more_options": ""},
    "/call/originate/": {"caller": NOBODY},
}
"""What generated bodies carry in any case, so that no packet leaves this machine and nobody is rung."""


def keep_home(case: Case[Any]) -> None:
    """Take out of a generated request what could make Asterisk call or send elsewhere."""
    for part, fixed in ON_LOOPBACK.items():
        if part in case.operation.path and isinstance(case.body, dict):
            case.body |= {name: value for name, value in fixed.items() if name in case.body}


def drive(address: str, account: tuple[str, str], examples: int) -> int:
    """Send generated requests to every operation of the document, each once without credentials.

    :returns: how many were sent with credentials.
    """
    schema = openapi.from_url(f"{address}/api/v4/openapi.json")
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        stranger = httpx.request(operation.method, f"{address}/api/v4{operation.path}")
        assert stranger.status_code == 401, operation.label
        assert stranger.json()["message"] == "BasicAuth or ApiKey is missing"
        for mode in GenerationMode:

            @seed(SEED)
            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Case[Any]) -> None:
                nonlocal sent
                sent += 1
                keep_home(case)
                case.validate_response(case.call(auth=account), checks=CHECKS)

            send()
    return sent


async def storm(target: Target, examples: int, name: str) -> None:
    """Drive the whole document with an account of its own."""
    before = await target.ami.command("core show channels count")
    made = await target.server.cli("account", "add", name)
    account = made["username"], made["password"]
    assert await asyncio.to_thread(drive, target.server.base_url, account, examples) > 100
    log = target.server.log
    assert "Traceback" not in log
    assert "failed unexpectedly" not in log
    assert await target.ami.command("core show channels count") == before


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_generated_requests(target: Target) -> None:
    """Every documented service and method: documented statuses, headers and bodies only, and no call."""
    await storm(target, FEW, "documented")


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_many_generated_requests(target: Target) -> None:
    """As above, many more."""
    await storm(target, MANY, "documented-much")
