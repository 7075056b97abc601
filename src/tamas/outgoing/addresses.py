"""Where web services and receivers may be: the form of their addresses, the machines that are connected to.

A name is looked up once for each connection, and what is connected to is the very address that was checked:
a name that answers differently the next time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

import httpcore
import httpx

MAX_LENGTH: Final = 2_000
"""Characters of an address."""

_SCHEMES: Final = ("http", "https")


class AddressRefused(OSError):
    """A name leads only to machines that may not be connected to."""


def address_problem(text: str) -> str | None:
    """What is wrong with the address of a web service; ``None``: it can be used."""
    if not text:
        return "an address is missing"
    if len(text) > MAX_LENGTH:
        return f"an address has at most {MAX_LENGTH} characters"
    if any(character.isspace() or not character.isprintable() for character in text):
        return "an address has no spaces or control characters"
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return "that is no address"
    if url.scheme not in _SCHEMES:
        return "an address begins with http:// or https://"
    if not url.host:
        return "the address names no host"
    if url.port is not None and not 0 < url.port < 65_536:
        return "the port is from 1 to 65535"
    if url.userinfo:
        return "user name and password belong into the settings, not into the address"
    return None


def is_plainly_internal(text: str) -> bool:
    """Whether an address that can be used leads, as it stands, to no machine of the public internet."""
    host = httpx.URL(text).host
    if host == "localhost":
        return True
    try:
        return not may_connect(ip_address(host), internal=False)
    except ValueError:
        return False


def may_connect(address: IPv4Address | IPv6Address, *, internal: bool) -> bool:
    """Whether a web service may be at an address.

    Never at one that is link-local (there clouds hand out their secrets), multicast or unspecified; at one
    that is not of the public internet only when ``internal`` ones are allowed.
    """
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        return False
    return internal or plain.is_global


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that may be connected to."""

    def __init__(self, lookups: ThreadPoolExecutor, *, internal: bool) -> None:
        """
        :param lookups: looks names up.
        :param internal: whether addresses may be connected to that are not of the public internet.
        """
        self._internal = internal
        self._lookups = lookups
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that lets us.

        :raises AddressRefused: it has none that may be connected to.
        """
        found = await self._addresses(host)
        allowed = [address for address in found if may_connect(address, internal=self._internal)]
        if not allowed:
            raise AddressRefused(f"{host} is a machine that may not be connected to")
        for address in allowed[:-1]:
            try:
                return _Stream(
                    await self._network.connect_tcp(
                        str(address), port, (timeout or 1.0) / len(allowed), local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return _Stream(
            await self._network.connect_tcp(str(allowed[-1]), port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str) -> list[IPv4Address | IPv6Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._lookups, _look_up, host)
        except OSError as error:
            raise httpcore.ConnectError(f"there is no host {host}") from error
        # Most machines without IPv6 still know its addresses.
        return sorted(found, key=lambda address: address.version)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is given up, which httpcore 1.0 leaves open."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _look_up(host: str) -> list[IPv4Address | IPv6Address]:
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers)
    return [ip_address(text) for text in texts]
