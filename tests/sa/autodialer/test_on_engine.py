"""A campaign as an integrator makes it, called by a running server."""

from __future__ import annotations

import pytest

from support.server import TamasServer
from support.servers import NewCarrier
from support.sounds import encoded, tone_wav
from support.waiting import eventually
from tamas.demo.phone import AutoAnswer, AutoReject

pytestmark = pytest.mark.engine

HZ = 750


async def test_a_campaign_from_upload_to_report(server: TamasServer, new_carrier: NewCarrier) -> None:
    """An uploaded sound is heard by an uploaded number; digits, statistics and both reports tell of it."""
    carrier = await new_carrier(server, "carrier", manner=AutoAnswer())
    sound = encoded(tone_wav(HZ, seconds=4, rate=44100), container="mp3", codec="libmp3lame", rate=44100)
    uploaded = {
        group: (await server.client.post(f"/api/v4/autodialer/{group}/upload", files={"file": file})).json()
        for group, file in {
            "announcements": ("promo.mp3", sound),
            "groups": ("customers.csv", "شماره\n۰۹۱۲ ۰۰۰\n".encode()),
        }.items()
    }
    made = {
        group: (
            await server.api(
                f"autodialer/{group}/add", {"name": "Spring", "filename": answer["data"]["filename"]}
            )
        )["_id"]
        for group, answer in uploaded.items()
    }
    (trunk,) = await server.api("pbx/trunks/search", {"alike": False, "conditions": {"name": "carrier"}})
    manager = {"title": "Line", "trunk_id": trunk["_id"], "capacity": 1}
    body = {
        "name": "Spring",
        "trunk_manager_id": (await server.api("autodialer/trunks/add", manager))["_id"],
        "announcement": made["announcements"],
        "groups": [made["groups"]],
    }
    campaign = (await server.api("autodialer/campaigns/add", body))["_id"]

    call = await carrier.incoming()
    assert call.invite is not None
    assert call.invite.receiver.user == "0912000"
    await call.until_heard(HZ)
    (line,) = await server.api("autodialer/trunks", {"alike": False})
    assert line["current_capacity"] == 1
    call.dial("42#")
    await call.until_ended()

    async def completed() -> list[dict[str, object]]:
        asked = {"alike": False, "conditions": {"status": "completed"}}
        rows: list[dict[str, object]] = (await server.api("autodialer/campaigns/search", asked))["data"]
        return rows

    (row,) = await eventually(completed, within=10, what="the end of the campaign")
    assert (row["_id"], row["count"], row["repeat"], row["hs"]) == (campaign, 1, 1, 1)
    statistics = row["statistics"]
    assert isinstance(statistics, dict)
    assert statistics["all"]["disposition"] == {"ANSWERED": {"count": 1}}
    found = await server.api(
        "autodialer/reports/search", {"alike": False, "conditions": {"number": "0912000"}}
    )
    (told,) = found["data"]
    assert (told["disposition"], told["input"], told["campaign_id"]) == (
        "ANSWERED",
        "42#",
        {"$oid": campaign},
    )
    (attempt,) = told["tries"]
    assert (attempt["cause"], attempt["cause-txt"]) == ("16", "Normal Clearing")
    info = await server.api("autodialer/reports/info", {"_id": attempt["cdr_id"]["$oid"]})
    assert info["channel"].startswith("SIP/carrier-")
    assert await server.calls() == []
    carrier.manner = AutoReject(status=486)
    (again,) = await server.cli("campaign", "start", "Spring")
    assert (again["round"], again["status"]) == (2, "waiting")
    (row,) = await eventually(completed, within=10, what="the end of the second round")
    assert (row["repeat"], row["hs"]) == (2, 2)
    assert [len(carrier.calls), carrier.calls[-1].status] == [2, 486]
