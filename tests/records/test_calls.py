"""Looking calls up."""

from __future__ import annotations

from records import _samples
from tamas.records.calls import get_call, list_calls
from tamas.records.ingest import Ingestion
from tamas.store.database import Database


async def test_calls_are_found_by_page_number_and_originate(database: Database) -> None:
    """Newest first, page by page; by either party's number; by the originate; by cuid."""
    samples = [_samples.load(name) for name in ("answered", "incoming", "outgoing")]
    originated = _samples.load("originate_answered")
    assert originated.originate is not None
    asked = await _samples.ask_for(database, originated.originate)
    ingestion = Ingestion(database)
    for sample in (*samples, originated):
        await _samples.arrive(database, sample)
        assert await ingestion.drain(5)
    order = [originated.cuid, *(sample.cuid for sample in reversed(samples))]
    pages: list[str] = []
    before: str | None = None
    while page := await list_calls(database, limit=3, before=before):
        pages += [call.cuid for call in page]
        before = page[-1].id
    assert pages == order
    assert [c.cuid for c in await list_calls(database, limit=9, number="09120000000")] == [samples[1].cuid]
    assert len(await list_calls(database, limit=9, number="102")) == 3
    (call,) = await list_calls(database, limit=9, originated_call_id=asked)
    assert call == await get_call(database, originated.cuid)
    assert await get_call(database, "1.1") is None
    assert len(await list_calls(database, limit=0)) == 1, "a limit is at least one"
