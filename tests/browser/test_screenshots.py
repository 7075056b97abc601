"""A picture of every page in both languages, both widths and both colour schemes (``make screenshots``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from browser._album import Album, Picture
from browser._axe import grave_findings
from browser._page import DESKTOP, PHONE, Language, Scheme, shoot
from browser._pages import PAGES, Shown
from browser._seed import working_day
from browser._watch import PageWatch
from browser.conftest import new_profile, session_cookies
from support.console import ADMINISTRATOR, PASSWORD
from support.console import Browser as ConsoleBrowser
from support.server import TamasServer

pytestmark = pytest.mark.screenshots

TALLEST = 6000
"""Pixels of a picture."""


@pytest.fixture(scope="module", autouse=True)
async def _working_day(
    server: TamasServer, console: ConsoleBrowser, sipp: tuple[str, ...]
) -> AsyncIterator[None]:
    async with working_day(server, console, sipp):
        yield


@pytest.fixture(scope="module")
def album() -> Iterator[Album]:
    """The sheet on which the pictures go."""
    collected = Album()
    yield collected
    collected.write()


@dataclass(frozen=True)
class Shape:
    """How a page is looked at."""

    language: Language
    size: tuple[int, int]
    scheme: Scheme

    def __str__(self) -> str:
        return f"{self.language}-{self.size[0]}-{self.scheme}"


SHAPES = [
    Shape(language, size, scheme)
    for language in ("en", "fa")
    for size in (DESKTOP, PHONE)
    for scheme in ("light", "dark")
]


class Profiles(Protocol):
    """A browser profile for all pictures of a shape, in which somebody is signed in or not."""

    async def __call__(self, shape: Shape, *, signed_in: bool) -> BrowserContext: ...


@pytest.fixture(scope="module")
async def profiles(browser: Browser, server: TamasServer, console: ConsoleBrowser) -> AsyncIterator[Profiles]:
    """See :class:`Profiles`; what was fetched for one picture need not be fetched for the next one."""
    opened: dict[tuple[Shape, bool], BrowserContext] = {}

    async def profile(shape: Shape, *, signed_in: bool) -> BrowserContext:
        known = opened.get((shape, signed_in))
        if known is None:
            known = await new_profile(
                browser, server, language=shape.language, size=shape.size, scheme=shape.scheme
            )
            if signed_in:
                await known.add_cookies(await session_cookies(server, ADMINISTRATOR, PASSWORD))
            opened[shape, signed_in] = known
        return known

    yield profile
    for context in opened.values():
        await context.close()


@pytest.mark.parametrize(
    "shown",
    [pytest.param(shown, marks=pytest.mark.slow if shown.is_state else ()) for shown in PAGES],
    ids=[shown.name for shown in PAGES],
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_picture(
    shown: Shown, shape: Shape, profiles: Profiles, server: TamasServer, album: Album
) -> None:
    """The page can be shown, without a word of complaint from the browser; eyes judge how it looks."""
    watch = PageWatch(server.base_url)
    if shown.faults is not None:
        watch.allow(shown.faults)
    context = await profiles(shape, signed_in=shown.signed_in)
    page = await context.new_page()
    watch.attach_page(page)
    try:
        await page.goto(f"/console{shown.path}")
        await expect(page.get_by_role("heading", level=1).first).to_be_visible()
        if shown.prepare is not None:
            await shown.prepare(page)
        await page.wait_for_load_state("networkidle")
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        await _unroll(page, shape.size)
        remarks = await grave_findings(page) + await _too_wide(page)
        file = await shoot(page, f"{shown.name}-{shape}")
    finally:
        await page.close()
    album.add(
        Picture(page=shown.name, shape=str(shape), file=file, width=shape.size[0], remarks=tuple(remarks))
    )
    watch.check()


async def _unroll(page: Page, size: tuple[int, int]) -> None:
    """Make the window so tall that all of the page, or of the drawer that is open, is in the picture."""
    width, height = size
    hidden: int = await page.evaluate(
        """() => {
            const drawer = [...document.querySelectorAll('[role=dialog]')].at(-1)
            const whole = drawer ?? document.documentElement
            whole.scrollTo(0, 0)
            return whole.scrollHeight - whole.clientHeight
        }"""
    )
    if hidden > 0:
        await page.set_viewport_size({"width": width, "height": min(height + hidden, TALLEST)})


async def _too_wide(page: Page) -> list[str]:
    """Whether the page as a whole has to be scrolled sideways."""
    surplus: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{surplus} px wider than the window"] if surplus > 0 else []
