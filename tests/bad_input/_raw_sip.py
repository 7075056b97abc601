"""A SIP caller that may send any bytes: one UDP socket that says INVITE, CANCEL and ACK."""

from __future__ import annotations

import asyncio
import secrets
import socket
from types import TracebackType

ANSWER_SECONDS = 10.0
RESEND_SECONDS = 1.0

_BODY = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    b"a=inactive\r\n"
)


class RawCaller:
    """Calls from a loopback address; one call at a time."""

    def __init__(self, server: tuple[str, int], *, address: str) -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((address, 0))
        self.port: int = self._socket.getsockname()[1]
        self._host = f"{address}:{self.port}".encode()

    def __enter__(self) -> RawCaller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, datagram: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendto(datagram, self._server)

    async def call(self, dialed: bytes, *, caller: bytes, name: bytes = b"") -> int:
        """Call, cancel when it rings, and return the final status; 0 when nothing came back at all."""
        call_id, branch = secrets.token_hex(8).encode(), secrets.token_hex(8).encode()
        target = b"sip:%s@127.0.0.1:%d" % (dialed, self._server[1])

        def request(method: bytes, to_tag: bytes = b"") -> bytes:
            body = _BODY if method == b"INVITE" else b""
            lines = (
                b"%s %s SIP/2.0" % (method, target),
                b"Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s" % (self._host, branch),
                b"Max-Forwards: 70",
                b"From: %s<sip:%s@%s>;tag=%s"
                % (b'"%s" ' % name if name else b"", caller, self._host, branch),
                b"To: <%s>%s" % (target, to_tag),
                b"Call-ID: %s" % call_id,
                b"CSeq: 1 %s" % method,
                b"Contact: <sip:caller@%s>" % self._host,
                b"Content-Type: application/sdp",
                b"Content-Length: %d" % len(body),
            )
            return b"\r\n".join(lines) + b"\r\n\r\n" + body

        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWER_SECONDS
        provisional = cancelled = False
        while loop.time() < deadline:
            if not provisional:
                self.send(request(b"INVITE"))
            try:
                async with asyncio.timeout(RESEND_SECONDS):
                    answer = await loop.sock_recv(self._socket, 65536)
            except TimeoutError:
                continue
            if call_id not in answer or b"CSeq: 1 INVITE" not in answer or not answer.startswith(b"SIP/2.0 "):
                continue
            provisional, status = True, int(answer[8:11])
            if status >= 200:
                to = next(line for line in answer.split(b"\r\n") if line.startswith(b"To:"))
                self.send(request(b"ACK", to[to.find(b";tag=") :] if b";tag=" in to else b""))
                return status
            if status >= 180 and not cancelled:
                cancelled = True
                self.send(request(b"CANCEL"))
        return 0
