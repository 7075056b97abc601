"""Reading SIP messages that pass by."""

from __future__ import annotations

import pytest

from tamas.demo.sip_message import SipAddress, parse_address, parse_message

INVITE = (
    b"INVITE sip:202@127.0.0.1:5062 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK1\r\n"
    b'From: "\xd8\xb9\xd9\x84\xdb\x8c" <sip:0912@127.0.0.1>;tag=abc\r\n'
    b"To: <sip:202@127.0.0.1:5062>\r\n"
    b"Contact: <sip:asterisk@127.0.0.1:5060>\r\n"
    b"Call-ID: one\r\nCSeq: 7 INVITE\r\n"
    b"Subject: folded\r\n line\r\n"
    b"\r\n"
    b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 14000 RTP/AVP 0 101\r\n"
)


def test_a_request() -> None:
    """Request line, compact and folded headers, caller id in Persian, and where audio is wanted."""
    message = parse_message(INVITE)
    assert message is not None
    assert (message.method, message.status, message.uri) == ("INVITE", 0, "sip:202@127.0.0.1:5062")
    assert message.header("Via").startswith("SIP/2.0/UDP")
    assert message.header("subject") == "folded line"
    assert message.sender == SipAddress(display_name="علی", user="0912", tag="abc")
    assert message.receiver.tag == ""
    assert message.target == "sip:asterisk@127.0.0.1:5060"
    assert message.audio == ("127.0.0.1", 14000)


def test_a_response() -> None:
    """A response belongs to the method in its CSeq."""
    message = parse_message(b"SIP/2.0 486 Busy Here\r\nCall-ID: one\r\nCSeq: 2 INVITE\r\n\r\n")
    assert message is not None
    assert (message.method, message.status, message.call_id) == ("INVITE", 486, "one")
    assert message.audio is None


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\x00\x01", b"SIP/2.0 huh what\r\n\r\n"])
def test_what_is_no_message(data: bytes) -> None:
    """Keep-alives and noise are no messages."""
    assert parse_message(data) is None


@pytest.mark.parametrize(
    ("value", "name", "user"),
    [
        ("<sip:1001@host>;tag=1", "", "1001"),
        ("sip:1001@host;tag=1", "", "1001"),
        ("Sales Team <sip:1001;x=y@host>;tag=1", "Sales Team", "1001"),
        (r'"a \"b\" <c>" <sips:1001@host:5061;transport=tls>;tag=1', 'a "b" <c>', "1001"),
    ],
)
def test_addresses(value: str, name: str, user: str) -> None:
    """Every way to write a From header."""
    assert parse_address(value) == SipAddress(display_name=name, user=user, tag="1")
