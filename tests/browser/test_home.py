"""Home: how the contact center is, and the first steps on a fresh one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect

from browser._axe import axe
from browser._page import DESKTOP, PHONE
from browser._watch import PageWatch
from browser.conftest import NewPage, session_cookies
from support.console import ADMINISTRATOR, PASSWORD, administrator, person
from support.console import Browser as ConsoleBrowser
from support.server import TamasServer
from support.servers import NewExtension
from tamas.demo.phone import AutoAnswer

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TamasServer]:
    """A server on which nothing was done yet; the tests below take it further, one after the other."""
    async with TamasServer(tmp_path_factory.mktemp("fresh")) as running:
        yield running


@pytest.fixture(scope="module")
async def fresh_console(fresh_server: TamasServer) -> AsyncIterator[ConsoleBrowser]:
    """Its console's API for its administrator."""
    async with administrator(fresh_server) as console:
        yield console


class OpenHome(Protocol):
    """Opens Home of the fresh server."""

    async def __call__(self, username: str = ADMINISTRATOR) -> Page: ...


@pytest.fixture
async def open_home(
    browser: Browser, fresh_server: TamasServer, fresh_console: ConsoleBrowser
) -> AsyncIterator[OpenHome]:
    """``await open_home("sara")``; nothing may go wrong on the page."""
    assert fresh_console.csrf
    watch = PageWatch(fresh_server.base_url)
    contexts: list[BrowserContext] = []

    async def open_page(username: str = ADMINISTRATOR) -> Page:
        width, height = DESKTOP
        context = await browser.new_context(
            base_url=fresh_server.base_url,
            locale="en-GB",
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        contexts.append(context)
        watch.attach(context)
        await context.add_cookies(await session_cookies(fresh_server, username, PASSWORD))
        page = await context.new_page()
        await page.goto("/console")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    watch.check()


def step(page: Page, name: str) -> Locator:
    """A step of what to do next."""
    return page.get_by_role("region", name="What to do next").get_by_role("listitem").filter(has_text=name)


@pytest.mark.slow
async def test_steps_can_be_hidden(
    open_home: OpenHome, fresh_server: TamasServer, fresh_console: ConsoleBrowser
) -> None:
    """Whoever knows what to do hides them, and they stay away; nobody else loses them."""
    async with person(fresh_server, fresh_console, "expert", {"home": ["read"]}):
        page = await open_home("expert")
        # What this account may not do has no button.
        await expect(step(page, "Add two extensions").get_by_role("link")).to_have_count(0)
        await page.get_by_role("button", name="Hide these steps").click()
        await expect(page.get_by_role("region", name="What to do next")).to_have_count(0)
        await page.reload()
        await expect(page.get_by_role("region", name="Engine")).to_be_visible()
        await expect(page.get_by_role("region", name="What to do next")).to_have_count(0)
        await page.close()
    page = await open_home()
    await expect(page.get_by_role("region", name="What to do next")).to_be_visible()


async def test_first_steps_tick_off(
    open_home: OpenHome, fresh_server: TamasServer, new_extension: NewExtension
) -> None:
    """Each button opens the right form, what was done ticks a step off, and the last takes them away."""
    page = await open_home()
    await expect(page.get_by_text("0 of 3 done")).to_be_visible()
    await expect(step(page, "Make a call").get_by_role("button")).to_be_disabled()
    await axe(page)
    await step(page, "Add two extensions").get_by_role("link", name="Add an extension").click()
    await expect(page.get_by_role("dialog").get_by_label("Number", exact=False).first).to_be_visible()
    await page.goto("/console")

    caller = await new_extension(fresh_server, "101", register=False)
    await expect(step(page, "Add two extensions")).to_contain_text("One more")
    callee = await new_extension(fresh_server, "102", register=False, manner=AutoAnswer())
    await expect(step(page, "Add two extensions").get_by_role("img", name="Done")).to_be_visible()
    await step(page, "Register a phone").get_by_role("link", name="Show the settings").click()
    await expect(page.get_by_role("dialog")).to_contain_text("101")
    await page.go_back()

    await caller.register()
    await callee.register()
    await expect(step(page, "Register a phone").get_by_role("img", name="Done")).to_be_visible()
    await step(page, "Make a call").get_by_role("link", name="Start a call").click()
    await expect(page.get_by_role("dialog", name="New two-way call")).to_be_visible()
    await page.go_back()

    call = await caller.call("102")
    await call.until_talking()
    await caller.hang_up()
    await expect(page.get_by_role("region", name="What to do next")).to_have_count(0, timeout=15_000)
    await axe(page)


async def test_an_engine_that_dies_is_told(open_home: OpenHome, fresh_server: TamasServer) -> None:
    """That Asterisk was killed is among the problems, without loading the page anew; then it runs again."""
    page = await open_home()
    engine = page.get_by_role("region", name="Engine")
    await expect(engine.get_by_role("status")).to_have_text("Running")
    fresh_server.asterisk.kill()
    problems = page.get_by_role("region", name="Problems of late")
    await expect(problems.get_by_text("Asterisk was killed by SIGKILL")).to_be_visible(timeout=20_000)
    await expect(engine.get_by_role("status")).to_have_text("Running", timeout=30_000)


async def test_tiles_count_and_lead_on(
    new_page: NewPage, server: TamasServer, console: ConsoleBrowser, new_extension: NewExtension
) -> None:
    """A tile counts live and opens its page; where there is no right to that page it is no link."""
    await new_extension(server, "211", register=False)
    page = await new_page("/console")
    tiles = page.get_by_role("region", name="Figures")
    there = (await console.get("home/status"))["counts"]["extensions"]
    await expect(tiles.get_by_role("link", name="Extensions")).to_contain_text(str(there))
    await new_extension(server, "212", register=False)
    await expect(tiles.get_by_role("link", name="Extensions")).to_contain_text(str(there + 1))
    await tiles.get_by_role("link", name="Extensions").click()
    await expect(page.get_by_role("heading", level=1, name="Users")).to_be_visible()

    async with person(server, console, "homely", {"home": ["read"]}):
        looking = await new_page("/console", language="fa", size=PHONE, username="homely")
        await expect(looking.get_by_role("region", name="آمار")).to_be_visible()
        await expect(looking.get_by_role("region", name="آمار").get_by_role("link")).to_have_count(0)
        await axe(looking)
        await looking.close()


@pytest.mark.slow
async def test_what_is_wrong_is_told(new_page: NewPage) -> None:
    """A disk that fills up, an engine that is away and why, problems that hold markup: in words, as text."""
    page = await new_page("about:blank")

    async def worse(route: Route) -> None:
        answer = await route.fetch()
        status: dict[str, Any] = await answer.json()
        status["engine"] |= {"ready": False, "state": "restarting", "problem": "no licence <b>at all</b>"}
        status["disk"] |= {"total_bytes": 100_000_000_000, "free_bytes": 3_000_000_000}
        status["problems"] = [
            {
                "at": 1_795_000_000_000,
                "source": "tamas.x",
                "level": "error",
                "text": f"<i>{n}</i>",
                "count": n,
            }
            for n in range(1, 8)
        ]
        status["steps"]["done"] = True
        await route.fulfill(response=answer, body=json.dumps(status))

    await page.route("**/api/console/v1/home/status", worse)
    await page.goto("/console")
    await expect(page.get_by_role("region", name="Engine")).to_contain_text("Starting again")
    await expect(page.get_by_role("region", name="Engine")).to_contain_text("no licence <b>at all</b>")
    await expect(page.get_by_role("region", name="Disk")).to_contain_text("Nearly full")
    await expect(page.get_by_role("region", name="Disk")).to_contain_text("3 GB free of 100 GB")
    problems = page.get_by_role("region", name="Problems of late")
    await expect(problems.get_by_role("listitem")).to_have_count(5)
    await problems.get_by_role("button", name="Show all 7").click()
    await expect(problems.get_by_role("listitem").last).to_contain_text("<i>7</i>")
    await expect(problems.get_by_role("listitem").last).to_contain_text("7 times")
    await axe(page)
