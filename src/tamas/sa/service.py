"""One declaration per SA service (architecture rule 1).

::

    @service("pbx/users/add", op="add", summary="Create an extension", request=UserAdd, answer=Added())
    async def add(context: ServiceContext, request: UserAdd) -> str: ...

Out of it come the address, the accepted methods, the permission, validation, the OpenAPI page and the service
name in the API log. The registry is sealed at start-up: what is not declared by then does not exist.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import msgspec

from tamas.sa.declarations import DeclarationError, Declarations
from tamas.sa.envelope import DONE, envelope
from tamas.sa.field_types import Schema
from tamas.sa.fields import Model, NoParameters, model_of

if TYPE_CHECKING:
    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal
    from tamas.settings import Settings
    from tamas.store.changes import Changes
    from tamas.store.database import Database

Operation = Literal["add", "update", "act", "upload", "remove", "search", "read", "download", "ping"]
R = TypeVar("R", bound=msgspec.Struct)

_WRITES = frozenset({"POST", "PUT"})
METHODS: Mapping[Operation, frozenset[str]] = {
    "add": _WRITES,
    "update": _WRITES,
    "act": _WRITES,
    "upload": _WRITES,
    "remove": _WRITES | {"DELETE"},
    "search": _WRITES | {"GET"},
    "read": _WRITES | {"GET"},
    "download": _WRITES | {"GET"},
    "ping": _WRITES | {"GET"},
}
"""Accepted methods of each kind of operation (SA catalogue, ``conventions.methods_policy``)."""

EXAMPLE_ID = "64b788b111294d248a477205"


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """What a service may use. One per request."""

    account: str
    """User name of the API account that asks."""
    address: str
    """Address of the client, behind trusted proxies."""
    request_id: str
    database: Database
    changes: Changes
    engine: EngineAccess
    settings: Settings
    """Settings of this process."""
    runtime: Mapping[str, Any]
    """Settings of the store, by key, defaults filled in."""
    seal: SecretSeal
    selected: frozenset[str] = frozenset()
    """Events that some receiver gets."""

    @property
    def lenient(self) -> bool:
        """Whether clients may leave out what the SA requires."""
        return bool(self.runtime["sa.lenient"])


class Answer(ABC):
    """How the result of a service travels (SA catalogue, ``kinds``)."""

    message: str | None = ""
    """The message of success."""
    any_query: ClassVar[bool] = False
    """Whether parameters may come in the query of any method, not of GET alone."""

    @abstractmethod
    def body(self, result: Any) -> bytes:
        """The envelope around a result."""

    @abstractmethod
    def example(self) -> Any:
        """An answer as decoded JSON, for the documentation."""


class Added(Answer):
    """The service returns the id of what it made."""

    message = DONE

    def body(self, result: str) -> bytes:
        return envelope(1, DONE, {"_id": result})

    def example(self) -> Any:
        return {"success": 1, "message": DONE, "data": {"_id": EXAMPLE_ID}}


class Written(Answer):
    """The service returns nothing: updated or removed."""

    message = DONE
    _BODY = envelope(1, DONE, "")

    def body(self, result: None) -> bytes:  # noqa: ARG002
        return self._BODY

    def example(self) -> Any:
        return msgspec.json.decode(self._BODY)


class Listed(Answer):
    """The service returns rows: mappings or Structs with the keys of the catalogue, in its order.

    :param row: one row for the documentation.
    :param sometimes: keys of it that another row may lack, name otherwise, or have null.
    """

    def __init__(self, row: Mapping[str, Any], *, sometimes: Collection[str] = ()) -> None:
        self.row = row
        self.sometimes = frozenset(sometimes)

    def body(self, result: Sequence[Any]) -> bytes:
        return envelope(1, "", result)

    def example(self) -> Any:
        return {"success": 1, "message": "", "data": [dict(self.row)]}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows out of many, and where they stand among them. Made by :class:`tamas.sa.search.Listing`."""

    start: int
    count: int
    """Most rows that were asked for."""
    sorting: Mapping[str, int]
    """1 or -1 by column, the first counting most."""
    total: int
    """Rows that match, on this page or not."""
    rows: Sequence[Any]


class Paged(Answer):
    """The service returns a :class:`Page`.

    :param row: one row for the documentation.
    :param sorting: of the documentation's example.
    :param extra: keys that stand between pagination and rows, such as ``target``.
    :param sometimes: as of :class:`Listed`.
    """

    def __init__(
        self,
        row: Mapping[str, Any],
        *,
        sorting: Mapping[str, int],
        message: str | None = "",
        extra: Mapping[str, Any] | None = None,
        sometimes: Collection[str] = (),
    ) -> None:
        self.message = message
        self.row = row
        self.sometimes = frozenset(sometimes)
        self.extra = dict(extra or {})
        self._sorting = sorting

    def body(self, result: Page) -> bytes:
        return envelope(1, self.message, self._data(result))

    def example(self) -> Any:
        page = Page(start=0, count=20, sorting=self._sorting, total=1, rows=[dict(self.row)])
        return {"success": 1, "message": self.message, "data": self._data(page)}

    def _data(self, page: Page) -> dict[str, Any]:
        pagination = {
            "start": page.start,
            "count": page.count,
            "sorting": page.sorting,
            "total": page.total,
        }
        return {"pagination": pagination, **self.extra, "data": page.rows}


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Rows after a given one. Made by :class:`tamas.sa.search.Listing`."""

    last_id: str
    """Id of the last of them; the given one when there are none."""
    rows: Sequence[Any]


class Ordered(Answer):
    """The service returns a :class:`Following`.

    :param row: one row for the documentation, with ``_id``.
    :param sometimes: as of :class:`Listed`.
    """

    message = DONE
    any_query = True

    def __init__(self, row: Mapping[str, Any], *, sometimes: Collection[str] = ()) -> None:
        self.row = row
        self.sometimes = frozenset(sometimes)

    def body(self, result: Following) -> bytes:
        return envelope(1, DONE, {"last_id": result.last_id, "data": result.rows})

    def example(self) -> Any:
        return {"success": 1, "message": DONE, "data": {"last_id": EXAMPLE_ID, "data": [dict(self.row)]}}


class Data(Answer):
    """The service returns ``data`` itself (kind *object*).

    :param message: message of success; may be ``None``.
    :param data: ``data`` for the documentation.
    """

    def __init__(self, *, message: str | None, data: Any) -> None:
        self.message = message
        self._data = data

    def body(self, result: Any) -> bytes:
        return envelope(1, self.message, result)

    def example(self) -> Any:
        return {"success": 1, "message": self.message, "data": self._data}


class AgentDone(Answer):
    """The service returns nothing; the text stands inside ``data``.

    :param text: such as ``Added successfully``.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._body = envelope(1, "", {"message": text, "ok": 1})

    def body(self, result: None) -> bytes:  # noqa: ARG002
        return self._body

    def example(self) -> Any:
        return msgspec.json.decode(self._body)


class AgentBatch(Answer):
    """The service returns one mapping per item, with at least ``queue``, ``agent``, ``message``, ``ok``.

    The outer ``ok`` is 1 when at least one item was done.
    """

    def __init__(self, item: Mapping[str, Any]) -> None:
        self.item = item

    def body(self, result: Sequence[Mapping[str, Any]]) -> bytes:
        return envelope(1, "", {"Data": result, "ok": int(any(item["ok"] for item in result))})

    def example(self) -> Any:
        return {"success": 1, "message": "", "data": {"Data": [dict(self.item)], "ok": 1}}


class FileBytes:
    """The service returns a :class:`~tamas.sa.sent_files.SentFile`, which travels as it is.

    It raises :class:`~tamas.sa.errors.FileMissing` when there is none.

    :param media_types: what it may be.
    """

    message: None = None
    any_query: ClassVar[bool] = True

    def __init__(self, *media_types: str) -> None:
        self.media_types = media_types


@dataclass(frozen=True, kw_only=True)
class Service:
    """A declared service."""

    path: str
    """Below ``/api/v4/``, without slashes at its ends."""
    op: Operation
    summary: str
    description: str
    request: Model[Any]
    answer: Answer | FileBytes
    run: Callable[[ServiceContext, Any], Awaitable[Any]]
    methods: frozenset[str]
    permission: str
    """``/`` and the path."""
    query: frozenset[str]
    """Methods whose parameters may come in the query."""
    max_file: str | None
    """Of an upload: the setting that says how many bytes its file may have. Others take no form."""

    def request_schema(self) -> Schema:
        """JSON schema of the request body."""
        return self.request.schema()


class Registry(Declarations[Service]):
    """All services of the Simotel API in a process, by path."""

    def __init__(self) -> None:
        super().__init__()
        self._aliases: dict[str, str] = {}

    def get(self, path: str) -> Service | None:
        return super().get(self._aliases.get(path, path))

    def service(
        self,
        path: str,
        *,
        op: Operation,
        summary: str,
        answer: Answer | FileBytes,
        request: type[R] = NoParameters,  # type: ignore[assignment]
        description: str = "",
        max_file: str | None = None,
        aliases: Sequence[str] = (),
    ) -> Callable[
        [Callable[[ServiceContext, R], Awaitable[Any]]], Callable[[ServiceContext, R], Awaitable[Any]]
    ]:
        """Declare the decorated coroutine function as a service.

        It gets the context and the request; what it returns is what ``answer`` says; it fails by raising a
        :class:`~tamas.sa.errors.ServiceFailure`.

        :param description: more about it for the documentation, Markdown-free.
        :param max_file: of an upload, and of nothing else: the setting that limits its file, in bytes.
        :param aliases: other paths under which clients call it; its permission is the same under each.
        :raises DeclarationError: the path is taken or malformed, the registry is sealed, or ``max_file`` is
            missing or too much.
        """

        def declare(
            run: Callable[[ServiceContext, R], Awaitable[Any]],
        ) -> Callable[[ServiceContext, R], Awaitable[Any]]:
            if (op == "upload") != (max_file is not None):
                raise DeclarationError(f"{path}: an upload, and nothing else, has a limit for its file")
            self.add(
                Service(
                    path=path,
                    op=op,
                    summary=summary,
                    description=description,
                    request=model_of(request),
                    answer=answer,
                    run=run,
                    methods=METHODS[op],
                    permission="/" + path,
                    query=METHODS[op] if answer.any_query else METHODS[op] & {"GET"},
                    max_file=max_file,
                )
            )
            self._aliases.update(dict.fromkeys(aliases, path))
            return run

        return declare


registry = Registry()
"""The services of this process; filled when their modules are imported."""

service = registry.service
"""Declares a service in :data:`registry`."""
