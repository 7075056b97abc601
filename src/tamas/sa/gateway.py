"""The chain that every request to the SA walks, in one place and one order (architecture rule 2).

Address allowed? → preflight → credentials sent? → valid? → service known? → permission? → method? → media
type? → body parses? → required fields? → the service → envelope → API log. Texts and statuses are the rows of
the SA catalogue's ``errors.yaml``. It is a plain ASGI application: it
stands in the way of every request.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tamas.sa.addresses import ClientAddresses
from tamas.sa.api_log import MAX_SERVICE, ApiLog, Entry
from tamas.sa.body import JSON, ClientGone, Receive, Unparseable, WrongMediaType, parse_query, read_object
from tamas.sa.credentials import Authenticator
from tamas.sa.envelope import envelope
from tamas.sa.errors import FileMissing, OperationFailed, ServiceFailure
from tamas.sa.forms import UploadTooLarge, read_form
from tamas.sa.sent_files import SentFile, send_file
from tamas.sa.service import FileBytes, Registry, Service, ServiceContext
from tamas.sa.snapshot import KnownAccount, Snapshot, Snapshots
from tamas.sa.throttle import MAX_DELAY, Throttle, TooManyAttempts

if TYPE_CHECKING:
    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal
    from tamas.settings import Settings
    from tamas.store.changes import Changes
    from tamas.store.database import Database

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/api/v4"
PREFLIGHT_SECONDS = b"600"
CHALLENGE = (b"www-authenticate", b'Basic realm="Simotel API", charset="UTF-8"')

_SLASHES = re.compile(r"/{2,}")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True)
class Refusal:
    """A row of the response table that ends the chain."""

    status: int
    message: str


IP_DENIED = Refusal(403, "IP is not permitted")
AUTH_MISSING = Refusal(401, "BasicAuth or ApiKey is missing")
AUTH_INVALID = Refusal(401, "BasicAuth or ApiKey is invalid")
UNKNOWN_SERVICE = Refusal(501, "Requested service does not exist")
METHOD = Refusal(405, "Method not allowed")
CONTENT_TYPE = Refusal(415, "Unsupported Media Type")
UNPARSEABLE = Refusal(400, "Unable to parse content")
BROKEN = Refusal(500, OperationFailed.message)
BUSY = Refusal(503, OperationFailed.message)
"""Not in the catalogue, whose rows would all be untrue here; its clients ask again on 503."""


@dataclass(slots=True)
class Reply:
    """What goes back to the client and into the log."""

    status: int
    body: bytes
    success: int | None = None
    message: str | None = None
    field: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    media_type: bytes = JSON
    file: SentFile | None = None
    """In place of ``body``."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the gateway says of a request for something beside the services."""

    status: int
    """200: it is let in."""
    message: str
    """Why not."""
    headers: list[tuple[bytes, bytes]]
    """For its answer, whatever that is."""


@dataclass(slots=True)
class _Headers:
    """The headers that the chain looks at."""

    authorization: bytes | None = None
    token: bytes | None = None
    content_type: bytes | None = None
    content_length: bytes | None = None
    chunked: bool = False
    origin: bytes | None = None
    requested_method: bytes | None = None
    forwarded: bytes | None = None


def path_below_prefix(path: str) -> str | None:
    """What stands below ``/api/v4``, ``None`` when the path is not under it.

    Doubled slashes collapse, a slash at the end goes, the prefix may be in any case.
    """
    if path.startswith("/api/v4/") and "//" not in path and path[-1] != "/":  # as nearly all clients write it
        return path[8:]
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if path[:7].lower() != PREFIX:
        return None
    rest = path[7:]
    if not rest:
        return ""
    return rest.strip("/") if rest[0] == "/" else None


class Gateway:
    """Answers everything under ``/api/v4``.

    :param registry: the services; it is sealed here.
    :param openapi: makes the OpenAPI document from the registry and the server's own address.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        database: Database,
        changes: Changes,
        settings: Settings,
        engine: EngineAccess,
        seal: SecretSeal,
        openapi: Callable[[Registry, str], bytes],
        throttle: Throttle | None = None,
    ) -> None:
        registry.seal()
        self._registry = registry
        self._database = database
        self._changes = changes
        self._settings = settings
        self._engine = engine
        self._seal = seal
        self._openapi = openapi
        self._snapshots = Snapshots(database, changes)
        self._addresses = ClientAddresses(settings.trusted_proxies)
        self.throttle = throttle or Throttle()
        self._authenticator = Authenticator(self.throttle)
        self.log = ApiLog(database)
        self._prefix = secrets.token_hex(6)
        self._serial = itertools.count(1)

    async def start(self) -> None:
        """Begin writing the API log."""
        await self.log.start()

    async def close(self) -> None:
        """Write the rest of the API log and let go of threads."""
        await self.log.close()
        self._authenticator.close()

    async def admits(self, scope: Scope) -> bool:
        """Whether the address that a request comes from may call."""
        snapshot = await self._snapshots.current()
        return snapshot.addresses.allow(self._client_address(scope, _read_headers(scope["headers"])))

    async def answer(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        :param path: what :func:`path_below_prefix` says of the scope's path.
        """
        started = time.time_ns()
        request_id = f"{self._prefix}{next(self._serial):010x}"
        headers = _read_headers(scope["headers"])
        address = self._client_address(scope, headers)
        account: KnownAccount | None = None
        snapshot: Snapshot | None = None
        try:
            snapshot = await self._snapshots.current()
            found = await self._admit(scope, snapshot, address, path, headers)
            if isinstance(found, KnownAccount):
                account = found
                self.log.account_used(account.id, started // 1000)
                reply = await self._serve(
                    scope, receive, snapshot, account, address, path, headers, request_id
                )
            else:
                reply = found
        except ClientGone:
            reply = _refused(UNPARSEABLE)
        except Exception:
            log.exception("request %s to %s failed unexpectedly", request_id, loggable(path))
            reply = _refused(BROKEN)
        try:
            await _send(scope, receive, send, reply, request_id, _cors(snapshot, headers))
        finally:
            self.log.add(
                Entry(
                    started // 1000,
                    request_id,
                    None if account is None else account.username,
                    address,
                    loggable(path),
                    scope["method"][:16],
                    reply.status,
                    reply.success,
                    reply.message,
                    reply.field[:64] if reply.field else None,
                    (time.time_ns() - started) // 1000,
                )
            )

    def _client_address(self, scope: Scope, headers: _Headers) -> str:
        client = scope.get("client")
        return self._addresses.of(client[0] if client else "", headers.forwarded)

    async def _admit(
        self, scope: Scope, snapshot: Snapshot, address: str, path: str, headers: _Headers
    ) -> KnownAccount | Reply:
        """Everything that comes before the service is looked at."""
        if not snapshot.addresses.allow(address):
            return _refused(IP_DENIED)
        if headers.requested_method is not None and scope["method"] == "OPTIONS":
            preflight = _preflight(snapshot, headers)
            if preflight is not None:
                return preflight
        if path == "openapi.json" and scope["method"] in ("GET", "HEAD"):
            return Reply(200, self._openapi(self._registry, own_address(scope)), success=1)
        return await self._authenticated(snapshot, address, headers)

    async def _authenticated(
        self, snapshot: Snapshot, address: str, headers: _Headers
    ) -> KnownAccount | Reply:
        try:
            account = await self._authenticator.authenticate(
                snapshot, address, headers.authorization, headers.token
            )
        except TooManyAttempts:
            reply = _refused(BUSY)
            reply.headers = ((b"retry-after", b"%d" % MAX_DELAY),)
            return reply
        if isinstance(account, KnownAccount):
            return account
        return _refused(AUTH_MISSING if account == "missing" else AUTH_INVALID)

    async def let_in(self, scope: Scope, permission: str) -> Admitted:
        """Check and log a request for something beside the services: address, credentials, permission.

        :param permission: such as ``/events/stream/read``.
        """
        started = time.time_ns()
        request_id = f"{self._prefix}{next(self._serial):010x}"
        headers = _read_headers(scope["headers"])
        address = self._client_address(scope, headers)
        snapshot = await self._snapshots.current()
        found = await self._permitted(snapshot, address, headers, permission)
        username: str | None = None
        if isinstance(found, KnownAccount):
            username = found.username
            self.log.account_used(found.id, started // 1000)
            reply = Reply(200, b"", 1, "")
        else:
            reply = found
        self.log.add(
            Entry(
                started // 1000,
                request_id,
                username,
                address,
                permission.strip("/"),
                scope.get("method", "GET")[:16],
                reply.status,
                reply.success,
                reply.message,
                None,
                (time.time_ns() - started) // 1000,
            )
        )
        more = [*reply.headers, *_cors(snapshot, headers)]
        if reply.status == 401:
            more.append(CHALLENGE)
        return Admitted(reply.status, reply.message or "", [(b"x-request-id", request_id.encode()), *more])

    async def still_in(self, scope: Scope, permission: str) -> bool:
        """Whether a request that was let in still would be."""
        headers = _read_headers(scope["headers"])
        snapshot = await self._snapshots.current()
        address = self._client_address(scope, headers)
        return isinstance(await self._permitted(snapshot, address, headers, permission), KnownAccount)

    async def _permitted(
        self, snapshot: Snapshot, address: str, headers: _Headers, permission: str
    ) -> KnownAccount | Reply:
        if not snapshot.addresses.allow(address):
            return _refused(IP_DENIED)
        found = await self._authenticated(snapshot, address, headers)
        if isinstance(found, KnownAccount) and not found.permissions.allow(permission):
            return _refused(Refusal(403, f'"{permission}";Access denied'))
        return found

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        snapshot: Snapshot,
        account: KnownAccount,
        address: str,
        path: str,
        headers: _Headers,
        request_id: str,
    ) -> Reply:
        """The service, once it is known who asks."""
        service = self._registry.get(path)
        if service is None:
            return _refused(UNKNOWN_SERVICE)
        if not account.permissions.allow(service.permission):
            return _refused(Refusal(403, f'"{service.permission}";Access denied'))
        method = scope["method"]
        if method not in service.methods:
            reply = _refused(METHOD)
            reply.headers = ((b"allow", ", ".join(sorted(service.methods)).encode()),)
            return reply
        context = ServiceContext(
            account=account.username,
            address=address,
            request_id=request_id,
            database=self._database,
            changes=self._changes,
            engine=self._engine,
            settings=self._settings,
            runtime=snapshot.runtime,
            seal=self._seal,
            selected=snapshot.selected,
        )
        try:
            if service.max_file is None:
                return await _run(service, context, await _values(scope, receive, headers, service))
            async with read_form(
                receive,
                content_type=headers.content_type,
                content_length=headers.content_length,
                chunked=headers.chunked,
                max_file=snapshot.runtime[service.max_file],
            ) as form:
                return await _run(service, context, form)
        except UploadTooLarge:
            return _failed(OperationFailed("file"))
        except Unparseable:
            return _refused(UNPARSEABLE)
        except WrongMediaType:
            return _refused(CONTENT_TYPE)


def own_address(scope: Scope) -> str:
    """``scheme://host`` by which the client reached us, for examples in the documentation."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    if not re.fullmatch(rb"[A-Za-z0-9.:\[\]-]{1,255}", host):
        server = scope.get("server") or ("127.0.0.1", 8080)
        host = f"{server[0]}:{server[1]}".encode()
    return f"{scope.get('scheme', 'http')}://{host.decode()}"


def _read_headers(raw: list[tuple[bytes, bytes]]) -> _Headers:
    headers = _Headers()
    for name, value in raw:
        if name == b"authorization":
            # A second one makes both worthless, lest a proxy and we disagree about which counts.
            headers.authorization = value if headers.authorization is None else b"?"
        elif name == b"x-apikey":
            headers.token = value if headers.token is None else b"?"
        elif name == b"content-type":
            headers.content_type = value
        elif name == b"content-length":
            headers.content_length = value
        elif name == b"transfer-encoding":
            headers.chunked = True
        elif name == b"origin":
            headers.origin = value
        elif name == b"access-control-request-method":
            headers.requested_method = value
        elif name == b"x-forwarded-for":
            headers.forwarded = value if headers.forwarded is None else headers.forwarded + b"," + value
    if headers.authorization is not None:
        headers.authorization = headers.authorization.strip() or None
    if headers.token is not None:
        headers.token = headers.token.strip() or None
    return headers


async def _values(scope: Scope, receive: Receive, headers: _Headers, service: Service) -> Mapping[str, Any]:
    """The parameters that were sent.

    :raises WrongMediaType: the body's media type is not accepted.
    :raises Unparseable: body or query cannot be understood, or the body is too large.
    """
    values: dict[str, Any] = {}
    if scope["query_string"] and scope["method"] in service.query:
        values = parse_query(scope["query_string"], service.request)
    if headers.content_length is None and not headers.chunked:
        return values
    sent = await read_object(
        receive,
        content_type=headers.content_type,
        content_length=headers.content_length,
        chunked=headers.chunked,
    )
    return {**values, **sent} if values else sent


async def _run(service: Service, context: ServiceContext, values: Mapping[str, Any]) -> Reply:
    """The service's own part: required fields, values, what it does."""
    answer = service.answer
    try:
        request = service.request.read(values, lenient=context.lenient)
        result = await service.run(context, request)
    except ServiceFailure as failure:
        return _failed(failure)
    except FileMissing:
        return Reply(404, b"", None, None, None, (), b"text/plain")
    if isinstance(answer, FileBytes):
        return Reply(200, b"", file=result)
    return Reply(200, answer.body(result), 1, answer.message)


def _failed(failure: ServiceFailure) -> Reply:
    message = str(failure)
    return Reply(200, envelope(0, message, None), 0, message, failure.field)


def _refused(refusal: Refusal) -> Reply:
    return Reply(refusal.status, envelope(0, refusal.message, None), 0, refusal.message)


def _origin_allowed(snapshot: Snapshot, origin: bytes) -> bool:
    return "*" in snapshot.cors_origins or origin.decode("latin-1") in snapshot.cors_origins


def _preflight(snapshot: Snapshot, headers: _Headers) -> Reply | None:
    """The answer to a CORS preflight of an allowed origin; others walk on and are refused."""
    if headers.origin is None or not _origin_allowed(snapshot, headers.origin):
        return None
    allow = (
        (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
        (b"access-control-allow-headers", b"Authorization, Content-Type, X-APIKEY"),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
    )
    return Reply(204, b"", headers=allow)


def _cors(snapshot: Snapshot | None, headers: _Headers) -> tuple[tuple[bytes, bytes], ...]:
    if headers.origin is None or snapshot is None or not snapshot.cors_origins:
        return ()
    if not _origin_allowed(snapshot, headers.origin):
        return ((b"vary", b"Origin"),)
    return (
        (b"access-control-allow-origin", headers.origin),
        (b"access-control-expose-headers", b"X-Error-Field, X-Request-Id"),
        (b"vary", b"Origin"),
    )


async def _send(
    scope: Scope,
    receive: Receive,
    send: Send,
    reply: Reply,
    request_id: str,
    more_headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    headers = [(b"x-request-id", request_id.encode()), *reply.headers, *more_headers]
    if reply.file is not None:
        reply.status = await send_file(reply.file, scope, receive, send, headers=headers)
        return
    if reply.status != 204:
        headers.append((b"content-type", reply.media_type))
        headers.append((b"content-length", b"%d" % len(reply.body)))
    if reply.field:
        headers.append((b"x-error-field", reply.field.encode("ascii", "replace")))
    if reply.status == 401:
        headers.append(CHALLENGE)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def loggable(path: str) -> str:
    """A path as the log may hold it: printable ASCII, not too long."""
    return (
        _UNPRINTABLE.sub("?", path[:MAX_SERVICE])
        if not (path.isascii() and path.isprintable())
        else path[:MAX_SERVICE]
    )
