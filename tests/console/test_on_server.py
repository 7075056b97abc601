"""Calls now, Home and API accounts on a running server with several workers and real phones."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from support.console import PREFIX, Browser, administrator
from support.server import TamasServer
from support.servers import NewExtension
from support.waiting import eventually

pytestmark = pytest.mark.engine

SOON = 10.0
"""What happens to a call is on the screen within this."""
CONNECTIONS = 12
"""So many connections reach every worker."""


@pytest.fixture(scope="module")
async def several(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TamasServer]:
    """A server with two workers that only answer."""
    running = TamasServer(tmp_path_factory.mktemp("console"), workers=2)
    try:
        await running.start()
        await eventually(lambda: len(running.workers_running()) == 3, within=20, what="three workers")
        yield running
    finally:
        await running.close()


@pytest.fixture(scope="module")
async def browser(several: TamasServer) -> AsyncIterator[Browser]:
    """The administrator's browser."""
    async with administrator(several) as signed_in:
        yield signed_in


async def everywhere(browser: Browser, path: str, **query: Any) -> list[Any]:
    """Answers over many connections, each to whichever worker takes it."""
    answers = []
    for _ in range(CONNECTIONS):
        async with httpx.AsyncClient(
            base_url=browser.http.base_url, cookies=browser.http.cookies, timeout=20, trust_env=False
        ) as client:
            answers.append(await Browser(http=client).get(path, **query))
    return answers


async def test_a_two_way_call_from_ringing_to_its_recording(
    several: TamasServer, browser: Browser, new_extension: NewExtension
) -> None:
    """Started in the browser; seen ringing, answered and ended while it is so; its record opens and its
    recording plays from the middle.
    """
    first = await new_extension(several, "201", tone_hz=440, call_record="yes")
    second = await new_extension(several, "202", tone_hz=660)
    started = await browser.post("calls/originate", caller="201", callee="202")

    async def seen() -> dict[str, Any]:
        calls = (await browser.get("calls/current"))["calls"]
        found = [call for call in calls if call["originated_call_id"] == started["originated_call_id"]]
        return found[0] if found else {}

    async def is_state(*states: str) -> bool:
        return str((await seen()).get("state")) in states

    at_first = await first.incoming()
    await eventually(lambda: is_state("dialing", "ringing"), within=SOON, what="the ringing call")
    assert (await seen())["id"] == started["call_id"]
    await at_first.answer()
    at_second = await second.answer()
    await eventually(lambda: is_state("talking"), within=SOON, what="the answered call")
    await at_first.until_heard(660)
    await at_second.until_heard(440)
    call = await seen()
    assert (call["caller"]["number"], call["callee"]["number"]) == ("201", "202")
    assert {step["what"] for step in call["story"]} >= {"ringing", "answered"}
    assert abs(call["answered_at"] - time.time() * 1000) < 15_000
    assert (await browser.get("home/status"))["counts"]["calls_now"] == 1

    await browser.post("calls/hang_up", id=started["call_id"])
    began = time.monotonic()
    await at_first.until_ended()
    await at_second.until_ended()

    async def over() -> bool:
        return str((await seen()).get("state", "ended")) == "ended"

    await eventually(over, within=SOON, what="the end of the call")
    assert time.monotonic() - began < 5
    assert (await browser.refused("calls/hang_up", id=started["call_id"]))["status"] == 404

    async def recorded() -> dict[str, Any] | None:
        answer = await browser.send("GET", "calls/record", {"call_id": started["call_id"]})
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return found

    record = await eventually(recorded, within=10, what="the record")
    assert record is not None
    assert record == await browser.get("calls/record", originated_call_id=started["originated_call_id"])
    assert (record["src"], record["dst"], record["disposition"]) == ("201", "202", "ANSWERED")
    assert (record["recorded"], record["call_id"]) == (True, started["call_id"])
    assert (await browser.get("calls/recent", number="202"))["rows"][0] == record

    url = f"{PREFIX}calls/recording?call_id={record['call_id']}"
    whole = await browser.http.get(url)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/mpeg")
    part = await browser.http.get(url, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])
    folder = several.state_dir / "recordings"
    await eventually(lambda: not list(folder.glob("source/*")), within=15, what="the kept recording")
    kept = await browser.http.get(url)
    assert (kept.content, kept.headers["etag"]) == (whole.content, whole.headers["etag"])


async def test_a_call_that_only_rings_is_hung_up(
    several: TamasServer, browser: Browser, new_extension: NewExtension
) -> None:
    """Before anybody answered: the phone stops ringing, and the record says that nobody did."""
    phone = await new_extension(several, "201")
    started = await browser.post("calls/originate", caller="201", callee="202")
    call = await phone.incoming()
    await browser.post("calls/hang_up", id=started["call_id"])
    await call.until_ended()

    async def recorded() -> bool:
        answer = await browser.send("GET", "calls/record", {"call_id": started["call_id"]})
        return answer.status_code == 200 and answer.json()["disposition"] != "ANSWERED"

    await eventually(recorded, within=10, what="the record")


@pytest.mark.slow
async def test_every_worker_obeys_at_once(several: TamasServer, browser: Browser) -> None:
    """An account's rights, its being enabled and the allowed addresses count from the next request on,
    whichever worker changed them and whichever is asked.
    """
    made = await browser.post(
        "api_accounts/add", username="crm", auth="basic", permissions=["/pbx/users/add"]
    )

    async def statuses(service: str, body: Mapping[str, Any]) -> set[int]:
        found = set()
        for _ in range(CONNECTIONS):
            async with httpx.AsyncClient(
                base_url=several.base_url,
                auth=(made["username"], made["password"]),
                timeout=20,
                trust_env=False,
            ) as client:
                found.add((await client.post(f"/api/v4/{service}", json=body)).status_code)
        return found

    add = "pbx/users/add"
    assert await statuses(add, {}) == {200}, "allowed; the answer tells that a field is missing"
    assert await statuses("pbx/users/search", {"alike": True}) == {403}
    await browser.post("api_accounts/update", id=made["id"], permissions=["/pbx/users/search"])
    assert await statuses(add, {}) == {403}
    assert await statuses("pbx/users/search", {"alike": True}) == {200}
    await browser.post("api_accounts/update", id=made["id"], enabled=False)
    assert await statuses("setting/ping/act", {}) == {401}
    await browser.post("api_accounts/update", id=made["id"], enabled=True)
    refused = await eventually(
        lambda: _lockout(browser), within=5, what="today's requests in the log of every worker"
    )
    assert {one["address"] for one in refused} == {"127.0.0.1"}
    await browser.post("settings/simotel_api_update", allowed_ips=["10.0.0.0/8"], accept_lockout=True)
    assert await statuses("pbx/users/search", {"alike": True}) == {403}
    await browser.post("settings/simotel_api_update", allowed_ips=["127.0.0.1"])
    assert await statuses("pbx/users/search", {"alike": True}) == {200}


async def _lockout(browser: Browser) -> list[dict[str, Any]]:
    """Whom the list of the next step would lock out."""
    answer = await browser.get("settings/check_addresses", allowed_ips="10.0.0.0/8")
    found: list[dict[str, Any]] = answer["locked_out"]
    return found


@pytest.mark.slow
async def test_home_is_the_same_whichever_worker_is_asked(several: TamasServer, browser: Browser) -> None:
    """Also when Asterisk dies: every worker tells of it, of its return, and of the error in the log."""
    record = several.engine_record()
    assert record is not None
    engines = [answer["engine"] for answer in await everywhere(browser, "home/status")]
    for engine in engines:
        assert engine == {
            "ready": True,
            "state": "running",
            "version": record.version,
            "since": record.started_at // 1000,
            "problem": None,
        }
    several.kill_asterisk()

    async def gone() -> bool:
        return not (await browser.get("home/status"))["engine"]["ready"]

    await eventually(gone, within=5, what="its end")
    refused = await browser.refused("calls/originate", caller="201", callee="202")
    assert refused["status"] in (422, 503)

    async def back() -> bool:
        answers = await everywhere(browser, "home/status")
        ready = all(answer["engine"]["ready"] for answer in answers)
        since = {answer["engine"]["since"] for answer in answers}
        return ready and len(since) == 1 and since != {record.started_at // 1000}

    await eventually(back, within=30, what="its return, told by every worker")
    for answer in await everywhere(browser, "home/status"):
        problems = [(one["source"], one["level"]) for one in answer["problems"]]
        assert ("tamas.engine.engine", "error") in problems
