"""The pages of which pictures are taken. A new page, or a state of one worth a look, is an entry here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Page, Route

from support.console import PASSWORD

Prepare = Callable[[Page], Awaitable[None]]
"""Brings an open page into a state."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page, or one of its states."""

    name: str
    """Of its pictures."""
    path: str
    """Below ``/console``."""
    prepare: Prepare | None = None
    """Brings the open page into the state: opens a form, chooses a tab."""
    signed_in: bool = True
    faults: str | None = None
    """What of the browser's complaints belongs to the state; see :meth:`PageWatch.allow`."""

    @property
    def is_state(self) -> bool:
        """Whether this is not the page as its menu entry opens it: a form, a tab, a drawer."""
        return self.prepare is not None or "?" in self.path


async def first_row(page: Page) -> None:
    """Open what the first row of the page's list is about."""
    await _open_row(page, 0)


async def second_row(page: Page) -> None:
    """Open what the second row of the page's list is about."""
    await _open_row(page, 1)


async def _open_row(page: Page, place: int) -> None:
    rows = page.locator(f"[data-index='{place}']")
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


def drawer(service: str, parameter: str, *then: Prepare) -> Prepare:
    """Open what the address's ``parameter`` says about the first row that a service lists."""

    async def prepare(page: Page) -> None:
        found = await page.evaluate(f"fetch('/api/console/v1/{service}/list').then((one) => one.json())")
        await page.goto(f"{page.url.split('?')[0]}?{parameter}={found['rows'][0]['id']}")
        await page.get_by_role("dialog").wait_for()
        for step in then:
            await step(page)

    return prepare


def press(selector: str, shown: str) -> Prepare:
    """Press what a selector finds, and wait for what another one finds."""

    async def prepare(page: Page) -> None:
        await page.locator(selector).first.click()
        await page.locator(shown).first.wait_for()

    return prepare


async def chosen_rows(page: Page) -> None:
    """Two rows of a list are ticked."""
    for index in (0, 1):
        await page.locator(f"[data-index='{index}'] input[type=checkbox]").check()
    await page.get_by_role("status").first.wait_for()


async def change_of_many(page: Page) -> None:
    """The form that changes all rows that are ticked."""
    await chosen_rows(page)
    await page.locator("button:has(.tabler-icon-pencil)").last.click()
    await more_options(page)


async def removal_of_many(page: Page) -> None:
    """The question before rows that are ticked are removed."""
    await chosen_rows(page)
    await page.locator("button:has(.tabler-icon-trash)").last.click()
    await page.get_by_role("dialog").locator("li").first.wait_for()


async def empty_fields(page: Page) -> None:
    """A form that was sent off with nothing in it."""
    await page.locator("button[type=submit]").last.click()
    await page.locator("[aria-invalid=true]").first.wait_for()


async def registration(page: Page) -> None:
    """A trunk that registers."""
    await page.locator("[data-path=registers]").check()
    await more_options(page)


async def second_step(page: Page) -> None:
    """Signing in asks for a code."""
    refusal: dict[str, Any] = {"error": {"code": "code_required", "message": "", "field": None, "params": {}}}

    async def answer(route: Route) -> None:
        await route.fulfill(status=401, json=refusal)

    await page.route("**/session/sign_in", answer)
    await page.locator("[name=username]").fill("sara")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("button[type=submit]").click()
    await page.locator("[name=code]").wait_for()


async def first_password(page: Page) -> None:
    """Whoever has a generated password is asked for another one."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        current = await response.json()
        current["session"]["must_change_password"] = True
        await route.fulfill(response=response, json=current)

    await page.route("**/session/current", answer)
    await page.reload()
    await page.locator("input[autocomplete=new-password]").first.fill("12345")


async def second_step_key(page: Page) -> None:
    """The key of a second step that is being set up."""
    await page.locator("main button:not([type=submit])").first.click()
    await page.get_by_role("dialog").locator("input").first.fill(PASSWORD)
    await page.get_by_role("dialog").locator("button[type=submit]").click()
    await page.get_by_role("dialog").locator("[role=img]").wait_for()


def style_part(index: int) -> Prepare:
    """Another part of the style page."""

    async def prepare(page: Page) -> None:
        await page.get_by_role("radiogroup").first.locator("label").nth(index).click()

    return prepare


async def lockout(page: Page) -> None:
    """Nobody is allowed any more, but somebody called today; nothing is saved."""
    addresses = page.locator("[data-path=allowed_ips]")
    for _ in range(2):
        await addresses.press("Backspace")
    await page.get_by_role("alert").wait_for()


async def new_password(page: Page) -> None:
    """The password that was just made for somebody; nothing is."""

    async def answer(route: Route) -> None:
        await route.fulfill(json={"password": "vq7-Vd0fT3hKzXw2n"})

    await page.route("**/accounts/reset_password", answer)
    await page.locator("[data-index='0'] button:has(.tabler-icon-dots-vertical)").first.click()
    await page.get_by_role("menuitem").filter(has=page.locator(".tabler-icon-key")).click()
    await page.get_by_role("dialog").get_by_role("button").last.click()
    await page.get_by_role("dialog").get_by_role("code").first.wait_for()


REVEAL: Final = press("[role=dialog] button:has(.tabler-icon-eye)", "[role=dialog] [role=img]")
ROW_MENU: Final = press("[data-index='1'] button[aria-haspopup=menu]", "[role=menu]")
ACCOUNT_MENU: Final = press("header button:has(.tabler-icon-user-circle)", "[role=menu]")

PAGES: Final = (
    Shown(name="sign-in", path="/sign-in", signed_in=False),
    Shown(name="sign-in-empty", path="/sign-in", prepare=empty_fields, signed_in=False),
    Shown(name="sign-in-code", path="/sign-in", prepare=second_step, signed_in=False, faults="401.*sign_in"),
    Shown(name="first-password", path="/", prepare=first_password),
    Shown(name="home", path="/"),
    Shown(name="home-fresh", path="/", prepare=fresh_system),
    Shown(name="home-trouble", path="/", prepare=trouble),
    Shown(name="calls", path="/calls"),
    Shown(name="calls-story", path="/calls", prepare=first_row),
    Shown(name="calls-new", path="/calls?add=1", prepare=more_options),
    Shown(name="calls-recent", path="/calls?tab=recent"),
    Shown(name="calls-record", path="/calls?tab=recent", prepare=first_row),
    Shown(name="users", path="/pbx/users"),
    Shown(name="users-nothing", path="/pbx/users?search=nothing-like-it"),
    Shown(name="users-chosen", path="/pbx/users", prepare=chosen_rows),
    Shown(name="users-add", path="/pbx/users?add=1", prepare=more_options),
    Shown(name="users-faults", path="/pbx/users?add=1", prepare=empty_fields),
    Shown(name="users-range", path="/pbx/users?range=1", prepare=more_options),
    Shown(name="users-edit", path="/pbx/users", prepare=drawer("pbx/users", "edit", more_options)),
    Shown(name="users-phone", path="/pbx/users", prepare=drawer("pbx/users", "phone", REVEAL)),
    Shown(name="users-change", path="/pbx/users", prepare=change_of_many),
    Shown(name="users-remove", path="/pbx/users", prepare=removal_of_many),
    Shown(name="users-menu", path="/pbx/users", prepare=ROW_MENU),
    Shown(name="trunks", path="/pbx/trunks"),
    Shown(name="trunks-add", path="/pbx/trunks?add=1", prepare=registration),
    Shown(name="trunks-edit", path="/pbx/trunks", prepare=drawer("pbx/trunks", "edit", more_options)),
    Shown(name="queues", path="/pbx/queues"),
    Shown(name="queues-add", path="/pbx/queues?add=1", prepare=more_options),
    Shown(name="queues-edit", path="/pbx/queues", prepare=drawer("pbx/queues", "edit", more_options)),
    Shown(name="queues-agents", path="/pbx/queues", prepare=drawer("pbx/queues", "agents")),
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
    Shown(name="accounts-add", path="/maintenance/accounts?add=1", prepare=more_options),
    Shown(name="accounts-edit", path="/maintenance/accounts?search=sara", prepare=first_row),
    Shown(name="accounts-own", path="/maintenance/accounts", prepare=first_row),
    Shown(name="accounts-password", path="/maintenance/accounts?search=sara", prepare=new_password),
    Shown(name="accounts-types", path="/maintenance/accounts?tab=types"),
    Shown(name="accounts-types-add", path="/maintenance/accounts?tab=types&add=1"),
    Shown(name="accounts-types-fixed", path="/maintenance/accounts?tab=types", prepare=first_row),
    Shown(name="accounts-types-edit", path="/maintenance/accounts?tab=types", prepare=second_row),
    Shown(name="activity", path="/maintenance/activity"),
    Shown(name="activity-entry", path="/maintenance/activity?page=maintenance.accounts", prepare=first_row),
    Shown(name="activity-nothing", path="/maintenance/activity?page=calls&account=nobody"),
    Shown(name="profile", path="/profile"),
    Shown(name="profile-key", path="/profile", prepare=second_step_key),
    Shown(name="account-menu", path="/", prepare=ACCOUNT_MENU),
    Shown(name="style", path="/style"),
    Shown(name="style-form", path="/style", prepare=style_part(1)),
    Shown(name="style-table", path="/style", prepare=style_part(2)),
    Shown(name="style-states", path="/style", prepare=style_part(3)),
    Shown(name="style-dialogs", path="/style", prepare=style_part(4)),
    Shown(name="not-found", path="/no/such/page"),
)
