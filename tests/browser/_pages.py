"""The pages of which pictures are taken. A new page, or a state of one worth a look, is an entry here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Page


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page, or one of its states."""

    name: str
    """Of its pictures."""
    path: str
    """Below ``/console``."""
    prepare: Callable[[Page], Awaitable[None]] | None = None
    """Brings the open page into the state: opens a form, chooses a tab."""
    signed_in: bool = True


PAGES: Final = (
    Shown(name="sign-in", path="/sign-in", signed_in=False),
    Shown(name="home", path="/"),
    Shown(name="calls", path="/calls"),
    Shown(name="users", path="/pbx/users"),
    Shown(name="trunks", path="/pbx/trunks"),
    Shown(name="queues", path="/pbx/queues"),
    Shown(name="api-accounts", path="/maintenance/api-accounts"),
    Shown(name="api-logs", path="/maintenance/api-logs"),
    Shown(name="settings", path="/maintenance/settings"),
    Shown(name="accounts", path="/maintenance/accounts"),
    Shown(name="activity", path="/maintenance/activity"),
    Shown(name="profile", path="/profile"),
    Shown(name="style", path="/style"),
    Shown(name="not-found", path="/no/such/page"),
)
