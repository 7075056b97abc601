"""Where a request comes from, and whether that address may call the SA."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tamas.settings import Network

Address = IPv4Address | IPv6Address

UNKNOWN = "unknown"
"""Stands for a client whose proxy does not tell who it is: no list allows it (RFC 7239, section 6.2)."""
MAX_HOPS = 32
"""Hops of ``X-Forwarded-For`` that are looked at, from the right."""
_REMEMBERED = 4096
"""Addresses whose verdict is remembered."""


def parse_address(text: str) -> Address | None:
    """An address as peers and proxies write it: port, brackets and scope are dropped, v4-in-v6 becomes v4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    return any(address.version == network.version and address in network for network in networks)


class ClientAddresses:
    """Tells the client's address: the peer's, or behind trusted proxies the nearest that is not trusted.

    :param trusted: networks whose ``X-Forwarded-For`` is believed.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._plain: dict[str, str] = {}

    def trusts(self, peer: str) -> bool:
        """Whether what this peer says of its clients is believed."""
        address = parse_address(peer)
        return address is not None and within(address, self._trusted)

    def of(self, peer: str, forwarded: bytes | None) -> str:
        """The client's address as text.

        :param peer: address of the connection.
        :param forwarded: value of ``X-Forwarded-For``, several headers joined with commas. Absent or empty,
            the request is the proxy's own.
        :returns: an address, or :data:`UNKNOWN` when a trusted proxy names something that is none.
        """
        if forwarded is None or not self._trusted:
            return self._written(peer)
        address = parse_address(peer)
        if address is None or not within(address, self._trusted):
            return self._written(peer)
        for hop in reversed(forwarded.decode("latin-1").split(",")[-MAX_HOPS:]):
            if not hop.strip():
                continue
            nearer = parse_address(hop)
            if nearer is None:
                return UNKNOWN
            address = nearer
            if not within(address, self._trusted):
                break
        return str(address)

    def _written(self, peer: str) -> str:
        known = self._plain.get(peer)
        if known is None:
            address = parse_address(peer)
            known = peer[:45] if address is None else str(address)
            if len(self._plain) >= _REMEMBERED:
                self._plain.clear()
            self._plain[peer] = known
        return known


class AllowedAddresses:
    """The switch ``sa.allow_all_ips`` and the list ``sa.allowed_ips``.

    :param networks: addresses and networks as text.
    """

    def __init__(self, *, everybody: bool, networks: Iterable[str]) -> None:
        self._everybody = everybody
        self._networks = tuple(ip_network(text, strict=False) for text in networks)
        self._known: dict[str, bool] = {}

    def allow(self, address: str) -> bool:
        """Whether this address may call."""
        if self._everybody:
            return True
        known = self._known.get(address)
        if known is None:
            parsed = parse_address(address)
            known = parsed is not None and within(parsed, self._networks)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[address] = known
        return known
