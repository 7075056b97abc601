"""The console's HTTP API as its pages use it, for tests that prepare something or look behind a page."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from support.server import TamasServer

PREFIX = "/api/console/v1"
ADMINISTRATOR = "admin"
PASSWORD = "Paper-Lantern-7-Harbour"  # of every account that tests make, unless they say another


class ConsoleRefusal(AssertionError):
    """The console's API answered that something failed."""

    def __init__(self, path: str, answer: httpx.Response) -> None:
        super().__init__(f"{path}: {answer.status_code} {answer.text}")
        self.status = answer.status_code
        error = answer.json().get("error", {}) if "json" in answer.headers.get("content-type", "") else {}
        self.code: str = error.get("code", "")
        self.field: str | None = error.get("field")
        self.params: dict[str, Any] = error.get("params") or {}


class ConsoleClient:
    """One browser's worth of a session: its cookie, its CSRF token, and the Origin of our own pages."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.AsyncClient(base_url=base_url, timeout=20, headers={"Origin": base_url})
        self.csrf = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the session stays."""
        await self.http.aclose()

    async def sign_in(self, username: str = ADMINISTRATOR, password: str = PASSWORD, **fields: Any) -> Any:
        """Begin a session. :raises ConsoleRefusal: it was refused."""
        return self._take(
            await self.post("session/sign_in", {"username": username, "password": password, **fields})
        )

    async def change_password(self, current: str, new: str = PASSWORD) -> Any:
        """Change the password of whoever is signed in. :raises ConsoleRefusal: it was refused."""
        return self._take(await self.post("session/change_password", {"current": current, "new": new}))

    async def get(self, path: str, **parameters: Any) -> Any:
        """Call a reading service and return its answer. :raises ConsoleRefusal: it was refused."""
        answer = await self.http.get(f"{PREFIX}/{path}", params=parameters)
        return self._answer(path, answer)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call a writing service and return its answer. :raises ConsoleRefusal: it was refused."""
        headers = {"X-CSRF-Token": self.csrf} if self.csrf else {}
        answer = await self.http.post(f"{PREFIX}/{path}", json=dict(body or {}), headers=headers)
        return self._answer(path, answer)

    def _take(self, current: Any) -> Any:
        self.csrf = current["session"]["csrf"]
        return current

    def _answer(self, path: str, answer: httpx.Response) -> Any:
        if answer.status_code == 204:
            return None
        if answer.status_code != 200:
            raise ConsoleRefusal(path, answer)
        return answer.json()


def first_password(server: TamasServer) -> str:
    """The generated password of a fresh instance's administrator."""
    return (server.state_dir / "secrets" / "console-first-password").read_text().strip()


async def administrator(server: TamasServer) -> ConsoleClient:
    """The administrator of a fresh instance, signed in, with :data:`PASSWORD` in place of the first one."""
    client = ConsoleClient(server.base_url)
    first = first_password(server)
    await client.sign_in(password=first)
    await client.change_password(first)
    return client
