"""The switchboard's services behind the real gateway, with the engine away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from tamas.engine.ami import AmiClient
from tamas.engine.engine import EngineNotReady
from tamas.engine.sip_secrets import SecretSeal
from tamas.sa.accounts import create_account
from tamas.sa.app import SimotelApi
from tamas.settings import load_settings
from tamas.store.changes import Changes
from tamas.store.database import Database, Row
from tamas.store.runtime_settings import set_runtime_setting

DONE = "Requested operation is done successfully"
FAILED = "Requested operation failed"


class EngineAway:
    """An engine that cannot be reached."""

    ready = False

    @property
    def ami(self) -> AmiClient:
        raise EngineNotReady("away")

    def status(self) -> None:
        return None


class Api:
    """The services as a client sees them, and the store behind them."""

    def __init__(self, client: httpx.AsyncClient, database: Database, changes: Changes, folder: Path) -> None:
        self.client = client
        self.database = database
        self.changes = changes
        self.folder = folder
        """The state directory."""
        self.seal = SecretSeal(bytes(32))

    async def raw(self, path: str, body: Any) -> httpx.Response:
        return await self.client.post(f"/api/v4/{path}", json=body)

    async def done(self, path: str, body: Any) -> Any:
        """``data`` of a request that must succeed."""
        answer = await self.raw(path, body)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert content["success"] == 1, (path, body, answer.text, answer.headers.get("x-error-field"))
        return content["data"]

    async def refused(self, path: str, body: Any) -> tuple[str, str | None]:
        """Message and field of a request that must fail."""
        answer = await self.raw(path, body)
        content = answer.json()
        assert (answer.status_code, content["success"], content["data"]) == (200, 0, None), answer.text
        return content["message"], answer.headers.get("x-error-field")

    async def extension(self, number: str, **settings: Any) -> str:
        body = {"name": number, "number": number, "secret": f"s{number}", **settings}
        return str((await self.done("pbx/users/add", body))["_id"])

    async def queue(self, number: str, **settings: Any) -> str:
        body = {"name": f"Queue {number}", "number": number, **settings}
        return str((await self.done("pbx/queues/add", body))["_id"])

    async def trunk(self, name: str, **settings: Any) -> str:
        return str((await self.done("pbx/trunks/add", {"name": name, **settings}))["_id"])

    async def rows(self, statement: Any) -> list[Row]:
        async with self.database.read() as connection:
            return await connection.rows(statement)

    async def set(self, key: str, value: Any) -> None:
        await set_runtime_setting(self.database, self.changes, key, value)


@asynccontextmanager
async def open_api(database: Database, url: str, folder: Path, engine: object) -> AsyncIterator[Api]:
    """The services over an open store and an engine, called over HTTP."""
    changes = Changes(database)
    await changes.start()
    settings = load_settings({"TAMAS_STATE_DIR": str(folder), "TAMAS_DATABASE_URL": url})
    account = await create_account(database, changes, username="tester", auth="token")
    application = SimotelApi(
        database=database,
        changes=changes,
        settings=settings,
        engine=cast("Any", engine),
        seal=SecretSeal(bytes(32)),
    )
    await application.start()
    transport = httpx.ASGITransport(cast("Any", application), client=("127.0.0.1", 50000))
    headers = {"X-APIKEY": account.token or ""}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://tamas", headers=headers) as client:
            yield Api(client, database, changes, folder)
    finally:
        await application.close()
        await changes.close()


FILES = frozenset({"test_faxes", "test_announcements"})
"""Modules whose cases differ in the files that are sent, of which the store sees nothing."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """On PostgreSQL one case of each such test is for every day."""
    seen: set[tuple[Path, str]] = set()
    for item in items:
        if item.path.parent != Path(__file__).parent or item.path.stem not in FILES:
            continue
        name = item.name.partition("[")[0]
        if "[postgresql" not in item.name:
            continue
        if (item.path, name) in seen:
            item.add_marker(pytest.mark.slow)
        seen.add((item.path, name))


@pytest.fixture
async def api(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """Services on SQLite and on PostgreSQL, with the engine away."""
    async with open_api(database, database_url, tmp_path, EngineAway()) as opened:
        yield opened
