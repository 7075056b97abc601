"""PBX > Queues: added and changed, and run: agents join, take breaks and leave, callers are seen waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser._axe import axe
from browser._forms import (
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

pytestmark = pytest.mark.engine

CALLER_NAME = "<b>Ann & Bob</b>"
WAITING = {"joinempty": "yes", "leavewhenempty": "no", "retry": "1", "announce_position": "no"}
"""Settings of a queue in which one can wait though nobody answers."""


@asynccontextmanager
async def queue(console: ConsoleBrowser, number: str, name: str, **fields: Any) -> AsyncIterator[str]:
    """A queue that goes at the end. :returns: its id."""
    identity: str = (await console.post("pbx/queues/add", number=number, name=name, **fields))["id"]
    try:
        yield identity
    finally:
        await gone(console, number)


async def gone(console: ConsoleBrowser, number: str) -> None:
    """Remove a queue, if it is still there."""
    for one in (await console.get("pbx/queues/list", search=number))["rows"]:
        if one["number"] == number:
            await console.post("pbx/queues/remove", ids=[one["id"]])


async def test_a_queue_is_run(
    console_page: Page,
    console: ConsoleBrowser,
    server: TamasServer,
    new_extension: NewExtension,
    new_carrier: NewCarrier,
) -> None:
    """Agents join, take a break and leave; callers are seen waiting and being answered, names as they are."""
    page = console_page
    agent = await new_extension(server, "5101", name="سارا محمدی")
    await new_extension(server, "5102", register=False)
    carrier = await new_carrier(server, "carrier-5100")
    async with queue(console, "5190", "Support", **WAITING):
        await page.get_by_role("link", name="Queues", exact=True).click()
        mine = row(page, "5190")
        await expect(mine).to_contain_text("No agents")
        await mine.get_by_role("button", name="agents of queue 5190").click()
        drawer = page.get_by_role("dialog", name="Agents of 5190 Support")
        inside = drawer.get_by_role("region", name="Agents in this queue")
        outside = drawer.get_by_role("region", name="Add agents")
        callers = drawer.get_by_role("region", name="Waiting callers")
        await expect(callers).to_contain_text("Nobody is waiting.")
        await expect(inside).to_contain_text("There are no agents in this queue yet.")

        await outside.get_by_role("searchbox").fill("510")
        candidate = outside.get_by_role("listitem", name="5101")
        await expect(candidate).to_contain_text("Registered")
        await expect(outside.get_by_role("listitem", name="5102")).to_contain_text("No phone")
        await candidate.get_by_role("button", name="Add", exact=True).click()
        joined = inside.get_by_role("listitem", name="5101")
        await expect(joined).to_contain_text("Idle")
        await expect(joined).to_contain_text("سارا محمدی")
        await expect(candidate).to_contain_text("In this queue")
        await axe(page)

        await joined.get_by_role("button", name="Break").click()
        reason = joined.get_by_label("Reason of the break")
        await expect(reason).to_be_focused()
        await reason.fill("Coffee & cake")
        await reason.press("Enter")
        await expect(joined.get_by_text("At most 80 characters")).to_be_visible()
        await reason.fill("Coffee")
        await axe(page)
        await joined.get_by_role("button", name="Begin break").click()
        await expect(joined).to_contain_text("On a break: Coffee")

        call = await carrier.call("5190", caller="09120000000", caller_name=CALLER_NAME)
        waiting = callers.get_by_role("listitem")
        await expect(waiting).to_contain_text("09120000000")
        await expect(waiting).to_contain_text(CALLER_NAME)
        await expect(waiting.locator("b")).to_have_count(0)
        before = await waiting.inner_text()
        await expect(waiting).not_to_have_text(before)  # the time of waiting counts up
        await axe(page)
        await drawer.get_by_role("button", name="Close").last.click()
        await expect(mine).to_contain_text("1 waiting")
        await expect(mine).to_contain_text("0 of 1 available")

        await mine.get_by_role("button", name="agents of queue 5190").click()
        await joined.get_by_role("button", name="Resume").click()
        await expect(joined).not_to_contain_text("On a break")
        await expect(joined).to_contain_text("Ringing")
        await agent.answer(within=15)
        await call.until_talking()
        await expect(joined).to_contain_text("In a call")
        await expect(callers).to_contain_text("Nobody is waiting.")
        await call.hang_up()
        await expect(joined).to_contain_text("1 call taken")
        await joined.get_by_role("button", name="Take out").click()
        await expect(page.get_by_text("5101 has left queue 5190.")).to_be_visible()
        await expect(joined).to_have_count(0)
        # A drawer that is open asks for its queue, which goes now.
        await drawer.get_by_role("button", name="Close").last.click()
        await expect(drawer).to_have_count(0)


@pytest.mark.slow
async def test_agents_with_other_numbers(
    console_page: Page,
    console: ConsoleBrowser,
    server: TamasServer,
    new_extension: NewExtension,
    watch: PageWatch,
) -> None:
    """Somebody can sit at a phone under another number and with a penalty; whoever sat there has to go."""
    page = console_page
    await new_extension(server, "5201", register=False)
    await new_extension(server, "5202", register=False)
    async with queue(console, "5290", "Mapped") as identity, queue(console, "5291", "Other"):
        await console.post("pbx/queues/join", queue="5291", agent="5210", phone="5201")
        await page.goto(f"/console/pbx/queues?agents={identity}")
        drawer = page.get_by_role("dialog", name="Agents of 5290 Mapped")
        outside = drawer.get_by_role("region", name="Add agents")
        inside = drawer.get_by_role("region", name="Agents in this queue")
        candidate = outside.get_by_role("listitem", name="5201")
        await expect(candidate).to_contain_text("agent 5210 sits here")
        await candidate.get_by_role("button", name="With another number or a penalty").click()
        number = candidate.get_by_label("Agent number", exact=False).first
        await expect(number).to_have_value("5210")
        await number.fill("5290")
        await expect(candidate.get_by_text("Agent 5210, who sits at 5201 now, is signed out")).to_be_visible()
        await candidate.get_by_role("textbox", name="Penalty").fill("3")
        watch.allow("422")
        await candidate.get_by_role("button", name="Add to the queue").click()
        await expect(candidate.get_by_text("belongs to something that is no person")).to_be_visible()
        await axe(page)
        await number.fill("5220")
        await candidate.get_by_role("button", name="Add to the queue").click()
        joined = inside.get_by_role("listitem", name="5220")
        await expect(joined).to_contain_text("sits at 5201")
        await expect(joined).to_contain_text("penalty 3")
        other = (await console.get("pbx/queues/list", search="5291"))["rows"][0]
        assert other["members"] == 0
        await (
            outside.get_by_role("listitem", name="5202").get_by_role("button", name="Add", exact=True).click()
        )
        await expect(inside.get_by_role("listitem")).to_have_count(2)

        await inside.get_by_role("button", name="Take everybody out").click()
        question = page.get_by_role("dialog", name="Take everybody out of this queue?")
        await expect(question.get_by_text("2 agents leave the queue.")).to_be_visible()
        await question.get_by_role("button", name="Take everybody out").click()
        await expect(inside).to_contain_text("There are no agents in this queue yet.")


async def test_a_queue_is_added_changed_and_removed(
    console_page: Page,
    console: ConsoleBrowser,
    server: TamasServer,
    new_extension: NewExtension,
    watch: PageWatch,
) -> None:
    """The form fills in what the API would; faults stand at their fields; what uses a queue is said first."""
    page = console_page
    await new_extension(server, "5301", register=False, forward_policy={"Busy": "5390"})
    await page.goto("/console/pbx/queues")
    await page.get_by_role("button", name="Add a queue").first.click()
    form = page.get_by_role("dialog", name="Add a queue")
    number = form.get_by_role("textbox", name="Number")
    try:
        await expect(number).to_be_focused()
        await number.fill("5301")
        await form.get_by_role("textbox", name="Name").fill("Sales")
        await form.get_by_role("radio", name="Longest idle").check()
        await axe(page)
        watch.allow("409")
        await form.get_by_role("button", name="Add", exact=True).click()
        await expect(form.get_by_text("This number is taken")).to_be_visible()
        await number.fill("5390")
        await form.get_by_role("button", name="Add", exact=True).click()
        drawer = page.get_by_role("dialog", name="Agents of 5390 Sales")
        await (
            drawer.get_by_role("region", name="Add agents")
            .get_by_role("listitem", name="5301")
            .get_by_role("button", name="Add", exact=True)
            .click()
        )
        await expect(page.get_by_text("5301 has joined queue 5390.")).to_be_visible()
        await drawer.get_by_role("button", name="Close").last.click()

        async with queue(console, "5391", "By the API"):
            by_form, by_api = [
                (await console.get("pbx/queues/get", id=one["id"]))["settings"]
                for one in (await console.get("pbx/queues/list", search="539"))["rows"]
            ]
            differ = {key for key in by_form if by_form[key] != by_api[key]}
            assert differ == {"_id", "name", "number", "strategy"}
            assert by_form["strategy"] == "leastrecent"

        mine = row(page, "5390")
        await mine.get_by_text("Sales").click()
        form = page.get_by_role("dialog", name="5390 Sales")
        await unfold(form, "Announcements", "More")
        await form.get_by_label("Ring time", exact=False).first.fill("")
        await form.get_by_label("“You are next”").fill("../etc/passwd")
        await form.get_by_label("More options").fill("autopause=yes\nmembergosub=<b>x</b>\nfoo")
        await form.get_by_role("button", name="Save").click()
        await expect(form.get_by_text("This must be filled in.")).to_be_visible()
        await expect(form.get_by_text("Name of a sound without ending")).to_be_visible()
        await form.get_by_label("Ring time", exact=False).first.fill("25")
        await form.get_by_label("“You are next”").fill("")
        await form.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Queue 5390 was saved.")).to_be_visible()
        await mine.get_by_text("Sales").click()
        await unfold(form, "More")
        ignored = form.get_by_text("These lines have no effect:").locator("..")
        await expect(ignored).to_contain_text("membergosub=<b>x</b>")
        await expect(form.get_by_label("Ring time", exact=False).first).to_have_value("25")
        await axe(page)
        await form.get_by_role("button", name="Cancel").click()

        await row_action(page, mine, "Remove")
        question = page.get_by_role("dialog", name="Remove queue 5390 Sales?")
        await expect(question.get_by_text("1 agent leaves it")).to_be_visible()
        await expect(question.get_by_text("5301 Phone 5301 forwards calls here")).to_be_visible()
        await question.get_by_role("button", name="Remove", exact=True).click()
        await expect(mine).to_have_count(0)
    finally:
        await gone(console, "5390")


async def test_every_field_is_in_the_form(console_page: Page, console: ConsoleBrowser) -> None:
    """Whatever the API takes can be entered."""
    await console_page.goto("/console/pbx/queues?add=1")
    form = console_page.get_by_role("dialog", name="Add a queue")
    await expect(form.get_by_role("textbox", name="Number")).to_be_visible()
    wanted = await request_fields(console, "PbxQueuesAddRequest")
    assert documented_fields("pbx/queues/add") <= wanted
    assert await shown_fields(form) == wanted
    assert await unexplained_fields(form) == set()


@pytest.mark.slow
async def test_who_may_only_look(new_page: NewPage, console: ConsoleBrowser, server: TamasServer) -> None:
    """Without the right to change one sees who waits and who answers, and is offered nothing to do."""
    async with (
        queue(console, "5490", "Looked at") as identity,
        person(server, console, "queue-looker", {"pbx.queues": ["read"]}),
    ):
        page = await new_page(f"/console/pbx/queues?agents={identity}", username="queue-looker")
        drawer = page.get_by_role("dialog", name="Agents of 5490 Looked at")
        await expect(drawer).to_contain_text("Nobody is waiting.")
        await expect(drawer.get_by_role("region", name="Add agents")).to_have_count(0)
        await axe(page)
        await drawer.get_by_role("button", name="Close").last.click()
        await expect(page.get_by_role("button", name="Add a queue")).to_have_count(0)
        await row(page, "5490").get_by_text("Looked at").click()
        await expect(page.get_by_role("dialog").get_by_role("textbox", name="Number")).to_be_disabled()


@pytest.mark.slow
async def test_in_persian_on_a_phone(
    new_page: NewPage, console: ConsoleBrowser, server: TamasServer, new_extension: NewExtension
) -> None:
    """An agent joins and takes a break by touch, in Persian."""
    await new_extension(server, "5501", register=False)
    async with queue(console, "5590", "پشتیبانی") as identity:
        page = await new_page("/console/pbx/queues", language="fa", size=PHONE)
        card = page.get_by_role("listitem").filter(has_text="5590")
        await card.get_by_role("button", name="اپراتورهای صف").tap()
        drawer = page.get_by_role("dialog", name="اپراتورهای")
        await drawer.get_by_role("listitem", name="5501").get_by_role("button", name="افزودن").tap()
        joined = drawer.get_by_role("region", name="اپراتورهای این صف").get_by_role("listitem", name="5501")
        await joined.get_by_role("button", name="استراحت").tap()
        await joined.get_by_label("دلیل استراحت").fill("ناهار و نماز")
        await joined.get_by_role("button", name="شروع استراحت").tap()
        await expect(joined).to_contain_text("ناهار و نماز")
        await axe(page)
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(width) == 0
        (agent,) = (await console.get("pbx/queues/get", id=identity))["agents"]
        assert (agent["paused"], agent["paused_reason"]) == (True, "ناهار و نماز")
