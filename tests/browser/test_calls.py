"""Calls now, with real phones: calls are seen as they happen, started, hung up and read about afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from browser._axe import axe
from browser._page import PHONE
from browser._watch import PageWatch
from browser.conftest import NewPage
from support.console import Browser as ConsoleBrowser
from support.console import person
from support.server import TamasServer
from support.servers import NewCarrier, NewExtension
from tamas.demo.call import Refusal
from tamas.demo.phone import AutoAnswer, AutoReject
from tamas.media.audio import probe

pytestmark = pytest.mark.engine

MARKUP = "<img src=x onerror=alert(1)>"


async def start_call(page: Page, caller: str, callee: str) -> Locator:
    """Fill the form in and send it. :returns: the drawer that tells of the call."""
    await page.get_by_role("button", name="New two-way call").first.click()
    form = page.get_by_role("dialog", name="New two-way call")
    await form.get_by_label("Caller", exact=False).first.fill(caller)
    await form.get_by_label("Called number").fill(callee)
    await form.get_by_role("button", name="Start the call").click()
    return page.get_by_role("dialog")


def steps(drawer: Locator) -> Locator:
    """The story in a call's drawer."""
    return drawer.get_by_role("log", name="Story")


async def test_a_two_way_call_is_told_as_it_happens(
    new_page: NewPage, server: TamasServer, new_extension: NewExtension
) -> None:
    """Started in the browser, it is seen ringing, answered and ended, in this order, while the phones do it;
    then its record opens. How soon: ``python -m bench screen``.
    """
    caller = await new_extension(server, "201", tone_hz=440, call_record="yes")
    callee = await new_extension(server, "202", tone_hz=660)
    page = await new_page("/console/calls")
    drawer = await start_call(page, "201", "202")

    first = await caller.incoming()
    await expect(steps(drawer)).to_contain_text("201 rings")
    await expect(steps(drawer)).not_to_contain_text("201 answered")
    await first.answer()
    second = await callee.incoming()
    await expect(steps(drawer)).to_contain_text("202 rings")
    await expect(steps(drawer)).not_to_contain_text("Both are connected")
    await second.answer()
    await expect(steps(drawer)).to_contain_text("Both are connected")
    await expect(drawer.get_by_role("status").filter(has_text="Talking")).to_be_visible()
    await axe(page)
    await expect(drawer.get_by_text("The call is over")).not_to_be_visible()
    await second.hang_up()
    await first.until_ended()
    await expect(drawer.get_by_text("The call is over").first).to_be_visible()

    await expect(steps(drawer)).to_contain_text("202 hung up")
    await expect(steps(drawer)).to_contain_text("it ended normally")
    record = drawer.get_by_role("region", name="Record")
    await expect(record.get_by_text("Answered").first).to_be_visible()
    await expect(record.get_by_text(f"{first.remote_number}", exact=True).first).to_be_visible()
    await axe(page)


async def test_a_recording_is_played_and_downloaded(
    new_page: NewPage,
    server: TamasServer,
    console: ConsoleBrowser,
    new_extension: NewExtension,
    tmp_path: Path,
) -> None:
    """Whoever may listen hears the recording of a call and can keep it; others are told why not."""
    await new_extension(server, "203", tone_hz=440, call_record="yes", manner=AutoAnswer())
    callee = await new_extension(server, "204", tone_hz=660, manner=AutoAnswer(hang_up_after=1.5))
    page = await new_page("/console/calls")
    drawer = await start_call(page, "203", "204")
    record = drawer.get_by_role("region", name="Record")
    await expect(record).to_be_visible(timeout=15_000)
    assert callee.calls
    audio = record.get_by_label("Recording of the call")
    await expect(audio).to_be_visible()
    await audio.evaluate("async (audio) => { audio.muted = true; await audio.play() }")
    length: float = await audio.evaluate("(audio) => audio.duration")
    assert 1 < length < 10
    async with page.expect_download() as downloading:
        await record.get_by_role("link", name="Download").click()
    file = tmp_path / "recording"
    await (await downloading.value).save_as(file)
    assert probe(file).container == "mp3"

    async with person(server, console, "deaf", {"calls": ["read"]}):
        looking = await new_page(page.url.removeprefix(server.base_url), username="deaf")
        drawer = looking.get_by_role("dialog")
        await expect(drawer.get_by_text("may not listen to recordings")).to_be_visible()
        await expect(drawer.get_by_role("link", name="Download")).to_have_count(0)
        await drawer.get_by_role("button", name="Close").click()
        await expect(looking.get_by_role("button", name="New two-way call")).to_have_count(0)
        await looking.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "words"), [(486, "busy"), (603, "the call was rejected"), (480, "nobody answered")]
)
async def test_why_a_call_came_to_nothing(
    new_page: NewPage, server: TamasServer, new_extension: NewExtension, status: Refusal, words: str
) -> None:
    """How the second phone refuses is told in words, on screen at once and in the record."""
    await new_extension(server, "205", manner=AutoAnswer())
    await new_extension(server, "206", manner=AutoReject(status=status))
    page = await new_page("/console/calls")
    drawer = await start_call(page, "205", "206")
    await expect(steps(drawer)).to_contain_text(f"206 could not be reached: {words}")
    await expect(steps(drawer)).to_contain_text("The call is over")
    await expect(drawer.get_by_role("region", name="Record")).to_be_visible(timeout=15_000)


@pytest.mark.slow
async def test_a_caller_without_a_phone(
    new_page: NewPage, server: TamasServer, new_extension: NewExtension
) -> None:
    """A caller whose phone is not registered never gets a channel; that is told all the same."""
    await new_extension(server, "205", register=False)
    await new_extension(server, "206", manner=AutoAnswer())
    page = await new_page("/console/calls")
    drawer = await start_call(page, "205", "206")
    await expect(steps(drawer)).to_contain_text("205 could not be reached: it cannot be reached")
    record = drawer.get_by_role("region", name="Record")
    await expect(record.get_by_text("Failed")).to_be_visible(timeout=15_000)


@pytest.mark.slow
async def test_what_the_form_says(
    new_page: NewPage, server: TamasServer, new_extension: NewExtension
) -> None:
    """Extensions are offered by name; what is missing or cannot be called is said at the field."""
    await new_extension(server, "207", register=False, name="Nobody's Desk")
    page = await new_page("/console/calls?add=1")
    form = page.get_by_role("dialog", name="New two-way call")
    await form.get_by_role("button", name="Start the call").click()
    await expect(form.get_by_text("This must be filled in.")).to_have_count(2)
    caller = form.get_by_label("Caller", exact=False).first
    await caller.fill("desk")
    await page.get_by_role("option", name="207").click()
    await expect(caller).to_have_value("207")
    await expect(form.get_by_label("Trunk to the caller")).to_have_count(0)
    await caller.fill("09121234567")
    await expect(form.get_by_label("Trunk to the caller").first).to_be_visible()
    await form.get_by_label("Called number").fill("207")
    await axe(page)


@pytest.mark.slow
async def test_an_outside_caller_without_a_trunk(new_page: NewPage, watch: PageWatch) -> None:
    """The server's refusal stands at the field that has to be filled in."""
    watch.allow("422.*calls/originate")
    page = await new_page("/console/calls")
    form = await start_call(page, "09121234567", "0912")
    await expect(form.get_by_text("Choose the trunk over which this number is reached.")).to_be_visible()


async def test_an_outside_caller_with_markup_in_the_name(
    new_page: NewPage, server: TamasServer, new_extension: NewExtension, new_carrier: NewCarrier
) -> None:
    """What an outside caller is called is text in list, drawer and record; the call is hung up from here."""
    carrier = await new_carrier(server, "carrier7", tone_hz=440)
    await new_extension(server, "208", manner=AutoAnswer())
    page = await new_page("/console/calls")
    await expect(page.get_by_text("No calls right now")).to_be_visible()
    call = await carrier.call("208", caller="09120000000", caller_name=MARKUP)
    row = page.get_by_role("row").filter(has_text="09120000000")
    await expect(row).to_contain_text(MARKUP)
    await expect(row).to_contain_text("Talking")
    await row.click()
    drawer = page.get_by_role("dialog")
    await expect(drawer.get_by_role("region", name="Caller")).to_contain_text(MARKUP)
    await expect(drawer.get_by_role("region", name="Caller")).to_contain_text("carrier7")

    await drawer.get_by_role("button", name="Hang up").click()
    question = page.get_by_role("dialog", name="Hang up the call")
    await expect(question).to_contain_text("09120000000 – 208")
    await question.get_by_role("button", name="Hang up").click()
    await call.until_ended()
    record = drawer.get_by_role("region", name="Record")
    await expect(record).to_contain_text(MARKUP, timeout=15_000)
    await drawer.get_by_role("button", name="Close").click()

    await page.get_by_role("tab", name="Recent").click()
    await page.get_by_label("Caller or called number").fill("09120000000")
    row = page.get_by_role("row").filter(has_text="09120000000")
    await expect(row.first).to_contain_text(MARKUP)
    await axe(page)


async def test_recent_calls_come_by_themselves(
    new_page: NewPage, server: TamasServer, new_extension: NewExtension
) -> None:
    """A call that ends while somebody looks at the records joins them, and opens; on a phone, in Persian."""
    caller = await new_extension(server, "209")
    await new_extension(server, "210", manner=AutoAnswer())
    page = await new_page("/console/calls?tab=recent&number=209", language="fa", size=PHONE)
    await expect(page.get_by_text("موردی پیدا نشد").first).to_be_visible()
    call = await caller.call("210")
    await call.until_talking()
    await caller.hang_up()
    card = page.get_by_role("listitem").filter(has_text="209")
    await expect(card).to_be_visible(timeout=15_000)
    await card.get_by_role("button", name="209").click()
    drawer = page.get_by_role("dialog")
    await expect(drawer.get_by_role("region", name="سابقهٔ تماس")).to_contain_text("پاسخ داده شد")
    await axe(page)
