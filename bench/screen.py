"""How soon the console shows what happens at a phone: the story of a two-way call, painted in a browser."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from playwright.async_api import Page, async_playwright

from bench.figures import Figure
from bench.options import Options, say
from browser._page import CHROMIUM_OPTIONS, DESKTOP, chromium
from browser._painted import note_texts, seen_at
from support.console import administrator
from support.server import TamasServer
from tamas.demo.phone import Phone, close_phones

CALLS, QUICK_CALLS = 20, 5
LIMIT_SECONDS = 1.0
"""What a person at the screen takes for 'at once'."""
CALLER, CALLEE = "201", "202"
SECRET = "bench-Phone-1"


def measure(options: Options) -> Iterator[Figure]:
    """Seconds from the phone to the screen: the slowest step of most calls."""
    (options.folder / "screen").mkdir()
    late = asyncio.run(_watch_calls(options))
    worst = sorted(max(steps.values()) for steps in late)
    middle = ", ".join(
        f"{what} {statistics.median(steps[what] for steps in late) * 1000:.0f}" for what in late[0]
    )
    p95 = worst[max(0, round(len(worst) * 0.95) - 1)]
    yield Figure(
        what="from the phone to the screen, slowest step of a call, p95",
        value=p95 * 1000,
        unit="ms",
        baseline="limit",
        baseline_value=LIMIT_SECONDS * 1000,
        ratio=p95 / LIMIT_SECONDS,
        target=1.0,
        at_least=False,
        note=f"medians in ms: {middle}",
    )


async def _watch_calls(options: Options) -> list[dict[str, float]]:
    async with _at_work(options) as (page, caller, callee):
        await _one_call(page, caller, callee)  # so that nothing is cold
        late = []
        for number in range(QUICK_CALLS if options.quick else CALLS):
            late.append(await _one_call(page, caller, callee))
            say(f"call {number + 1}: {max(late[-1].values()) * 1000:.0f} ms at most")
        return late


@asynccontextmanager
async def _at_work(options: Options) -> AsyncIterator[tuple[Page, Phone, Phone]]:
    """A server, two phones, and the page Calls in a browser."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TamasServer(options.folder / "screen"))
        someone = await stack.enter_async_context(administrator(server))
        phones: list[Phone] = []
        stack.push_async_callback(close_phones, phones)
        for number in (CALLER, CALLEE):
            await server.api("pbx/users/add", {"name": number, "number": number, "secret": SECRET})
            phone = Phone(number=number, secret=SECRET, server=server.sip, sipp=options.sipp())
            phones.append(phone)
            await phone.open()
            await phone.register()
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_OPTIONS))
        stack.push_async_callback(browser.close)
        width, height = DESKTOP
        context = await browser.new_context(
            base_url=server.base_url, locale="en-GB", viewport={"width": width, "height": height}
        )
        await context.add_cookies(
            [
                {"name": cookie.name, "value": cookie.value or "", "url": server.base_url}
                for cookie in someone.http.cookies.jar
            ]
        )
        page = await context.new_page()
        yield page, phones[0], phones[1]


async def _one_call(page: Page, caller: Phone, callee: Phone) -> dict[str, float]:
    """Seconds from each step at a phone to its words on the screen."""
    await page.goto("/console/calls")
    await page.get_by_role("button", name="New two-way call").first.click()
    form = page.get_by_role("dialog", name="New two-way call")
    await form.get_by_label("Caller").first.fill(CALLER)
    await form.get_by_label("Called number").fill(CALLEE)
    steps = (f"{CALLER} rings", f"{CALLER} answered", f"{CALLEE} rings", f"{CALLEE} answered")
    await note_texts(page, (*steps, "Both are connected", "The call is over"))
    await form.get_by_role("button", name="Start the call").click()
    first = await caller.incoming()
    await first.until_ringing()
    await seen_at(page, steps[0])
    await first.answer()
    second = await callee.incoming()
    await second.until_ringing()
    await seen_at(page, steps[2])
    await second.answer()
    await seen_at(page, "Both are connected")
    await second.hang_up()
    await first.until_ended()
    facts = {
        steps[0]: first.ringing_at,
        steps[1]: first.answered_at,
        steps[2]: second.ringing_at,
        steps[3]: second.answered_at,
        "Both are connected": second.answered_at,
        "The call is over": second.ended_at,
    }
    return {text: await seen_at(page, text) - (at or 0) for text, at in facts.items()}
