"""A running console over real sockets, without a server around it: sign in, call services, open streams.

::

    async def test_something(console: RunningConsole) -> None:
        added = await console.post("pbx/users/add", number="101", name="Sara", secret="...")
        row = (await console.get("pbx/users/list", search="101"))["rows"][0]
        refused = await console.refused("pbx/users/add", number="101", ...)     # its error object
        auditor = await console.browser("auditor")                              # another person's browser

The engine and what can be seen of it are :class:`FakeEngine` and :class:`FakeLive`, which a test may set as
it needs; give ``running_console`` others to take real ones.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
from argon2 import PasswordHasher

from support.console import PASSWORD as PASSWORD
from support.console import Browser as Browser
from support.ports import free_port
from tamas.console.account_types import ADMINISTRATOR, add_account_type, ensure_account_types
from tamas.console.accounts import add_console_account
from tamas.console.app import ConsoleApi, LiveStream
from tamas.console.context import SignedIn
from tamas.console.live.hub import LiveHub
from tamas.console.passwords import Passwords
from tamas.console.rights import checked_rights
from tamas.console.service import ConsoleRegistry
from tamas.engine.ami import AmiClient
from tamas.engine.engine import EngineNotReady, EngineStatus
from tamas.engine.link import EngineAccess
from tamas.engine.sip_secrets import SecretSeal
from tamas.engine.watch.view import CallView, PhoneView, QueueView, TrunkView
from tamas.http_server import serve_http
from tamas.sa.app import SimotelApi
from tamas.settings import Settings, load_settings
from tamas.state import prepare_state_dir
from tamas.store.changes import Changes
from tamas.store.database import Database, open_database
from tamas.store.ids import new_id
from tamas.supervisor import bind_http

_serial = itertools.count(1)
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class FakeEngine:
    """An engine that is away until a test gives it a manager connection."""

    def __init__(self) -> None:
        self.client: Any = None

    @property
    def ready(self) -> bool:
        """Whether there is a connection."""
        return self.client is not None

    @property
    def ami(self) -> AmiClient:
        """What the test gave."""
        if self.client is None:
            raise EngineNotReady("no engine in this test")
        return self.client  # type: ignore[no-any-return]

    def status(self) -> EngineStatus | None:
        """Nobody supervises it."""
        return None


@dataclass
class FakeView:
    """What a test says can be seen of the engine."""

    ready: bool = True
    phones: dict[str, PhoneView] = field(default_factory=dict)
    trunks: dict[str, TrunkView] = field(default_factory=dict)
    queues: dict[str, QueueView] = field(default_factory=dict)
    in_progress: list[CallView] = field(default_factory=list)

    def phone(self, number: str) -> PhoneView:
        """As set, or not there."""
        return self.phones.get(number, PhoneView(registered=False, state="unavailable", calls=0))

    def trunk(self, name: str) -> TrunkView:
        """As set, or unknown."""
        return self.trunks.get(name, TrunkView(state="deactivated", registration="none", calls=0))

    def queue(self, number: str) -> QueueView:
        """As set, or empty."""
        return self.queues.get(number, QueueView())

    def calls(self) -> Sequence[CallView]:
        """As set."""
        return self.in_progress

    def call(self, linkedid: str) -> CallView | None:
        """One of those."""
        return next((call for call in self.in_progress if call.id == linkedid), None)


class FakeLive:
    """A hub that shows a :class:`FakeView`."""

    def __init__(self) -> None:
        self.seen = FakeView()

    async def view(self) -> FakeView:
        """The view of the test."""
        return self.seen


class FakeStream:
    """A stream that says who opened it, then answers each message with who that is by now."""

    async def serve(
        self,
        scope: Any,
        receive: Any,
        send: Any,
        *,
        who: SignedIn,
        check: Callable[[], Awaitable[SignedIn | None]],
    ) -> None:
        """See the class."""
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": who.username})
        while (await receive())["type"] == "websocket.receive":
            now = await check()
            await send({"type": "websocket.send", "text": now.username if now else "(ended)"})


@dataclass(kw_only=True)
class RunningConsole(Browser):
    """A console that answers on a port of loopback; itself the browser of ``admin``, an administrator."""

    database: Database
    changes: Changes
    settings: Settings
    engine: FakeEngine
    live: FakeLive
    seal: SecretSeal
    api: ConsoleApi
    sa: SimotelApi
    port: int
    browsers: AsyncExitStack

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    async def account(
        self,
        username: str,
        account_type: str = ADMINISTRATOR,
        *,
        rights: Mapping[str, Sequence[str]] | None = None,
        must_change_password: bool = False,
        expires_at: int | None = None,
    ) -> str:
        """Make an account with :data:`PASSWORD`. :returns: its id.

        :param rights: of a type of its own, in place of ``account_type``.
        """
        if rights is not None:
            account_type = new_id()
            await add_account_type(
                self.database,
                self.changes,
                type_id=account_type,
                title=username,
                description="",
                rights=checked_rights(rights),
            )
        return await add_console_account(
            self.database,
            self.changes,
            username=username,
            name=username.title(),
            account_type=account_type,
            password_hash=QUICK.hash(PASSWORD),
            must_change_password=must_change_password,
            expires_at=expires_at,
        )

    async def visitor(self, **headers: str) -> Browser:
        """A browser in which nobody is signed in."""
        client = httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False, headers=headers)
        return Browser(http=await self.browsers.enter_async_context(client))

    async def browser(self, account_type: str = ADMINISTRATOR, **how: Any) -> Browser:
        """A browser in which somebody with a new account is signed in. ``how`` is :meth:`account`'s."""
        username = f"{account_type}-{next(_serial)}"
        await self.account(username, account_type, **how)
        browser = await self.visitor()
        await browser.sign_in(username)
        return browser


@asynccontextmanager
async def running_console(
    database_url: str,
    folder: Path,
    *,
    engine: EngineAccess | None = None,
    live: LiveHub | None = None,
    stream: LiveStream | None = None,
    services: ConsoleRegistry | None = None,
    administrator: bool = True,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[RunningConsole]:
    """Start a console with the Simotel API beside it, its administrator signed in, and stop it in the end.

    :param folder: for the state directory.
    :param services: in place of the product's.
    :param administrator: whether to make ``admin`` and sign them in.
    :param environment: process settings, ``TAMAS_...``.
    """
    settings = load_settings({"TAMAS_STATE_DIR": str(folder / "state"), **(environment or {})})
    prepare_state_dir(settings.state_dir)
    database = await open_database(database_url)
    changes = Changes(database)
    await changes.start()
    await ensure_account_types(database)
    seal = SecretSeal(b"0" * 32)
    fake_engine, fake_live = FakeEngine(), FakeLive()
    api = ConsoleApi(
        database=database,
        changes=changes,
        settings=settings,
        engine=engine or fake_engine,
        seal=seal,
        live=live or cast("LiveHub", fake_live),
        stream=stream or FakeStream(),
        otherwise=_nothing_else,
        passwords=Passwords(QUICK),
        services=services,
    )
    sa = SimotelApi(
        database=database,
        changes=changes,
        settings=settings,
        engine=engine or fake_engine,
        seal=seal,
        otherwise=api,
    )
    await sa.start()
    listener = bind_http(load_settings({"TAMAS_HTTP_HOST": "127.0.0.1", "TAMAS_HTTP_PORT": str(free_port())}))
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_http(sa, [listener], settings, stop=stop))
    try:
        async with AsyncExitStack() as browsers:
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
            running = RunningConsole(
                http=await browsers.enter_async_context(client),
                database=database,
                changes=changes,
                settings=settings,
                engine=fake_engine,
                live=fake_live,
                seal=seal,
                api=api,
                sa=sa,
                port=port,
                browsers=browsers,
            )
            if administrator:
                await running.account("admin")
                await running.sign_in("admin")
            yield running
    finally:
        stop.set()
        await serving
        await sa.close()
        api.close()
        await changes.close()
        await database.close()


async def _nothing_else(scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})
