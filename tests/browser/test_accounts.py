"""Accounts and Activity: people who may sign in, what their types allow, and the trace of every change."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, expect

from browser._axe import axe
from browser._page import PHONE
from browser._watch import PageWatch
from browser.conftest import NewPage
from support.console import PASSWORD, person, visitor
from support.console import Browser as ConsoleBrowser
from support.server import TamasServer
from tamas.store.clock import MICROSECONDS, now

ACCOUNTS = "/console/maintenance/accounts"
ACTIVITY = "/console/maintenance/activity"
MARKUP = "<img src=x onerror=alert(1)>"


def row(page: Page, text: str) -> Locator:
    """A row of the list."""
    return page.get_by_role("row").filter(has_text=text)


async def act(of: Locator, action: str) -> Locator:
    """Choose an action of a row. :returns: the dialog that asks."""
    page = of.page
    await of.get_by_role("button").click()
    await page.get_by_role("menuitem", name=action, exact=True).click()
    return page.get_by_role("dialog")


@asynccontextmanager
async def removed_at_the_end(console: ConsoleBrowser, username: str) -> AsyncIterator[None]:
    """Whatever the block does, there is no such account afterwards."""
    try:
        yield
    finally:
        for one in (await console.get("accounts/list", search=username))["rows"]:
            await console.post("accounts/remove", id=one["id"])


async def test_an_account_from_its_making_to_its_end(
    new_page: NewPage, console: ConsoleBrowser, watch: PageWatch
) -> None:
    """Its generated password is shown once and lets it in; cut, disabled, removed here, it is out there."""
    watch.allow("401")
    page = await new_page(ACCOUNTS)
    async with removed_at_the_end(console, "parvin"):
        await page.get_by_role("button", name="Add account").click()
        form = page.get_by_role("dialog")
        await form.get_by_role("textbox", name="User name").fill("par vin")
        await form.get_by_role("textbox", name="Name", exact=True).fill(MARKUP)
        await form.get_by_role("button", name="Add account").click()
        await expect(form.get_by_text("A user name has no blanks.")).to_be_visible()
        await form.get_by_role("textbox", name="User name").fill("parvin")
        await form.get_by_role("combobox", name="Account type").click()
        await page.get_by_role("option", name="Supervisor").click()
        await expect(form.get_by_text("Watches calls and recordings")).to_be_visible()
        await axe(page)
        await form.get_by_role("button", name="Add account").click()

        secret = page.get_by_role("dialog", name="Password of parvin")
        password = await secret.get_by_role("code").nth(1).inner_text()
        await axe(page)
        await secret.get_by_role("checkbox").check()
        await secret.get_by_role("button", name="Close").click()
        await expect(row(page, "parvin")).to_contain_text(MARKUP)
        await expect(row(page, "parvin")).to_contain_text("Invited")

        other = await new_page("/console", username=None)
        await other.get_by_label("User name").fill("parvin")
        await other.get_by_role("textbox", name="Password").fill(password)
        await other.get_by_role("button", name="Sign in").click()
        await expect(other.get_by_role("heading", name="Choose your password")).to_be_visible()
        await other.get_by_role("textbox", name="New password", exact=False).first.fill(PASSWORD)
        await other.get_by_role("textbox", name="New password once more").fill(PASSWORD)
        await other.get_by_role("textbox", name="Current password").fill(password)
        await other.get_by_role("button", name="Set password and continue").click()
        await expect(other.get_by_role("link", name="Queues", exact=True)).to_be_visible()
        await expect(other.get_by_role("link", name="Accounts", exact=True)).to_have_count(0)

        await page.reload()
        await expect(row(page, "parvin")).to_contain_text("Enabled")
        question = await act(row(page, "parvin"), "Cut access")
        await question.get_by_role("button", name="Cut access").click()
        await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()

        await row(page, "parvin").click()
        form = page.get_by_role("dialog", name="Account parvin")
        await form.get_by_role("switch", name="Enabled").uncheck()
        await form.get_by_role("button", name="Save").click()
        await expect(row(page, "parvin")).to_contain_text("Disabled")
        await other.get_by_label("User name").fill("parvin")
        await other.get_by_role("textbox", name="Password").fill(PASSWORD)
        await other.get_by_role("button", name="Sign in").click()
        await expect(other.get_by_text("User name or password is wrong.")).to_be_visible()

        question = await act(row(page, "parvin"), "Remove")
        await expect(question).to_contain_text("stays in the activity log")
        await question.get_by_role("button", name="Remove").click()
        await expect(row(page, "parvin")).to_have_count(0)


@pytest.mark.slow
async def test_nobody_is_locked_out(
    new_page: NewPage, console: ConsoleBrowser, server: TamasServer, watch: PageWatch
) -> None:
    """Of one's own account only the name can be changed; the last administrator stays, whoever tries."""
    watch.allow("409.*accounts/")
    page = await new_page(ACCOUNTS)
    await row(page, "admin").click()
    form = page.get_by_role("dialog", name="Account admin")
    await expect(form.get_by_text("only its name can be changed here")).to_be_visible()
    await expect(form.get_by_role("textbox", name="Name", exact=True)).to_be_enabled()
    for control in (
        form.get_by_role("combobox", name="Account type"),
        form.get_by_role("switch", name="Enabled"),
        form.get_by_role("group", name="Expires"),
    ):
        await expect(control).to_be_disabled()
    await form.get_by_role("button", name="Cancel").click()
    await row(page, "admin").get_by_role("button").click()
    for action in ("Reset password", "Remove second step", "Remove"):
        await expect(page.get_by_role("menuitem", name=action, exact=True)).to_be_disabled()
    await axe(page)
    await page.keyboard.press("Escape")
    await page.close()

    tomorrow = (now() // MICROSECONDS + 86_400) * 1000
    await console.post(
        "accounts/add",
        username="deputy",
        account_type="administrator",
        password=PASSWORD,
        expires_at=tomorrow,
    )
    async with removed_at_the_end(console, "deputy"):
        async with first_sign_in(server, "deputy"):
            page = await new_page(ACCOUNTS, username="deputy")
        admin = page.get_by_role("row", name=re.compile("^admin "))
        await admin.click()
        form = page.get_by_role("dialog", name="Account admin")
        await form.get_by_role("combobox", name="Account type").click()
        await page.get_by_role("option", name="Agent").click()
        await form.get_by_role("button", name="Save").click()
        refusal = "This is the last administrator who can sign in."
        await expect(form.get_by_role("alert")).to_contain_text(refusal)
        await form.get_by_role("button", name="Cancel").click()
        await page.get_by_role("button", name="Discard").click()
        question = await act(admin, "Remove")
        await question.get_by_role("button", name="Remove").click()
        await expect(page.get_by_role("alert")).to_contain_text(refusal)
        await expect(admin).to_be_visible()
        await page.close()


async def test_what_a_type_allows(new_page: NewPage, console: ConsoleBrowser, server: TamasServer) -> None:
    """Boxes ticked here are pages there, from the next request on; a type that is in use stays."""
    page = await new_page(f"{ACCOUNTS}?tab=types")
    await page.get_by_role("button", name="Add account type").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Name").fill("Line managers")
    # Changing something needs seeing it, and who does not see it changes nothing.
    await form.get_by_role("checkbox", name="Trunks: Change").check()
    await expect(form.get_by_role("checkbox", name="Trunks: See")).to_be_checked()
    await form.get_by_role("checkbox", name="Queues: Change").check()
    await form.get_by_role("checkbox", name="Queues: See").uncheck()
    await expect(form.get_by_role("checkbox", name="Queues: Change")).not_to_be_checked()
    await axe(page)
    await form.get_by_role("button", name="Add account type").click()
    await expect(row(page, "Line managers")).to_contain_text("Your own")

    types = (await console.get("account_types/list"))["rows"]
    made = next(one for one in types if one["title"] == "Line managers")
    assert made["rights"] == {"home": ["read"], "pbx.trunks": ["read", "update"]}
    try:
        await console.post("accounts/add", username="linus", account_type=made["name"], password=PASSWORD)
        async with removed_at_the_end(console, "linus"):
            async with first_sign_in(server, "linus"):
                other = await new_page("/console/pbx/trunks", username="linus")
            await expect(other.get_by_role("button", name="Add", exact=False).first).to_be_visible()
            await expect(other.get_by_role("navigation").get_by_role("link")).to_have_count(2)

            await row(page, "Line managers").click()
            form = page.get_by_role("dialog", name="Line managers")
            await form.get_by_role("checkbox", name="Trunks: Change").uncheck()
            await form.get_by_role("button", name="Save").click()
            await expect(form).to_have_count(0)
            await other.reload()
            await expect(other.get_by_role("heading", level=1, name="Trunks")).to_be_visible()
            await expect(other.get_by_role("button", name="Add", exact=False)).to_have_count(0)
            await other.close()

            question = await act(row(page, "Line managers"), "Remove")
            await expect(question).to_contain_text("1 account has this type")
            await question.get_by_role("button", name="Show the accounts").click()
            await expect(row(page, "linus")).to_be_visible()
            await expect(row(page, "admin")).to_have_count(0)
    finally:
        await console.post("account_types/remove", id=made["id"])


@asynccontextmanager
async def first_sign_in(server: TamasServer, username: str) -> AsyncIterator[None]:
    """Take the first steps of an account whose password somebody else chose, and keep :data:`PASSWORD`."""
    interim = f"{PASSWORD} for a moment"
    async with visitor(server) as someone:
        await someone.sign_in(username)
        current = await someone.post("session/change_password", current=PASSWORD, new=interim)
        someone.csrf = current["session"]["csrf"]
        await someone.post("session/change_password", current=interim, new=PASSWORD)
        yield


@pytest.mark.slow
async def test_nobody_gives_what_they_do_not_have(
    new_page: NewPage, console: ConsoleBrowser, server: TamasServer
) -> None:
    """Who may change accounts but not everything is offered no more than they have, and no administrators."""
    rights = {"home": ["read"], "maintenance.accounts": ["read", "update"]}
    async with person(server, console, "clerk", rights):
        page = await new_page(f"{ACCOUNTS}?add=1", username="clerk")
        form = page.get_by_role("dialog")
        await form.get_by_role("combobox", name="Account type").click()
        await expect(page.get_by_role("option", name="clerk")).to_be_visible()
        await expect(page.get_by_role("option", name="Administrator")).to_have_count(0)
        await page.goto(f"{ACCOUNTS}?tab=types&add=1")
        form = page.get_by_role("dialog")
        await expect(form.get_by_role("checkbox", name="Accounts: Change", exact=True)).to_be_enabled()
        await expect(form.get_by_role("checkbox", name="Users: See")).to_be_disabled()
        await page.goto(ACCOUNTS)
        await row(page, "admin").click()
        form = page.get_by_role("dialog", name="Account admin")
        await expect(form.get_by_text("This gives rights that you do not have yourself.")).to_be_visible()
        await expect(form.get_by_role("button", name="Save")).to_have_count(0)
        await page.close()


async def test_a_change_and_its_trace(new_page: NewPage, console: ConsoleBrowser) -> None:
    """A change comes into the log by itself, shows what was and what became, and is found by its account."""
    made = await console.post("pbx/users/add", number="281", name="Before", secret="Secret-1234-x")
    try:
        page = await new_page(f"{ACTIVITY}?page=pbx.users")
        await expect(row(page, "281 Before")).to_contain_text("Added")
        detail = await console.get("pbx/users/get", id=made["id"])
        changed = {**detail["settings"], "name": "After", "call_record": "yes"}
        await console.post("pbx/users/update", **changed)
        await row(page, "281 Before").filter(has_text="Changed").click()
        drawer = page.get_by_role("dialog", name="Changed")
        differences = drawer.get_by_role("table")
        await expect(differences.get_by_role("row")).to_have_count(3)
        await expect(differences.get_by_role("row", name="Name")).to_contain_text("BeforeAfter")
        await expect(differences.get_by_role("row", name="Record calls")).to_contain_text("NoYes")
        await drawer.get_by_role("switch", name="Show what stayed the same").check()
        await expect(differences.get_by_role("row", name="Number", exact=False).first).to_contain_text("281")
        await axe(page)
        await page.reload()
        await expect(differences.get_by_role("row", name="Name")).to_contain_text("BeforeAfter")
        await drawer.get_by_role("button", name="Close").click()
    finally:
        await console.post("pbx/users/remove", ids=[made["id"]])
    await expect(row(page, "281 After").first).to_contain_text("Removed")
    await page.get_by_role("combobox", name="Account").click()
    await page.get_by_role("option", name="admin", exact=True).click()
    await page.get_by_role("searchbox").fill("281 Before")
    await expect(row(page, "281 Before")).to_have_count(2)
    await expect(row(page, "281 After")).to_have_count(0)
    await page.goto(f"{ACTIVITY}?entry=999999999")
    await expect(page.get_by_text("This entry is not in the log any more")).to_be_visible()
    await axe(page)


@pytest.mark.slow
async def test_on_a_phone_in_persian(new_page: NewPage) -> None:
    """Accounts, the boxes of a type and the log can be used on a small screen, from right to left."""
    page = await new_page(f"{ACCOUNTS}?tab=types", language="fa", size=PHONE)
    await page.get_by_role("button", name="بازرس").first.click()
    form = page.get_by_role("dialog", name="بازرس")
    # Between words that are put in stand marks of their direction.
    listening = form.get_by_role("checkbox", name=re.compile("تماس‌های جاری.*شنیدن"))
    await expect(listening).to_be_checked()
    await axe(page)
    await page.goto(ACTIVITY)
    await page.get_by_role("listitem").first.get_by_role("button").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await axe(page)
