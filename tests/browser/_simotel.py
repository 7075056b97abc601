"""Programs that call the Simotel API over HTTP, and the accounts they call with."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from support.console import PASSWORD, Browser
from support.server import TamasServer


@dataclass(kw_only=True)
class Program:
    """Somebody's program with what it knows of its account; ``None`` is not sent."""

    server: TamasServer
    username: str
    password: str | None = None
    token: str | None = None

    async def call(self, service: str, **body: Any) -> httpx.Response:
        """Call a service with a JSON body."""
        auth = None if self.password is None else httpx.BasicAuth(self.username, self.password)
        headers = {} if self.token is None else {"X-APIKEY": self.token}
        async with httpx.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
            address = f"{self.server.base_url}/api/v4/{service}"
            return await client.post(address, json=body, headers=headers)

    async def status(self, service: str, **body: Any) -> int:
        """HTTP status of :meth:`call`."""
        return (await self.call(service, **body)).status_code


async def account_id(console: Browser, username: str) -> str | None:
    """Id of an account, if there is one of that name."""
    for row in (await console.get("api_accounts/list", search=username))["rows"]:
        if row["username"] == username:
            return str(row["id"])
    return None


async def account_gone(console: Browser, username: str) -> None:
    """Remove an account, if it is still there."""
    found = await account_id(console, username)
    if found is not None:
        await console.post("api_accounts/remove", id=found)


@asynccontextmanager
async def program(
    server: TamasServer, console: Browser, username: str, *permissions: str, auth: str = "basic"
) -> AsyncIterator[Program]:
    """A program with an account that goes at the end; it may call everything unless something is named."""
    made = await console.post(
        "api_accounts/add",
        username=username,
        auth=auth,
        permissions=list(permissions or ("*",)),
        **({} if auth == "token" else {"password": PASSWORD}),
    )
    try:
        yield Program(
            server=server,
            username=username,
            password=None if auth == "token" else PASSWORD,
            token=made["token"],
        )
    finally:
        await account_gone(console, username)


async def run_curl(command: str) -> httpx.Response:
    """Send what a curl command would send."""
    reader = argparse.ArgumentParser()
    reader.add_argument("-X", default=None)
    reader.add_argument("-u", default=None)
    reader.add_argument("-H", action="append", default=[])
    reader.add_argument("-d", default=None)
    reader.add_argument("url")
    curl, *words = shlex.split(command.replace("\\\n", " "))
    assert curl == "curl"
    sent = reader.parse_args(words)
    headers = dict(header.split(": ", 1) for header in sent.H)
    auth = None if sent.u is None else httpx.BasicAuth(*_two(sent.u.split(":", 1)))
    async with httpx.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        return await client.post(sent.url, content=sent.d, headers=headers)


def _two(words: Sequence[str]) -> tuple[str, str]:
    first, second = words
    return first, second
