"""``/reports/agent/search``: stays and breaks that are over."""

from __future__ import annotations

from typing import Any

from sa.pbx.conftest import Api
from sa.reports.conftest import EVER, Reports


async def _rows(api: Api, **conditions: str) -> list[dict[str, Any]]:
    body = {"alike": False, "conditions": conditions, "date_range": EVER}
    found: list[dict[str, Any]] = (await api.done("reports/agent/search", body))["data"]
    return found


async def test_a_stay_and_a_break(reports: Reports) -> None:
    """An agent joins, takes a break, comes back and leaves: two rows, last ended first."""
    api = reports.api
    await api.queue("900")
    await api.extension("101")
    names = {"queue": "900", "agent": "101"}
    await api.done("pbx/queues/addagent", names | {"source": "101"})
    await api.done("pbx/queues/pauseagent", names)
    assert await _rows(api) == [], "nothing is over"
    await api.done("pbx/queues/resumeagent", names)
    await api.done("pbx/queues/removeagent", names)
    stay, rest = await _rows(api)
    assert list(stay) == [
        *("_id", "type", "exten", "qnum", "start", "end", "duration", "inout", "inout_du"),
        "duration_hhmmss",
    ]
    assert (stay["type"], stay["inout"], stay["inout_du"]) == ("inout", 1, stay["duration"])
    assert (rest["type"], rest["pause"], rest["pause_du"]) == ("pause", 1, rest["duration"])
    assert (stay["exten"], stay["qnum"], stay["duration_hhmmss"]) == ("101", "900", "00:00:00")
    assert stay["start"] <= rest["start"] <= rest["end"] <= stay["end"]
    for conditions, count in (
        ({"exten": "101"}, 2),
        ({"exten": "102"}, 0),
        ({"queue": "900", "from": "101"}, 2),
        ({"to": "901"}, 0),
    ):
        assert len(await _rows(api, **conditions)) == count, conditions
