"""A picture of every page in both languages, both widths and both colour schemes (``make screenshots``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page, expect

from browser._album import Album, Picture
from browser._axe import grave_findings
from browser._page import DESKTOP, PHONE, Language, Scheme, shoot
from browser._pages import PAGES, Shown
from browser._seed import working_day
from browser.conftest import NewPage
from support.console import ADMINISTRATOR
from support.console import Browser as ConsoleBrowser
from support.server import TamasServer

pytestmark = pytest.mark.screenshots

SIZES = (DESKTOP, PHONE)
TALLEST = 4000
"""Pixels of a page's picture."""


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


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("language", ["en", "fa"])
async def test_picture(
    shown: Shown,
    language: Language,
    size: tuple[int, int],
    scheme: Scheme,
    new_page: NewPage,
    album: Album,
) -> None:
    """The page can be shown, without a word of complaint from the browser; eyes judge how it looks."""
    page = await new_page(
        f"/console{shown.path}",
        language=language,
        size=size,
        scheme=scheme,
        username=ADMINISTRATOR if shown.signed_in else None,
    )
    await expect(page.get_by_role("heading", level=1).first).to_be_visible()
    if shown.prepare is not None:
        await shown.prepare(page)
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    remarks = await grave_findings(page) + await _too_wide(page)
    shape = f"{language}-{size[0]}-{scheme}"
    file = await shoot(page, f"{shown.name}-{shape}")
    album.add(Picture(page=shown.name, shape=shape, file=file, width=size[0], remarks=tuple(remarks)))


async def _too_wide(page: Page) -> list[str]:
    """Whether the page as a whole has to be scrolled sideways."""
    surplus: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{surplus} px wider than the window"] if surplus > 0 else []
