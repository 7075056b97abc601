"""Maintenance > API Logs: requests are seen as they come in, found again, understood and taken along."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from browser._axe import axe
from browser._page import PHONE
from browser._simotel import program
from browser._watch import PageWatch
from browser.conftest import NewPage
from support.console import Browser as ConsoleBrowser
from support.console import person
from support.server import TamasServer

pytestmark = pytest.mark.engine

PATH = "/console/maintenance/api-logs"
PING, ADD, SEARCH = "setting/ping/act", "pbx/users/add", "pbx/users/search"
MARKUP = "no/<b>such</b>"
SOON = 1_500
"""Milliseconds after its answer until a request is on screen, on a machine that does other things as well."""


def requests(page: Page) -> Locator:
    """The rows, latest first."""
    return page.get_by_role("row").filter(has=page.get_by_role("gridcell"))


async def test_requests_are_seen_as_they_come_in(
    console_page: Page, console: ConsoleBrowser, server: TamasServer
) -> None:
    """A request is on top within about a second; its details say what was wrong and lead on."""
    page = console_page
    async with program(server, console, "live", "/pbx/users/*") as caller:
        assert await caller.status(SEARCH, alike=True, conditions={}) == 200
        await page.get_by_role("link", name="API logs").click()
        top = requests(page).first
        await expect(top).to_contain_text(SEARCH)
        await caller.call(ADD, number="4201", name="<i>Sara</i>")
        await expect(top).to_contain_text(ADD, timeout=SOON)
        await expect(top).to_contain_text("200 Failed")
        await expect(top).to_contain_text("live")
        await axe(page)

        await top.click()
        drawer = page.get_by_role("dialog", name="Request")
        await expect(drawer.get_by_text("A field was at fault")).to_be_visible()
        await expect(drawer.get_by_text("The value of secret is missing")).to_be_visible()
        await expect(drawer.get_by_text("POST")).to_be_visible()
        await axe(page)
        await page.reload()
        await expect(drawer.get_by_text("A field was at fault")).to_be_visible()
        await page.keyboard.press("Escape")

        await caller.call(PING)
        await expect(top).to_contain_text("403 Refused", timeout=SOON)
        await top.click()
        await expect(drawer.get_by_text("The account lacks the right")).to_be_visible()
        await expect(drawer.get_by_role("link", name="Permissions in API accounts")).to_be_visible()
        await drawer.get_by_role("button", name="All of this account").click()
        await expect(drawer).to_have_count(0)
        await expect(page).to_have_url(f"{server.base_url}{PATH}?account=live")
        await expect(requests(page)).to_have_count(3)

        await caller.call(MARKUP)
        await expect(top).to_contain_text(MARKUP, timeout=SOON)
        await top.click()
        await expect(drawer.get_by_text(MARKUP, exact=True).first).to_be_visible()
        await expect(page.locator("main b, [role=dialog] b")).to_have_count(0)


@pytest.mark.slow
async def test_news_wait_while_somebody_reads(
    console_page: Page, console: ConsoleBrowser, server: TamasServer
) -> None:
    """Paused, or read further down, nothing moves: new requests are counted, and come when wanted."""
    page = console_page
    async with program(server, console, "busy") as caller:
        for _ in range(40):
            await caller.call(PING)
        await page.goto(f"{PATH}?account=busy")
        await expect(requests(page).first).to_contain_text("busy")
        await page.get_by_role("button", name="Pause").click()
        await caller.call(SEARCH, alike=True)
        await caller.call(SEARCH, alike=True)
        news = page.get_by_role("button", name="2 new entries")
        await expect(news).to_be_visible()
        await expect(requests(page).first).to_contain_text(PING)
        await axe(page)
        await page.get_by_role("button", name="Resume").click()
        await expect(requests(page).first).to_contain_text(SEARCH)
        await expect(news).to_have_count(0)

        await requests(page).first.focus()
        await page.keyboard.press("End")
        await expect(requests(page).last).to_be_focused()
        await caller.call(ADD, number="x")
        wait = page.get_by_role("button", name="1 new entry")
        await expect(wait).to_be_visible()
        await expect(requests(page).last).to_be_focused()
        await wait.click()
        await expect(requests(page).first).to_contain_text(ADD)


async def test_requests_are_found_and_taken_along(
    console_page: Page, console: ConsoleBrowser, server: TamasServer, tmp_path: Path
) -> None:
    """Filters leave what fits, also of what comes in; the file has the same rows."""
    page = console_page
    async with program(server, console, "first") as first, program(server, console, "second") as second:
        await first.call(PING)
        await first.call(ADD, number="4202")
        await second.call(PING)
        await second.call("no/<b>such</b>")
        await page.goto(PATH)
        await page.get_by_role("combobox", name="All accounts").click()
        await page.get_by_role("option", name="second").click()
        await expect(requests(page)).to_have_count(2)
        await expect(requests(page).first).to_contain_text("no/<b>such</b>")
        await expect(requests(page).locator("b")).to_have_count(0)
        await page.get_by_role("combobox", name="Outcome").click()
        await page.get_by_role("option", name="Done").click()
        await expect(requests(page)).to_have_count(1)

        await first.call(PING)
        await second.call(ADD, number="4202")
        await second.call(PING)
        await expect(requests(page)).to_have_count(2)
        await page.get_by_role("combobox", name="Status").click()
        await page.get_by_role("option", name="5xx").click()
        await expect(page.get_by_text("Nothing fits")).to_be_visible()
        await page.get_by_role("combobox", name="Outcome").click()
        await page.get_by_role("option", name="All outcomes").click()
        await expect(requests(page)).to_have_count(1)
        await page.get_by_role("combobox", name="Status").click()
        await page.get_by_role("option", name="All statuses").click()

        address = page.get_by_role("textbox", name="Address")
        await address.fill("10.0.0.0/8")
        await expect(page.get_by_text("Nothing fits")).to_be_visible()
        await address.fill("127.0.0.0/8")
        await expect(requests(page)).to_have_count(4)
        await page.get_by_role("button", name="Time: Any time").click()
        await axe(page)
        await page.get_by_role("menuitemradio", name="Yesterday").click()
        await expect(page.get_by_text("Nothing fits")).to_be_visible()
        await page.get_by_role("button", name="Time: Yesterday").click()
        await page.get_by_role("menuitemradio", name="Last hour").click()
        await expect(requests(page)).to_have_count(4)
        await axe(page)

        async with page.expect_download() as waiting:
            await page.get_by_role("link", name="Export CSV").click()
        file = tmp_path / "log.csv"
        await (await waiting.value).save_as(file)
        rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
        assert [(one["account"], one["service"]) for one in rows] == [
            ("second", PING),
            ("second", ADD),
            ("second", "no/<b>such</b>"),
            ("second", PING),
        ]


@pytest.mark.slow
async def test_a_wrong_address_is_told(console_page: Page, watch: PageWatch) -> None:
    """What is no address filters nothing, and says so."""
    page = console_page
    watch.allow("422.*api_log/list")
    await page.goto(PATH)
    await page.get_by_role("textbox", name="Address").fill("nowhere")
    await expect(page.get_by_text("That is neither an address, nor a network")).to_be_visible()


@pytest.mark.slow
async def test_who_sees_nothing_else(console: ConsoleBrowser, server: TamasServer, new_page: NewPage) -> None:
    """Somebody with this page alone follows the log, and is led nowhere that is closed."""
    rights = {"maintenance.api_logs": ["read"]}
    async with program(server, console, "crm", "/pbx/*") as caller, person(server, console, "reader", rights):
        page = await new_page(PATH, username="reader")
        await expect(page.get_by_role("heading", name="API logs", level=1)).to_be_visible()
        await caller.call(PING)
        await expect(requests(page).first).to_contain_text("403 Refused")
        await requests(page).first.click()
        drawer = page.get_by_role("dialog", name="Request")
        await expect(drawer.get_by_text("The account lacks the right")).to_be_visible()
        await expect(drawer.get_by_role("link")).to_have_count(0)


@pytest.mark.slow
async def test_on_a_phone_in_persian(console: ConsoleBrowser, server: TamasServer, new_page: NewPage) -> None:
    """Rows are cards; filters unfold; nothing is wider than the screen."""
    async with program(server, console, "همراه") as caller:
        await caller.call(PING)
        page = await new_page(PATH, language="fa", size=PHONE)
        await page.get_by_role("button", name="فیلترها").click()
        await page.get_by_role("combobox", name="همهٔ حساب‌ها").click()
        await page.get_by_role("option", name="همراه", exact=True).click()
        cards = page.get_by_role("list", name="درخواست‌ها به API سیموتل").get_by_role("listitem")
        await expect(cards).to_have_count(1)
        await expect(cards).to_contain_text(PING)
        await axe(page)
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide)
