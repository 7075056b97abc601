"""What the forms of the switchboard's pages have in common for their tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playwright.async_api import Locator, Page, expect

from conformance.catalogue import load
from support.console import Browser


async def request_fields(console: Browser, name: str) -> set[str]:
    """Dotted names of all fields that a service takes, by the name of its request in the OpenAPI document."""
    document = await console.get("openapi.json")
    schema = document["components"]["schemas"][name]
    return set(_names(schema["properties"], ""))


def _names(properties: Mapping[str, Any], prefix: str) -> list[str]:
    return [
        name
        for key, schema in properties.items()
        for name in (
            _names(schema["properties"], f"{prefix}{key}.") if "properties" in schema else [prefix + key]
        )
    ]


def documented_fields(path: str) -> set[str]:
    """Dotted names of all fields that a service has in the catalogue of the Simotel API."""
    (found,) = [one for one in load("endpoints.yaml")["endpoints"] if one["path"] == path]
    return {parameter["name"] for parameter in found["params"]}


async def unexplained_fields(form: Locator) -> set[str]:
    """Those whose label nothing says more of: neither a sentence for the field nor one for each choice."""
    names: list[str] = await form.locator("[data-path]").evaluate_all(
        """(fields) => fields
            .filter((field) => !(field.getAttribute('aria-describedby') ?? '').split(' ').some(
                (id) => id.endsWith('description') && document.getElementById(id)?.textContent))
            .map((field) => field.dataset.path)"""
    )
    return set(names)


async def shown_fields(form: Locator) -> set[str]:
    """Dotted names of all fields in a form, folded away or not."""
    names: list[str] = await form.locator("[data-path]").evaluate_all(
        "(fields) => fields.map((field) => field.dataset.path)"
    )
    return set(names)


async def choose(form: Locator, label: str, option: str) -> None:
    """Choose something from a list."""
    await form.get_by_role("combobox", name=label).or_(form.get_by_label(label, exact=True)).first.click()
    await form.page.get_by_role("option", name=option, exact=True).click()


async def unfold(form: Locator, *sections: str) -> None:
    """Open sections that are folded away."""
    for section in sections:
        await form.get_by_role("heading", name=section, exact=True).click()


def row(page: Page, text: str) -> Locator:
    """The row of a list that has a text in one of its cells."""
    return page.get_by_role("row").filter(has=page.get_by_role("gridcell", name=text, exact=True))


async def row_action(page: Page, of: Locator, action: str) -> None:
    """Do something to a row by its menu."""
    await of.get_by_role("button", name="Actions for row").click()
    await page.get_by_role("menuitem", name=action, exact=True).click()


async def search(page: Page, text: str) -> None:
    """Let a list show only what fits a text."""
    await page.get_by_role("searchbox", name="Search", exact=True).fill(text)
    await expect(page.locator("[data-outdated]")).to_have_count(0)
