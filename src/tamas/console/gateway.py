"""The chain that every request to the console's API walks, in one place and one order.

From one of our own pages? → session, from its address → CSRF token → first password changed? → service known?
→ right? → method? → media type? → body parses? → fields? → the service → answer. Whoever is not signed in
learns nothing about which services exist. It is a plain ASGI application, as the Simotel API's is.
"""

from __future__ import annotations

import hmac
import itertools
import logging
import secrets
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.responses import Response

from tamas.console.activity import Activity
from tamas.console.caller import Caller, Callers
from tamas.console.context import ConsoleContext, CookieChange, SignedIn
from tamas.console.cookies import clear_cookie, session_token, set_cookie
from tamas.console.errors import (
    Conflict,
    ConsoleFailure,
    Forbidden,
    Invalid,
    NotFound,
    SignedOut,
    SlowDown,
    Unavailable,
)
from tamas.console.service import PREFIX, ConsoleRegistry, ConsoleService
from tamas.console.sessions import OpenSession, find_session, note_use
from tamas.engine.ami import AmiError
from tamas.engine.engine import EngineNotReady
from tamas.sa.accounts import token_hash
from tamas.sa.body import ClientGone, Receive, TooLarge, Unparseable, WrongMediaType, parse_query, read_object
from tamas.sa.errors import (
    FileMissing,
    MissingField,
    NumberExists,
    OperationFailed,
    QueueExists,
    ServiceFailure,
    TrunkExists,
)
from tamas.sa.gateway import Send, loggable
from tamas.store.database import STORE_ERRORS, StoreBusyError, StoreError
from tamas.store.runtime_settings import load_runtime_settings

if TYPE_CHECKING:
    from tamas.console.authentication import Authentication
    from tamas.console.live.hub import LiveHub
    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal
    from tamas.sa.service import Registry
    from tamas.settings import Settings
    from tamas.store.changes import Changes
    from tamas.store.database import Database

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]

OPENAPI = "openapi.json"
_STORE_AWAY = (
    StoreError,
    OperationalError,
    InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    TimeoutError,
    ConnectionError,
)
"""What a service raises when the store is lost in the middle of it; others of the store's errors are ours."""
_IDENTIFIERS = ("_id", "id")
_TAKEN: Mapping[str | None, tuple[str, str]] = {
    "number": ("number_exists", "the number belongs to something that can be dialed already"),
    "name": ("name_exists", "the name is taken already"),
}
"""Code and words of a conflict, by the field at fault."""


class ConsoleGateway:
    """Answers everything under :data:`~tamas.console.service.PREFIX`.

    :param registry: the services; it is sealed here.
    :param sa_services: the services of the Simotel API, for pages that show them.
    :param openapi: makes the OpenAPI document from the registry.
    """

    def __init__(
        self,
        *,
        registry: ConsoleRegistry,
        database: Database,
        changes: Changes,
        settings: Settings,
        engine: EngineAccess,
        seal: SecretSeal,
        sa_services: Registry,
        live: LiveHub,
        authentication: Authentication,
        openapi: Callable[[ConsoleRegistry], bytes],
    ) -> None:
        registry.seal()
        self._registry = registry
        self._database = database
        self._changes = changes
        self._settings = settings
        self._engine = engine
        self._seal = seal
        self._sa_services = sa_services
        self._live = live
        self._authentication = authentication
        self._openapi = openapi
        self._callers = Callers(settings.trusted_proxies)
        self._prefix = secrets.token_hex(6)
        self._serial = itertools.count(1)

    async def answer(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        :param path: below the prefix, without slash at its beginning.
        """
        request_id = f"{self._prefix}{next(self._serial):010x}"
        caller = self._callers.of(scope)
        cookie = CookieChange()
        try:
            response = await self._respond(path, scope, receive, caller, request_id, cookie)
        except ConsoleFailure as failure:
            response = _failed(failure)
        except (AmiError, EngineNotReady) as error:
            log.warning("request %s to %s: Asterisk: %s", request_id, loggable(path), error)
            response = _failed(Unavailable("Asterisk is starting or away"))
        except _STORE_AWAY as error:
            response = _failed(self._store_away(error, request_id, path))
        except Exception:
            log.exception("request %s to %s failed unexpectedly", request_id, loggable(path))
            response = _failed(
                ConsoleFailure("something broke on our side", params={"request_id": request_id})
            )
        response.headers["x-request-id"] = request_id
        response.headers["cache-control"] = "no-store"
        response.headers["x-content-type-options"] = "nosniff"
        if cookie.token is not None:
            response.headers["set-cookie"] = set_cookie(caller, cookie.token)
        elif cookie.cleared:
            response.headers["set-cookie"] = clear_cookie(caller)
        await response(scope, receive, send)

    async def admit(self, scope: Scope) -> tuple[Caller, SignedIn]:
        """Who opens a stream.

        :param scope: of a WebSocket's handshake.
        :raises ConsoleFailure: it is to be refused.
        """
        caller = self._callers.of(scope)
        if "origin" not in caller.headers:
            raise Forbidden("a stream is opened by a page of ours", code="cross_site")
        _same_site(caller)
        session = await self._session(caller)
        if session is None:
            raise SignedOut("nobody is signed in")
        if session.who.must_change_password:
            raise _password_first()
        return caller, session.who

    async def still(self, caller: Caller) -> SignedIn | None:
        """Who a caller's session stands for as things are now; ``None``: it has ended."""
        session = await self._session(caller)
        return None if session is None or session.who.must_change_password else session.who

    async def _respond(
        self,
        path: str,
        scope: Scope,
        receive: Receive,
        caller: Caller,
        request_id: str,
        cookie: CookieChange,
    ) -> Response:
        _same_site(caller)
        service = self._registry.get(path)
        session = await self._admitted(scope["method"], caller, service, cookie)
        if path == OPENAPI and scope["method"] == "GET":
            return Response(self._openapi(self._registry), media_type="application/json")
        if service is None:
            raise NotFound("there is no such service")
        who = None if session is None else session.who
        if service.page is not None and (who is None or not who.rights.allow(service.page, service.right)):
            raise Forbidden(
                f"this needs the right to {service.right} {service.page.id}",
                params={"page": service.page.id, "right": service.right},
            )
        if scope["method"] != service.method:
            refused = _refused(
                HTTPStatus.METHOD_NOT_ALLOWED, "method", "the service does not take this method"
            )
            refused.headers["allow"] = service.method
            return refused
        try:
            values = await _values(scope, receive, caller, service)
        except TooLarge:
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "the body is too large")
        except (Unparseable, ClientGone):
            return _refused(HTTPStatus.BAD_REQUEST, "unparseable", "the request cannot be understood")
        except WrongMediaType:
            return _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type", "the body has to be JSON")
        context = ConsoleContext(
            who=who,
            address=caller.address,
            request_id=request_id,
            own_host=caller.host_name,
            user_agent=caller.headers.get("user-agent", ""),
            headers=caller.headers,
            database=self._database,
            changes=self._changes,
            engine=self._engine,
            settings=self._settings,
            runtime=await load_runtime_settings(self._database),
            seal=self._seal,
            sa_services=self._sa_services,
            live=self._live,
            activity=Activity(
                self._database, account="" if who is None else who.username, address=caller.address
            ),
            authentication=self._authentication,
            cookie=cookie,
        )
        try:
            result = await service.run(context, service.request.read(values))
        except ServiceFailure as failure:
            raise _translated(failure) from failure
        except FileMissing:
            raise NotFound("there is no such file") from None
        if isinstance(result, Response):
            return result
        if result is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return Response(msgspec.json.encode(result), media_type="application/json")

    async def _admitted(
        self, method: str, caller: Caller, service: ConsoleService | None, cookie: CookieChange
    ) -> OpenSession | None:
        """The session of a request that may go on."""
        session = await self._session(caller)
        if session is None:
            cookie.cleared = session_token(caller) is not None
            if service is None or not service.public:
                raise SignedOut("nobody is signed in")
            return None
        public = service is not None and service.public
        if method not in ("GET", "HEAD") and not public:
            token = caller.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(token.encode("latin-1"), session.who.csrf.encode()):
                raise Forbidden("X-CSRF-Token is missing or wrong", code="cross_site")
        if session.who.must_change_password and not (service is not None and service.before_password_change):
            raise _password_first()
        await note_use(self._database, session)
        return session

    async def _session(self, caller: Caller) -> OpenSession | None:
        token = session_token(caller)
        if token is None:
            return None
        try:
            return await find_session(self._database, token_hash(token), caller.address)
        except STORE_ERRORS as error:
            raise Unavailable("the database does not answer", code="store_busy") from error

    def _store_away(self, error: BaseException, request_id: str, path: str) -> Unavailable:
        if not isinstance(error, StoreBusyError):
            log.warning("request %s to %s: the store: %s", request_id, loggable(path), error or "no answer")
        return Unavailable("the database does not answer, or is busy", code="store_busy")


def _same_site(caller: Caller) -> None:
    if caller.from_elsewhere:
        raise Forbidden(
            f"asked for by another site, or through a proxy that is not trusted: this is {caller.origin}",
            code="cross_site",
        )


def _password_first() -> Forbidden:
    return Forbidden("the first password has to be changed", code="password_change_required")


async def _values(
    scope: Scope, receive: Receive, caller: Caller, service: ConsoleService
) -> Mapping[str, Any]:
    """The parameters that were sent."""
    if service.method == "GET":
        return parse_query(scope["query_string"], service.request) if scope["query_string"] else {}
    length = caller.headers.get("content-length")
    kind = caller.headers.get("content-type")
    return await read_object(
        receive,
        content_type=None if kind is None else kind.encode("latin-1"),
        content_length=None if length is None else length.encode("latin-1"),
        chunked="transfer-encoding" in caller.headers,
    )


def _translated(failure: ServiceFailure) -> ConsoleFailure:
    """A failure of the Simotel API in the console's words."""
    if isinstance(failure, MissingField):
        return Invalid("a value is missing", field=failure.field, code="missing")
    if isinstance(failure, (NumberExists, TrunkExists, QueueExists)):
        code, message = _TAKEN[failure.field]
        return Conflict(message, field=failure.field, code=code)
    if isinstance(failure, OperationFailed) and failure.field in _IDENTIFIERS:
        return NotFound("it does not exist (any more)")
    return Invalid("the value cannot be used", field=failure.field)


def _failed(failure: ConsoleFailure) -> Response:
    response = _refused(
        failure.status, failure.code, failure.message, field=failure.field, params=failure.params
    )
    if isinstance(failure, SlowDown):
        response.headers["retry-after"] = str(failure.retry_after)
    return response


def _refused(
    status: HTTPStatus,
    code: str,
    message: str,
    *,
    field: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> Response:
    error = {"code": code, "field": field, "message": message, "params": dict(params or {})}
    return Response(msgspec.json.encode({"error": error}), status_code=status, media_type="application/json")


__all__ = ["PREFIX", "ConsoleGateway"]
