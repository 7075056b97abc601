"""When words were painted on a page: what a person who looks at it would say."""

from __future__ import annotations

from collections.abc import Iterable

from playwright.async_api import Page

from support.waiting import eventually

_NOTE_TEXTS = """(texts) => {
    const seen = (window.seenAt = {})
    const painted = (tell) => requestAnimationFrame(() => requestAnimationFrame(tell))
    const look = () => {
        const shown = document.querySelector('[role=dialog]')?.innerText ?? ''
        for (const text of texts) {
            if (text in seen || !shown.includes(text)) continue
            seen[text] = null
            painted(() => { seen[text] = Date.now() / 1000 })
        }
    }
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
}"""


async def note_texts(page: Page, texts: Iterable[str]) -> None:
    """Note from now on when each of these texts is first painted in a drawer; see :func:`seen_at`."""
    await page.evaluate(_NOTE_TEXTS, list(texts))


async def seen_at(page: Page, text: str) -> float:
    """When a text was painted, in seconds since the epoch: browser and phones share this machine's clock."""

    async def painted() -> float:
        at: float | None = await page.evaluate("(text) => window.seenAt[text]", text)
        return at or 0

    return await eventually(painted, within=10, what=f"“{text}” on the screen")
