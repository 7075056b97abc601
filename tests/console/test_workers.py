"""The console on a whole server with several processes that answer."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from support.console import PASSWORD, Browser, administrator, visitor
from support.servers import NewServer

pytestmark = pytest.mark.engine

MOST_BROWSERS = 64


async def test_what_is_taken_away_is_gone_in_every_process(new_server: NewServer) -> None:
    """Browsers of one person are answered by different workers; disabling the account ends all at once."""
    server = await new_server("sqlite", workers=1)
    async with AsyncExitStack() as browsers:
        admin = await browsers.enter_async_context(administrator(server))
        made = await admin.post("accounts/add", username="sara", account_type="supervisor", password=PASSWORD)
        first = await browsers.enter_async_context(visitor(server))
        first.csrf = (await first.sign_in("sara"))["session"]["csrf"]
        await first.post("session/change_password", current=PASSWORD, new="another password")
        by_worker: dict[str, Browser] = {}
        for _ in range(MOST_BROWSERS):
            browser = await browsers.enter_async_context(visitor(server))
            browser.http.headers["Cookie"] = first.cookie
            answer = await browser.send("GET", "pbx/users/list", {})
            assert answer.status_code == 200
            by_worker.setdefault(answer.headers["x-request-id"][:12], browser)
            if len(by_worker) == 2:
                break
        assert len(by_worker) == 2, f"all of {MOST_BROWSERS} connections went to one worker"
        await admin.post("accounts/update", id=made["id"], enabled=False)
        for browser in by_worker.values():
            assert (await browser.refused("pbx/users/list", "GET"))["code"] == "signed_out"
