"""What must never happen on a page of the console, noted while a test looks at other things."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, WebError, WebSocket

LOUD = frozenset({"error", "warning", "assert"})
"""Kinds of console messages that a finished page does not write."""
INNER_SCHEMES = frozenset({"data", "blob", "about"})
"""Addresses that leave no browser."""
ABORTED = "net::ERR_ABORTED"
"""A request that the page itself gave up, because it goes elsewhere or shows something else."""


class PageWatch:
    """Collects console errors and warnings, uncaught exceptions, failed requests and requests to other hosts.

    What the content security policy blocks, and answers of 400 and above, the browser writes to the console.
    """

    def __init__(self, origin: str) -> None:
        self._host = urlsplit(origin).netloc
        self._findings: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def attach(self, context: BrowserContext) -> None:
        """Watch every page of a context from now on."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_exception)
        context.on("request", self._on_request)
        context.on("requestfailed", self._on_failed)
        context.on("page", self._on_page)

    def attach_page(self, page: Page) -> None:
        """Watch one page of a context that has others, from now on."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda failure: self._findings.append(f"uncaught: {failure}"))
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_failed)
        self._on_page(page)

    def allow(self, pattern: str) -> None:
        """Let pass what a test brings about on purpose; a regular expression for the whole text of a finding.

        ``watch.allow("401.*session/sign_in")`` for a sign-in that is refused.
        """
        self._allowed.append(re.compile(pattern, re.DOTALL))

    @property
    def findings(self) -> list[str]:
        """What happened and was not allowed."""
        return [
            finding
            for finding in self._findings
            if not any(pattern.search(finding) for pattern in self._allowed)
        ]

    def check(self) -> None:
        """:raises AssertionError: something happened that must not; the text lists it."""
        assert not self.findings, "on the pages of this test:\n" + "\n".join(self.findings)

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_websocket)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in LOUD:
            self._findings.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _on_exception(self, failure: WebError) -> None:
        self._findings.append(f"uncaught: {failure.error}")

    def _on_request(self, request: Request) -> None:
        self._check_host(request.url)

    def _on_websocket(self, socket: WebSocket) -> None:
        self._check_host(socket.url)

    def _on_failed(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._findings.append(f"failed: {request.method} {request.url} ({request.failure})")

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in INNER_SCHEMES and parts.netloc != self._host:
            self._findings.append(f"another host is asked: {url}")
