"""Fixtures: running servers, and phones that are extensions of one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from support.phones import PhoneBench
from support.server import TamasServer
from tamas.demo.phone import Manner, Phone

CARRIER_ADDRESS = "127.0.0.9"
"""Where the tests' carrier lives: a loopback address that no phone has."""


@pytest.fixture(scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[TamasServer]:
    """A running server on SQLite that the tests of a module share."""
    async with TamasServer(tmp_path_factory.mktemp("server"), template=sqlite_template) as running:
        yield running


@pytest.fixture(scope="module")
async def postgresql_server(
    tmp_path_factory: pytest.TempPathFactory, new_store: Callable[[str, Path], str]
) -> AsyncIterator[TamasServer]:
    """A running server on PostgreSQL that the tests of a module share."""
    folder = tmp_path_factory.mktemp("server")
    async with TamasServer(folder, database_url=new_store("postgresql", folder)) as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def either_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_store: Callable[[str, Path], str],
    sqlite_template: Path,
) -> AsyncIterator[TamasServer]:
    """A running server that the tests of a module share, once on SQLite and once on PostgreSQL."""
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        made = TamasServer(folder, template=sqlite_template)
    else:
        made = TamasServer(folder, database_url=new_store("postgresql", folder))
    async with made as running:
        yield running


class NewServer(Protocol):
    """Makes a server; it is started unless ``start=False``, and ended when the test ends."""

    def __call__(
        self,
        dialect: str = "sqlite",
        *,
        workers: int = 0,
        start: bool = True,
        command: bool = False,
        **environment: str,
    ) -> Awaitable[TamasServer]: ...


@pytest.fixture
async def new_server(
    tmp_path: Path, new_store: Callable[[str, Path], str], sqlite_template: Path
) -> AsyncIterator[NewServer]:
    """``await new_server("postgresql", workers=2, TAMAS_LOG_FORMAT="json")``: a server of the test's own."""
    servers: list[TamasServer] = []

    async def make(
        dialect: str = "sqlite",
        *,
        workers: int = 0,
        start: bool = True,
        command: bool = False,
        **environment: str,
    ) -> TamasServer:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        url = "" if dialect == "sqlite" else new_store(dialect, folder)
        made = TamasServer(
            folder,
            database_url=url,
            workers=workers,
            environment=environment,
            command=command,
            template=None if url or command else sqlite_template,
        )
        servers.append(made)
        if start:
            await made.start()
        return made

    yield make
    await asyncio.gather(*(one.close() for one in servers))


class NewExtension(Protocol):
    """Adds an extension through the API and gives its phone, registered; see :class:`Phone`."""

    def __call__(
        self,
        server: TamasServer,
        number: str,
        *,
        tone_hz: int = 0,
        manner: Manner | None = None,
        register: bool = True,
        **fields: Any,
    ) -> Awaitable[Phone]: ...


@pytest.fixture
async def new_extension(new_phone: PhoneBench) -> AsyncIterator[NewExtension]:
    """``await new_extension(server, "201", tone_hz=440, call_record="yes")``: an extension with its phone.

    Both go when the test ends.
    """
    added: list[tuple[TamasServer, str]] = []

    async def make(
        server: TamasServer,
        number: str,
        *,
        tone_hz: int = 0,
        manner: Manner | None = None,
        register: bool = True,
        **fields: Any,
    ) -> Phone:
        secret = secrets.token_urlsafe(12)
        data = await server.api(
            "pbx/users/add", {"name": f"Phone {number}", "number": number, "secret": secret, **fields}
        )
        added.append((server, data["_id"]))
        phone = await new_phone(number, server=server.sip, secret=secret, tone_hz=tone_hz, manner=manner)
        if register:
            await phone.register()
        return phone

    yield make
    await new_phone.close()
    for server, row in added:
        if server.alive:
            await server.api("pbx/users/remove", {"_id": row})


class NewCarrier(Protocol):
    """Adds a trunk through the API and gives the phone that plays its carrier."""

    def __call__(
        self,
        server: TamasServer,
        name: str,
        *,
        tone_hz: int = 0,
        manner: Manner | None = None,
        address: str = CARRIER_ADDRESS,
        **fields: Any,
    ) -> Awaitable[Phone]: ...


@pytest.fixture
async def new_carrier(new_phone: PhoneBench) -> AsyncIterator[NewCarrier]:
    """``await new_carrier(server, "carrier1", manner=AutoAnswer())``: a trunk and whoever is behind it.

    The carrier calls in with ``carrier.call("did", caller="09120000000")``.
    """
    added: list[tuple[TamasServer, str]] = []

    async def make(
        server: TamasServer,
        name: str,
        *,
        tone_hz: int = 0,
        manner: Manner | None = None,
        address: str = CARRIER_ADDRESS,
        **fields: Any,
    ) -> Phone:
        phone = await new_phone(name, server=server.sip, tone_hz=tone_hz, manner=manner, local=(address, 0))
        data = await server.api(
            "pbx/trunks/add",
            {
                "trunk_type": "SIP",
                "name": name,
                "active": "yes",
                "host": address,
                "port": str(phone.address[1]),
                "qualify": "no",
                "insecure": "port,invite",
                "disallow": "all",
                "allow": "ulaw",
                **fields,
            },
        )
        added.append((server, data["_id"]))
        return phone

    yield make
    await new_phone.close()
    for server, row in added:
        if server.alive:
            await server.api("pbx/trunks/remove", {"_id": row})
