"""The reports' services over a store in which recorded calls were ingested."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from records import _samples
from sa.pbx.conftest import Api, EngineAway, open_api
from tamas.records.ingest import Ingestion
from tamas.store.clock import MICROSECONDS, now
from tamas.store.database import open_database

CALLS = (
    "answered",
    "busy",
    "outgoing",
    "incoming",
    "blind_transfer",
    "queue_answered",
    "queue_pickup",
    "queue_timeout",
    "queue_left_in_silence",
    "queue_ringall",
    "queue_agent_hangs_up",
    "two_queues_two_transfers",
)
"""The calls that were made, oldest first, a minute apart; the last one a minute ago."""
EVER = {"from": "2020-01-01 00:00", "to": "2099-12-31 23:59"}


class Reports:
    """The services, and which call is which."""

    def __init__(self, api: Api, cuids: dict[str, str]) -> None:
        self.api = api
        self.cuids = cuids
        """Unique id of each call, by the name of its sample."""

    def names(self, rows: list[dict[str, Any]], key: str = "cuid") -> list[str]:
        """Which calls the rows are of, in their order."""
        by_cuid = {cuid: name for name, cuid in self.cuids.items()}
        return [by_cuid[row[key]] for row in rows]

    async def rows(self, path: str, *, like: bool = False, **conditions: str) -> list[dict[str, Any]]:
        """Rows of a search over all time."""
        body = {"alike": like, "conditions": conditions, "date_range": EVER, "pagination": {"count": 500}}
        page = await self.api.done(path, body)
        assert page["pagination"]["total"] == len(page["data"])
        found: list[dict[str, Any]] = page["data"]
        return found

    async def feed(self, path: str) -> list[dict[str, Any]]:
        """Every row of an ``ordered/id`` feed."""
        rows: list[dict[str, Any]] = []
        last = ""
        while True:
            answer = await self.api.done(path, {"_id": last})
            if not answer["data"]:
                assert answer["last_id"] == last
                return rows
            assert answer["last_id"] == answer["data"][-1]["_id"] > last
            rows += answer["data"]
            last = answer["last_id"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def reports(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
) -> AsyncIterator[Reports]:
    """Reports of :data:`CALLS`, once for each kind of store; nobody changes them."""
    folder = tmp_path_factory.mktemp("reports")
    url = new_store(request.param, folder)
    database = await open_database(url)
    last = now() - 60 * MICROSECONDS
    samples = {
        name: _samples.load(name).again(ended_at=last - 60 * MICROSECONDS * age)
        for age, name in enumerate(reversed(CALLS))
    }
    try:
        await _samples.arrive(database, *reversed(samples.values()))
        assert await Ingestion(database).drain(10)
        async with open_api(database, url, folder, EngineAway()) as api:
            yield Reports(api, {name: sample.cuid for name, sample in samples.items()})
    finally:
        await database.close()
