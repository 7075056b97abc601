"""The browser and the shapes in which a page is looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Page

from browser._axe import settled

Language = Literal["en", "fa"]
Scheme = Literal["light", "dark"]

LOCALES: Final[Mapping[Language, str]] = {"en": "en-GB", "fa": "fa-IR"}
DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)
PICTURES: Final = Path(__file__).resolve().parents[2] / "var" / "screenshots"
CHROMIUM_OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ChromiumMissing(Exception):
    """There is no Chromium without a window; 'make setup-dev' installs Debian's."""


def chromium() -> str:
    """Path of the browser: the pages' engine without a window and all that belongs to one.

    ``TAMAS_TEST_CHROMIUM`` may name another.

    :raises ChromiumMissing: there is none.
    """
    found = os.environ.get("TAMAS_TEST_CHROMIUM") or shutil.which("chromium-headless-shell")
    if found is None:
        raise ChromiumMissing(ChromiumMissing.__doc__)
    return found


async def shoot(page: Page, name: str) -> Path:
    """Take a picture of what the window shows, when it is at rest, into ``var/screenshots/NAME.png``."""
    await settled(page)
    path = PICTURES / f"{name}.png"
    await page.screenshot(path=path, animations="disabled", caret="hide")
    return path
