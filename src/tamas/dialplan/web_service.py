"""Asking an integrator's web service what to do with a call.

One request with a time limit, one JSON object as answer. No redirect is followed, no cookie kept, nothing
unpacked, and an answer is read only so far. A web service that does not answer costs a call the time limit;
after a few such calls it is left alone for some seconds, so that it costs nothing. See
``docs/decisions/0017-web-services-of-integrators.md``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpcore
import httpx
import msgspec

from tamas.dialplan.circuit_breaker import CircuitBreaker
from tamas.engine.sip_secrets import SecretSeal
from tamas.errors import TamasError
from tamas.outgoing.addresses import address_problem
from tamas.outgoing.web import (
    AnswerTooLong,
    NoAnswer,
    NotAllowed,
    Request,
    WebConnections,
    basic,
    body_of,
    exchange,
)

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_TOGETHER: Final = 50
"""Requests to one address (scheme, host, port) at the same time; further ones wait."""
MAX_CONNECTIONS: Final = 500
GATEWAY_FAILURES: Final = frozenset({502, 503, 504})
"""Statuses that say that the web service itself did not answer."""
MAX_VALUE: Final = 255
"""Characters of a value in an answer, but for the commands of a Smart API."""


class WebServiceFailed(TamasError):
    """No usable answer; the text says why."""


class _Unanswered(WebServiceFailed):
    """The web service is at fault as a whole: it counts against it."""


class WebServices:
    """One pool of connections for all calls. Belongs to one event loop."""

    def __init__(self, seal: SecretSeal) -> None:
        """:param seal: opens the password of the settings."""
        self._seal = seal
        self._connections = WebConnections()
        self._pools: dict[tuple[str, bool], httpcore.AsyncConnectionPool] = {}
        self._making = asyncio.Lock()
        self._origins: dict[str, _Origin] = {}

    async def close(self) -> None:
        """Close all connections."""
        while self._pools:
            await self._pools.popitem()[1].aclose()
        self._connections.close()

    async def ask(
        self, address: str, fields: Mapping[str, str], runtime: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The JSON object that answers ``fields``, with a truthy ``ok``.

        :param address: as the administrator typed it, http or https.
        :param fields: what the web service is told of the call.
        :param runtime: runtime settings, of which ``component_api.*`` count.
        :raises WebServiceFailed: there is none.
        """
        problem = address_problem(address)
        if problem is not None:
            raise WebServiceFailed(problem)
        url = httpx.URL(address)
        limit = float(runtime["component_api.timeout_seconds"])
        request = self._request(url, fields, runtime)
        # Before the call's time runs: reading certificates takes some.
        pool = await self._pool(url.scheme, internal=bool(runtime["component_api.allow_internal"]))
        async with self._admitted(_origin_of(url), limit) as deadline:
            body = await _answered(pool, request, deadline, limit)
        return _answer_of(body)

    def _request(self, url: httpx.URL, fields: Mapping[str, str], runtime: Mapping[str, Any]) -> Request:
        headers = [
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "tamas"),
        ]
        if runtime["component_api.username"]:
            sealed = str(runtime["component_api.password"])
            password = self._seal.open_text(sealed) if sealed else ""
            headers.append(basic(runtime["component_api.username"], password))
        url = url.copy_with(fragment=None)
        if runtime["component_api.method"] == "get":
            return Request(method="GET", url=url.copy_merge_params(dict(fields)), headers=headers)
        headers.append(("Content-Type", "application/json"))
        return Request(method="POST", url=url, headers=headers, content=msgspec.json.encode(dict(fields)))

    async def _pool(self, scheme: str, *, internal: bool) -> httpcore.AsyncConnectionPool:
        async with self._making:
            known = self._pools.get((scheme, internal))
            if known is None:
                known = self._pools[scheme, internal] = await self._connections.pool(
                    scheme, internal=internal, connections=MAX_CONNECTIONS, kept=MAX_TOGETHER
                )
            return known

    @asynccontextmanager
    async def _admitted(self, name: str, limit: float) -> AsyncIterator[float]:
        """Ask an origin's breaker, wait for a place, and tell the breaker what came of it.

        Gives the time of the event loop at which the answer has to be there.
        """
        deadline = asyncio.get_running_loop().time() + limit
        origin = self._origins.setdefault(name, _Origin())
        attempt = origin.breaker.attempt()
        if attempt is None:
            raise WebServiceFailed("it did not answer the last times, so it is left alone for some seconds")
        origin.asking += 1
        tell = attempt.given_up
        try:
            await origin.place(deadline)
            try:
                yield deadline
                tell = attempt.succeeded
            except _Unanswered:
                tell = attempt.failed
                raise
            except WebServiceFailed:
                tell = attempt.succeeded  # it does answer, though not as it should
                raise
            finally:
                origin.places.release()
        finally:
            tell()
            origin.asking -= 1
            if not origin.asking and origin.breaker.idle:
                del self._origins[name]


class _Origin:
    """What is known of one scheme, host and port."""

    def __init__(self) -> None:
        self.breaker = CircuitBreaker()
        self.places = asyncio.Semaphore(MAX_TOGETHER)
        self.asking = 0

    async def place(self, deadline: float) -> None:
        """Wait for a place among those who ask. :raises WebServiceFailed: there was none in time."""
        try:
            async with asyncio.timeout_at(deadline):
                await self.places.acquire()
        except TimeoutError as error:
            raise WebServiceFailed(f"{MAX_TOGETHER} requests wait for it already") from error


async def _answered(
    pool: httpcore.AsyncConnectionPool, request: Request, deadline: float, limit: float
) -> bytes:
    """Send a request and read the body of its answer."""
    try:
        async with exchange(pool, request, deadline=deadline, seconds=limit) as response:
            _check_head(response)
            return await body_of(response, most=MAX_ANSWER_BYTES)
    except (NotAllowed, AnswerTooLong) as error:
        raise WebServiceFailed(str(error)) from error
    except NoAnswer as error:
        raise _Unanswered(str(error)) from error


def _origin_of(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _check_head(response: httpcore.Response) -> None:
    """:raises WebServiceFailed: the answer is none to read."""
    if 300 <= response.status < 400:
        raise WebServiceFailed(f"status {response.status}: redirects are not followed")
    if response.status in GATEWAY_FAILURES:
        raise _Unanswered(f"status {response.status}")
    if response.status != 200:
        raise WebServiceFailed(f"status {response.status}")
    for name, value in response.headers:
        if name.lower() == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise WebServiceFailed("the answer is packed, which nobody asked for")


def _answer_of(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer. A byte order mark, which some scripts send, is skipped."""
    try:
        answer = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WebServiceFailed("the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise WebServiceFailed("the answer is no JSON object")
    ok = answer.get("ok")
    if not (ok == 1 or (isinstance(ok, str) and ok.strip() == "1")):
        raise WebServiceFailed("the answer is not ok")
    return answer


def answered_text(answer: Mapping[str, Any], key: str) -> str:
    """A value of an answer as text; numbers arrive as strings or numbers. Empty when it is not there.

    :raises WebServiceFailed: it is neither a text nor a whole number, or too long.
    """
    value = answer.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WebServiceFailed(f"{key} is neither a text nor a whole number")
    if isinstance(value, int) and value.bit_length() > MAX_VALUE:
        raise WebServiceFailed(f"{key} has too many digits")
    text = str(value).strip()
    if len(text) > MAX_VALUE:
        raise WebServiceFailed(f"{key} has more than {MAX_VALUE} characters")
    return text
