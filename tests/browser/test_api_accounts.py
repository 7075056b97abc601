"""Maintenance > API Accounts: what is ticked there is what programs can do, from their next request on."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from browser._axe import axe
from browser._forms import row, row_action, search
from browser._page import PHONE
from browser._simotel import Program, account_gone, account_id, program, run_curl
from browser._watch import PageWatch
from browser.conftest import NewPage
from support.console import PASSWORD, person
from support.console import Browser as ConsoleBrowser
from support.server import TamasServer

pytestmark = pytest.mark.engine

PATH = "/console/maintenance/api-accounts"
MARKUP = "<b>shop</b>"
ADD, SEARCH, PING = "pbx/users/add", "pbx/users/search", "setting/ping/act"
USER = {"number": "4101", "name": "Sara", "secret": "a-long-secret-4101"}


async def open_form(page: Page) -> Locator:
    """The form of a new account."""
    await page.get_by_role("button", name="Add account").first.click()
    form = page.get_by_role("dialog", name="Add account")
    await expect(form.get_by_label("User name", exact=False).first).to_be_visible()
    return form


async def open_account(page: Page, username: str) -> Locator:
    """The form of an account that is there."""
    await row(page, username).click()
    form = page.get_by_role("dialog", name=f"API account {username}")
    await expect(form.get_by_role("checkbox", name="All services")).to_be_visible()
    return form


def tick(form: Locator, name: str) -> Locator:
    """The box of a service, such as "Create /pbx/users/add", or of a group of them."""
    return form.get_by_role("checkbox", name=name, exact=True)


async def find(form: Locator, text: str) -> None:
    """Let the tree show only what fits."""
    await form.get_by_role("searchbox", name="Search services").fill(text)


async def secret(dialog: Locator, label: str) -> str:
    """A secret of the dialog, as its button copies it."""
    await dialog.get_by_role("button", name=f"Copy: {label}").click()
    copied: str = await dialog.page.evaluate("navigator.clipboard.readText()")
    return copied


async def keep(dialog: Locator) -> None:
    """Say that the secrets are kept, which closes the dialog."""
    await dialog.get_by_role("checkbox", name="I have kept it").check()
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_have_count(0)


async def test_an_account_can_do_what_is_ticked_and_nothing_else(
    console_page: Page, console: ConsoleBrowser, server: TamasServer
) -> None:
    """Made, changed, switched off and on in the browser: real requests feel it from the next one on."""
    page = console_page
    await page.get_by_role("link", name="API accounts").click()
    form = await open_form(page)
    try:
        await form.get_by_label("User name", exact=False).first.fill(MARKUP)
        await form.get_by_role("radio", name="Both").check()
        await find(form, "users")
        await tick(form, "Create /pbx/users/add").check()
        await expect(form.get_by_role("status").filter(has_text="1 of")).to_be_visible()
        await axe(page)
        await form.get_by_role("button", name="Add", exact=True).click()

        shown = page.get_by_role("dialog", name=f"Secrets of {MARKUP}")
        await axe(page)
        password, token = await secret(shown, "Password"), await secret(shown, "Token")
        await keep(shown)
        assert password not in await page.content()
        assert token not in await page.content()
        caller = Program(server=server, username=MARKUP, password=password, token=token)

        answer = await caller.call(ADD, **USER)
        assert (answer.status_code, answer.json()["success"]) == (200, 1)
        for other in (SEARCH, PING, "pbx/users/remove", "pbx/trunks/add", "call/originate/act"):
            assert await caller.status(other, alike=True) == 403
        alone = Program(server=server, username=MARKUP, password=password)
        assert await alone.status(ADD, **USER) == 401

        mine = row(page, MARKUP)
        await expect(mine).to_contain_text("1 of")
        await expect(mine.locator("b")).to_have_count(0)
        form = await open_account(page, MARKUP)
        await find(form, "/pbx/users/")
        await expect(tick(form, "Create /pbx/users/add")).to_be_checked()
        await tick(form, "List or find /pbx/users/search").check()
        await tick(form, "Create /pbx/users/add").uncheck()
        await form.get_by_role("button", name="Save").click()
        await expect(form).to_have_count(0)
        assert await caller.status(ADD, **USER) == 403
        assert await caller.status(SEARCH, alike=True, conditions={"number": "4101"}) == 200

        switch = mine.get_by_role("switch", name="Enabled")
        await switch.click()
        await expect(mine).to_contain_text("Disabled")
        assert await caller.status(SEARCH, alike=True) == 401
        await mine.get_by_role("switch", name="Disabled").click()
        await expect(mine).to_contain_text("Enabled")
        assert await caller.status(SEARCH, alike=True) == 200

        # Two that it did, five that it may not; who sends no token is nobody we know.
        await expect(mine.get_by_role("link", name="refused requests")).to_have_text("6")
        await axe(page)

        await row_action(page, mine, "Remove")
        question = page.get_by_role("dialog", name=f"Remove API account {MARKUP}?")
        await question.get_by_role("button", name="Remove").click()
        await expect(mine).to_have_count(0)
        assert await caller.status(SEARCH, alike=True) == 401
    finally:
        await account_gone(console, MARKUP)
        users = await console.get("pbx/users/list", search=USER["number"])
        await console.post("pbx/users/remove", ids=[one["id"] for one in users["rows"]])


@pytest.mark.slow
async def test_groups_stand_for_what_is_in_them(console_page: Page, console: ConsoleBrowser) -> None:
    """A ticked group holds its future services too; without one of them it is the others; all by keyboard."""
    page = console_page
    await page.goto(PATH)
    form = await open_form(page)
    try:
        await form.get_by_label("User name", exact=False).first.fill("crm")
        users = tick(form, "Users (extensions) /pbx/users")
        await users.focus()
        await page.keyboard.press("Space")
        await expect(users).to_be_checked()
        await expect(form.get_by_text("also future ones")).to_have_count(1)
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await tick(form, "Delete /pbx/users/remove").uncheck()
        await expect(form.get_by_text("also future ones")).to_have_count(0)
        await expect(users).to_have_js_property("indeterminate", value=True)
        await form.get_by_role("heading", name="As patterns").click()
        patterns = form.get_by_label("Patterns")
        for pattern in ("/pbx/users/add", "/pbx/users/update", "/pbx/users/search"):
            await expect(form.get_by_text(pattern, exact=True).last).to_be_visible()

        await form.get_by_role("button", name="Everything", exact=True).click()
        await expect(tick(form, "All services")).to_be_checked()
        await tick(form, "PBX /pbx").uncheck()
        await patterns.fill("/pbx/*/search")
        await patterns.press("Enter")
        await find(form, "blacklists")
        await expect(form.get_by_text("by /pbx/*/search")).to_be_visible()
        await tick(form, "List or find /pbx/blacklists/search").uncheck()
        await patterns.fill("no/such/service")
        await patterns.press("Enter")
        await expect(form.get_by_text("These allow no service that exists now:")).to_be_visible()
        await axe(page)
        counted = await form.get_by_role("status").filter(has_text="of").first.inner_text()
        await form.get_by_role("button", name="Add", exact=True).click()
        await keep(page.get_by_role("dialog", name="Secrets of crm"))

        # The server reads the patterns as the tree did.
        await expect(row(page, "crm")).to_contain_text(counted)
        (stored,) = (await console.get("api_accounts/list", search="crm"))["rows"]
        assert "/reports/*" in stored["permissions"]
        assert "/pbx/queues/search" in stored["permissions"]
        assert not {"*", "/pbx/*", "/pbx/*/search", "/pbx/blacklists/search"} & set(stored["permissions"])
    finally:
        await account_gone(console, "crm")


@pytest.mark.slow
async def test_presets(console_page: Page) -> None:
    """Ready-made permissions are ticked by one click, and nothing has to be ticked by hand."""
    page = console_page
    await page.goto(PATH)
    form = await open_form(page)
    await form.get_by_role("button", name="Click-to-call", exact=True).click()
    await find(form, "call/originate/act")
    await expect(tick(form, "Connect two numbers /call/originate/act")).to_be_checked()
    await form.get_by_role("button", name="Read only", exact=True).click()
    await expect(tick(form, "Connect two numbers /call/originate/act")).not_to_be_checked()
    await find(form, "pbx")
    await expect(tick(form, "List or find /pbx/users/search")).to_be_checked()
    await expect(tick(form, "Create /pbx/users/add")).not_to_be_checked()
    await form.get_by_role("button", name="Clear", exact=True).click()
    await form.get_by_label("User name", exact=False).first.fill("two words")
    await form.get_by_role("button", name="Add", exact=True).click()
    await expect(form.get_by_text("Up to 64 characters, without spaces and colons.").first).to_be_visible()
    await expect(form.get_by_text("Tick at least one service.").first).to_be_visible()
    await axe(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Discard").click()
    await expect(form).to_have_count(0)


@pytest.mark.slow
async def test_what_is_wrong_stands_at_the_field(
    console_page: Page, console: ConsoleBrowser, server: TamasServer, watch: PageWatch
) -> None:
    """A name that is taken, and a password that is too easy to guess."""
    page = console_page
    watch.allow("409.*api_accounts/add|422.*api_accounts/add")
    async with program(server, console, "taken"):
        await page.goto(PATH)
        form = await open_form(page)
        name = form.get_by_label("User name", exact=False).first
        await name.fill("taken")
        await form.get_by_label("Password", exact=True).fill("short")
        await expect(form.get_by_text("Very weak")).to_be_visible()
        await form.get_by_role("button", name="Everything", exact=True).click()
        add = form.get_by_role("button", name="Add", exact=True)
        await add.click()
        await expect(form.get_by_text("A password has at least")).to_be_visible()
        await form.get_by_role("button", name="Generate").click()
        await expect(form.get_by_text("Strong", exact=True)).to_be_visible()
        await add.click()
        await expect(form.get_by_text("There is an API account of that name already.")).to_be_visible()
        await expect(name).to_be_focused()


async def test_secrets_are_renewed_and_shown_once(
    console_page: Page, console: ConsoleBrowser, server: TamasServer
) -> None:
    """A new token ends the old one at once; another mode makes what it needs and forgets what it does not."""
    page = console_page
    async with program(server, console, "crm", "/setting/ping/act", auth="both") as old:
        assert await old.status(PING) == 200
        await page.goto(f"{PATH}?search=crm")
        await row_action(page, row(page, "crm"), "New token…")
        await page.get_by_role("button", name="Make token").click()
        shown = page.get_by_role("dialog", name="Secrets of crm")
        await expect(shown.get_by_role("button", name="Copy: Password")).to_have_count(0)
        token = await secret(shown, "Token")
        await page.keyboard.press("Escape")
        await expect(shown).to_be_visible()
        await keep(shown)
        assert await old.status(PING) == 401
        new = Program(server=server, username="crm", password=PASSWORD, token=token)
        assert await new.status(PING) == 200

        form = await open_account(page, "crm")
        await form.get_by_role("radio", name="Token", exact=False).first.check()
        await expect(form.get_by_text("The password it has now stops working")).to_be_visible()
        await form.get_by_role("button", name="Save").click()
        await expect(row(page, "crm").get_by_role("gridcell", name="Token", exact=True)).to_be_visible()
        alone = Program(server=server, username="crm", password=PASSWORD)
        assert await alone.status(PING) == 401
        assert await Program(server=server, username="crm", token=token).status(PING) == 200

        form = await open_account(page, "crm")
        await form.get_by_role("radio", name="User name and password").check()
        await expect(form.get_by_text("The token it has now stops working")).to_be_visible()
        await form.get_by_role("button", name="Save").click()
        password = await secret(shown, "Password")
        await keep(shown)
        assert await Program(server=server, username="crm", token=token).status(PING) == 401
        assert await Program(server=server, username="crm", password=password).status(PING) == 200


@pytest.mark.slow
@pytest.mark.parametrize("auth", ["basic", "token", "both"])
async def test_the_command_works_when_pasted(
    auth: str, console_page: Page, console: ConsoleBrowser, server: TamasServer
) -> None:
    """While secrets are shown the command is complete; later it has placeholders for whoever knows them."""
    page = console_page
    made = await console.post(
        "api_accounts/add", username="o'brien", auth=auth, permissions=["/setting/*", "/pbx/users/search"]
    )
    try:
        await page.goto(f"{PATH}?try={made['id']}")
        drawer = page.get_by_role("dialog", name="Try o'brien")
        await expect(drawer.get_by_role("combobox", name="Service")).to_have_value("/pbx/users/search")
        await axe(page)
        command = await secret(drawer, "Command")
        assert ("'o'\\''brien:PASSWORD'" in command) == (auth != "token")
        assert ("X-APIKEY: TOKEN" in command) == (auth != "basic")
        assert (await run_curl(command)).status_code == 401
        command = command.replace("PASSWORD", made["password"] or "").replace("TOKEN", made["token"] or "")
        assert (await run_curl(command)).json()["success"] == 1
        await drawer.get_by_role("combobox", name="Service").click()
        await page.get_by_role("option", name="/setting/ping/act").click()
        command = await secret(drawer, "Command")
        command = command.replace("PASSWORD", made["password"] or "").replace("TOKEN", made["token"] or "")
        assert (await run_curl(command)).json()["success"] == 1
        await page.keyboard.press("Escape")

        await search(page, "o'brien")
        kind = {"basic": "password", "token": "token", "both": "password and token"}[auth]
        await row_action(page, row(page, "o'brien"), f"New {kind}…")
        await page.get_by_role("button", name="Make").click()
        shown = page.get_by_role("dialog", name="Secrets of o'brien")
        await axe(page)
        command = await secret(shown, "Command")
        assert (await run_curl(command)).json()["success"] == 1
        await keep(shown)
    finally:
        await account_gone(console, "o'brien")


@pytest.mark.slow
async def test_who_may_only_read_changes_nothing(
    console: ConsoleBrowser, server: TamasServer, new_page: NewPage
) -> None:
    """Without the right to change, the list and the permissions are seen and nothing can be done to them."""
    rights = {"maintenance.api_accounts": ["read"]}
    async with program(server, console, "crm", "/pbx/users/*"), person(server, console, "reader", rights):
        page = await new_page(PATH, username="reader")
        await expect(row(page, "crm")).to_contain_text("Enabled")
        await expect(page.get_by_role("button", name="Add account")).to_have_count(0)
        await expect(page.get_by_role("switch")).to_have_count(0)
        form = await open_account(page, "crm")
        await expect(tick(form, "Create /pbx/users/add")).to_be_disabled()
        await expect(form.get_by_role("button", name="Save")).to_have_count(0)
        await axe(page)
        await form.get_by_role("button", name="Close").last.click()
        await row(page, "crm").get_by_role("button", name="Actions for row").click()
        await expect(page.get_by_role("menuitem")).to_have_text(["Try it"])


@pytest.mark.slow
async def test_on_a_phone_in_persian(console: ConsoleBrowser, server: TamasServer, new_page: NewPage) -> None:
    """An account is changed on a narrow screen that is read from the right."""
    async with program(server, console, "مرکز-پیام", "/pbx/users/add") as caller:
        page = await new_page(PATH, language="fa", size=PHONE)
        await page.get_by_role("button", name="مرکز-پیام").first.click()
        form = page.get_by_role("dialog", name="حساب API")
        await form.get_by_role("searchbox", name="جست‌وجوی سرویس").fill("پینگ")
        await form.get_by_role("checkbox", name="پینگ /setting/ping", exact=True).check()
        await axe(page)
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide)
        await form.get_by_role("button", name="ذخیره").click()
        await expect(form).to_have_count(0)
        assert await caller.status(PING) == 200
        found = await account_id(console, "مرکز-پیام")
        stored = await console.get("api_accounts/get", id=found)
        assert stored["permissions"] == ["/pbx/users/add", "/setting/ping/*"]
