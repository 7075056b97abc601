"""The pages of which pictures are taken. A new page, or a state of one worth a look, is an entry here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Page, Route


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page, or one of its states."""

    name: str
    """Of its pictures."""
    path: str
    """Below ``/console``."""
    prepare: Callable[[Page], Awaitable[None]] | None = None
    """Brings the open page into the state: opens a form, chooses a tab."""
    signed_in: bool = True


async def first_row(page: Page) -> None:
    """Open what the first row of the page's list is about."""
    rows = page.locator("[data-index='0']")
    await rows.first.wait_for()
    opener = rows.locator("[data-opens]")
    await (opener if await opener.count() else rows).first.click()
    await page.get_by_role("dialog").wait_for()


async def more_options(page: Page) -> None:
    """Unfold everything that a form keeps folded away."""
    summaries = page.get_by_role("dialog").locator("summary")
    await summaries.first.wait_for()
    for summary in await summaries.all():
        await summary.click()


async def fresh_system(page: Page) -> None:
    """Home as it looks before anything was done."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        status = await response.json()
        status["steps"] = {"extensions": 1, "phone": False, "call": False, "done": False}
        status["problems"] = []
        await route.fulfill(response=response, json=status)

    await page.route("**/home/status", answer)
    await page.reload()
    await page.get_by_role("listitem").first.wait_for()


async def trouble(page: Page) -> None:
    """Home when the engine is away and the disk nearly full."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        status = await response.json()
        status["engine"] |= {
            "ready": False,
            "state": "restarting",
            "problem": "Asterisk was killed by SIGKILL",
        }
        status["disk"] |= {"total_bytes": 100_000_000_000, "free_bytes": 3_000_000_000}
        await route.fulfill(response=response, json=status)

    await page.route("**/home/status", answer)
    await page.reload()
    await page.get_by_role("listitem").first.wait_for()


async def new_secrets(page: Page) -> None:
    """The secrets of an account that was just changed."""

    async def answer(route: Route) -> None:
        made = {"id": "0" * 24, "username": "crm", "password": "q7-Vd0fT3hKzXw2n", "token": "t" * 43}
        await route.fulfill(json=made)

    await page.route("**/api_accounts/update", answer)
    await first_row(page)
    await page.locator("button[type=submit]").click()
    await page.get_by_role("dialog").locator("pre").wait_for()


async def command(page: Page) -> None:
    """The command that tries the first account."""
    await page.locator("[data-index='0']").first.wait_for()
    found = await page.evaluate("fetch('/api/console/v1/api_accounts/list').then((one) => one.json())")
    await page.goto(f"/console/maintenance/api-accounts?try={found['rows'][0]['id']}")
    await page.get_by_role("dialog").locator("pre").wait_for()


async def lockout(page: Page) -> None:
    """Nobody is allowed any more, but somebody called today; nothing is saved."""
    addresses = page.locator("[data-path=allowed_ips]")
    for _ in range(2):
        await addresses.press("Backspace")
    await page.get_by_role("alert").wait_for()


PAGES: Final = (
    Shown(name="sign-in", path="/sign-in", signed_in=False),
    Shown(name="home", path="/"),
    Shown(name="home-fresh", path="/", prepare=fresh_system),
    Shown(name="home-trouble", path="/", prepare=trouble),
    Shown(name="calls", path="/calls"),
    Shown(name="calls-story", path="/calls", prepare=first_row),
    Shown(name="calls-new", path="/calls?add=1", prepare=more_options),
    Shown(name="calls-recent", path="/calls?tab=recent"),
    Shown(name="calls-record", path="/calls?tab=recent", prepare=first_row),
    Shown(name="users", path="/pbx/users"),
    Shown(name="trunks", path="/pbx/trunks"),
    Shown(name="queues", path="/pbx/queues"),
    Shown(name="api-accounts", path="/maintenance/api-accounts"),
    Shown(name="api-accounts-add", path="/maintenance/api-accounts?add=1", prepare=more_options),
    Shown(name="api-accounts-edit", path="/maintenance/api-accounts", prepare=first_row),
    Shown(name="api-accounts-secrets", path="/maintenance/api-accounts", prepare=new_secrets),
    Shown(name="api-accounts-try", path="/maintenance/api-accounts", prepare=command),
    Shown(name="api-logs", path="/maintenance/api-logs"),
    Shown(name="api-logs-request", path="/maintenance/api-logs?outcome=failed", prepare=first_row),
    Shown(name="settings", path="/maintenance/settings"),
    Shown(name="settings-lockout", path="/maintenance/settings", prepare=lockout),
    Shown(name="accounts", path="/maintenance/accounts"),
    Shown(name="activity", path="/maintenance/activity"),
    Shown(name="profile", path="/profile"),
    Shown(name="style", path="/style"),
    Shown(name="not-found", path="/no/such/page"),
)
