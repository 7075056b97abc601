"""PBX > Trunks: added without knowing the register string's syntax, seen at work, changed and removed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser._axe import axe
from browser._forms import (
    choose,
    documented_fields,
    request_fields,
    row,
    row_action,
    shown_fields,
    unexplained_fields,
    unfold,
)
from browser._page import PHONE
from browser._watch import PageWatch
from browser.conftest import NewPage
from support.console import Browser as ConsoleBrowser
from support.console import person
from support.server import TamasServer
from support.servers import NewCarrier, NewExtension
from tamas.demo.phone import AutoAnswer

pytestmark = pytest.mark.engine

MARKUP = '<b>x</b> & "quotes" <img src=x onerror=alert(1)>'
LONGER = 20_000
"""Milliseconds within which Asterisk has tried a registration."""


async def gone(console: ConsoleBrowser, *names: str) -> None:
    """Remove trunks, those that are still there."""
    rows = (await console.get("pbx/trunks/list", count=500))["rows"]
    if ids := [one["id"] for one in rows if one["name"] in names]:
        await console.post("pbx/trunks/remove", ids=ids)


async def stored(server: TamasServer, name: str) -> dict[str, Any]:
    """A trunk as the Simotel API tells it: with its secrets."""
    (found,) = await server.api("pbx/trunks/search", {"alike": False, "conditions": {"name": name}})
    return dict(found)


async def test_a_trunk_registers_without_anybody_knowing_the_syntax(
    console_page: Page,
    console: ConsoleBrowser,
    server: TamasServer,
    new_extension: NewExtension,
) -> None:
    """Fields make up the register string, Asterisk registers with it, and the list tells so by itself."""
    page = console_page
    await new_extension(server, "4101", register=False)
    identity = (await console.get("pbx/users/list", search="4101"))["rows"][0]["id"]
    secret = "pass:word@4101"
    await console.post("pbx/users/update", _id=identity, secret=secret)
    host, port = server.sip
    try:
        await page.get_by_role("link", name="Trunks", exact=True).click()
        await page.get_by_role("button", name="Add a trunk").first.click()
        form = page.get_by_role("dialog", name="Add a trunk")
        await expect(form.get_by_label("Name", exact=False).first).to_be_focused()
        await form.get_by_label("Name", exact=False).first.fill("own-exchange")
        await form.get_by_label("Register there").check()
        await form.get_by_role("button", name="Add", exact=True).click()
        await expect(form.get_by_text("This must be filled in.")).to_have_count(2)
        await form.get_by_label("User name", exact=False).first.fill("4101")
        await form.locator("[data-path='registration.secret']").fill(secret)
        await form.get_by_label("Registrar", exact=False).first.fill(host)
        await form.get_by_label("Number for incoming calls").fill("4100")
        await unfold(form, "Registration in detail")
        await form.get_by_label("Port of the registrar").fill(str(port))
        text = page.get_by_label("Register string")
        await expect(text).to_have_value(f"4101:{secret}:4101@{host}:{port}/4100")
        await axe(page)
        await form.get_by_role("button", name="Add", exact=True).click()
        mine = row(page, "own-exchange")
        await expect(mine).to_contain_text("Registered", timeout=LONGER)
        await axe(page)

        # What is stored is never shown, and stays when something else is changed.
        await mine.click()
        form = page.get_by_role("dialog", name="own-exchange")
        await unfold(form, "Registration in detail")
        await expect(text).to_have_value(f"4101:******:4101@{host}:{port}/4100")
        await expect(form.locator("[data-path='registration.secret']")).to_have_value("")
        await form.get_by_label("Number for incoming calls").fill("4199")
        await form.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Trunk own-exchange was saved.")).to_be_visible()
        kept = (await stored(server, "own-exchange"))["register_string"]
        assert kept == f"4101:{secret}:4101@{host}:{port}/4199"
        await expect(mine).to_contain_text("Registered", timeout=LONGER)

        # A password that is corrected is tried at once.
        await console.post("pbx/users/update", _id=identity, secret="another secret")
        await mine.click()
        await form.get_by_label("Number for incoming calls").fill("4100")
        await form.get_by_role("button", name="Save").click()
        await expect(mine).to_contain_text("Rejected", timeout=LONGER)
        await mine.click()
        await form.locator("[data-path='registration.secret']").fill("another secret")
        await form.get_by_role("button", name="Save").click()
        await expect(mine).to_contain_text("Registered", timeout=LONGER)
    finally:
        await gone(console, "own-exchange")


@pytest.mark.slow
async def test_a_register_string_is_pasted(console_page: Page, console: ConsoleBrowser) -> None:
    """A text from a provider's instructions fills the fields in, whatever of it is there."""
    page = console_page
    await page.goto("/console/pbx/trunks?add=1")
    form = page.get_by_role("dialog", name="Add a trunk")
    await form.get_by_label("Register there").check()
    await unfold(form, "Registration in detail")
    text = form.get_by_label("Register string")
    for written, parts in (
        ("user:secret@sip.example.org/100", ("user", "secret", "sip.example.org", "", "100", "", "")),
        ("u@dom.example:s:auth@10.0.0.1:5070", ("u", "s", "10.0.0.1", "5070", "", "auth", "dom.example")),
        ("user@10.0.0.1", ("user", "", "10.0.0.1", "", "", "", "")),
        ("udp://user:s@10.0.0.1~120", ("user", "s", "10.0.0.1", "", "", "", "")),
    ):
        await text.fill(written)
        for part, value in zip(
            ("user", "secret", "host", "port", "number", "auth_user", "domain"), parts, strict=True
        ):
            await expect(form.locator(f"[data-path='registration.{part}']")).to_have_value(value)
        await expect(text).to_have_value(written)


async def test_every_field_is_in_the_form(console_page: Page, console: ConsoleBrowser) -> None:
    """Whatever the API takes can be entered; kinds that Asterisk has not say so."""
    page = console_page
    await page.goto("/console/pbx/trunks?add=1")
    form = page.get_by_role("dialog", name="Add a trunk")
    await form.get_by_label("Register there").check()
    wanted = await request_fields(console, "PbxTrunksAddRequest")
    assert documented_fields("pbx/trunks/add") <= wanted
    assert wanted <= await shown_fields(form)
    assert await unexplained_fields(form) == set()
    await choose(form, "Type", "DAHDI")
    await expect(form.get_by_text("Asterisk here has no DAHDI")).to_be_visible()
    await expect(form.get_by_label("Host")).to_have_count(0)


async def test_a_trunk_is_seen_at_work_and_removed(
    console_page: Page,
    console: ConsoleBrowser,
    server: TamasServer,
    new_carrier: NewCarrier,
    new_extension: NewExtension,
    watch: PageWatch,
) -> None:
    """Its calls are counted live; before it is removed they are told; switched off, it says so."""
    page = console_page
    carrier = await new_carrier(server, "carrier-4200", description=MARKUP)
    await new_extension(server, "4201", manner=AutoAnswer())
    await page.goto("/console/pbx/trunks")
    mine = row(page, "carrier-4200")
    await expect(mine).to_contain_text("OK")
    call = await carrier.call("4201", caller="09120000000")
    await call.until_talking()
    await expect(mine.get_by_role("gridcell", name="1", exact=True)).to_be_visible()
    await row_action(page, mine, "Remove")
    question = page.get_by_role("dialog", name="Remove trunk carrier-4200?")
    await expect(question.get_by_text("1 call in progress")).to_be_visible()
    await axe(page)
    await question.get_by_role("button", name="Cancel").click()
    await call.hang_up()
    await expect(mine.get_by_role("gridcell", name="1", exact=True)).to_have_count(0)

    await row_action(page, mine, "Deactivate")
    await expect(mine).to_contain_text("Inactive")
    await mine.click()
    form = page.get_by_role("dialog", name="carrier-4200")
    await unfold(form, "More", "Sound")
    await expect(form.get_by_label("Note")).to_have_value(MARKUP)
    watch.allow("422")
    await form.locator("[data-path=allow]").fill("nonsense")
    await form.locator("[data-path=allow]").press("Enter")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_text("A codec is unknown.")).to_be_visible()
    await axe(page)
    await form.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Discard").click()
    await expect(form).to_have_count(0)

    await console.post("pbx/trunks/add", name="short-lived")
    await page.reload()
    await row_action(page, row(page, "short-lived"), "Remove")
    await page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    await expect(row(page, "short-lived")).to_have_count(0)


@pytest.mark.slow
async def test_no_trunks_and_no_right(
    new_page: NewPage, console: ConsoleBrowser, server: TamasServer
) -> None:
    """A fresh system says what a trunk is for; who may only look is offered nothing to change."""
    async with person(server, console, "trunk-looker", {"pbx.trunks": ["read"]}):
        page = await new_page("/console/pbx/trunks", username="trunk-looker")
        await expect(page.get_by_role("heading", name="No trunks yet")).to_be_visible()
        await expect(page.get_by_role("button", name="Add a trunk")).to_have_count(0)
        await axe(page)
        await console.post(
            "pbx/trunks/add", name="looked-at", register_string="u:geheim4444@127.0.0.44", active="no"
        )
        try:
            await page.reload()
            await row(page, "looked-at").click()
            form = page.get_by_role("dialog", name="looked-at")
            await expect(form.get_by_label("Host")).to_be_disabled()
            await expect(form.get_by_role("button", name="Save")).to_have_count(0)
            assert "geheim4444" not in await page.content()
        finally:
            await gone(console, "looked-at")


async def test_in_persian_on_a_phone(new_page: NewPage, console: ConsoleBrowser) -> None:
    """Addresses stay left to right in a Persian form on a small screen."""
    page = await new_page("/console/pbx/trunks?add=1", language="fa", size=PHONE)
    form = page.get_by_role("dialog", name="افزودن ترانک")
    host = form.get_by_label("میزبان", exact=True)
    await host.fill("۱۹۲.۱۶۸.۱.۷")
    await expect(host).to_have_value("192.168.1.7")
    assert await host.evaluate("(field) => getComputedStyle(field).direction") == "ltr"
    await form.get_by_label("ثبت شدن نزد سرویس‌دهنده").check()
    await axe(page)
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(width) == 0
