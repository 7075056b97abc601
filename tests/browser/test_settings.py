"""Maintenance > Settings: who may call from where is in force at the next request; dates are everybody's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

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

PATH = "/console/maintenance/settings"
PING = "setting/ping/act"


@pytest.fixture(autouse=True)
async def _as_before(console: ConsoleBrowser) -> AsyncIterator[None]:
    """The settings are those of the server's other tests again, whatever became of this one."""
    before = await console.get("settings/simotel_api")
    yield
    await console.post(
        "settings/simotel_api_update",
        accept_lockout=True,
        **{name: before[name] for name in before["defaults"]},
    )


async def save(page: Page) -> None:
    """Save what was changed."""
    await page.get_by_role("button", name="Save changes").click()


async def saved(page: Page) -> None:
    """Wait until it is."""
    await expect(page.get_by_role("button", name="Save changes")).to_have_count(0)


def addresses(page: Page) -> Locator:
    """The field of allowed addresses."""
    return page.get_by_role("combobox", name="Allowed addresses")


async def test_allowed_addresses_are_in_force_at_the_next_request(
    console_page: Page, console: ConsoleBrowser, server: TamasServer, watch: PageWatch
) -> None:
    """Whoever called today is not locked out unawares; what is saved holds from the next request on."""
    page = console_page
    watch.allow("409.*settings/simotel_api_update")
    async with program(server, console, "crm") as caller:
        assert await caller.status(PING) == 200
        await page.get_by_role("link", name="Settings").click()
        used = page.get_by_role("region", name="Used today")
        mine = used.get_by_role("listitem").filter(has_text="crm")
        await expect(mine).to_contain_text("127.0.0.1")
        await expect(mine).to_contain_text("Allowed")
        await axe(page)

        field = addresses(page)
        await field.press("Backspace")
        await field.press("Backspace")
        await field.press_sequentially("10.0.0.0/8")
        await field.press("Enter")
        warning = page.get_by_role("alert").filter(has_text="would lock out who called today")
        await expect(warning).to_contain_text("crm")
        await expect(mine).to_contain_text("Would be locked out")
        await axe(page)
        assert await caller.status(PING) == 200, "nothing is saved yet"

        await save(page)
        question = page.get_by_role("dialog", name="Lock out addresses that called today?")
        await expect(question).to_contain_text("127.0.0.1")
        await axe(page)
        assert await caller.status(PING) == 200, "it was only asked"
        await question.get_by_role("button", name="Cancel").click()
        await save(page)
        await question.get_by_role("button", name="Lock them out").click()
        await saved(page)
        assert await caller.status(PING) == 403

        await expect(mine).to_contain_text("Not allowed")
        await mine.get_by_role("button", name="Allow 127.0.0.1").click()
        await expect(mine).to_contain_text("Allowed once saved")
        await save(page)
        await saved(page)
        assert await caller.status(PING) == 200
        stored = await console.get("settings/simotel_api")
        assert stored["allowed_ips"] == ["10.0.0.0/8", "127.0.0.1"]

        await field.press("Backspace")
        await page.get_by_role("switch", name="Allow all addresses").check()
        await expect(warning).to_have_count(0)
        await expect(page.get_by_text("Without effect as long as all addresses are allowed.")).to_be_visible()
        await save(page)
        await saved(page)
        assert await caller.status(PING) == 200


@pytest.mark.slow
async def test_what_cannot_be_used_is_told_at_the_chip(console_page: Page, watch: PageWatch) -> None:
    """A mistyped address stands out before it is saved; an origin with a path is told when it is."""
    page = console_page
    watch.allow("422.*settings/simotel_api_update")
    await page.goto(PATH)
    field = addresses(page)
    await field.press_sequentially("300.1.1.1 fd00::/8 ")
    await expect(page.get_by_text("300.1.1.1 is neither an address nor a network.")).to_be_visible()
    await expect(page.locator("[data-wrong]")).to_have_text(["300.1.1.1"])
    await axe(page)
    await save(page)
    await expect(field).to_be_focused()
    await page.get_by_role("button", name=re.compile(r"^Reset to default: .*127\.0\.0\.1")).click()
    await expect(page.locator("[data-wrong]")).to_have_count(0)
    origins = page.get_by_role("combobox", name="Web pages that may call (CORS)")
    await origins.press_sequentially("https://crm.example.com/path ")
    await save(page)
    await expect(page.get_by_text("https://crm.example.com/path is no origin")).to_be_visible()
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    await page.get_by_role("button", name="Discard").click()
    await saved(page)


@pytest.mark.slow
async def test_dates_are_those_of_the_console_too(
    console_page: Page, console: ConsoleBrowser, server: TamasServer
) -> None:
    """Calendar and zone show what time it is there; once saved, all pages have them, and the API."""
    page = console_page
    await page.goto(PATH)
    now = page.get_by_text("Now it is")
    year = re.compile(r"20\d\d")
    await expect(now).to_have_text(year)
    await page.get_by_role("radio", name="Jalali (Shamsi)").check()
    await expect(now).to_have_text(re.compile(r"1[34]\d\d"))
    zone = page.get_by_role("combobox", name="Time zone")
    await zone.fill("asia")
    await expect(page.get_by_role("option", name="Asia/Baku")).to_be_visible()
    await axe(page)
    await zone.fill("tehran")
    await page.get_by_role("option", name="Asia/Tehran (UTC+03:30)").click()
    await save(page)
    await saved(page)
    assert (await console.get("settings/simotel_api"))["timezone"] == "Asia/Tehran"
    async with program(server, console, "crm") as caller:
        assert await caller.status(PING) == 200
        await page.get_by_role("link", name="API logs").click()
        await expect(page.get_by_role("row").nth(1)).to_contain_text(re.compile(r"\b1[34]\d\d\b"))


async def test_numbers_and_leniency(console_page: Page, console: ConsoleBrowser) -> None:
    """Only what was changed is saved; a blank is told at its field; each field goes back to its default."""
    page = console_page
    await page.goto(PATH)
    await page.get_by_role("switch", name="Lenient").check()
    await page.get_by_text("What may be left out or written otherwise").click()
    await expect(page.get_by_text("Numbers may have Persian or Arabic digits.")).to_be_visible()
    days = page.get_by_role("textbox", name="Keep for")
    await days.fill("")
    await page.get_by_role("textbox", name="First beep before the end").fill("0")
    await save(page)
    await expect(page.get_by_text("This must be filled in.")).to_be_visible()
    await expect(days).to_be_focused()
    await days.fill("90")
    await save(page)
    await saved(page)
    stored = await console.get("settings/simotel_api")
    assert (stored["log_days"], stored["warning_seconds"], stored["lenient"]) == (90, 0, True)
    (last,) = (await console.get("activity/list", page="maintenance.settings", count=1))["rows"]
    assert set(last["after"]) == {"log_days", "warning_seconds", "lenient"}
    await page.get_by_role("button", name="Reset to default: 30 (Keep for)").click()
    await expect(days).to_have_value("30")
    await save(page)
    await saved(page)
    assert (await console.get("settings/simotel_api"))["log_days"] == 30


@pytest.mark.slow
async def test_what_is_not_saved_is_not_lost_unawares(console_page: Page) -> None:
    """Leaving the page with changes asks first; staying keeps them."""
    page = console_page
    await page.goto(PATH)
    await page.get_by_role("textbox", name="Keep for").fill("7")
    await page.get_by_role("link", name="API logs").click()
    question = page.get_by_role("dialog", name="Discard your changes?")
    await question.get_by_role("button", name="Keep editing").click()
    await expect(page.get_by_role("textbox", name="Keep for")).to_have_value("7")
    await page.get_by_role("link", name="API logs").click()
    await question.get_by_role("button", name="Discard").click()
    await expect(page.get_by_role("heading", name="API logs", level=1)).to_be_visible()


@pytest.mark.slow
async def test_who_may_only_read_changes_nothing(
    console: ConsoleBrowser, server: TamasServer, new_page: NewPage
) -> None:
    """Without the right to change, all is seen and nothing can be typed."""
    async with person(server, console, "reader", {"maintenance.settings": ["read"]}):
        page = await new_page(PATH, username="reader")
        await expect(page.get_by_text("You may look at these settings")).to_be_visible()
        await expect(page.get_by_role("textbox", name="Keep for")).to_be_disabled()
        await axe(page)


@pytest.mark.slow
async def test_on_a_phone_in_persian(new_page: NewPage) -> None:
    """A narrow screen that is read from the right: nothing is wider than it, saving is in reach."""
    page = await new_page(PATH, language="fa", size=PHONE)
    await page.get_by_role("textbox", name="مدت نگهداری").fill("45")
    await expect(page.get_by_role("button", name="ذخیرهٔ تغییرات")).to_be_in_viewport()
    await axe(page)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(wide)
