"""A browser of the console without a screen: what its pages ask for, over real HTTP.

``tests/console`` speaks so with a console of its own, other tests with the one of a :class:`TamasServer`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from support.server import TamasServer

PREFIX = "/api/console/v1/"
ADMINISTRATOR = "admin"
PASSWORD = "a password for tests"
"""Of every account that tests make."""


class Failure(AssertionError):
    """A service answered with an error although the test wanted none."""


@dataclass(kw_only=True)
class Browser:
    """Somebody's browser: a client with a cookie of its own."""

    http: httpx.AsyncClient
    csrf: str = ""

    async def get(self, path: str, **query: Any) -> Any:
        """Answer of a reading service, decoded."""
        return _answer(await self.send("GET", path, query))

    async def post(self, path: str, **values: Any) -> Any:
        """Answer of a writing service, decoded; ``None`` for 204."""
        return _answer(await self.send("POST", path, values))

    async def refused(self, path: str, method: str = "POST", **values: Any) -> dict[str, Any]:
        """The error of a service that must not do what is asked, with its ``status``."""
        response = await self.send(method, path, values)
        assert response.status_code >= 400, f"{path} was done: {response.text}"
        return {"status": response.status_code, **response.json()["error"]}

    async def send(self, method: str, path: str, values: Mapping[str, Any]) -> httpx.Response:
        """A request with cookie and CSRF header, whatever comes back."""
        if method == "GET":
            query = {
                name: str(value).lower() if isinstance(value, bool) else value
                for name, value in values.items()
                if value is not None
            }
            return await self.http.get(PREFIX + path, params=query)
        return await self.http.post(PREFIX + path, json=dict(values), headers={"X-CSRF-Token": self.csrf})

    async def sign_in(self, username: str, password: str = PASSWORD, code: str = "") -> dict[str, Any]:
        """Sign in; the session's cookie and token are used from then on."""
        answer: dict[str, Any] = await self.post(
            "session/sign_in", username=username, password=password, code=code
        )
        self.csrf = answer["session"]["csrf"]
        return answer

    @property
    def cookie(self) -> str:
        """``Cookie`` header of this browser."""
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())


def _answer(response: httpx.Response) -> Any:
    if response.status_code >= 400:
        raise Failure(f"{response.request.url.path}: {response.status_code} {response.text}")
    if response.status_code == 204:
        return None
    return msgspec.json.decode(response.content)


def first_password(server: TamasServer) -> str:
    """The generated password of a fresh server's administrator."""
    return (server.state_dir / "secrets" / "console-first-password").read_text().strip()


@asynccontextmanager
async def visitor(server: TamasServer) -> AsyncIterator[Browser]:
    """A browser in which nobody is signed in."""
    async with httpx.AsyncClient(base_url=server.base_url, timeout=20, trust_env=False) as client:
        yield Browser(http=client)


@asynccontextmanager
async def administrator(server: TamasServer) -> AsyncIterator[Browser]:
    """A browser with the administrator of a fresh server, whose password is :data:`PASSWORD` from now on."""
    async with visitor(server) as browser:
        first = first_password(server)
        await browser.sign_in(ADMINISTRATOR, first)
        current = await browser.post("session/change_password", current=first, new=PASSWORD)
        browser.csrf = current["session"]["csrf"]
        yield browser


@asynccontextmanager
async def person(
    server: TamasServer, console: Browser, username: str, rights: Mapping[str, Sequence[str]]
) -> AsyncIterator[Browser]:
    """A browser of somebody with an account type of their own and :data:`PASSWORD`; both go at the end.

    :param console: of an administrator.
    :param rights: by page: ``{"calls": ["read"]}``.
    """
    type_id = (await console.post("account_types/add", title=username, rights=rights))["id"]
    try:
        made = await console.post("accounts/add", username=username, account_type=type_id)
        try:
            async with visitor(server) as browser:
                await browser.sign_in(username, made["password"])
                changed = await browser.post(
                    "session/change_password", current=made["password"], new=PASSWORD
                )
                browser.csrf = changed["session"]["csrf"]
                yield browser
        finally:
            await console.post("accounts/remove", id=made["id"])
    finally:
        await console.post("account_types/remove", id=type_id)
