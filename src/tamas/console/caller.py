"""From where and how a request came: the client's address, the origin by which it reached us, its headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from tamas.sa.addresses import ClientAddresses
from tamas.settings import Network

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,255})(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_OWN_SITE = ("", "same-origin", "none")
"""Values of ``Sec-Fetch-Site`` for what one of our own pages, or the person, asked for. Older browsers send
none. W3C Fetch Metadata, section 2.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where one request came from."""

    address: str
    """Of the client, behind trusted proxies."""
    secure: bool
    """Whether the browser speaks HTTPS, to us or to a trusted proxy."""
    host: str
    """By which the browser reached us, with its port unless that is the scheme's own; ``""``: malformed."""
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def host_name(self) -> str:
        """The host without port and brackets."""
        found = _HOST.fullmatch(self.host)
        return "" if found is None else found[1].strip("[]")

    @property
    def origin(self) -> str:
        """Our own origin as this browser writes it (RFC 6454, section 6.2)."""
        return f"{'https' if self.secure else 'http'}://{self.host}"

    @property
    def from_elsewhere(self) -> bool:
        """Whether a page of another site had the browser make this request."""
        origin = self.headers.get("origin")
        if origin is not None and origin.lower() != self.origin.lower():
            return True
        return self.headers.get("sec-fetch-site", "") not in _OWN_SITE


class Callers:
    """Tells the caller of a request.

    :param trusted: networks whose ``X-Forwarded-For``, ``-Proto`` and ``-Host`` are believed.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._addresses = ClientAddresses(trusted)

    def of(self, scope: MutableMapping[str, Any]) -> Caller:
        """The caller of an ASGI scope, HTTP or WebSocket."""
        headers = _joined(scope["headers"])
        client = scope.get("client")
        peer = client[0] if client else ""
        forwarded = headers.get("x-forwarded-for")
        secure = scope.get("scheme") in ("https", "wss")
        host = headers.get("host", "")
        if self._addresses.trusts(peer):
            secure = _nearest(headers, "x-forwarded-proto", "https" if secure else "http").lower() == "https"
            host = _nearest(headers, "x-forwarded-host", host)
        return Caller(
            address=self._addresses.of(peer, None if forwarded is None else forwarded.encode("latin-1")),
            secure=secure,
            host=_plain(host, "https" if secure else "http"),
            headers=headers,
        )


def _joined(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name; of a repeated one the values in their order (RFC 9110, section 5.3; RFC 6265bis)."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1").strip()
        before = headers.get(key)
        headers[key] = text if before is None else f"{before}{'; ' if key == 'cookie' else ', '}{text}"
    return headers


def _nearest(headers: Mapping[str, str], name: str, otherwise: str) -> str:
    """What the proxy next to us says; proxies farther away write before it."""
    return headers.get(name, "").rpartition(",")[2].strip() or otherwise


def _plain(host: str, scheme: str) -> str:
    return host.removesuffix(_DEFAULT_PORTS[scheme]) if _HOST.fullmatch(host) else ""
