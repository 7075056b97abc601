"""A small SIP phone (RFC 3261 over UDP, no registration, no audio) for calls whose records are looked at."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

HOST = "127.0.0.1"


@dataclass(kw_only=True)
class Dialog:
    """One call as this phone sees it."""

    call_id: str
    local: str
    remote: str
    target: str
    invite: list[str] = field(default_factory=list)
    branch: str = ""
    cseq: int = 1
    state: str = "calling"
    """calling, ringing, up, ended"""
    status: int = 0
    referred: int = 0


class Phone(asyncio.DatagramProtocol):
    """Rings and answers as told by ``behaviour``: ``answer``, ``ring`` or a SIP status such as ``486``."""

    def __init__(
        self, number: str, server_port: int, *, behaviour: str = "answer", after: float = 0.0
    ) -> None:
        self.number = number
        self.server = (HOST, server_port)
        self.behaviour = behaviour
        self.after = after
        self.dialogs: dict[str, Dialog] = {}
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._timers: list[asyncio.TimerHandle] = []

    async def open(self, port: int = 0) -> Phone:
        """Take a port; ``0`` takes any."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, port))
        return self

    def close(self) -> None:
        """Vanish: nothing is answered any more."""
        for timer in self._timers:
            timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop has its own class
        self.port = transport.get_extra_info("sockname")[1]

    # -- what the user does ---------------------------------------------------------------------------------

    def call(self, number: str) -> Dialog:
        """Dial a number."""
        uri = f"sip:{number}@{HOST}:{self.server[1]}"
        dialog = Dialog(
            call_id=secrets.token_hex(8),
            local=f'"Phone {self.number}" <sip:{self.number}@{HOST}>;tag={secrets.token_hex(4)}',
            remote=f"<{uri}>",
            target=uri,
            branch="z9hG4bK" + secrets.token_hex(6),
        )
        self.dialogs[dialog.call_id] = dialog
        self._request(dialog, "INVITE", body=self._sdp(), branch=dialog.branch)
        return dialog

    def cancel(self, dialog: Dialog) -> None:
        """Give up before the answer."""
        self._request(dialog, "CANCEL", branch=dialog.branch, cseq=1)

    def hang_up(self, dialog: Dialog) -> None:
        """End an answered call."""
        dialog.state = "ended"
        self._request(dialog, "BYE")

    def transfer(self, dialog: Dialog, number: str, replaces: Dialog | None = None) -> None:
        """Send the other party to a number (blind), or to the party of another call (attended)."""
        target = f"sip:{number}@{HOST}:{self.server[1]}"
        if replaces is not None:
            tags = [side.partition("tag=")[2] for side in (replaces.remote, replaces.local)]
            target += "?Replaces=" + quote(f"{replaces.call_id};to-tag={tags[0]};from-tag={tags[1]}", safe="")
        self._request(dialog, "REFER", f"Refer-To: <{target}>", f"Referred-By: <sip:{self.number}@{HOST}>")

    def answer(self, dialog: Dialog) -> None:
        """Lift the receiver of a ringing call."""
        if dialog.state == "ringing":
            dialog.state = "up"
            self._respond(dialog.invite, 200, dialog, body=self._sdp())

    # -- the wire -------------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, address: tuple[str | Any, int]) -> None:
        head = data.decode().partition("\r\n\r\n")[0].split("\r\n")
        dialog = self.dialogs.get(_header(head, "Call-ID"))
        if head[0].startswith("SIP/2.0"):
            if dialog is not None:
                self._on_response(head, dialog)
            return
        method = head[0].split()[0]
        if method == "INVITE":
            if dialog is None:
                self._on_call(head)
            elif dialog.state == "up":
                self._respond(head, 200, dialog, body=self._sdp())
        elif method == "CANCEL" and dialog is not None:
            self._respond(head, 200, dialog)
            if dialog.state == "ringing":
                self._respond(dialog.invite, 487, dialog)
                dialog.state = "ended"
        elif method != "ACK":
            self._respond(head, 200, dialog)
            if method == "BYE" and dialog is not None:
                dialog.state = "ended"

    def _on_call(self, head: list[str]) -> None:
        dialog = Dialog(
            call_id=_header(head, "Call-ID"),
            local=_header(head, "To") + ";tag=" + secrets.token_hex(4),
            remote=_header(head, "From"),
            target=_header(head, "Contact").strip("<>"),
            invite=head,
            state="ringing",
        )
        self.dialogs[dialog.call_id] = dialog
        if self.behaviour.isdigit():
            self._respond(head, int(self.behaviour), dialog)
            dialog.state = "ended"
            return
        self._respond(head, 180, dialog)
        if self.behaviour == "answer":
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(self.after, self.answer, dialog))

    def _on_response(self, head: list[str], dialog: Dialog) -> None:
        status = int(head[0].split()[1])
        method = _header(head, "CSeq").split()[1]
        if method == "REFER":
            dialog.referred = status
        if method != "INVITE":
            return
        dialog.status = status
        if status >= 180:
            dialog.remote = _header(head, "To")
        if status < 200:
            return
        if status < 300:
            dialog.target = _header(head, "Contact").strip("<>")
            if dialog.state != "ended":
                dialog.state = "up"
            self._request(dialog, "ACK", cseq=int(_header(head, "CSeq").split()[0]))
        else:
            self._request(dialog, "ACK", branch=dialog.branch, cseq=1)
            dialog.state = "ended"

    def _request(
        self, dialog: Dialog, method: str, *headers: str, body: str = "", branch: str = "", cseq: int = 0
    ) -> None:
        if not cseq and method != "INVITE":
            dialog.cseq += 1
        lines = [
            f"{method} {dialog.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self.port};branch={branch or 'z9hG4bK' + secrets.token_hex(6)};rport",
            "Max-Forwards: 70",
            f"From: {dialog.local}",
            f"To: {dialog.remote}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {cseq or dialog.cseq} {method}",
            f"Contact: <sip:{self.number}@{HOST}:{self.port}>",
            *headers,
        ]
        self._send(lines, body)

    def _respond(self, request: list[str], status: int, dialog: Dialog | None, body: str = "") -> None:
        lines = [f"SIP/2.0 {status} Status"]
        lines += [line for line in request if line.lower().startswith(("via:", "from:", "call-id:", "cseq:"))]
        to = _header(request, "To")
        lines.append("To: " + (dialog.local if dialog is not None and "tag=" not in to else to))
        lines.append(f"Contact: <sip:{self.number}@{HOST}:{self.port}>")
        self._send(lines, body)

    def _send(self, lines: list[str], body: str) -> None:
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self.server)

    def _sdp(self) -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {20000 + self.port % 20000} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )


def _header(head: list[str], name: str) -> str:
    start = name.lower() + ":"
    return next((line.partition(":")[2].strip() for line in head if line.lower().startswith(start)), "")
