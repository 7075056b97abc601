"""Reading SIP messages that pass by, just enough to tell what a phone experienced (RFC 3261, section 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_ADDRESS = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^<"]*))\s*<(?P<uri>[^>]*)>')
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True, kw_only=True)
class SipAddress:
    """A From or To header."""

    display_name: str
    """Empty when there is none."""
    user: str
    """What stands before the ``@``."""
    tag: str


@dataclass(frozen=True, kw_only=True)
class SipMessage:
    """One request or response."""

    method: str
    """Of the request, or of the request that a response answers."""
    status: int
    """Of a response; 0 for a request."""
    uri: str
    """Of a request; empty for a response."""
    lines: tuple[tuple[str, str], ...] = field(repr=False)
    """Header names as sent, and values."""
    body: str = field(repr=False)

    def header(self, name: str) -> str:
        """The first header of that name, empty when there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """Every header of that name."""
        wanted = name.lower()
        return [value for key, value in self.lines if _COMPACT.get(key.lower(), key.lower()) == wanted]

    @property
    def call_id(self) -> str:
        return self.header("Call-ID")

    @property
    def sender(self) -> SipAddress:
        """Whoever began the transaction: the From header."""
        return parse_address(self.header("From"))

    @property
    def receiver(self) -> SipAddress:
        """The To header."""
        return parse_address(self.header("To"))

    @property
    def target(self) -> str:
        """URI of the Contact header, empty when there is none."""
        match = re.search(r"<([^>]*)>", self.header("Contact"))
        return match[1] if match else self.header("Contact").partition(";")[0]

    @property
    def audio(self) -> tuple[str, int] | None:
        """Address and port of the audio stream in the SDP body (RFC 8866), None when there is none."""
        address = re.search(r"^c=IN IP4 (\S+)", self.body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", self.body, re.MULTILINE)
        return (address[1], int(port[1])) if address and port else None


def parse_message(data: bytes) -> SipMessage | None:
    """Read a datagram; None when it is no SIP message (a keep-alive, say)."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    first, *rest = head.split("\n")
    words = first.split(" ", 2)
    if len(words) < 3:
        return None
    lines: list[tuple[str, str]] = []
    for line in rest:
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        else:
            name, _, value = line.partition(":")
            lines.append((name.strip(), value.strip()))
    if words[0] != "SIP/2.0":
        return SipMessage(method=words[0], status=0, uri=words[1], lines=tuple(lines), body=body)
    if not words[1].isdigit():
        return None
    answered = SipMessage(method="", status=int(words[1]), uri="", lines=tuple(lines), body=body)
    method = answered.header("CSeq").split(" ")[-1]
    return SipMessage(method=method, status=answered.status, uri="", lines=answered.lines, body=body)


def parse_address(value: str) -> SipAddress:
    """Read a From or To header's value."""
    match = _ADDRESS.match(value)
    if match is None:
        uri, rest, name = value.partition(";")[0].strip(), value, ""
    else:
        quoted = match["quoted"]
        name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match["plain"].strip()
        uri, rest = match["uri"], value[match.end() :]
    user = re.sub(r"^sips?:", "", uri).rpartition("@")[0].partition(";")[0]
    tag = re.search(r";tag=([^;\s]+)", rest)
    return SipAddress(display_name=name, user=user, tag=tag[1] if tag else "")
