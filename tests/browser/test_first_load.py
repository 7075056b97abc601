"""What somebody on a slow line has to wait for."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from playwright.async_api import expect

from browser._page import Language
from browser.conftest import NewPage
from support.console import ADMINISTRATOR, PASSWORD
from support.waiting import eventually

LIMIT = 250_000
"""Bytes of sign-in and home together on an empty cache, gzipped, without the heads of the answers."""


@pytest.mark.parametrize("language", ["en", pytest.param("fa", marks=pytest.mark.slow)])
async def test_sign_in_and_home_are_small(new_page: NewPage, language: Language) -> None:
    """Whoever opens the console for the first time and signs in has waited for less than 250 kB gzipped."""
    page = await new_page("about:blank", language=language, username=None)
    devtools = await page.context.new_cdp_session(page)
    urls: dict[str, str] = {}
    heads: dict[str, int] = {}
    sizes: dict[str, int] = defaultdict(int)

    def on_request(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["request"]["url"]

    def on_head(event: dict[str, Any]) -> None:
        heads[event["requestId"]] = event["response"]["encodedDataLength"]

    def on_finished(event: dict[str, Any]) -> None:
        body = event["encodedDataLength"] - heads[event["requestId"]]
        sizes[urls[event["requestId"]]] += body

    devtools.on("Network.requestWillBeSent", on_request)
    devtools.on("Network.responseReceived", on_head)
    devtools.on("Network.loadingFinished", on_finished)
    await devtools.send("Network.enable")
    # The worst that a browser can read; over HTTPS it would ask for brotli.
    await page.set_extra_http_headers({"Accept-Encoding": "gzip"})
    await page.goto("/console")
    await page.locator("input[type=password]").wait_for()
    await page.locator("input[autocomplete=username]").fill(ADMINISTRATOR)
    await page.locator("input[type=password]").fill(PASSWORD)
    await page.locator("button[type=submit]").click()
    await expect(page.get_by_role("navigation").first).to_be_attached()
    await expect(page.get_by_role("heading", level=1).first).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await page.evaluate("document.fonts.ready.then(() => 0)")
    await eventually(
        lambda: len(sizes) >= len(set(urls.values())) - 1, within=10, what="the end of all requests"
    )
    total = sum(sizes.values())
    listing = "\n".join(f"{size:>8} {url}" for url, size in sorted(sizes.items(), key=lambda item: -item[1]))
    assert len(sizes) > 3, listing
    assert total < LIMIT, f"{total} bytes:\n{listing}"
