"""axe-core, which finds what keeps people from using a page."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_SOURCE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
_RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] })
    return JSON.stringify(violations)
}"""
GRAVE = frozenset({"serious", "critical"})


async def grave_findings(page: Page) -> list[str]:
    """What axe calls serious or critical on the page as it is now, a line for each thing and place."""
    # A contrast is measured on what is there when everything has come to rest.
    await settled(page)
    await page.evaluate(_source())
    violations: list[dict[str, Any]] = json.loads(await page.evaluate(_RUN))
    return [
        f"{violation['impact']} {violation['id']}: {violation['help']} at {node['target'][-1]}: "
        f"{node['html'][:160]} ({(node.get('failureSummary') or '').splitlines()[-1].strip()})"
        for violation in violations
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


async def axe(page: Page) -> None:
    """:raises AssertionError: axe finds something serious or critical on the page as it is now."""
    findings = await grave_findings(page)
    assert not findings, f"axe at {page.url}:\n" + "\n".join(findings)


async def settled(page: Page) -> None:
    """Wait until fonts are there and animations with an end have ended."""
    await page.evaluate(
        """async () => {
            await document.fonts.ready
            const running = document.getAnimations().filter(
                (one) => Number.isFinite(one.effect?.getComputedTiming().endTime))
            await Promise.allSettled(running.map((one) => one.finished))
        }"""
    )


@cache
def _source() -> str:
    return _SOURCE.read_text("utf-8")
