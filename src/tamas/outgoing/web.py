"""One HTTP exchange with a program we do not know, within a time limit.

No redirect is followed, no cookie kept, no proxy of the environment asked, nothing unpacked, and an answer is
read only so far. See ``docs/decisions/0017-web-services-of-integrators.md``.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from tamas.errors import TamasError
from tamas.outgoing.addresses import AddressRefused, CheckedNetwork

KEEP_ALIVE_SECONDS: Final = 4.0
"""Below what usual servers keep: a connection that is closed just now would cost a request its answer."""
LOOKUP_THREADS: Final = 4
_PORTS: Final = {"http": 80, "https": 443}


class NotAllowed(TamasError):
    """The address leads to machines that may not be connected to."""


class NoAnswer(TamasError):
    """No answer came, or not all of it; the text says why."""


class AnswerTooLong(TamasError):
    """The answer has more bytes than are read."""


Exchanging = httpcore.AsyncConnectionPool | httpcore.AsyncHTTPConnection


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent."""

    method: str
    url: httpx.URL
    headers: list[tuple[str, str]]
    content: bytes | None = None


class WebConnections:
    """Makes pools of connections that share certificates and name look-ups. Belongs to one event loop."""

    def __init__(self) -> None:
        # Of its own: a name server that does not answer must not take the threads of others.
        self._lookups = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="names")
        self._certificates: ssl.SSLContext | None = None
        self._reading = asyncio.Lock()

    def close(self) -> None:
        """Let go of the threads; pools are closed by those who asked for them."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def pool(
        self, scheme: str, *, internal: bool, connections: int, kept: int
    ) -> httpcore.AsyncConnectionPool:
        """A new pool.

        :param scheme: ``http`` or ``https``.
        :param internal: whether addresses may be connected to that are not of the public internet.
        :param connections: how many at the same time.
        :param kept: how many of them that nobody uses.
        """
        return httpcore.AsyncConnectionPool(
            ssl_context=await self._trusted() if scheme == "https" else None,
            max_connections=connections,
            max_keepalive_connections=kept,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=CheckedNetwork(self._lookups, internal=internal),
        )

    async def connection(self, url: httpx.URL, *, internal: bool) -> httpcore.AsyncHTTPConnection:
        """A new connection to the origin of an address, for one request at a time; made when it is used.

        Cheaper than a pool for who keeps few to one origin and knows who uses them.
        """
        return httpcore.AsyncHTTPConnection(
            origin=httpcore.Origin(url.raw_scheme, url.raw_host, url.port or _PORTS[url.scheme]),
            ssl_context=await self._trusted() if url.scheme == "https" else None,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=CheckedNetwork(self._lookups, internal=internal),
        )

    async def _trusted(self) -> ssl.SSLContext:
        """The certificates that are trusted; reading them takes a while."""
        async with self._reading:
            if self._certificates is None:
                self._certificates = await asyncio.to_thread(httpx.create_ssl_context)
            return self._certificates


@asynccontextmanager
async def exchange(
    pool: Exchanging, request: Request, *, deadline: float, seconds: float
) -> AsyncIterator[httpcore.Response]:
    """Send a request; gives the head of the answer, whose body :func:`body_of` reads within the block.

    :param deadline: time of the event loop at which it has to be over.
    :param seconds: how long that is from the begin on, for the text, and to divide among several machines.
    :raises NotAllowed: nothing was connected to.
    :raises NoAnswer: none came, or, within the block, not all of it.
    """
    url = request.url
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    times = {"timeout": {"connect": seconds}}
    try:
        async with (
            asyncio.timeout_at(deadline),
            pool.stream(
                request.method, target, headers=request.headers, content=request.content, extensions=times
            ) as response,
        ):
            yield response
    except AddressRefused as error:
        raise NotAllowed(str(error)) from error
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise NoAnswer(f"no answer within {seconds:g} s") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise NoAnswer(f"no answer: {str(error) or type(error).__name__}") from error


async def body_of(response: httpcore.Response, *, most: int) -> bytes:
    """The body of an answer. :raises AnswerTooLong: it has more than ``most`` bytes."""
    body = bytearray()
    async for piece in response.aiter_stream():
        body += piece
        if len(body) > most:
            raise AnswerTooLong(f"the answer has more than {most} bytes")
    return bytes(body)


def basic(username: str, password: str) -> tuple[str, str]:
    """The header of HTTP Basic (RFC 7617, in UTF-8)."""
    return "Authorization", f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
