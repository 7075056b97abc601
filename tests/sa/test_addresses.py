"""Client addresses: parsing, trusted proxies, allowed networks."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamas.sa.addresses import UNKNOWN, AllowedAddresses, ClientAddresses, parse_address


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:80 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
        ("", None),
        ("192.0.2.256", None),
    ],
)
def test_parsing(text: str, parsed: str | None) -> None:
    """Addresses as peers and proxies write them."""
    address = parse_address(text)
    assert (None if address is None else str(address)) == parsed


def test_only_trusted_proxies_are_believed() -> None:
    """The nearest hop that is not trusted is the client; a client's own header changes nothing."""
    addresses = ClientAddresses([ip_network("10.0.0.0/8"), ip_network("::1/128")])
    assert addresses.of("192.0.2.1", b"203.0.113.1") == "192.0.2.1"
    assert addresses.of("10.0.0.1", b"203.0.113.1") == "203.0.113.1"
    assert addresses.of("::1", b"198.51.100.1, 203.0.113.1, 10.9.9.9") == "203.0.113.1"
    assert addresses.of("10.0.0.1", b"10.0.0.2, 10.0.0.3") == "10.0.0.2"
    assert addresses.of("10.0.0.1", b"203.0.113.1, junk, 10.0.0.3") == UNKNOWN
    assert addresses.of("10.0.0.1", b", 203.0.113.1,,") == "203.0.113.1"
    assert addresses.of("10.0.0.1", None) == "10.0.0.1"
    assert addresses.of("::ffff:192.0.2.1", None) == "192.0.2.1"
    assert addresses.of("10.0.0.1", b",".join([b"203.0.113.1"] + [b"10.0.0.1"] * 1000)) == "10.0.0.1"


@given(st.binary(max_size=200))
def test_any_forwarded_header_gives_an_address(header: bytes) -> None:
    """No header raises, and what comes out is an address or the word for none."""
    found = ClientAddresses([ip_network("10.0.0.0/8")]).of("10.0.0.1", header)
    assert found == UNKNOWN or parse_address(found)


@pytest.mark.parametrize("hop", [b"unknown", b"_hidden", b"junk, 127.0.0.1", b"300.1.1.1", b"\xff"])
def test_a_client_that_its_proxy_does_not_name_is_not_the_proxy(hop: bytes) -> None:
    """A proxy on this machine that is trusted lets nobody in whom it cannot name; itself it may call."""
    addresses = ClientAddresses([ip_network("127.0.0.0/8")])
    allowed = AllowedAddresses(everybody=False, networks=["127.0.0.1", "0.0.0.0/0", "::/0"])
    assert not allowed.allow(addresses.of("127.0.0.1", hop))
    for own in (None, b"", b" , "):
        assert allowed.allow(addresses.of("127.0.0.1", own))


def test_allowed_addresses() -> None:
    """A list of addresses and networks, or everybody."""
    listed = AllowedAddresses(everybody=False, networks=["192.0.2.0/24", "2001:db8::/32", "127.0.0.1"])
    for address, allowed in (
        ("192.0.2.77", True),
        ("::ffff:192.0.2.77", True),
        ("2001:db8:1::1", True),
        ("127.0.0.1", True),
        ("127.0.0.2", False),
        ("2001:db9::1", False),
        ("", False),
    ):
        assert listed.allow(address) is allowed
        assert listed.allow(address) is allowed
    assert AllowedAddresses(everybody=True, networks=()).allow("203.0.113.1")
    assert not AllowedAddresses(everybody=False, networks=()).allow("127.0.0.1")
