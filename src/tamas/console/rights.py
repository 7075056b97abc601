"""The pages of the console and what an account type may do on each.

A page is declared once, here: navigation, services and the editor of account types know it by its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tamas.errors import TamasError

Right = Literal["read", "update", "play"]
"""See the page; change what is on it; listen to recordings on it."""

READ: Final[Right] = "read"
UPDATE: Final[Right] = "update"
PLAY: Final[Right] = "play"


class BadRights(TamasError):
    """Rights name a page or a right that does not exist."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the console."""

    id: str
    rights: tuple[Right, ...] = (READ, UPDATE)
    """What can be granted on it."""


HOME: Final = Page(id="home")
CALLS: Final = Page(id="calls", rights=(READ, UPDATE, PLAY))
USERS: Final = Page(id="pbx.users")
TRUNKS: Final = Page(id="pbx.trunks")
QUEUES: Final = Page(id="pbx.queues")
API_ACCOUNTS: Final = Page(id="maintenance.api_accounts")
API_LOGS: Final = Page(id="maintenance.api_logs", rights=(READ,))
SETTINGS: Final = Page(id="maintenance.settings")
ACCOUNTS: Final = Page(id="maintenance.accounts")
ACTIVITY: Final = Page(id="maintenance.activity", rights=(READ,))

PAGES: Final[Mapping[str, Page]] = {
    page.id: page
    for page in (
        HOME,
        CALLS,
        USERS,
        TRUNKS,
        QUEUES,
        API_ACCOUNTS,
        API_LOGS,
        SETTINGS,
        ACCOUNTS,
        ACTIVITY,
    )
}
"""Every page by its id, in the order of the menu."""


class Rights:
    """What one account type grants, ready to be asked."""

    def __init__(self, granted: Mapping[str, Iterable[Right]]) -> None:
        self._granted = {page: frozenset(rights) for page, rights in granted.items()}

    @classmethod
    def everything(cls) -> Rights:
        """Every right on every page."""
        return cls({page.id: page.rights for page in PAGES.values()})

    def allow(self, page: Page, right: Right) -> bool:
        """Whether this right on that page is granted; whoever cannot see a page can do nothing on it."""
        granted = self._granted.get(page.id, frozenset())
        return READ in granted and right in granted

    def cover(self, other: Rights) -> bool:
        """Whether everything that other rights grant is granted by these too."""
        return all(
            self.allow(page, right)
            for page in PAGES.values()
            for right in page.rights
            if other.allow(page, right)
        )

    def shown(self) -> dict[str, list[Right]]:
        """Granted rights by page, in the order of the menu; for the browser and for storing."""
        return {
            page.id: [right for right in page.rights if self.allow(page, right)]
            for page in PAGES.values()
            if self.allow(page, READ)
        }


def checked_rights(granted: Mapping[str, Iterable[str]]) -> Rights:
    """Rights as somebody wrote them down; any right on a page brings seeing it.

    :raises BadRights: an unknown page, or a right that the page does not have.
    """
    known: dict[str, list[Right]] = {}
    for page_id, rights in granted.items():
        page = PAGES.get(page_id)
        if page is None:
            raise BadRights(f"there is no page {page_id!r}")
        wanted = set(rights)
        if unknown := wanted - set(page.rights):
            raise BadRights(f"{page_id} has no right {sorted(unknown)[0]!r}")
        if wanted:
            known[page_id] = [right for right in page.rights if right in wanted | {READ}]
    return Rights(known)
