"""A running SA gateway over real sockets, with a handful of services that exist for the tests only."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec

from support.ports import free_port
from tamas.http_server import HttpLimits, serve_http
from tamas.sa.accounts import CreatedAccount, create_account
from tamas.sa.api_log import LogEntry, LogFilter, search_api_log
from tamas.sa.app import SimotelApi
from tamas.sa.envelope import FileMissing, NumberExists
from tamas.sa.fields import (
    Digits,
    DigitsOrEmpty,
    ListOf,
    Name,
    Nested,
    NoParameters,
    Text,
    YesNo,
    alike,
    identifier,
    logical,
    optional,
    required,
)
from tamas.sa.forms import FilePart, UploadedFile
from tamas.sa.sent_files import SentFile, sent_file
from tamas.sa.service import Added, AgentBatch, Data, FileBytes, Listed, Registry, ServiceContext, Written
from tamas.sa.setting.ping import PONG
from tamas.settings import Settings, load_settings
from tamas.store.changes import Changes
from tamas.store.database import Database, open_database
from tamas.store.runtime_settings import set_runtime_setting
from tamas.supervisor import bind_http


class Forward(msgspec.Struct, kw_only=True):
    """Nested object with a blank in a key."""

    busy: Annotated[str, optional(DigitsOrEmpty(), wire="Busy", example="571")] = ""
    no_answer: Annotated[str, optional(DigitsOrEmpty(), wire="No Answer", example="570")] = ""


class Add(msgspec.Struct, kw_only=True):
    """Required, logical, optional and nested fields."""

    name: Annotated[str, required(Name(), example="User2")]
    number: Annotated[str, required(Digits(), example="999")]
    active: Annotated[str | None, logical(YesNo(), example="yes")] = None
    forward_policy: Annotated[Forward | None, optional(Nested(Forward))] = None


class Conditions(msgspec.Struct, kw_only=True):
    """What a search may ask for."""

    number: Annotated[str, optional(DigitsOrEmpty(), example="999")] = ""


class Search(msgspec.Struct, kw_only=True):
    """A search."""

    alike: Annotated[bool, alike()]
    conditions: Annotated[Conditions | None, optional(Nested(Conditions))] = None


class Remove(msgspec.Struct, kw_only=True):
    """An id, or its natural key when lenient."""

    id: Annotated[str, identifier(natural_key="number")] = ""
    number: Annotated[str | None, optional(Digits(), lenient_only=True)] = None


class Upload(msgspec.Struct, kw_only=True):
    """A file, and a word about it."""

    file: Annotated[UploadedFile, required(FilePart(), example="@sound.wav")]
    name: Annotated[str, optional(Text())] = ""


class Download(msgspec.Struct, kw_only=True):
    """The path of a file."""

    file: Annotated[str, required(Text())]


class BatchItem(msgspec.Struct, kw_only=True):
    """One operator of a batch."""

    queue: Annotated[str, required(Digits(), lenient_aliases=("queue_number",), example="10000")]
    source: Annotated[str, required(Digits(), lenient_same_as="agent", example="570")]
    agent: Annotated[str, required(Digits(), lenient_aliases=("agent_number",), example="570")]
    penalty: Annotated[str, optional(DigitsOrEmpty(), example="")] = ""


class Batch(msgspec.Struct, kw_only=True):
    """Several operators."""

    agents: Annotated[list[BatchItem], required(ListOf(BatchItem, lenient_item="agent"))]


def services() -> Registry:
    """A registry with one service of each kind."""
    registry = Registry()

    @registry.service("setting/ping/act", op="ping", summary="Ping", answer=Data(message=PONG, data=None))
    async def ping(context: ServiceContext, request: NoParameters) -> None: ...

    @registry.service("pbx/users/add", op="add", summary="Add", request=Add, answer=Added())
    async def add(context: ServiceContext, request: Add) -> str:
        if request.number == "409":
            raise NumberExists("number")
        return "64b788b111294d248a477205"

    @registry.service(
        "pbx/users/search", op="search", summary="Search", request=Search, answer=Listed({"number": "1"})
    )
    async def search(context: ServiceContext, request: Search) -> list[dict[str, Any]]:
        wanted = request.conditions.number if request.conditions else ""
        return [{"alike": request.alike, "number": wanted, "account": context.account}]

    @registry.service("pbx/users/remove", op="remove", summary="Remove", request=Remove, answer=Written())
    async def remove(context: ServiceContext, request: Remove) -> None: ...

    @registry.service(
        "pbx/queues/batchaddagent",
        op="act",
        summary="Batch",
        request=Batch,
        answer=AgentBatch({"queue": "1"}),
    )
    async def batch(context: ServiceContext, request: Batch) -> list[dict[str, Any]]:
        return [
            {"queue": one.queue, "source": one.source, "agent": one.agent, "ok": 1} for one in request.agents
        ]

    @registry.service("test/broken/act", op="act", summary="Broken", answer=Written())
    async def broken(context: ServiceContext, request: NoParameters) -> None:
        raise RuntimeError("a detail that nobody outside may see")

    @registry.service("test/file/download", op="download", summary="Download", answer=Written())
    async def download(context: ServiceContext, request: NoParameters) -> None:
        raise FileMissing

    @registry.service(
        "test/files/upload",
        op="upload",
        summary="Upload",
        request=Upload,
        answer=Data(message="1 file(s) uploaded successfully", data={"filename": "a.wav"}),
        max_file="uploads.audio_bytes",
    )
    async def upload(context: ServiceContext, request: Upload) -> dict[str, Any]:
        content = request.file.file.read()
        assert len(content) == request.file.size
        digest = hashlib.sha256(content).hexdigest()
        return {"filename": request.file.filename, "sha256": digest, "name": request.name}

    @registry.service(
        "test/files/download",
        op="download",
        summary="Download",
        request=Download,
        answer=FileBytes("audio/wav"),
    )
    async def fetch(context: ServiceContext, request: Download) -> SentFile:
        path = Path(request.file)
        return sent_file(path, media_type="audio/wav", name="sound.wav", temporary="temporary" in path.name)

    return registry


@dataclass(kw_only=True)
class RunningSa:
    """A gateway that answers on a port of loopback."""

    database: Database
    changes: Changes
    api: SimotelApi
    port: int
    http: httpx.AsyncClient
    accounts: list[CreatedAccount] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    async def account(
        self,
        username: str = "caller",
        *,
        auth: str = "basic",
        permissions: Sequence[str] = ("*",),
        password: str | None = None,
    ) -> CreatedAccount:
        """Make an account."""
        return await create_account(
            self.database,
            self.changes,
            username=username,
            auth=auth,
            permissions=permissions,
            password=password,
        )

    async def set(self, key: str, value: Any) -> None:
        """Change a runtime setting."""
        await set_runtime_setting(self.database, self.changes, key, value)

    async def logged(self, *, limit: int = 100, **conditions: Any) -> list[LogEntry]:
        """The API log, written up to now."""
        await self.api.gateway.log.flush()
        return await search_api_log(self.database, LogFilter(**conditions), limit=limit)


@asynccontextmanager
async def running_sa(
    database_url: str, *, environment: dict[str, str] | None = None, limits: HttpLimits | None = None
) -> AsyncIterator[RunningSa]:
    """Start a gateway with the services of :func:`services`, and stop it in the end."""
    settings: Settings = load_settings(environment or {})
    database = await open_database(database_url)
    changes = Changes(database)
    await changes.start()
    stop = asyncio.Event()
    api = SimotelApi(
        database=database,
        changes=changes,
        settings=settings,
        engine=None,  # type: ignore[arg-type]
        seal=None,  # type: ignore[arg-type]
        services=services(),
        stop=stop,
    )
    await api.start()
    listener = bind_http(load_settings({"TAMAS_HTTP_HOST": "127.0.0.1", "TAMAS_HTTP_PORT": str(free_port())}))
    port = listener.getsockname()[1]
    serving = asyncio.create_task(serve_http(api, [listener], settings, stop=stop, limits=limits))
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False
        ) as http:
            yield RunningSa(database=database, changes=changes, api=api, port=port, http=http)
    finally:
        stop.set()
        await serving
        await api.close()
        await changes.close()
        await database.close()
