"""Generated requests from our own OpenAPI document: never a server error, never an undescribed answer."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.ports import free_port
from tamas.engine.ami import AmiClient
from tamas.engine.engine import EngineNotReady
from tamas.engine.sip_secrets import SecretSeal
from tamas.http_server import serve_http
from tamas.sa.accounts import create_account
from tamas.sa.app import SimotelApi
from tamas.settings import load_settings
from tamas.store.changes import Changes
from tamas.store.database import Database
from tamas.supervisor import bind_http

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class EngineAway:
    """An engine that cannot be reached: services must say so as a failed operation."""

    ready = False

    @property
    def ami(self) -> AmiClient:
        raise EngineNotReady("away")

    def status(self) -> None:
        return None


def drive(address: str, examples: int) -> int:
    """Send generated requests to every operation of the document at ``address``.

    :param examples: requests for each service and method.
    :returns: the number of requests.
    """
    schema = openapi.from_url(f"{address}/api/v4/openapi.json")
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        if operation.method == "put":  # the same as POST, which the gateway's own tests show
            continue

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def send(case) -> None:  # type: ignore[no-untyped-def]
            nonlocal sent
            sent += 1
            answer = case.call(auth=("caller", "p"))
            case.validate_response(answer, checks=CHECKS)

        send()
    return sent


@pytest.mark.slow
async def test_a_generated_request_of_each_kind(sqlite_database: Database) -> None:
    """Every service and method, with a body that fits the description."""
    await generated_requests(sqlite_database, 1)


@pytest.mark.slow
async def test_generated_requests(database: Database) -> None:
    """Every service and method, with bodies that fit the description, on both stores."""
    await generated_requests(database, 6)


async def generated_requests(database: Database, examples: int) -> None:
    """Serve, and drive."""
    process = load_settings({})
    changes = Changes(database)
    await changes.start()
    await create_account(database, changes, username="caller", password="p")
    api = SimotelApi(
        database=database, changes=changes, settings=process, engine=EngineAway(), seal=SecretSeal(bytes(32))
    )
    await api.start()
    listener = bind_http(load_settings({"TAMAS_HTTP_HOST": "127.0.0.1", "TAMAS_HTTP_PORT": str(free_port())}))
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_http(api, [listener], process, stop=stop))
    try:
        assert await asyncio.to_thread(drive, f"http://127.0.0.1:{port}", examples) > 50
    finally:
        stop.set()
        await serving
        await api.close()
        await changes.close()
