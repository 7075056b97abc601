"""What the browser tests rely on: that faults of a page are noticed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Route

from browser._axe import axe, grave_findings
from browser._watch import PageWatch
from support.waiting import eventually

ORIGIN = "http://console.test"
POLICY = "default-src 'none'; script-src 'self'; connect-src *; img-src data: http://elsewhere.test"


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile in which nothing answers but what a test says."""
    made = await browser.new_context(base_url=ORIGIN)
    yield made
    await made.close()


async def serve(context: BrowserContext, *, body: str = "", script: str = "") -> None:
    """Let ``/`` be a page with this body and this script; everything else is not there."""

    async def answer(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            page = (
                f"<!doctype html><html lang=en><title>Page</title><link rel=icon href=data:,>"
                f"<body><main><h1>Page</h1>{body}</main><script src=/script.js></script></body></html>"
            )
            await route.fulfill(
                body=page, content_type="text/html", headers={"Content-Security-Policy": POLICY}
            )
        elif route.request.url == f"{ORIGIN}/script.js":
            await route.fulfill(body=script, content_type="text/javascript")
        elif route.request.url == f"{ORIGIN}/cut":
            await route.abort("connectionreset")
        else:
            await route.fulfill(status=404, body="no")

    await context.route("**/*", answer)


@pytest.mark.parametrize(
    ("body", "script", "finding"),
    [
        ("", "console.error('torn')", "console error: torn"),
        ("", "console.warn('thin')", "console warning: thin"),
        ("", "throw new Error('lost')", "uncaught: "),
        ("", "Promise.reject(new Error('left alone'))", "uncaught: "),
        ("<script>1</script>", "", "Content Security Policy"),
        ("<p style='color: red'>red</p>", "", "Content Security Policy"),
        (
            "<img alt='' src='http://elsewhere.test/a.png'>",
            "",
            "another host is asked: http://elsewhere.test",
        ),
        ("", "new WebSocket('ws://elsewhere.test/')", "another host is asked: ws://elsewhere.test"),
        ("", "fetch('/missing')", "404"),
        ("", "fetch('/cut').catch(() => 0)", "failed: GET http://console.test/cut"),
    ],
)
async def test_a_fault_is_noticed(context: BrowserContext, body: str, script: str, finding: str) -> None:
    """Each thing that must not happen on a page is a finding, and fails the test when it is not allowed."""
    watch = PageWatch(ORIGIN)
    watch.attach(context)
    await serve(context, body=body, script=script)
    await (await context.new_page()).goto("/")
    await eventually(lambda: any(finding in one for one in watch.findings), within=5, what=finding)
    with pytest.raises(AssertionError, match="on the pages of this test"):
        watch.check()
    watch.allow(".*")
    watch.check()


async def test_a_sound_page_passes(context: BrowserContext) -> None:
    """A page that logs, asks its own host and is left while it still asks has no findings."""
    watch = PageWatch(ORIGIN)
    watch.attach(context)
    script = "console.log('hello'); const left = new AbortController()\n"
    script += "fetch('/script.js', { signal: left.signal }).catch(() => 0); left.abort()"
    await serve(context, script=script)
    page = await context.new_page()
    await page.goto("/")
    await page.goto("/")
    await axe(page)
    watch.check()


async def test_axe_finds_grave_faults(context: BrowserContext) -> None:
    """Weak contrast and a field without a name are found on a page with a strict policy."""
    await serve(context, body="<input><p><font color='#ddd' size=2>hardly seen</font></p>")
    page = await context.new_page()
    await page.goto("/")
    findings = "\n".join(await grave_findings(page))
    assert "color-contrast" in findings
    assert "label" in findings
    with pytest.raises(AssertionError, match="color-contrast"):
        await axe(page)
