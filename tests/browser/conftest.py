"""One Chromium and one server for all tests of a run; pages that are signed in, and watched while used."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Generator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from browser._page import CHROMIUM_OPTIONS, DESKTOP, LOCALES, PHONE, Language, Scheme, chromium
from browser._watch import PageWatch
from support.console import ADMINISTRATOR, PASSWORD, administrator, visitor
from support.console import Browser as ConsoleBrowser
from support.every_day import keep_for_every_day
from support.server import TamasServer

PATIENCE = 10.0
"""Seconds that a page may take to show what a test waits for."""
ROOT = Path(__file__).resolve().parents[2]
FAILURES = ROOT / "var" / "browser-failures"

EVERY_DAY = {
    "test_accounts": 1,
    "test_api_accounts": 1,
    "test_api_logs": 1,
    "test_calls": 1,
    "test_first_load": 1,
    "test_harness": 4,
    "test_home": 1,
    "test_queues": 1,
    "test_settings": 1,
    "test_trunks": 1,
    "test_users": 1,
}
"""How many stories of a page, from its first, are for every day; the others go further into it."""

_outcome = pytest.StashKey[pytest.TestReport]()


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is not for every day."""
    keep_for_every_day(items, Path(__file__).parent, EVERY_DAY)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know how their test ended."""
    report = yield
    if report.when == "call":
        item.stash[_outcome] = report
    return report


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=PATIENCE * 1000)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_OPTIONS))
        try:
            yield running
        finally:
            await running.close()


@pytest.fixture(scope="package")
async def server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[TamasServer]:
    """The server of all browser tests: whoever adds something takes it away again."""
    folder = tmp_path_factory.mktemp("server")
    environment = {"TAMAS_CONSOLE_STYLE_PAGE": "yes"}
    async with TamasServer(folder, environment=environment, template=sqlite_template) as running:
        yield running


@pytest.fixture(scope="package")
async def console(server: TamasServer) -> AsyncIterator[ConsoleBrowser]:
    """The console's API for its administrator: ``await console.post("pbx/users/add", number="101", …)``."""
    async with administrator(server) as browser:
        yield browser


@pytest.fixture
async def watch(server: TamasServer) -> AsyncIterator[PageWatch]:
    """What went wrong on the pages of the test, which then fails; ``watch.allow(…)`` lets something pass."""
    watching = PageWatch(server.base_url)
    yield watching
    watching.check()


class NewPage(Protocol):
    """Opens a page of the console in a browser profile of its own."""

    async def __call__(
        self,
        path: str = "/console",
        *,
        language: Language = "en",
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "light",
        username: str | None = ADMINISTRATOR,
        password: str = PASSWORD,
    ) -> Page: ...


@pytest.fixture
async def new_page(
    browser: Browser,
    server: TamasServer,
    console: ConsoleBrowser,
    watch: PageWatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[NewPage]:
    """``await new_page("/console/calls", language="fa", size=PHONE, scheme="dark")``; see :class:`NewPage`.

    ``username=None`` opens it without a session; ``PHONE`` is touched, not pointed at. A page of a failed
    test is kept as a picture.
    """
    pages: list[Page] = []

    async def open_page(
        path: str = "/console",
        *,
        language: Language = "en",
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "light",
        username: str | None = ADMINISTRATOR,
        password: str = PASSWORD,
    ) -> Page:
        context = await new_profile(browser, server, language=language, size=size, scheme=scheme)
        watch.attach(context)
        if username is not None:
            await context.add_cookies(await session_cookies(server, username, password))
        page = await context.new_page()
        pages.append(page)
        await page.goto(path)
        return page

    yield open_page
    report = request.node.stash.get(_outcome, None)
    for number, page in enumerate(pages):
        if report is not None and report.failed and not page.is_closed():
            name = re.sub(r"[^\w.-]+", "-", request.node.nodeid.removeprefix("tests/browser/"))
            await page.screenshot(path=FAILURES / f"{name}-{number}.png", full_page=True)
        await page.context.close()


@pytest.fixture
async def console_page(new_page: NewPage) -> Page:
    """The console at 1280 in English and light, signed in as administrator."""
    return await new_page()


async def new_profile(
    browser: Browser, server: TamasServer, *, language: Language, size: tuple[int, int], scheme: Scheme
) -> BrowserContext:
    """A browser profile without a session; whoever asks for it closes it."""
    width, height = size
    context = await browser.new_context(
        base_url=server.base_url,
        locale=LOCALES[language],
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        is_mobile=size == PHONE,
        has_touch=size == PHONE,
    )
    context.set_default_timeout(PATIENCE * 1000)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


async def session_cookies(server: TamasServer, username: str, password: str) -> list[Any]:
    """Cookies of a new session, in Playwright's words."""
    async with visitor(server) as someone:
        await someone.sign_in(username, password)
        return [
            {
                "name": cookie.name,
                "value": cookie.value,
                "url": server.base_url,
                "httpOnly": True,
                "sameSite": "Strict",
            }
            for cookie in someone.http.cookies.jar
        ]
